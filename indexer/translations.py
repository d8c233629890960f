"""Articles that look like translations of each other but are not tied: proposed to the editor, never tied by machine.

Two documents are proposed where each is the other's nearest in the other's language, and nearer than the neighbours of
both by a margin (Artetxe and Schwenk, "Margin-based parallel corpus mining", 2019). The file that is written is the
editor's groups.csv: rows that stay and lie beside the articles are accepted (indexer/editing.py reads them).
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kbsearch.snapshot import Snapshot

MARGIN = 1.1
"""Closeness of a pair, as a multiple of how close both are to their neighbours on average."""
CLOSE = 0.6
"""Cosine below which no pair is proposed. With the bundled model it costs 1 % of the true pairs of either help centre
in benchmarks/ties.py, and drops the leftovers, which are each other's nearest for want of better."""
_NEIGHBOURS = 4
_BLOCK = 2_048
_FORMULA = ("=", "+", "-", "@")

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two documents by number, and how much nearer they are than their neighbours."""

    first: int
    second: int
    margin: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """One document that could join a group."""

    id: str
    group: str
    lang: str
    title: str
    similarity: float
    """Cosine, −1..1, with the nearest document of the group."""


def propose(snapshot: Snapshot, margin: float = MARGIN) -> list[Proposal]:
    """Groups of untied translations, one after the other; every group has two documents or more."""
    vectors = document_vectors(snapshot)
    languages = snapshot.document_lang
    members = defaultdict(list)
    for number, group in enumerate(snapshot.document_group.tolist()):
        members[group].append(number)
    into = {group: group for group in members}
    nearest: dict[int, float] = {}
    for pair in sorted(pairs(vectors, languages, snapshot.document_group, margin), key=lambda pair: -pair.margin):
        one, other = sorted(into[int(snapshot.document_group[number])] for number in (pair.first, pair.second))
        both = (
            {int(languages[number]) for number in members[one]},
            {int(languages[number]) for number in members[other]},
        )
        if one == other or both[0] & both[1]:
            continue  # a group has one article a language
        for number in members[other]:
            into[int(snapshot.document_group[number])] = one
        members[one] += members.pop(other)
        similarity = float(vectors[pair.first] @ vectors[pair.second])
        for number in (pair.first, pair.second):
            nearest[number] = max(similarity, nearest.get(number, -1.0))
    proposals = []
    for group in sorted(members):
        records = [snapshot.record(number) for number in sorted(members[group])]
        if len({record["group"] for record in records}) > 1:
            name = records[0]["group"]
            for number, record in zip(sorted(members[group]), records, strict=True):
                similarity = nearest.get(number, 1.0)
                proposals.append(Proposal(record["id"], name, record["lang"], record["title"], similarity))
    return proposals


def document_vectors(snapshot: Snapshot) -> Vectors:
    """One unit vector a document: the mean of its passages'."""
    vectors = np.empty((snapshot.document_count, snapshot.model.dimension), dtype=np.float32)
    for number in range(len(vectors)):
        passages = np.asarray(snapshot.passages_of(number))
        vectors[number] = snapshot.dense.vectors(passages).mean(axis=0) if len(passages) else 0.0
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths == 0, 1.0, lengths)).astype(np.float32)


def pairs(
    vectors: Vectors, languages: NDArray[np.int32], groups: NDArray[np.int32], margin: float = MARGIN
) -> Iterator[Pair]:
    """Mutual best pairs of each two languages, of documents whose groups lack the other's language."""
    held = defaultdict(set)
    for group, language in zip(groups.tolist(), languages.tolist(), strict=True):
        held[group].add(language)
    for one, other in combinations(sorted(set(languages.tolist())), 2):
        left, right = (
            np.asarray([n for n in np.flatnonzero(languages == here).tolist() if there not in held[int(groups[n])]])
            for here, there in ((one, other), (other, one))
        )
        if len(left) and len(right):
            yield from _mutual(vectors, left, right, margin)


def _mutual(vectors: Vectors, left: NDArray[np.int64], right: NDArray[np.int64], margin: float) -> Iterator[Pair]:
    forth, near_left = _nearest(vectors[left], vectors[right])
    back, near_right = _nearest(vectors[right], vectors[left])
    for row, column in enumerate(forth.tolist()):
        if back[column] != row:
            continue
        cosine = float(vectors[left[row]] @ vectors[right[column]])
        ratio = 2 * cosine / max(1e-6, float(near_left[row] + near_right[column]))
        if cosine >= CLOSE and ratio >= margin:
            yield Pair(int(left[row]), int(right[column]), ratio)


def _nearest(queries: Vectors, others: Vectors) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest of the others to each query, and the mean closeness of the nearest few beside it."""
    best = np.empty(len(queries), dtype=np.int64)
    around = np.empty(len(queries))
    few = min(_NEIGHBOURS + 1, len(others))
    for start in range(0, len(queries), _BLOCK):
        cosines = queries[start : start + _BLOCK] @ others.T
        best[start : start + _BLOCK] = cosines.argmax(axis=1)
        top = np.partition(cosines, len(others) - few, axis=1)[:, len(others) - few :]
        rest = few - 1
        nearest = top.max(axis=1)
        around[start : start + _BLOCK] = (top.sum(axis=1) - nearest) / rest if rest else nearest
    return best, around


def as_csv(proposals: Sequence[Proposal]) -> str:
    """The editor's file, of which id and group are read again. A title that a spreadsheet would compute stands behind
    an apostrophe: it may come from a website that anybody writes to."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["id", "group", "lang", "title", "similarity"])
    for each in proposals:
        title = f"'{each.title}" if each.title.startswith(_FORMULA) else each.title
        rows.writerow([each.id, each.group, each.lang, title, f"{each.similarity:.2f}"])
    return text.getvalue()
