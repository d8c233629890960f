"""BM25+ over passages: scored once at build time, added up at query time.

A passage's score for a query is the sum over its terms t, each as often as the query holds it, of

    idf(t) · (δ + tf·(k1 + 1) / (tf + k1·(1 − b + b·length/average)))        idf(t) = ln((N + 1) / df(t))

(Lv & Zhai, "Lower-bounding term frequency normalization", CIKM 2011; the same numbers as `rank_bm25.BM25Plus`).
Everything but δ is zero where a passage lacks the term, so what is stored is the rest, one float a posting
(eager scoring: Lù, "BM25S", 2024), and idf(t)·δ is added to all. N, df and the average length are those of the whole
snapshot and are kept in it, so that a shard scores as the whole does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kbsearch.errors import REBUILD, SnapshotDamaged
from kbsearch.index.arrays import first_of_each, open_array, write_array
from kbsearch.index.kernels import compiled, invert_rows, sort_pairs, weigh_terms
from kbsearch.index.numbers import Numbers
from kbsearch.index.query_kernels import mask_of, search_postings
from kbsearch.index.ragged import Ragged
from kbsearch.types import noun

# Chosen on titles of a real help centre (title → body, 7 languages): a little above the defaults of rank_bm25
# (1.5, 0.75), which were made for English. DELTA changes no ranking among passages that share a term.
K1, B, DELTA = 1.3, 0.8, 1.0

_NOTHING = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class LexicalStatistics:
    """What BM25 knows of the whole collection."""

    passages: int
    average_length: float
    terms: int
    k1: float = K1
    b: float = B
    delta: float = DELTA


@noun
class LexicalHits:
    """Passages that share a term with the query, best first."""

    passages: NDArray[np.int32]
    scores: NDArray[np.float32]
    """BM25+ without the part Σ idf·δ that every passage has."""
    baseline: float
    """Σ idf·δ: add it to get the score of `rank_bm25.BM25Plus`."""
    bound: float
    """No passage can score more than this (term frequency without limit); unknown terms count as the rarest."""
    probed: NDArray[np.float32]
    """Scores of the passages that the caller asked about, in his order."""


def write_lexical(
    directory: Path, bags: Ragged, weights: Ragged, terms: Ragged, k1: float = K1, b: float = B, delta: float = DELTA
) -> LexicalStatistics:
    """Write the arrays under `directory` (made here) and return the statistics.

    `bags`: the words of each passage, each once; `weights`: how often each counts there; `terms`: the term hashes of
    each word.
    """
    directory.mkdir()
    count = len(bags)
    terms_of_word = np.diff(terms.offsets)
    lengths = _row_sums(bags.offsets, weights.values * terms_of_word[bags.values])
    average = float(lengths.mean()) if count else 0.0
    norms = k1 * (1 - b + b * lengths / max(average, 1e-9))
    # The words of each term, terms in the order of their hashes.
    ordered, places = terms.values.copy(), np.arange(len(terms.values), dtype=np.int32)
    sort_pairs(ordered, places)
    first = first_of_each(ordered)
    hashes, term_starts = ordered[first], np.append(np.flatnonzero(first), len(ordered))
    words = np.repeat(np.arange(len(terms), dtype=np.int32), terms_of_word)[places]
    # The passages of each word.
    held = np.bincount(bags.values, minlength=len(terms))
    word_starts = np.concatenate(([0], np.cumsum(held)))
    holders, times = np.empty(len(bags.values), dtype=np.int32), np.empty(len(bags.values), dtype=np.int32)
    invert_rows(bags.offsets, bags.values, weights.values, word_starts, holders, times)
    idf = np.log((count + 1) / np.maximum(np.arange(count + 1), 1))
    # Words of one passage may share a term, so this may be more than there are.
    room = int(held[words].sum())
    passages, contributions = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.float32)
    indptr = np.zeros(len(hashes) + 1, dtype=np.int64)
    weigh_terms(term_starts, words, word_starts, holders, times, idf, norms, k1, indptr, passages, contributions)
    passages, contributions = passages[: indptr[-1]], contributions[: indptr[-1]]
    write_array(directory / "hashes.npy", hashes)
    write_array(directory / "indptr.npy", indptr)
    write_array(directory / "passages.npy", passages)
    write_array(directory / "contributions.npy", contributions)
    write_array(directory / "idf.npy", idf[np.diff(indptr)].astype(np.float32))
    statistics = LexicalStatistics(count, average, len(hashes), k1, b, delta)
    (directory / "statistics.json").write_bytes(orjson.dumps(asdict(statistics)))
    return statistics


class LexicalIndex:
    """A written index, memory-mapped. Safe to use from several threads at once."""

    def __init__(self, directory: Path) -> None:
        try:
            self.statistics = LexicalStatistics(**orjson.loads((directory / "statistics.json").read_bytes()))
        except (OSError, orjson.JSONDecodeError, TypeError) as cause:
            raise SnapshotDamaged(f"{directory}/statistics.json cannot be read ({cause}); {REBUILD}") from cause
        self._hashes: NDArray[np.uint64] = open_array(directory / "hashes.npy")
        self._numbers = Numbers(self._hashes)
        self._indptr: NDArray[np.int64] = open_array(directory / "indptr.npy")
        self._passages: NDArray[np.int32] = open_array(directory / "passages.npy")
        self._contributions: NDArray[np.float32] = open_array(directory / "contributions.npy")
        self._idf: NDArray[np.float32] = open_array(directory / "idf.npy")
        self._unknown_idf = float(np.log(self.statistics.passages + 1))
        lists = self._indptr, self._passages, self._contributions, self._idf
        # A term counts k1 + 1 times its idf at most.
        self.postings: tuple[Any, ...] = (*lists, self._unknown_idf, self.statistics.k1 + 1)
        """What `search_postings` takes of the index."""
        self._scratch = threading.local()

    def for_callers(self, heard: NDArray[np.bool_]) -> LexicalIndex:
        """The same for callers who may know of these passages: a term that only others hold is unknown."""
        index = copy(self)
        index._numbers = Numbers(self._hashes, partial(self._held, allowed=heard))
        return index

    def known(self, terms: Iterable[str], allowed: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Which of the terms any passage holds, or any allowed one (one flag a passage)."""
        flags: NDArray[np.bool_] = self._held(self._numbers.of(terms), allowed) >= 0
        return flags

    def together(self, first: str, second: str, allowed: NDArray[np.bool_] | None = None) -> bool:
        """Whether any passage, or any allowed one (one flag a passage), holds both terms."""
        numbers = self._numbers.of((first, second)).tolist()
        if min(numbers) < 0:
            return False
        few, many = sorted((self._passages[self._indptr[n] : self._indptr[n + 1]] for n in numbers), key=len)
        both = few[many[np.minimum(np.searchsorted(many, few), len(many) - 1)] == few]
        return len(both) > 0 if allowed is None else bool(allowed[both].any())

    def idf(self, terms: Iterable[str]) -> NDArray[np.float32]:
        """ln((N + 1) / df) of each term; an unknown term counts as one that a single passage holds."""
        ids = self._numbers.of(terms)
        found = ids >= 0
        values = np.full(len(ids), self._unknown_idf, dtype=np.float32)
        values[found] = self._idf[ids[found]]
        return values

    def search(
        self,
        terms: Sequence[str],
        limit: int,
        *,
        weights: Sequence[float] | None = None,
        allowed: NDArray[np.bool_] | None = None,
        probe: NDArray[np.int64] | None = None,
    ) -> LexicalHits:
        """The best `limit` passages for a bag of terms; a repeated term counts as often as it stands there.

        `weights`: one a term, default 1; with 0 it adds nothing. `allowed`: one flag a passage; None means all.
        `probe`: passages whose scores are wanted too.
        """
        limit = min(limit, self.statistics.passages)
        best_ids, best = np.empty(limit, dtype=np.int32), np.empty(limit, dtype=np.float32)
        probe = _NOTHING if probe is None else probe
        probed = np.empty(len(probe), dtype=np.float32)
        bag = self.bag(terms, weights)
        size, known, bound = search_postings(self.postings, bag, mask_of(allowed), probe, best_ids, best, probed)
        return LexicalHits(
            passages=best_ids[:size],
            scores=best[:size],
            baseline=known * self.statistics.delta,
            bound=bound,
            probed=probed,
        )

    def bag(self, terms: Sequence[str], weights: Sequence[float] | None = None) -> tuple[Any, ...]:
        """What `search_postings` takes of a bag of terms in this thread; no weights are weights of 1."""
        ids = self._numbers.of(terms)
        weight = np.ones(len(ids), np.float32) if weights is None else np.asarray(weights, dtype=np.float32)
        return ids, weight, *self._buffers()

    def _held(self, ids: NDArray[np.int64], allowed: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        held: NDArray[np.int64] = _held_terms(self._indptr, self._passages, ids, mask_of(allowed))
        return held

    def _buffers(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """This thread's accumulator (all zero between queries) and list of touched passages."""
        scratch = self._scratch
        if not hasattr(scratch, "scores"):
            scratch.scores = np.zeros(self.statistics.passages, dtype=np.float32)
            scratch.touched = np.empty(self.statistics.passages + 1, dtype=np.int32)
        return scratch.scores, scratch.touched


@compiled
def _held_terms(
    indptr: NDArray[np.int64], passages: NDArray[np.int32], terms: NDArray[np.int64], allowed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Term numbers, −1 for a term that no allowed passage holds. An empty `allowed` means all.

    A term is looked at up to its first allowed passage: few have many others before it.
    """
    held = np.full(terms.shape[0], -1, dtype=np.int64)
    for place in range(terms.shape[0]):
        term = terms[place]
        if term < 0:
            continue
        for entry in range(indptr[term], indptr[term + 1]):
            if allowed.shape[0] == 0 or allowed[passages[entry]]:
                held[place] = term
                break
    return held


def _row_sums(offsets: NDArray[np.int64], values: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """The sum of each row of a ragged array."""
    ends = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    return (ends[offsets[1:]] - ends[offsets[:-1]]).astype(np.float64)
