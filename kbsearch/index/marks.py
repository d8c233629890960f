"""Where the words of each passage stand and what they are, so that a snippet is marked without analysing it again."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import hash_texts, open_array, write_array
from kbsearch.text.stems import stem_terms
from kbsearch.text.words import words

# A false mark once in a few million words is harmless, so half of the hash is enough here.
_HALF = np.uint64(0xFFFF_FFFF)


@dataclass(frozen=True, slots=True)
class WordPlaces:
    """The words of one passage."""

    starts: list[int]
    ends: list[int]
    marked: list[int]
    """Numbers of the words that the query asks for."""


class MarksBuilder:
    """Collects passages' words, then writes them."""

    def __init__(self) -> None:
        self._starts = array("H")
        self._ends = array("H")
        self._stems = array("I")
        self._offsets = array("q", [0])
        self._known: dict[tuple[str, str], int] = {}

    def add(self, text: str, lang: str) -> None:
        """Add the next passage; its text is at most 65,535 characters long."""
        for word in words(text):
            key = (word.text, lang)
            stem = self._known.get(key)
            if stem is None:
                stem = self._known[key] = int(short_hashes(stem_terms(word.text, lang)[:1])[0])
            self._starts.append(word.start)
            self._ends.append(word.end)
            self._stems.append(stem)
        self._offsets.append(len(self._starts))

    def write(self, directory: Path) -> None:
        """Write the arrays under `directory` (made here)."""
        directory.mkdir()
        for name, values, dtype in (
            ("starts", self._starts, np.uint16),
            ("ends", self._ends, np.uint16),
            ("stems", self._stems, np.uint32),
            ("offsets", self._offsets, np.int64),
        ):
            write_array(directory / f"{name}.npy", np.asarray(values, dtype=dtype))


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


def short_hashes(terms: Iterable[str]) -> NDArray[np.uint32]:
    """32-bit numbers for terms."""
    return (hash_texts(terms) & _HALF).astype(np.uint32)
