"""Titles while the customer types: every word must stand in the title, the last one may be just begun."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import group_pairs, hash_texts, open_array, write_array
from kbsearch.text.normalise import fold
from kbsearch.text.words import words

_END_OF_TEXT = "\U0010ffff"


def title_key(title: str) -> str:
    """What two titles share that differ only in case, diacritics and punctuation."""
    return " ".join(fold(word.text) for word in words(title))


def write_titles(titles: Sequence[str], directory: Path) -> None:
    """Write the words of each document's title (in document order) under `directory` (made here)."""
    directory.mkdir()
    pairs = sorted({(fold(word.text), number) for number, title in enumerate(titles) for word in words(title)})
    vocabulary = sorted({word for word, _ in pairs})
    place = {word: index for index, word in enumerate(vocabulary)}
    indptr, documents = group_pairs(
        np.asarray([place[word] for word, _ in pairs], dtype=np.int64),
        np.asarray([number for _, number in pairs], dtype=np.int64),
        len(vocabulary),
    )
    (directory / "words.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    write_array(directory / "indptr.npy", indptr)
    write_array(directory / "documents.npy", documents)
    keys = hash_texts(title_key(title) for title in titles)
    order = np.argsort(keys, kind="stable")
    write_array(directory / "keys.npy", keys[order])
    write_array(directory / "keyed.npy", order.astype(np.int32))


class TitleIndex:
    """Written titles, searched by the beginnings of words."""

    def __init__(self, directory: Path) -> None:
        text = (directory / "words.txt").read_text(encoding="utf-8")
        self._vocabulary = text.split("\n") if text else []
        self._indptr: NDArray[np.int64] = open_array(directory / "indptr.npy")
        self._documents: NDArray[np.int32] = open_array(directory / "documents.npy")
        self._keys: NDArray[np.uint64] = open_array(directory / "keys.npy")
        self._keyed: NDArray[np.int32] = open_array(directory / "keyed.npy")

    def equal_to(self, text: str) -> NDArray[np.int32]:
        """Documents whose title is this text, whatever its case, diacritics and punctuation."""
        words_typed = title_key(text)
        if not words_typed:
            return np.empty(0, np.int32)
        key = hash_texts([words_typed])[0]
        start, end = np.searchsorted(self._keys, key, "left"), np.searchsorted(self._keys, key, "right")
        return self._keyed[start:end]

    def starting_with(self, typed: Sequence[str]) -> NDArray[np.int32]:
        """Documents whose titles hold all typed words, the last as a beginning, in document order."""
        found: NDArray[np.int32] | None = None
        for position, word in enumerate(typed):
            folded = fold(word)
            first = bisect_left(self._vocabulary, folded)
            last_word = position == len(typed) - 1
            end = bisect_left(self._vocabulary, folded + _END_OF_TEXT) if last_word else first + 1
            if not last_word and self._vocabulary[first : first + 1] != [folded]:
                end = first
            here = np.unique(self._documents[self._indptr[first] : self._indptr[end]])
            found = here if found is None else np.intersect1d(found, here, assume_unique=True)
            if found.size == 0:
                break
        return np.empty(0, np.int32) if found is None else found
