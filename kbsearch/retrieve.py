"""Both legs asked, and every passage that either found given both of its scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.fuse import dense_weight, expected_share, explained_share, fuse, meaning
from kbsearch.index.candidate_kernels import agreement, is_among, united, with_group_in
from kbsearch.index.kernels import compiled, prefetch
from kbsearch.index.lexical import LexicalHits
from kbsearch.index.query_kernels import cosines_at, half_cosines_at, mask_of
from kbsearch.snapshot import Snapshot
from kbsearch.types import Mode, noun
from kbsearch.understand import Understanding
from kbsearch.visibility import Visible

# Passages asked of each leg. Twelve translations of one article fill a dozen places, so ten would not do.
CANDIDATES = 100
_NO_VECTOR = np.empty(0, np.float32)
_NONE = np.empty(0, np.int64)


@noun
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
    in_context: bool = True,
) -> Candidates:
    """The passages worth ranking. `vector` is the query's unit vector, None where there is no dense leg.

    `wanted`: how many results the caller may come to read; both legs are asked for several times as many. `pinned`:
    visible documents that are among them whatever they hold. `in_context`: whether the model reads words so.
    """
    limit = max(CANDIDATES, 4 * wanted)
    # The single legs are for measuring: what a title says is no part of them.
    titled = snapshot.titles.equal_to(query.typed if mode == "hybrid" else "")
    titled = titled[[visible[int(document)] for document in titled]] if len(titled) else titled
    # A title that was typed word for word is looked at even where neither leg ranks it high.
    named = titled if pinned is None else np.union1d(titled, pinned)
    passages = snapshot.first_passages(named) if len(named) else _NONE
    if vector is not None:
        nearest = snapshot.dense.search(vector, limit, visible.passages).passages
        passages = np.concatenate([nearest, passages[~is_among(passages, nearest)]]) if len(passages) else nearest
    if mode == "dense":
        matched = LexicalHits.none(len(passages))
    else:
        matched = snapshot.lexical.search(
            query.terms, limit, weights=query.weights, allowed=visible.passages, probe=passages
        )
    found, documents, lexical, closeness, title, fused = _judge(
        passages,
        matched.probed,
        matched.passages,
        matched.scores,
        matched.bound - query.spare,
        _NO_VECTOR if vector is None else vector,
        snapshot.dense.stored,
        snapshot.heads.arrays,
        snapshot.titles.asked(query.stems),
        snapshot.passage_document,
        (snapshot.document_group, snapshot.group_start, snapshot.group_documents, snapshot.document_lang),
        snapshot.spoken(query.readings),
        mask_of(visible.documents),
        0.0 if vector is None else dense_weight(query.content, query.unknown, in_context),
    )
    return Candidates(
        passages=found,
        documents=documents,
        lexical=lexical,
        similarity=closeness,
        scores={"lexical": lexical, "dense": closeness}.get(mode, fused),
        title=title,
        titled=is_among(documents, titled) if len(titled) else np.zeros(len(documents), np.bool_),
    )


@compiled
def _judge(
    passages: NDArray[np.int64],
    probed: NDArray[np.float32],
    matched: NDArray[np.int32],
    matched_scores: NDArray[np.float32],
    bound: float,
    vector: NDArray[np.float32],
    dense: Any,
    heads: Any,
    asked: Any,
    passage_document: NDArray[np.int32],
    groups: Any,
    spoken: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
    weight: float,
) -> tuple[Any, ...]:
    """What both legs found, each passage once, and all that is known of it: its document, the share of the query that
    it explains, its closeness in meaning (0 without a vector), its title's agreement, and these as one score."""
    found, scores = united(passages, probed, matched, matched_scores)
    lexical = explained_share(scores, bound)
    for passage in found:
        prefetch(passage_document, passage)
    documents = passage_document[found]
    closeness, share = np.zeros_like(lexical), lexical
    if vector.shape[0] > 0:
        rows, places, step, low = dense
        halves, telling = heads
        closeness = meaning(
            cosines_at(rows, places, step, low, vector, found), half_cosines_at(halves, telling, vector, documents)
        )
        # Articles of groups without a visible member in any language that the query is read in.
        foreign = ~with_group_in(documents, *groups, spoken, allowed)
        share = expected_share(lexical, closeness, foreign)
    title = agreement(*asked, documents)
    return found, documents, lexical, closeness, title, fuse(share, closeness, title, weight)
