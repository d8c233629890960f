"""The sentences or steps of an article that answer a question. Pure.

Takes the article's passages with the places of the query's words, gives a piece of them. The sentence that holds most
of what was asked is found, then what stands around it is added while there is room: an answer often follows the
sentence that names the question. Who asks for a code is shown its row of a table and no other. The beginning of the
article, the most words and meaning (vectors of sentences, of passages) answer less often: benchmarks/answers.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

# Four lines of a phone.
ANSWER_LENGTH = 320
# A word of the heading says what stands below it; one of the title says little of where in the article to look.
HEADING_SHARE = 0.7
TITLE_SHARE = 0.6

# A full stop after a figure ends no sentence: "1. Press", "15.00".
_END = re.compile(r'(?<=[^\W\d_][.!?…])["”“»)]*[ ]+(?=[^\s\da-zа-я])|\n')
_LINE = re.compile(r".+")
_LATER_STEP = re.compile(r"(?:[2-9]|\d\d+)[.)] ")
_BULLET = re.compile(r"- ")
# "Code: E21; Meaning: Sensor dirty", "E21: Sensor dirty"
_ROW = re.compile(r"(?:[^:;\n]+: [^;\n]+;|[^:;\s]+:) ")
# "Paid with: Money back within", "Card: 5 days"
_PAIR = re.compile(r"[^:;.?!]+: [^;]+$")


@dataclass(frozen=True, slots=True)
class AskedPassage:
    """A passage, and where the query's words stand in it."""

    number: int
    """Its own, in the snapshot."""
    text: str
    headings: tuple[str, ...]
    """Outermost first."""
    in_heading: frozenset[int]
    """Numbers of the query's words that its headings hold."""
    places: Sequence[tuple[int, int, int]]
    """Start, end and number of each word that the query asks for, in the order of the text."""


class Asked(NamedTuple):
    """An article as `best_place` takes it."""

    passages: Sequence[AskedPassage]
    weights: Sequence[float]
    """How much each word of the query says."""
    in_title: frozenset[int]
    """Numbers of the query's words that the article's title holds."""
    codes: frozenset[int]
    """Numbers of the query's words that are codes."""
    is_post: bool = False
    """It is one post of a thread: who wrote it answered in its first sentences."""


class Place(NamedTuple):
    """A sentence of an article: the number of its passage, and its own in that."""

    passage: int
    sentence: int
    share: float
    """How much of what was asked it holds, with the headings above it; 0..1."""


class Piece(NamedTuple):
    """What is shown of an article."""

    text: str
    marked: Sequence[tuple[int, int]]
    """Half-open ranges of the words that the query asks for."""


def best_place(asked: Asked) -> Place:
    """The sentence that holds most of what was asked, of equally good ones the first.

    The beginning where no sentence holds any of it, and of a post.
    """
    passages, weights, in_title, codes, is_post = asked
    worth = [weight * (TITLE_SHARE if word in in_title else 1.0) for word, weight in enumerate(weights)]
    total = sum(weights) or 1.0
    best = Place(0, 0, 0.0)
    for number, passage in enumerate(passages):
        for sentence, held in enumerate(_held(passage)):
            share = sum(worth[word] for word in held)
            # One word of a heading ("How long it takes") does not say that all below it speaks of what was asked.
            if len(passage.in_heading) > 1 or held - in_title:
                share += HEADING_SHARE * sum(worth[word] for word in passage.in_heading - held)
            if share / total > best.share:
                best = Place(number, sentence, share / total)
    return best._replace(passage=0, sentence=0) if is_post and not codes else best


def cut_out(asked: Asked, place: Place, length: int = ANSWER_LENGTH) -> Piece:
    """The sentence with what stands around it: at most `length` characters, or one sentence.

    Where that is a whole passage and leaves room, what stands below it follows, with its headings: the opening of an
    article often only announces its sections.
    """
    passage = asked.passages[place.passage]
    sentences = sentences_of(passage.text)
    row = _row_with(asked.codes, passage, *sentences[place.sentence])
    if row and row[1] - row[0] <= length:
        return _piece(passage, *row)
    start, end = grown(passage.text, sentences, place.sentence, length)
    piece = _piece(passage, start, end)
    path = passage.headings
    for following in asked.passages[place.passage + 1 :]:
        if (start, end) != (0, len(passage.text)) or following.headings[: len(path)] != path:
            break
        above = "\n".join(("", *(name for name in following.headings if name not in passage.headings), ""))
        room = length - len(piece.text) - len(above)
        passage = following
        start, end = grown(passage.text, sentences_of(passage.text), 0, room)
        if end > room:
            break
        piece = _joined(piece, above, _piece(passage, start, end))
    return piece


# The same passages answer over and over.
@lru_cache(maxsize=4096)
def sentences_of(text: str) -> tuple[tuple[int, int], ...]:
    """Half-open ranges of the sentences and lines of a text; at least one."""
    ranges, start = [], 0
    for end in _END.finditer(text):
        if end.start() > start:
            ranges.append((start, end.start()))
        start = end.end()
    if start < len(text) or not ranges:
        ranges.append((start, len(text)))
    return tuple(ranges)


def grown(text: str, sentences: Sequence[tuple[int, int]], place: int, length: int) -> tuple[int, int]:
    """The range of a sentence with what fits into the length: its line, the lines that this goes on from, then the
    sentences after it, then those before it from where something begins."""

    def fits(first: int, last: int) -> bool:
        return sentences[last][1] - sentences[first][0] <= length

    lines = _lines(text)
    first = last = place
    for first in (n for n in range(place, -1, -1) if sentences[n][0] in lines and fits(n, place)):
        if not lines[sentences[first][0]]:
            break
    while last + 1 < len(sentences) and fits(first, last + 1):
        last += 1
    # What it announces, or asks, does not follow.
    while last > place and text[sentences[last][1] - 1] in ":?":
        last -= 1
    before = (n for n in range(first) if lines.get(sentences[n][0]) is False and fits(n, last))
    return sentences[next(before, first)][0], sentences[last][1]


def _lines(text: str) -> dict[int, bool]:
    """Where lines start; whether each goes on with a list or a table, or with what the line before announces."""
    goes_on, before = {}, ""
    for line in _LINE.finditer(text):
        same = (kind.match(before) and kind.match(line[0]) for kind in (_BULLET, _ROW, _PAIR))
        goes_on[line.start()] = before.endswith(":") or bool(_LATER_STEP.match(line[0])) or any(same)
        before = line[0]
    return goes_on


def _held(passage: AskedPassage) -> list[set[int]]:
    """Numbers of the query's words that each sentence holds."""
    sentences = sentences_of(passage.text)
    held: list[set[int]] = [set() for _ in sentences]
    current = 0
    for start, _, word in passage.places:
        while start >= sentences[current][1] and current + 1 < len(sentences):
            current += 1
        held[current].add(word)
    return held


def _row_with(codes: frozenset[int], passage: AskedPassage, start: int, end: int) -> tuple[int, int] | None:
    """The row of a table around a sentence, where it holds one of the codes."""
    first = passage.text.rfind("\n", 0, start) + 1
    last = f"{passage.text}\n".index("\n", end)
    is_asked = any(first <= at < last and word in codes for at, _, word in passage.places)
    return (first, last) if is_asked and _ROW.match(passage.text, first) else None


def _piece(passage: AskedPassage, start: int, end: int) -> Piece:
    marked = ((a - start, b - start) for a, b, _ in passage.places if start <= a and b <= end)
    return Piece(passage.text[start:end], tuple(marked))


def _joined(piece: Piece, between: str, more: Piece) -> Piece:
    shift = len(piece.text) + len(between)
    return Piece(piece.text + between + more.text, (*piece.marked, *((a + shift, b + shift) for a, b in more.marked)))
