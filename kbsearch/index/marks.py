"""Where the words of each passage stand and what they are, so that a snippet is marked without analysing it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import hash_text, open_array, write_array
from kbsearch.index.ragged import Ragged
from kbsearch.index.result_kernels import quote_passages

FOLLOWED = 64
"""Words of which `adjacency` follows where they stand: the bits of a number."""


class Quote(NamedTuple):
    """The part of a passage's text to show, a half-open range of its code points."""

    start: int
    end: int
    marked: list[list[int]]
    """Start and end, within that part, of each word in it that was asked for."""


def write_marks(directory: Path, starts: Ragged, ends: Ragged, stems: Ragged) -> None:
    """Write under `directory` (made here) where each passage's words stand and the `short_hashes` of their stems.

    A passage's text is at most 65,535 characters long.
    """
    directory.mkdir()
    write_array(directory / "starts.npy", starts.values.astype(np.uint16))
    write_array(directory / "ends.npy", ends.values.astype(np.uint16))
    write_array(directory / "stems.npy", stems.values.astype(np.uint32))
    write_array(directory / "offsets.npy", starts.offsets)


class Marks:
    """Written words of passages, memory-mapped."""

    def __init__(self, directory: Path) -> None:
        self._starts: NDArray[np.uint16] = open_array(directory / "starts.npy")
        self._ends: NDArray[np.uint16] = open_array(directory / "ends.npy")
        self._stems: NDArray[np.uint32] = open_array(directory / "stems.npy")
        self._offsets: NDArray[np.int64] = open_array(directory / "offsets.npy")

    def quotes(
        self, passages: Sequence[int], sizes: Sequence[int], wanted: NDArray[np.uint32], length: int
    ) -> list[Quote]:
        """What to quote of each passage: at most `length` characters with the most words whose stem is in `wanted`.

        `sizes`: how many characters the text of each has; `wanted`: from `short_hashes`.
        """
        windows = np.empty((len(passages), 3), dtype=np.int64)
        ranges = quote_passages(
            np.asarray(passages, dtype=np.int64),
            np.asarray(sizes, dtype=np.int64),
            length,
            wanted,
            self._offsets,
            self._starts,
            self._ends,
            self._stems,
            windows,
        ).tolist()
        quotes, before = [], 0
        for start, end, after in windows.tolist():
            quotes.append(Quote(start, end, ranges[before:after]))
            before = after
        return quotes

    def asked(self, sequence: Sequence[Sequence[str]]) -> tuple[Any, ...]:
        """All that `adjacency`, the loop, takes but the passages; of a longer text, its first `FOLLOWED` words.

        `sequence`: the stem terms of each word.
        """
        followed = sequence[:FOLLOWED]
        stems = short_hashes(chain.from_iterable(followed))
        owners = np.repeat(np.arange(len(followed)), [len(terms) for terms in followed])
        return self._offsets, self._stems, stems, owners, len(followed)

    def quotable(self, wanted: NDArray[np.uint32], word_count: int) -> tuple[Any, ...]:
        """What `quotable`, the loop, takes of the words: enough of `word_count` words is half of them.

        `wanted`: from `short_hashes`. A stray word says less than a passage that is nearer in meaning.
        """
        return self._offsets, self._stems, wanted, max(1, (word_count + 1) // 2)

    def hold(self, passages: Iterable[int], wanted: NDArray[np.uint32]) -> bool:
        """Whether any of the passages has a word whose stem is in `wanted` (from `short_hashes`)."""
        return any(
            bool(np.isin(self._stems[self._offsets[passage] : self._offsets[passage + 1]], wanted).any())
            for passage in passages
        )

    def places_in(self, passage: int, numbers: Mapping[int, int]) -> list[tuple[int, int, int]]:
        """Start, end and number of each word of a passage whose stem is in `numbers` (keys from `short_hashes`)."""
        start, end = int(self._offsets[passage]), int(self._offsets[passage + 1])
        stems = self._stems[start:end].tolist()
        found = [place for place, stem in enumerate(stems, start) if stem in numbers]
        return [(int(self._starts[n]), int(self._ends[n]), numbers[stems[n - start]]) for n in found]


def short_hashes(terms: Iterable[str]) -> NDArray[np.uint32]:
    """32-bit numbers for terms."""
    return np.fromiter(map(_short_hash, terms), dtype=np.uint32)


@lru_cache(maxsize=20_000)
def _short_hash(term: str) -> int:
    # A false mark once in a few million words is harmless, so the lower half of the hash is enough here.
    return hash_text(term) & 0xFFFFFFFF
