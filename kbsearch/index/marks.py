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
from kbsearch.text.analyze import whole_terms
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
        self._forms = array("I")
        self._stems = array("I")
        self._offsets = array("q", [0])
        self._known: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, text: str, lang: str) -> None:
        """Add the next passage; its text is at most 65,535 characters long."""
        for word in words(text):
            key = (word.text, lang)
            hashes = self._known.get(key)
            if hashes is None:
                whole = short_hashes(whole_terms(word.text, lang)).tolist()
                hashes = self._known[key] = (whole[0], whole[-1])
            self._starts.append(word.start)
            self._ends.append(word.end)
            self._forms.append(hashes[0])
            self._stems.append(hashes[1])
        self._offsets.append(len(self._starts))

    def write(self, directory: Path) -> None:
        """Write the arrays under `directory` (made here)."""
        directory.mkdir()
        for name, values, dtype in (
            ("starts", self._starts, np.uint16),
            ("ends", self._ends, np.uint16),
            ("forms", self._forms, np.uint32),
            ("stems", self._stems, np.uint32),
            ("offsets", self._offsets, np.int64),
        ):
            write_array(directory / f"{name}.npy", np.asarray(values, dtype=dtype))


class Marks:
    """Written words of passages, memory-mapped."""

    def __init__(self, directory: Path) -> None:
        self._starts: NDArray[np.uint16] = open_array(directory / "starts.npy")
        self._ends: NDArray[np.uint16] = open_array(directory / "ends.npy")
        self._forms: NDArray[np.uint32] = open_array(directory / "forms.npy")
        self._stems: NDArray[np.uint32] = open_array(directory / "stems.npy")
        self._offsets: NDArray[np.int64] = open_array(directory / "offsets.npy")

    def of(self, passage: int, wanted: AbstractSet[int]) -> WordPlaces:
        """The words of a passage; marked are those whose form or stem is in `wanted` (from `short_hashes`)."""
        start, end = int(self._offsets[passage]), int(self._offsets[passage + 1])
        # A hundred look-ups in a set take a tenth of the time of NumPy's isin.
        pairs = zip(self._forms[start:end].tolist(), self._stems[start:end].tolist(), strict=True)
        marked = [word for word, (form, stem) in enumerate(pairs) if form in wanted or stem in wanted]
        return WordPlaces(self._starts[start:end].tolist(), self._ends[start:end].tolist(), marked)


def short_hashes(terms: Iterable[str]) -> NDArray[np.uint32]:
    """32-bit numbers for terms."""
    return (hash_texts(terms) & _HALF).astype(np.uint32)
