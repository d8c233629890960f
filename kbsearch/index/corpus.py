"""Documents cut and analysed, as columns: what the indexer makes and a snapshot is written from.

A batch holds some documents; it is plain arrays by name, so that it can be stored and read column by column:

    keys                    what a document's row depends on (128 bits); one row a document, like the next six
    records bodies          JSON, as the snapshot stores them
    titles title_keys       the title's words, and the number under which equal titles meet
    head_keys               the hash of what is embedded of the document itself (128 bits)
    passage_counts          how many of the passages below are this document's
    texts text_keys         JSON, as the snapshot stores it; the hash of what is embedded; one row a passage
    bags weights            the passage's words, each once, and how much each counts
    starts ends stems       where each word of the text stands, and its stem
    word_keys words         the batch's vocabulary: hash, "language\\0word"
    terms heads stops       a word's index terms, its stem term, whether it is a stop word

A ragged column `x` is stored as `x` and `x.offsets`. A corpus is rows of several batches in the order of the sources.
Its columns depend on the documents alone, never on how they were batched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.ragged import Ragged, gather, places_by

Batch = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a corpus in the order of their hashes; aligned columns."""

    keys: NDArray[np.uint64]
    words: list[str]
    langs: list[str]
    terms: Ragged
    """64-bit term hashes."""
    heads: NDArray[np.uint64]
    stops: NDArray[np.bool_]


class Corpus:
    """Document k is row `rows[k]` of `batches[source[k]]`."""

    def __init__(self, batches: Sequence[Batch], source: NDArray[np.int32], rows: NDArray[np.int64]) -> None:
        self._batches = batches
        self._rows = rows
        self._documents_of = places_by(source, len(batches))
        """The numbers of each batch's documents."""
        counts = [np.asarray(batch["passage_counts"], dtype=np.int64) for batch in batches]
        starts = [np.concatenate(([0], np.cumsum(count)[:-1])) if len(count) else count for count in counts]
        lengths, first = self._of_documents(counts), self._of_documents(starts)
        self.documents = len(rows)
        self.passage_document = np.repeat(np.arange(len(rows), dtype=np.int32), lengths)
        before = np.cumsum(lengths) - lengths
        within = np.arange(len(self.passage_document)) - np.repeat(before, lengths)
        self._passages_of = places_by(np.repeat(source, lengths), len(batches))
        self._passage_rows = np.repeat(first, lengths) + within
        self._make_vocabulary()

    @property
    def passages(self) -> int:
        return len(self.passage_document)

    def of_documents(self, name: str) -> Ragged:
        """A ragged column, one row a document."""
        return gather([column(batch, name) for batch in self._batches], self._documents_of, self._rows)

    def of_passages(self, name: str) -> Ragged:
        """A ragged column, one row a passage."""
        return gather([column(batch, name) for batch in self._batches], self._passages_of, self._passage_rows)

    def title_keys(self) -> NDArray[np.uint64]:
        """One number a document."""
        keys: NDArray[np.uint64] = self._of_documents([batch["title_keys"] for batch in self._batches])
        return keys.astype(np.uint64)

    def text_keys(self) -> NDArray[np.uint64]:
        """Shape (passages, 2): the hash of what is embedded."""
        return self._keys("text_keys", self._passages_of, self._passage_rows)

    def head_keys(self) -> NDArray[np.uint64]:
        """Shape (documents, 2): the hash of what is embedded of each document itself."""
        return self._keys("head_keys", self._documents_of, self._rows)

    def words_of_documents(self, name: str) -> Ragged:
        """A ragged column of words, numbered in `vocabulary`."""
        return self._numbered(name, self._documents_of, self._rows)

    def words_of_passages(self, name: str) -> Ragged:
        """A ragged column of words, numbered in `vocabulary`."""
        return self._numbered(name, self._passages_of, self._passage_rows)

    def as_batch(self) -> Batch:
        """The same rows in one batch."""
        words = [f"{lang}\0{word}" for lang, word in zip(self.vocabulary.langs, self.vocabulary.words, strict=True)]
        batch: dict[str, NDArray[Any]] = {
            "keys": self._keys("keys", self._documents_of, self._rows),
            "title_keys": self.title_keys(),
            "head_keys": self.head_keys(),
            "passage_counts": np.bincount(self.passage_document, minlength=self.documents).astype(np.int32),
            "text_keys": self.text_keys(),
            "word_keys": self.vocabulary.keys,
            "heads": self.vocabulary.heads,
            "stops": self.vocabulary.stops,
        }
        ragged = {name: self.of_documents(name) for name in ("records", "bodies")}
        ragged |= {name: self.of_passages(name) for name in ("texts", "weights", "starts", "ends", "stems")}
        ragged |= {"titles": self.words_of_documents("titles"), "bags": self.words_of_passages("bags")}
        ragged |= {"words": Ragged.of_bytes([word.encode() for word in words]), "terms": self.vocabulary.terms}
        for name, rows in ragged.items():
            batch[name], batch[f"{name}.offsets"] = rows.values, rows.offsets
        return batch

    def _keys(self, name: str, places: Sequence[NDArray[np.int64]], rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        keys = np.empty((len(rows), 2), dtype=np.uint64)
        for batch, mine in zip(self._batches, places, strict=True):
            keys[mine] = batch[name][rows[mine]]
        return keys

    def _of_documents(self, columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
        values = np.zeros(len(self._rows), dtype=columns[0].dtype if columns else np.int64)
        for values_there, mine in zip(columns, self._documents_of, strict=True):
            values[mine] = values_there[self._rows[mine]]
        return values

    def _numbered(self, name: str, places: Sequence[NDArray[np.int64]], rows: NDArray[np.int64]) -> Ragged:
        parts = [column(batch, name) for batch in self._batches]
        numbered = [
            Ragged(numbers[part.values], part.offsets) for numbers, part in zip(self._numbers, parts, strict=True)
        ]
        return gather(numbered, places, rows)

    def _make_vocabulary(self) -> None:
        """The words that any of the documents holds; a batch may know more."""
        # Compiled code is loaded only where rows are put together, not in each process that makes them.
        from kbsearch.index.kernels import distinct_hashes

        keys, first, inverse = distinct_hashes(
            np.concatenate([batch["word_keys"] for batch in self._batches] or [np.empty(0, np.uint64)])
        )
        sizes = [len(batch["word_keys"]) for batch in self._batches]
        ends = np.cumsum([0, *sizes])
        self._numbers = [inverse[a:b] for a, b in pairwise(ends)]
        used = np.zeros(len(keys), dtype=np.bool_)
        for words in (self.words_of_passages("bags"), self.words_of_documents("titles")):
            used[words.values] = True
        number = np.cumsum(used, dtype=np.int32) - 1
        self._numbers = [number[old] for old in self._numbers]
        first = first[used]
        source = np.searchsorted(ends, first, side="right") - 1
        places, rows = places_by(source, len(self._batches)), first - ends[source]
        names = gather([column(batch, "words") for batch in self._batches], places, rows).lines()
        halves = "\0".join(names).split("\0") if names else []
        self.vocabulary = Vocabulary(
            keys=keys[used],
            words=halves[1::2],
            langs=halves[::2],
            terms=gather([column(batch, "terms") for batch in self._batches], places, rows),
            heads=np.concatenate([batch["heads"] for batch in self._batches] or [np.empty(0, np.uint64)])[first],
            stops=np.concatenate([batch["stops"] for batch in self._batches] or [np.empty(0, np.bool_)])[first],
        )


def column(batch: Batch, name: str) -> Ragged:
    """A ragged column of one batch."""
    return Ragged(batch[name], batch[f"{name}.offsets"])


def whole(batch: Batch) -> Corpus:
    """All documents of one batch."""
    count = len(batch["keys"])
    return Corpus([batch], np.zeros(count, dtype=np.int32), np.arange(count))
