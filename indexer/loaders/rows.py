"""Rows of CSV and their lines; what a stray quote takes in is read again. Used by `csv_file` and `editing`."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from indexer.loaders.lines import MAX_LINE
from kbsearch.amounts import amount

READ_AGAIN = 1_000_000
"""Lines of one file; a file of nothing but stray quotes would else take time by the square of its length."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it starts on, over how many lines it goes, and its cells, or what is wrong with it."""

    line: int
    lines: int
    cells: list[str]
    fault: str = ""

    def too_wide(self, columns: Sequence[str]) -> str:
        """What to say of a row with more cells than there are columns."""
        where = f" in {self.lines} lines" if self.lines > 1 else ""
        return (
            f"{len(self.cells)} cells under {len(columns)} columns{where}; put cells that hold the delimiter in quotes"
        )


def read_rows(lines: Iterable[str], delimiter: str, first: int) -> Iterator[Row]:
    """Yield each row of the lines, of which the first one has the number `first`.

    A quote that is opened by mistake takes in all that follows up to the next one, or to the end of the file. Such a
    row has a `fault`, and reading goes on at the line after the one it starts on.
    """
    csv.field_size_limit(MAX_LINE)  # the library's own limit, 128 KiB, is a short article
    feed = _Feed(lines)
    rows = csv.reader(feed, delimiter=delimiter, strict=True)
    line, again = first, 0
    while True:
        feed.begin()
        try:
            cells = next(rows, None)
        except csv.Error as error:
            taken = len(feed.taken)
            fault = f"not CSV: {error}"
            if taken > 1:
                fault += f", {amount(taken - 1, 'line')} below the quote that opens here"
            if again < READ_AGAIN:
                again += taken - 1
                feed.give_back()
            elif taken > 1:
                fault += "; those lines are skipped"
            yield Row(line, len(feed.taken), [], fault)
        else:
            if cells is None:
                return
            yield Row(line, len(feed.taken), cells)
        line += len(feed.taken)


class _Feed:
    """Lines for a reader, which can be given back; the reader asks for another after an end, too."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._waiting: deque[str] = deque()
        self._size = 0
        self.taken: list[str] = []
        """Lines of the row that is being read."""

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else next(self._lines)
        self.taken.append(line)
        self._size += len(line)
        if self._size > MAX_LINE and len(self.taken) > 1:
            raise csv.Error(f"a row longer than {MAX_LINE // 1024**2} MiB")
        return line

    def begin(self) -> None:
        """A new row."""
        self.taken, self._size = [], 0

    def give_back(self) -> None:
        """All lines of the row but the first."""
        self._waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
