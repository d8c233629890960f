"""Documents into passages: small enough to be an answer, whole enough to be understood.

Takes a Document from the loaders; gives safe HTML, plain text and passages to the embedder and the analysers.
Pure: the same document always gives the same passages, and `CUTTER_VERSION` is part of the snapshot's fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from math import ceil

from indexer.blocks import outline
from indexer.render import render
from indexer.sentences import sentences
from kbsearch.types import CutDocument, Document, Passage

CUTTER_VERSION = "3"
"""Raise it by hand whenever any document could give other passages; the update command then cuts everything anew."""

MIN_WORDS = 80
"""A passage with fewer goes on into the next block: an answer needs its context."""
MAX_WORDS = 300
"""A minute's reading. Passages of 120 words lost up to two points of recall@1 by words (title → body, lv, lt, en),
because the words of a question stand all over an article; whole articles drown the sentence that answers."""
MAX_CHARS = 2300
"""The same bound for long-worded languages and for scripts without spaces."""
TAIL_WORDS = 20
"""A last passage shorter than this joins the one before it, which may then be longer than `MAX_WORDS` by as much."""
TAIL_CHARS = 150
"""The same in characters: no passage is longer than `MAX_CHARS + TAIL_CHARS`."""


def cut(document: Document) -> CutDocument:
    """Return the document with safe HTML, plain text and passages."""
    html = render(document.body, document.format, document.url, document.title)
    found = outline(html, document.title)
    passages = [
        Passage(text, headings)
        for (_, headings), blocks in groupby(found.blocks, key=lambda block: (block.section, block.headings))
        for text in _passages([block.text for block in blocks])
    ]
    if not passages and document.title:  # a body of images, say: the title must be found all the same
        passages = [Passage(document.title)]
    return CutDocument(document, html, "\n".join(found.lines), tuple(passages))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block, a sentence, or as much of an endless sentence as a passage holds."""

    text: str
    glue: str
    """What joins it to the piece before: a space inside a line, a line break between lines and blocks."""
    words: int


class _Run:
    """A passage that is being put together."""

    def __init__(self) -> None:
        self.pieces: list[_Piece] = []
        self.words = 0
        self.chars = 0

    def takes(self, piece: _Piece) -> bool:
        """Whether there is still room for `piece`."""
        return self.words + piece.words <= MAX_WORDS and self.chars + len(piece.text) + 1 <= MAX_CHARS

    def is_tail(self) -> bool:
        """Whether this is too small to stand alone; the passage before it bears it, however long it is."""
        return self.words < TAIL_WORDS and self.chars <= TAIL_CHARS

    def add(self, piece: _Piece) -> None:
        self.pieces.append(piece)
        self.words += piece.words
        self.chars += len(piece.text) + 1

    def text(self) -> str:
        return "".join(piece.glue + piece.text for piece in self.pieces).strip()


def _passages(texts: list[str]) -> Iterable[str]:
    """The passages of one section: most have one."""
    if sum(map(len, texts)) + len(texts) <= MAX_CHARS and sum(len(text.split()) for text in texts) <= MAX_WORDS:
        return ["\n".join(texts).strip()]
    return _pack(texts)


def _pack(texts: list[str]) -> Iterator[str]:
    """Passages about equally long, split between blocks where possible."""
    blocks = [_Piece(text, "\n", len(text.split())) for text in texts]
    words = sum(block.words for block in blocks)
    parts = max(ceil(words / MAX_WORDS), ceil(sum(len(text) + 1 for text in texts) / MAX_CHARS))
    goal = max(words / parts, MIN_WORDS)  # 130 words make 65 + 65, not 120 + 10
    done, run = [], _Run()
    for block in blocks:
        if run.takes(block):
            pieces = [block]
        elif run.words >= MIN_WORDS and _Run().takes(block):
            done.append(run)
            run, pieces = _Run(), [block]
        else:
            pieces = list(_split(block.text))
        for piece in pieces:
            if not run.takes(piece) or run.words >= goal:
                done.append(run)
                run = _Run()
            run.add(piece)
        if run.words >= goal:
            done.append(run)
            run = _Run()
    if run.pieces and done and run.is_tail():
        for piece in run.pieces:
            done[-1].add(piece)
    elif run.pieces:
        done.append(run)
    return (run.text() for run in done)


def _split(text: str) -> Iterator[_Piece]:
    """The sentences of a block; one that no passage holds is split between words, or inside an endless word."""
    for line in text.split("\n"):
        glue = "\n"
        for sentence in sentences(line):
            for piece in _in_bounds(sentence):
                yield _Piece(piece, glue, len(piece.split()))
                glue = " "


def _in_bounds(sentence: str) -> Iterator[str]:
    words = sentence.split()
    if len(words) <= MAX_WORDS and len(sentence) < MAX_CHARS:
        yield sentence
        return
    held: list[str] = []
    for word in words:
        for part in [word[at : at + MAX_CHARS - 1] for at in range(0, len(word), MAX_CHARS - 1)]:
            if held and (len(held) == MAX_WORDS or sum(map(len, held)) + len(held) + len(part) >= MAX_CHARS):
                yield " ".join(held)
                held = []
            held.append(part)
    yield " ".join(held)
