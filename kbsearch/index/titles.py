"""Titles: completed while the customer types, equal to what was typed, or saying nearly the same."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import find_hashes, group_pairs, hash_texts, open_array, write_array
from kbsearch.text.analyze import is_stop_word
from kbsearch.text.normalise import fold
from kbsearch.text.stems import stem_terms
from kbsearch.text.words import surfaces, words

# Editors write typographic marks inside words, keyboards give plain ones.
_PLAIN_MARKS = str.maketrans("’ʼ‐‑", "''--")
_END_OF_TEXT = "\U0010ffff"


def title_key(title: str) -> str:
    """What two titles share that differ only in case, diacritics and punctuation."""
    return " ".join(_plain(word.text) for word in words(title.lower()))


def write_titles(titles: Sequence[str], languages: Sequence[str], directory: Path) -> None:
    """Write each document's title and its language (both in document order) under `directory` (made here)."""
    directory.mkdir()
    pairs = sorted({(_plain(word.text), number) for number, title in enumerate(titles) for word in words(title)})
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
    _write_stems([_content_stems(title, lang) for title, lang in zip(titles, languages, strict=True)], directory)


class TitleIndex:
    """Written titles, searched by the beginnings of words."""

    def __init__(self, directory: Path) -> None:
        text = (directory / "words.txt").read_text(encoding="utf-8")
        self._vocabulary = text.split("\n") if text else []
        self._indptr: NDArray[np.int64] = open_array(directory / "indptr.npy")
        self._documents: NDArray[np.int32] = open_array(directory / "documents.npy")
        self._keys: NDArray[np.uint64] = open_array(directory / "keys.npy")
        self._keyed: NDArray[np.int32] = open_array(directory / "keyed.npy")
        self._stems: NDArray[np.uint64] = open_array(directory / "stems.npy")
        self._stem_start: NDArray[np.int64] = open_array(directory / "stem_start.npy")
        self._stem_documents: NDArray[np.int32] = open_array(directory / "stem_documents.npy")
        self._stem_count: NDArray[np.int32] = open_array(directory / "stem_count.npy")

    def equal_to(self, text: str) -> NDArray[np.int32]:
        """Documents whose title is this text, whatever its case, diacritics and punctuation."""
        words_typed = title_key(text)
        if not words_typed:
            return np.empty(0, np.int32)
        key = hash_texts([words_typed])[0]
        start, end = np.searchsorted(self._keys, key, "left"), np.searchsorted(self._keys, key, "right")
        return self._keyed[start:end]

    def agreement(self, content: Sequence[Sequence[str]], documents: NDArray[np.int32]) -> NDArray[np.float32]:
        """How much each document's title says what was typed, 0..1: the F1 of their content words.

        `content` holds the stem terms of each content word typed, one or more a word (it may be read in several
        languages); a word agrees when any of them stands in the title.
        """
        agreeing = np.zeros(len(documents), dtype=np.float32)
        for stems in content:
            found = np.zeros(len(documents), dtype=np.bool_)
            for place in find_hashes(self._stems, hash_texts(stems)):
                if place >= 0:
                    listed = self._stem_documents[self._stem_start[place] : self._stem_start[place + 1]]
                    nearest = np.searchsorted(listed, documents)
                    found |= listed[np.minimum(nearest, len(listed) - 1)] == documents
            agreeing += found
        words_of_both = np.maximum(len(content) + self._stem_count[documents], 1).astype(np.float32)
        f1: NDArray[np.float32] = np.minimum(np.float32(2.0) * agreeing / words_of_both, np.float32(1.0))
        return f1

    def starting_with(self, typed: Sequence[str]) -> NDArray[np.int32]:
        """Documents whose titles hold all typed words, the last as a beginning, in document order."""
        found: NDArray[np.int32] | None = None
        for position, word in enumerate(typed):
            folded = _plain(word)
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


def _plain(word: str) -> str:
    return fold(word).translate(_PLAIN_MARKS)


def _content_stems(title: str, lang: str) -> set[str]:
    typed = surfaces(title)
    content = [word for word in typed if not is_stop_word(word, lang)] or typed
    return {stem_terms(word, lang)[0] for word in content}


def _write_stems(stems: Sequence[set[str]], directory: Path) -> None:
    vocabulary = sorted({stem for of_title in stems for stem in of_title})
    hashes = hash_texts(vocabulary)
    order = np.argsort(hashes, kind="stable")
    place = {vocabulary[index]: rank for rank, index in enumerate(order.tolist())}
    pairs = [(place[stem], number) for number, of_title in enumerate(stems) for stem in of_title]
    columns = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    # Pairs come in document order, so each list rises: it is searched by halving.
    start, documents = group_pairs(columns[:, 0], columns[:, 1], len(vocabulary))
    write_array(directory / "stems.npy", hashes[order])
    write_array(directory / "stem_start.npy", start)
    write_array(directory / "stem_documents.npy", documents)
    write_array(directory / "stem_count.npy", np.asarray([len(of_title) for of_title in stems], dtype=np.int32))
