"""Both legs asked, every passage that either found given both of its scores, and the best of each article group ranked.

All of it is one compiled call: entering one costs more than most of the steps take, once the query before has emptied
the processor's caches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.fuse import dense_weight, expected_share, explained_share, fuse, meaning
from kbsearch.grouping import Groups, welcome_languages
from kbsearch.index.candidate_kernels import adjacency, agreement, is_among, united, with_group_in
from kbsearch.index.kernels import compiled, nanoseconds, prefetch
from kbsearch.index.lexical import LexicalIndex
from kbsearch.index.query_kernels import cosines_at, half_cosines_at, mask_of, search_cells, search_postings
from kbsearch.index.result_kernels import count_codes, quotable, rank_groups, strongest
from kbsearch.snapshot import Snapshot
from kbsearch.types import SearchRequest, noun
from kbsearch.understand import Understanding
from kbsearch.visibility import Visible

# Passages asked of each leg. Twelve translations of one article fill a dozen places, so ten would not do.
CANDIDATES = 100
# Results under this share of the best score are not worth a customer's look and are not counted as found.
RELATIVE_FLOOR = 0.3
# Of a passage that explains less than this share of what the best one does it is not looked at how its words stand: 99
# in 100 that hold what was typed word for word explain more.
LEAST_SHARE = 0.5
_NO_VECTOR = np.empty(0, np.float32)
_NO_DOCUMENTS = np.empty(0, np.int32)
_NO_PASSAGES = np.empty(0, np.int64)
_MODES = {"hybrid": 0, "lexical": 1, "dense": 2}
_LEXICAL, _DENSE = _MODES["lexical"], _MODES["dense"]
_MS_PER_NS = 1e-6
STAGES = ("dense", "lexical", "fuse", "group", "facets", "snippet", "decide")
"""Of a search, those that `retrieve` does or begins."""


@noun
class Candidates:
    """Passages that either leg found, each once; aligned arrays."""

    passages: NDArray[np.int64]
    documents: NDArray[np.int32]
    lexical: NDArray[np.float32]
    """Share of the query's terms that the passage explains, 0..1."""
    similarity: NDArray[np.float32]
    """Closeness in meaning, 0..1."""
    title: NDArray[np.float32]
    """How much the title of the passage's document says what was typed, 0..1."""
    adjacency: NDArray[np.float32]
    """How many of the words typed follow the same word in the passage, as a share of all, 0..1; 0 where it explains
    less of the query than others."""
    titled: NDArray[np.bool_]
    """The title of the passage's document is what was typed."""
    scores: NDArray[np.float32]
    """Fused, 0..1; those of the leg where only one was asked."""


def retrieve(
    snapshot: Snapshot,
    lexical: LexicalIndex,
    request: SearchRequest,
    query: Understanding,
    marked: NDArray[np.uint32],
    vector: NDArray[np.float32] | None,
    visible: Visible,
    pinned: Sequence[int] = (),
    in_context: bool = True,
) -> tuple[Candidates, Groups, dict[str, float]]:
    """The passages worth ranking, the results that they make, and the milliseconds of each of `STAGES`.

    `lexical`: the snapshot's, as the caller may know of it. `marked`: `short_hashes` of the query's. `vector` is the
    query's unit vector, None where there is no dense leg. `pinned`: groups whose visible documents are among the
    candidates whatever they hold, and whose results come first. `in_context`: whether the model reads words so.
    """
    titled = snapshot.titles.equal_to(query.typed) if request.mode == "hybrid" else _NO_DOCUMENTS
    if len(titled):
        titled = visible.among(titled.copy())  # compiled code takes arrays in the snapshot's files for others
    # A title that was typed word for word is looked at even where neither leg ranks it high.
    documents = titled
    if pinned:
        members = np.concatenate([snapshot.group_members(group) for group in pinned])
        documents = np.union1d(titled, visible.among(members))
    named = snapshot.first_passages(documents) if len(documents) else _NO_PASSAGES
    by_words = request.mode != "dense"
    counts = np.zeros(snapshot.facets_size, dtype=np.int64)
    *arrays, evidence, times = _find(
        (snapshot.dense.arrays, snapshot.dense.stored),
        lexical.postings,
        snapshot.heads.arrays,
        snapshot.articles,
        (
            _NO_VECTOR if vector is None else vector,
            snapshot.dense.width(visible.share),
            lexical.bag(query.terms if by_words else (), query.weights if by_words else ()),
            query.spare,
            snapshot.titles.asked(query.stems),
            # The single legs are for measuring: what a title says and how words stand is no part of them.
            snapshot.marks.asked(query.sequence if request.mode == "hybrid" else ()),
            titled,
            named,
            snapshot.spoken(query.readings),
            snapshot.marks.quotable(marked, len(query.content)),
        ),
        (
            mask_of(visible.passages),
            mask_of(visible.documents),
            welcome_languages(snapshot, request.lang, query.languages),
            np.asarray(pinned, dtype=np.int32),
            RELATIVE_FLOOR,
        ),
        _MODES[request.mode],
        0.0 if vector is None else dense_weight(query.content, query.unknown, in_context),
        # Of each leg several times as many as a page shows. Not more on later pages: all are slices of one list.
        max(CANDIDATES, 4 * request.limit),
        request.offset,
        request.offset + request.limit,
        counts,
    )
    best, groups, shown, quoted = arrays[8:]
    candidates = Candidates(*arrays[:8])
    results = Groups(groups, best, shown, candidates.scores[best], quoted, counts, evidence)
    return candidates, results, {stage: taken * _MS_PER_NS for stage, taken in zip(STAGES, times, strict=True)}


@compiled
def _find(
    dense: Any,
    postings: Any,
    heads: Any,
    articles: Any,
    query: Any,
    caller: Any,
    mode: int,
    weight: float,
    limit: int,
    offset: int,
    end: int,
    counts: NDArray[np.int64],
) -> tuple[Any, ...]:
    """What `retrieve` makes of these arrays: candidates, results, what speaks for the first one, nanoseconds."""
    (cells, stored), (passage_document, passage_start, langs, members, kinds) = dense, articles
    vector, width, bag, spare, title, sequence, titled, named, spoken, marks = query
    passages_allowed, documents_allowed, welcome, pinned, floor = caller
    limit = min(limit, passage_document.shape[0])

    started = nanoseconds()
    probe = named
    if vector.shape[0]:
        nearest, cosines = np.empty(limit, np.int64), np.empty(limit, np.float32)
        size = search_cells(*cells, width, vector, passages_allowed, nearest, cosines)
        probe = united(nearest[:size], cosines[:size], named, np.zeros(named.shape[0], np.float32))[0]

    searched = nanoseconds()
    matched, matched_scores = np.empty(limit, np.int32), np.empty(limit, np.float32)
    probed = np.empty(probe.shape[0], np.float32)
    size, _, bound = search_postings(postings, bag, passages_allowed, probe, matched, matched_scores, probed)

    added = nanoseconds()
    found, lexical_scores = united(probe, probed, matched[:size], matched_scores[:size])
    documents, lexical, closeness, agreeing, adjoining, scores = _judge(
        found, lexical_scores, bound - spare, vector, stored, heads, title, sequence,
        passage_document, members, langs, spoken, documents_allowed, weight,
    )  # fmt: skip
    if mode == _LEXICAL:
        scores = lexical
    elif mode == _DENSE:
        scores = closeness

    judged = nanoseconds()
    of_title = is_among(documents, titled)
    best, groups, shown = rank_groups(
        scores, of_title, found, documents, np.float32(floor), pinned, *members, langs, welcome, documents_allowed
    )
    ranked = nanoseconds()
    types, categories_of, categories, type_count = kinds
    lang_count = welcome.shape[0]
    by_lang, by_category = counts[type_count : type_count + lang_count], counts[type_count + lang_count :]
    count_codes(shown, types, langs, categories_of, categories, counts[:type_count], by_lang, by_category)

    counted = nanoseconds()
    quoted = quotable(
        shown[offset:end], best[offset:end], found, documents, scores, vector, stored, passage_start, marks
    )
    chosen = nanoseconds()
    evidence = strongest(groups[0] if groups.shape[0] else -1, members[0], documents, lexical, closeness, agreeing)
    times = (
        searched - started, added - searched, judged - added, ranked - judged, counted - ranked, chosen - counted,
        nanoseconds() - chosen,
    )  # fmt: skip
    return (
        found, documents, lexical, closeness, agreeing, adjoining, of_title, scores, best, groups, shown, quoted,
        evidence, times,
    )  # fmt: skip


@compiled
def _judge(
    found: NDArray[np.int64],
    lexical_scores: NDArray[np.float32],
    bound: float,
    vector: NDArray[np.float32],
    stored: Any,
    heads: Any,
    title: Any,
    sequence: Any,
    passage_document: NDArray[np.int32],
    members: Any,
    langs: NDArray[np.int32],
    spoken: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
    weight: float,
) -> tuple[Any, ...]:
    """All that is known of what both legs found: its document, the share of the query that it explains, its closeness
    in meaning (0 without a vector), its title's agreement, how many of the words stand side by side in it as they
    were typed, and these as one score."""
    lexical = explained_share(lexical_scores, bound)
    for passage in found:
        prefetch(passage_document, passage)
    documents = passage_document[found]
    closeness, share = np.zeros_like(lexical), lexical
    if vector.shape[0] > 0:
        rows, places, step, low = stored
        halves, telling = heads
        closeness = meaning(
            cosines_at(rows, places, step, low, vector, found), half_cosines_at(halves, telling, vector, documents)
        )
        # Articles of groups without a visible member in any language that the query is read in.
        foreign = ~with_group_in(documents, *members, langs, spoken, allowed)
        share = expected_share(lexical, closeness, foreign)
    agreeing = agreement(*title, documents)
    highest = np.float32(0.0)
    for explained in lexical:
        highest = max(highest, explained)
    adjoining = adjacency(*sequence, found, lexical > np.float32(LEAST_SHARE) * highest)
    scores = fuse(share, closeness, agreeing, adjoining, weight)
    return documents, lexical, closeness, agreeing, adjoining, scores
