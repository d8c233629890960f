"""Rows of different length in one array: the passages' words, the documents' bytes. Used while a snapshot is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ragged:
    """Row r is `values[offsets[r]:offsets[r + 1]]`; offsets begin with 0 and end with `len(values)`."""

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[Any]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @classmethod
    def of_bytes(cls, rows: Sequence[bytes]) -> Ragged:
        """Rows of bytes."""
        return cls(np.frombuffer(b"".join(rows), dtype=np.uint8), _offsets(map(len, rows)))

    @classmethod
    def of_lines(cls, rows: Sequence[str]) -> Ragged:
        """Rows of text without line breaks, as UTF-8; a million of them are not encoded one by one."""
        values = np.frombuffer("".join([row + "\n" for row in rows]).encode(), dtype=np.uint8)
        ends = np.flatnonzero(values == ord("\n")) - np.arange(len(rows))
        return cls(values[values != ord("\n")], np.concatenate(([0], ends)))

    @classmethod
    def of_hashes(cls, rows: Sequence[bytes]) -> Ragged:
        """Rows of 64-bit numbers, given as their bytes."""
        return cls(np.frombuffer(b"".join(rows), dtype=np.uint64), _offsets(len(row) // 8 for row in rows))

    @classmethod
    def of_numbers(cls, rows: Sequence[Sequence[int]], dtype: Any) -> Ragged:
        """Rows of whole numbers."""
        return cls(np.fromiter(chain.from_iterable(rows), dtype=dtype), _offsets(map(len, rows)))

    def lines(self) -> list[str]:
        """Rows of UTF-8 without line breaks, as text; a million of them are not decoded one by one."""
        return np.insert(self.values, self.offsets[1:-1], ord("\n")).tobytes().decode().split("\n") if len(self) else []

    def part(self, first: int, end: int) -> Ragged:
        """The rows from `first` to before `end`."""
        offsets = self.offsets[first : end + 1]
        return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])

    def at(self, rows: NDArray[np.integer[Any]]) -> Ragged:
        """Some rows, in that order, without loading compiled code as `gather` does."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return Ragged(self.values[np.repeat(self.offsets[rows], lengths) + within], offsets)

    def rows(self) -> Iterator[bytes]:
        """Rows of bytes, one after the other."""
        data = self.values.tobytes()
        return (data[start:end] for start, end in pairwise(self.offsets.tolist()))


def places_by(source: NDArray[np.integer[Any]], count: int) -> list[NDArray[np.int64]]:
    """Where each number below `count` stands in `source`, rising."""
    order = np.argsort(source, kind="stable")
    return np.split(order, np.searchsorted(source[order], np.arange(1, count))) if count else []


def gather(parts: Sequence[Ragged], wanted: Sequence[NDArray[np.int64]], rows: NDArray[np.int64]) -> Ragged:
    """Row k of the result is row `rows[k]` of that part whose places in `wanted` (from `places_by`) hold k."""
    # Compiled code is loaded only where rows are put together, not in each process that makes them.
    from kbsearch.index.kernels import copy_rows

    lengths = np.zeros(len(rows), dtype=np.int64)
    for part, places in zip(parts, wanted, strict=True):
        lengths[places] = np.diff(part.offsets)[rows[places]]
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    values = np.empty(int(offsets[-1]), dtype=parts[0].values.dtype if parts else np.uint8)
    for part, places in zip(parts, wanted, strict=True):
        copy_rows(part.values, part.offsets, rows[places], values, offsets[places])
    return Ragged(values, offsets)


def _offsets(lengths: Iterable[int]) -> NDArray[np.int64]:
    return np.fromiter(accumulate(lengths, initial=0), dtype=np.int64)
