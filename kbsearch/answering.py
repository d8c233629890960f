"""The sentences or steps of an article that answer a question. Pure.

Takes the article's passages with the places of the query's words, gives a piece of one passage. The sentence that
holds most of what was asked is found, then what stands around it is added while there is room: an answer often follows
the sentence that names the question. Who asks for a code is shown its row of a table and no other. The beginning of the
article, the most words and meaning (vectors of sentences, of passages) answer less often: benchmarks/answers.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

# Four lines of a phone.
ANSWER_LENGTH = 320
# A word of the heading says what stands below it; one of the title says little of where in the article to look.
HEADING_SHARE = 0.5
TITLE_SHARE = 0.6
# "How long", "how much", "when", in any language: answers hold figures more often than other sentences do.
FIGURE_BONUS = 0.1

# A full stop after a figure ends no sentence: "1. Press", "15.00".
_END = re.compile(r'(?<=[^\W\d_][.!?…])["”“»)]*[ ]+(?=[^\s\da-zа-я])|\n')
_STEP = re.compile(r"(?:\d+[.)]|\[\d\d:\d\d\]) ")
_LINE = re.compile(r".+")
_LATER_STEP = re.compile(r"(?:[2-9]|\d\d+)[.)] ")
_ITEM = re.compile(r"(?:\d+[.)]|-) ")
# "Code: E21; Meaning: Sensor dirty", "E21: Sensor dirty"
_ROW = re.compile(r"(?:[^:;\n]+: [^;\n]+;|[^:;\s]+:) ")
# "Paid with: Money back within", "Card: 5 days"
_PAIR = re.compile(r"[^:;.?!]+: [^;]+$")
_FIGURE = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class AskedPassage:
    """A passage, and where the query's words stand in it."""

    text: str
    in_heading: frozenset[int]
    """Numbers of the query's words that its headings hold."""
    places: Sequence[tuple[int, int, int]]
    """Start, end and number of each word that the query asks for, in the order of the text."""


class Asked(NamedTuple):
    """An article as `find_answer` takes it."""

    passages: Sequence[AskedPassage]
    weights: Sequence[float]
    """How much each word of the query says."""
    in_title: frozenset[int]
    """Numbers of the query's words that the article's title holds."""
    codes: frozenset[int]
    """Numbers of the query's words that are codes."""


def find_answer(asked: Asked, length: int = ANSWER_LENGTH) -> tuple[int, int, int]:
    """The passage (its place in `asked.passages`) and half-open range of the answer.

    It has at most `length` characters, or is one sentence. Of equally good sentences the first one wins.
    """
    passages, weights, in_title, codes = asked
    worth = [weight * (TITLE_SHARE if word in in_title else 1.0) for word, weight in enumerate(weights)]
    total = sum(weights) or 1.0
    best, answer = -1.0, (0, 0)
    for number, passage in enumerate(passages):
        sentences = sentences_of(passage.text)
        by_heading = HEADING_SHARE * sum(worth[word] for word in passage.in_heading)
        held: list[set[int]] = [set() for _ in sentences]
        current = 0
        for start, _, word in passage.places:
            while start >= sentences[current][1] and current + 1 < len(sentences):
                current += 1
            held[current].add(word)
        for place, (start, end) in enumerate(sentences):
            found = sum(worth[word] * (1 - HEADING_SHARE * (word in passage.in_heading)) for word in held[place])
            score = (by_heading + found) / total
            if score + FIGURE_BONUS > best:
                step = _STEP.match(passage.text, start, end)
                if _FIGURE.search(passage.text, step.end() if step else start, end):
                    score += FIGURE_BONUS
                if score > best:
                    best, answer = score, (number, place)
    number, place = answer
    passage = passages[number]
    sentences = sentences_of(passage.text)
    row = _row_with(codes, passage, *sentences[place])
    if row and row[1] - row[0] <= length:
        return number, *row
    return number, *grown(passage.text, sentences, place, length)


def sentences_of(text: str) -> list[tuple[int, int]]:
    """Half-open ranges of the sentences and lines of a text; at least one."""
    ranges, start = [], 0
    for end in _END.finditer(text):
        if end.start() > start:
            ranges.append((start, end.start()))
        start = end.end()
    if start < len(text) or not ranges:
        ranges.append((start, len(text)))
    return ranges


def grown(text: str, sentences: Sequence[tuple[int, int]], place: int, length: int) -> tuple[int, int]:
    """The range of a sentence with what fits into the length: its line, list or table from the beginning, then the
    sentences after it, then those before it."""

    def fits(first: int, last: int) -> bool:
        return sentences[last][1] - sentences[first][0] <= length

    first = last = place
    beginnings = _beginnings(text)
    for starts in beginnings:
        nearest = next((number for number in range(first, -1, -1) if sentences[number][0] in starts), first)
        first = nearest if fits(nearest, place) else first
    while last + 1 < len(sentences) and fits(first, last + 1):
        last += 1
    # What it announces, or asks, does not follow.
    while last > place and text[sentences[last][1] - 1] in ":?":
        last -= 1
    openings = set.intersection(*beginnings)
    before = (n for n in range(first) if fits(n, last) and _may_begin(text, sentences[n][0], openings))
    return sentences[next(before, first)][0], sentences[last][1]


def _beginnings(text: str) -> tuple[set[int], set[int], set[int]]:
    """Where lines start; those of them that carry on no list or table; those that the line before does not announce."""
    lines = {line.start(): line[0] for line in _LINE.finditer(text)}
    before = dict(zip(lines, ["", *lines.values()], strict=False))
    rows = {start for start, line in lines.items() if _PAIR.match(before[start]) and _PAIR.match(line)}
    steps = {start for start, line in lines.items() if _LATER_STEP.match(line)}
    announced = {start for start in lines if before[start].endswith(":")}
    return set(lines), lines.keys() - rows - steps, lines.keys() - announced


def _may_begin(text: str, start: int, openings: Set[int]) -> bool:
    """Whether an answer may begin with the sentence that starts here: anywhere but within a list."""
    line = text.rfind("\n", 0, start) + 1
    return line in openings and (start == line or not _ITEM.match(text, line))


def _row_with(codes: frozenset[int], passage: AskedPassage, start: int, end: int) -> tuple[int, int] | None:
    """The row of a table around a sentence, where it holds one of the codes."""
    first = passage.text.rfind("\n", 0, start) + 1
    last = f"{passage.text}\n".index("\n", end)
    is_asked = any(first <= at < last and word in codes for at, _, word in passage.places)
    return (first, last) if is_asked and _ROW.match(passage.text, first) else None
