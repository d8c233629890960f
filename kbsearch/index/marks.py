"""Where the words of each passage stand and what they are, so that a snippet is marked without analysing it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import hash_texts, open_array, write_array
from kbsearch.index.ragged import Ragged

# A false mark once in a few million words is harmless, so half of the hash is enough here.
_HALF = np.uint64(0xFFFF_FFFF)


@dataclass(frozen=True, slots=True)
class WordPlaces:
    """The words of one passage."""

    starts: list[int]
    ends: list[int]
    marked: list[int]
    """Numbers of the words that the query asks for."""


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

    def of(self, passage: int, wanted: AbstractSet[int]) -> WordPlaces:
        """The words of a passage; marked are those whose stem is in `wanted` (from `short_hashes`)."""
        start, end = int(self._offsets[passage]), int(self._offsets[passage + 1])
        # A hundred look-ups in a set take a tenth of the time of NumPy's isin.
        marked = [word for word, stem in enumerate(self._stems[start:end].tolist()) if stem in wanted]
        return WordPlaces(self._starts[start:end].tolist(), self._ends[start:end].tolist(), marked)

    def asked(self, passage: int, numbers: Mapping[int, int]) -> list[tuple[int, int, int]]:
        """Start, end and number of each word of a passage whose stem is in `numbers` (keys from `short_hashes`)."""
        start, end = int(self._offsets[passage]), int(self._offsets[passage + 1])
        stems = self._stems[start:end].tolist()
        found = [place for place, stem in enumerate(stems, start) if stem in numbers]
        return [(int(self._starts[n]), int(self._ends[n]), numbers[stems[n - start]]) for n in found]


def short_hashes(terms: Iterable[str]) -> NDArray[np.uint32]:
    """32-bit numbers for terms."""
    return (hash_texts(terms) & _HALF).astype(np.uint32)
