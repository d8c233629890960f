"""Both legs asked, and every passage that either found given both of its scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kbsearch.fuse import expected_share, explained_share, fuse, meaning
from kbsearch.index.candidate_kernels import is_among, united
from kbsearch.snapshot import Snapshot
from kbsearch.types import Mode
from kbsearch.understand import Understanding
from kbsearch.visibility import Visible

# Passages asked of each leg. Twelve translations of one article fill a dozen places, so ten would not do.
CANDIDATES = 100


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages that either leg found, each once; aligned arrays."""

    passages: NDArray[np.int64]
    documents: NDArray[np.int32]
    lexical: NDArray[np.float32]
    """Share of the query's terms that the passage explains, 0..1."""
    similarity: NDArray[np.float32]
    """Closeness in meaning, 0..1."""
    scores: NDArray[np.float32]
    """Fused, 0..1."""
    title: NDArray[np.float32]
    """How much the title of the passage's document says what was typed, 0..1."""
    titled: NDArray[np.bool_]
    """The title of the passage's document is what was typed."""


def retrieve(
    snapshot: Snapshot,
    query: Understanding,
    vector: NDArray[np.float32] | None,
    visible: Visible,
    mode: Mode,
    wanted: int,
    pinned: NDArray[np.int32] | None = None,
) -> Candidates:
    """The passages worth ranking. `vector` is the query's unit vector, None where there is no dense leg.

    `wanted`: how many results the caller may come to read; both legs are asked for several times as many. `pinned`:
    visible documents that are among them whatever they hold.
    """
    limit = max(CANDIDATES, 4 * wanted)
    # The single legs are for measuring: what a title says is no part of them.
    titled = snapshot.titles.equal_to(query.typed if mode == "hybrid" else "")
    titled = titled[[visible[int(document)] for document in titled]] if len(titled) else titled
    # A title that was typed word for word is looked at even where neither leg ranks it high.
    passages = snapshot.first_passages(titled if pinned is None else np.union1d(titled, pinned))
    if vector is not None:
        nearest = snapshot.dense.search(vector, limit, visible.passages).passages.astype(np.int64)
        passages = np.concatenate([nearest, passages[~is_among(passages, nearest)]]) if len(passages) else nearest
    lexical = np.zeros(len(passages), np.float32)
    if mode != "dense":
        matched = snapshot.lexical.search(
            query.terms, limit, weights=query.weights, allowed=visible.passages, probe=passages
        )
        passages, lexical = united(passages, matched.probed, matched.passages, matched.scores)
        lexical = explained_share(lexical, matched.bound - query.spare)
    documents = snapshot.passage_document[passages]
    closeness = np.zeros_like(lexical)
    if vector is not None:
        closeness = meaning(snapshot.dense.cosines(passages, vector), snapshot.heads.cosines(vector, documents))
    agreement = snapshot.titles.agreement(query.stems, documents)
    scores = {"lexical": lexical, "dense": closeness}.get(mode)
    if scores is None:
        share = lexical
        if vector is not None:
            share = expected_share(lexical, closeness, _foreign(snapshot, documents, query.readings, visible))
        scores = fuse(share, closeness, agreement, vector is not None)
    return Candidates(
        passages=passages,
        documents=documents,
        lexical=lexical,
        similarity=closeness,
        scores=scores,
        title=agreement,
        titled=is_among(documents, titled),
    )


def _foreign(
    snapshot: Snapshot, documents: NDArray[np.int32], readings: tuple[str, ...], visible: Visible
) -> NDArray[np.bool_]:
    """Which documents are of groups without a visible member in any language that the query is read in."""
    spoken = snapshot.spoken(readings)
    return ~snapshot.groups_in(snapshot.document_group[documents], spoken, visible.documents)
