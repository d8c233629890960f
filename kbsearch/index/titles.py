"""Titles: completed while the customer types, equal to what was typed, or saying nearly the same."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import distinct, group_pairs, hash_text, open_array, write_array
from kbsearch.index.candidate_kernels import agreement, stems_of_documents
from kbsearch.index.corpus import Vocabulary
from kbsearch.index.numbers import Numbers
from kbsearch.index.ragged import Ragged
from kbsearch.text.normalise import fold
from kbsearch.text.words import surfaces

# Editors write typographic marks inside words, keyboards give plain ones.
_PLAIN_MARKS = (("’", "'"), ("ʼ", "'"), ("‐", "-"), ("‑", "-"))
_END_OF_TEXT = "\U0010ffff"
_NO_DOCUMENTS = np.empty(0, np.int32)


def title_key(title: str) -> str:
    """What two titles share that differ only in case, diacritics and punctuation."""
    if title.replace(" ", "").isalpha():  # most of what is typed: words that were typed before
        return " ".join(map(_plain_word, title.split()))
    return _plain(" ".join(surfaces(title.lower())))


@lru_cache(maxsize=20_000)
def _plain_word(word: str) -> str:
    return _plain(word.lower())


def write_titles(titles: Ragged, keys: NDArray[np.uint64], vocabulary: Vocabulary, directory: Path) -> None:
    """Write each document's title under `directory` (made here).

    `titles`: the words of each title, numbered in `vocabulary`; `keys`: the hash of each title's `title_key`.
    """
    directory.mkdir()
    count = len(titles)
    owners = np.repeat(np.arange(count, dtype=np.int64), np.diff(titles.offsets))
    used = distinct(titles.values)
    # All at once; the line breaks keep the words apart.
    plain = _plain("\n".join([vocabulary.words[word] for word in used.tolist()])).split("\n") if len(used) else []
    known = sorted(set(plain))
    place = {word: index for index, word in enumerate(known)}
    number = np.zeros(len(vocabulary.words), dtype=np.int64)
    number[used] = [place[word] for word in plain]
    indptr, documents = _distinct(number[titles.values], owners, len(known), count)
    (directory / "words.txt").write_text("\n".join(known), encoding="utf-8")
    write_array(directory / "indptr.npy", indptr)
    write_array(directory / "documents.npy", documents)
    order = np.argsort(keys, kind="stable")
    write_array(directory / "keys.npy", keys[order])
    write_array(directory / "keyed.npy", order.astype(np.int32))
    # A title of stop words only is compared by them.
    content = ~vocabulary.stops[titles.values]
    says_something = np.zeros(count, dtype=np.bool_)
    says_something[owners[content]] = True
    counted = content | ~says_something[owners]
    stems, numbers = np.unique(vocabulary.heads[titles.values[counted]], return_inverse=True)
    start, documents = _distinct(numbers, owners[counted], len(stems), count)
    write_array(directory / "stems.npy", stems)
    write_array(directory / "stem_start.npy", start)
    write_array(directory / "stem_documents.npy", documents)
    write_array(directory / "stem_count.npy", np.bincount(documents, minlength=count).astype(np.int32))


class TitleIndex:
    """Written titles, searched by the beginnings of words."""

    def __init__(self, directory: Path) -> None:
        text = (directory / "words.txt").read_text(encoding="utf-8")
        self._vocabulary = text.split("\n") if text else []
        self._indptr: NDArray[np.int64] = open_array(directory / "indptr.npy")
        self._documents: NDArray[np.int32] = open_array(directory / "documents.npy")
        # Looked up sooner as a buffer than as an array.
        self._rising_keys = memoryview(open_array(directory / "keys.npy"))  # type: ignore[arg-type]
        self._keyed: NDArray[np.int32] = open_array(directory / "keyed.npy")
        self._stems = Numbers(open_array(directory / "stems.npy"))
        # A query compares a few hundred titles with what was typed: it needs the stems of each, not the titles of each.
        counts = open_array(directory / "stem_count.npy")
        self._document_start = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        self._document_stems = np.empty(int(self._document_start[-1]), dtype=np.int32)
        stem_start, stem_documents = (open_array(directory / f"stem_{name}.npy") for name in ("start", "documents"))
        stems_of_documents(stem_start, stem_documents, self._document_start, self._document_stems)

    def equal_to(self, text: str) -> NDArray[np.int32]:
        """Documents whose title is this text, whatever its case, diacritics and punctuation."""
        words_typed = title_key(text)
        if not words_typed:
            return _NO_DOCUMENTS
        key, keys = hash_text(words_typed), self._rising_keys
        start = bisect_left(keys, key)
        if start == len(keys) or keys[start] != key:
            return _NO_DOCUMENTS
        return self._keyed[start : bisect_right(keys, key, start)]

    def agreement(self, content: Sequence[Sequence[str]], documents: NDArray[np.int32]) -> NDArray[np.float32]:
        """How much each document's title says what was typed, 0..1: the F1 of their content words.

        `content` holds the stem terms of each content word typed, one or more a word (it may be read in several
        languages); a word agrees when any of them stands in the title.
        """
        f1: NDArray[np.float32] = agreement(*self.asked(content), documents)
        return f1

    def asked(self, content: Sequence[Sequence[str]]) -> tuple[Any, ...]:
        """All that `agreement`, the loop, takes but the documents."""
        numbers = self._stems.of(chain.from_iterable(content))
        owners = np.asarray([number for number, stems in enumerate(content) for _ in stems], dtype=np.int64)
        return self._document_start, self._document_stems, numbers, owners, len(content)

    def starting_with(self, typed: Sequence[str]) -> NDArray[np.int32]:
        """Documents whose titles hold all typed words, the last as a beginning, in document order."""
        found: NDArray[np.int32] | None = None
        for position, word in enumerate(typed):
            folded = _plain(word)
            first, end = self._beginning_with(folded)
            if position < len(typed) - 1:
                end = first + (self._vocabulary[first : first + 1] == [folded])
            here = np.unique(self._documents[self._indptr[first] : self._indptr[end]])
            found = here if found is None else np.intersect1d(found, here, assume_unique=True)
            if found.size == 0:
                break
        return _NO_DOCUMENTS if found is None else found

    def completion(self, begun: str, allowed: NDArray[np.bool_] | None) -> str:
        """The word that begins so and stands in the most titles of the documents `allowed` (None: of all); "" where
        there is none."""
        first, end = self._beginning_with(_plain(begun))
        titles = self._documents[self._indptr[first] : self._indptr[end]]
        words = np.repeat(np.arange(first, end), np.diff(self._indptr[first : end + 1]))
        counts = np.bincount(words if allowed is None else words[allowed[titles]])
        return self._vocabulary[int(np.argmax(counts))] if counts.size else ""

    def _beginning_with(self, folded: str) -> tuple[int, int]:
        """The half-open range of the words that begin so."""
        return bisect_left(self._vocabulary, folded), bisect_left(self._vocabulary, folded + _END_OF_TEXT)


def _plain(word: str) -> str:
    plain = fold(word)
    for mark, on_keyboards in _PLAIN_MARKS:  # quicker than a table, which is asked for each letter
        plain = plain.replace(mark, on_keyboards)
    return plain


def _distinct(
    keys: NDArray[np.int64], documents: NDArray[np.int64], key_count: int, document_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Each key's documents, each once and rising, as `group_pairs` gives them: they are searched by halving."""
    pairs = distinct(keys * document_count + documents)
    return group_pairs(pairs // max(document_count, 1), pairs % max(document_count, 1), key_count)
