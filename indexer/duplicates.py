"""Documents that say nearly the same in the same language, whichever sources they come from.

Candidates share a band of a min-hash signature of their words (Broder, "On the resemblance and containment of
documents", 1997; one permutation, Li et al., 2012), so the cost grows with the documents, not with their pairs. Whether
they are duplicates is then counted exactly: shared runs of three words. Chosen by benchmarks/ties.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kbsearch.index.arrays import distinct
from kbsearch.index.corpus import Corpus
from kbsearch.index.kernels import sign_documents
from kbsearch.text.words import surfaces

NEARLY = 0.6
"""Shared runs of three words, as a share of all: from here on a pair is reported."""
SAME = 0.8
"""From here on, and with the same title, two documents of different sources are one article."""

_BIN_BITS = 7
_BINS = 1 << _BIN_BITS
_BAND = 8
_ALIKE = 0.65
"""Equal bins of two signatures, as a share: documents with `NEARLY` of their runs in common have more."""
_BLOCK = 8_192


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two documents by number, the earlier one first."""

    first: int
    second: int
    text: float
    """Shared runs of three words, 0..1."""
    same_title: bool
    """Whether the titles differ in case, diacritics and punctuation at most."""

    @property
    def same(self) -> bool:
        """Whether they are one article, not only alike: forms for two devices often differ by a word of the title, and
        "Yes" answers many questions."""
        return self.text >= SAME and self.same_title


def near_duplicates(corpus: Corpus, records: Sequence[Mapping[str, Any]], nearly: float = NEARLY) -> list[Duplicate]:
    """Pairs of documents of one language that are alike, in order; `records` are the corpus's own, parsed."""
    found = []
    texts = corpus.of_passages("texts")
    starts = np.searchsorted(corpus.passage_document, np.arange(corpus.documents + 1))
    titles = corpus.title_keys()
    runs: dict[int, set[tuple[str, ...]]] = {}
    for first, second in candidates(corpus):
        if records[first]["lang"] != records[second]["lang"]:
            continue
        for number in (first, second):
            if number not in runs:
                passages = range(int(starts[number]), int(starts[number + 1]))
                runs[number] = _runs([orjson.loads(texts[row].tobytes())[0] for row in passages])
        shared = _jaccard(runs[first], runs[second])
        if shared >= nearly:
            found.append(Duplicate(first, second, shared, same_title=bool(titles[first] == titles[second])))
    return found


def candidates(corpus: Corpus) -> list[tuple[int, int]]:
    """Pairs with like signatures. Of many alike each is paired with the next: a thousand copies give 999 pairs.

    Next to each other are those of one title, so that no pair of them is lost to others between them.
    """
    signatures, titles = _signatures(corpus), corpus.title_keys()
    found = []
    for start in range(0, _BINS, _BAND):
        keys = _mix(signatures[:, start : start + _BAND])
        order = np.lexsort((titles, keys))
        together = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        one, other = order[together], order[together + 1]
        found.append(np.minimum(one, other) * len(order) + np.maximum(one, other))
    pairs = distinct(np.concatenate(found))
    first, second = np.divmod(pairs, max(1, corpus.documents))
    alike = np.zeros(len(pairs))
    for start in range(0, len(pairs), _BLOCK):
        block = slice(start, start + _BLOCK)
        alike[block] = (signatures[first[block]] == signatures[second[block]]).mean(axis=1)
    kept = alike >= _ALIKE
    return list(zip(first[kept].tolist(), second[kept].tolist(), strict=True))


def _signatures(corpus: Corpus) -> NDArray[np.uint32]:
    """Shape (documents, bins): of the words whose hash falls into a bin, the least hash; an empty bin takes its right
    neighbour's (Shrivastava and Li, "Densifying one permutation hashing", 2014)."""
    bags = corpus.words_of_passages("bags")
    first = np.searchsorted(corpus.passage_document, np.arange(corpus.documents + 1))
    signatures = np.empty((corpus.documents, _BINS), dtype=np.uint32)
    sign_documents(first, bags.offsets, bags.values, corpus.vocabulary.keys, _BIN_BITS, signatures)
    return signatures


def _mix(band: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """One number a row; a collision costs a comparison."""
    mixed = np.zeros(len(band), dtype=np.uint64)
    for values in band.T:
        mixed = (mixed ^ values) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _runs(texts: Sequence[str]) -> set[tuple[str, ...]]:
    """Every three words in a row."""
    words = surfaces("\n".join(texts))
    if len(words) < 3:
        return {tuple(words)}
    return {(a, b, c) for (a, b), (_, c) in pairwise(pairwise(words))}


def _jaccard(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / max(1, len(one | other))
