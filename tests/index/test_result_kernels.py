"""The compiled loops over results against NumPy's own ways, on small numbers where ties are many."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from kbsearch.index.candidate_kernels import with_group_in
from kbsearch.index.result_kernels import (
    best_members,
    best_of_groups,
    count_codes,
    quotable,
    rank_groups,
    strongest,
)

EVERYTHING = np.empty(0, np.bool_)
FLOOR = np.float32(0.3)


@pytest.mark.parametrize("seed", range(20))
def test_groups_are_ordered_as_by_sorting_all_candidates(seed: int) -> None:
    """Score, then welcome, then reading order; each group once, at its best."""
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 60))
    scores = random.integers(0, 4, count).astype(np.float32)
    unwelcome = -random.integers(0, 3, count).astype(np.float32)
    passages = random.permutation(count).astype(np.int64)
    groups = random.integers(0, 70_000, count).astype(np.int32) % max(1, count // 2)
    order = np.lexsort((passages, unwelcome, -scores))
    _, first = np.unique(groups[order], return_index=True)
    expected = order[np.sort(first)]
    assert best_of_groups(scores, unwelcome, passages, groups).tolist() == expected.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_the_best_member_is_the_first_of_the_most_welcome_language(seed: int) -> None:
    """Of equally welcome ones the last; the document itself where none is more welcome; nothing that is not allowed."""
    random = np.random.default_rng(seed)
    groups = np.sort(random.integers(0, 6, 20)).astype(np.int32)
    starts = np.searchsorted(groups, np.arange(7))
    members = np.concatenate([np.flatnonzero(groups == group) for group in range(6)]).astype(np.int32)
    codes = random.integers(0, 4, 20).astype(np.int32)
    worth = random.integers(0, 3, 4).astype(np.float32)
    allowed = random.random(20) < 0.6
    documents = np.arange(20, dtype=np.int32)
    for mask, flags in ((EVERYTHING, np.ones(20, np.bool_)), (allowed, allowed)):
        shown = best_members(documents, groups, starts, members, codes, worth, mask)
        for document in range(20):
            own = [int(m) for m in members if groups[m] == groups[document] and flags[m]]
            better = [m for m in own if worth[codes[m]] > worth[codes[document]]]
            best = max(better, key=lambda m: (worth[codes[m]], codes[m], -m), default=document)
            assert shown[document] == best
        wanted = np.asarray([True, False, False, True])
        seen = np.flatnonzero(flags).astype(np.int32)
        expected = [bool((flags & wanted[codes] & (groups == groups[document])).any()) for document in seen]
        assert with_group_in(seen, groups, starts, members, codes, wanted, mask).tolist() == expected


@pytest.mark.parametrize("seed", range(20))
def test_results_are_pinned_titled_or_good_enough(seed: int) -> None:
    """Pinned groups in their order, titles, then by score; what is far below the best is left out."""
    random = np.random.default_rng(seed)
    count, group_of = 30, np.sort(random.integers(0, 12, 40)).astype(np.int32)
    starts, members = np.searchsorted(group_of, np.arange(13)), np.arange(40, dtype=np.int32)
    langs, welcome = random.integers(0, 3, 40).astype(np.int32), random.random(3).astype(np.float32)
    documents = random.integers(0, 40, count).astype(np.int32)
    scores = (random.integers(0, 10, count) / 10).astype(np.float32)
    titled, passages = random.random(count) < 0.1, random.permutation(count).astype(np.int64)
    pinned = random.permutation(12)[: int(random.integers(0, 4))].astype(np.int32)
    found = rank_groups(
        scores, titled, passages, documents, FLOOR, pinned,
        group_of, starts, members, langs, welcome, EVERYTHING,
    )  # fmt: skip
    groups = group_of[documents]
    ordered = best_of_groups(scores + titled, -welcome[langs[documents]], passages, groups)
    kept = [c for c in ordered if titled[c] or scores[c] > FLOOR * scores.max() or groups[c] in pinned]
    place = {group: number for number, group in enumerate(pinned.tolist())}
    kept.sort(key=lambda c: place.get(int(groups[c]), len(place)))
    shown = best_members(documents[kept], group_of, starts, members, langs, welcome, EVERYTHING)
    for computed, expected in zip(found, (np.asarray(kept, np.int64), groups[kept], shown), strict=True):
        assert computed.tolist() == expected.tolist()


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("with_vector", [True, False])
def test_what_is_quoted_is_the_best_passage_of_what_is_shown(seed: int, with_vector: bool) -> None:
    """The best candidate, that of the shown translation, or else its nearest passage; the first without a vector.

    Where that one holds nothing that was asked for, the best candidate of the same document that holds enough of it.
    """
    random = np.random.default_rng(seed)
    starts = np.concatenate(([0], np.cumsum(random.integers(1, 4, 8))))
    owner = np.repeat(np.arange(8), np.diff(starts)).astype(np.int32)
    vectors = random.standard_normal((len(owner), 4)).astype(np.float32)
    one, zero = np.ones(4, np.float32), np.zeros(4, np.float32)
    stored = (vectors.reshape(-1), np.arange(len(owner)) * 4, one, zero)
    vector = random.standard_normal(4).astype(np.float32) if with_vector else np.empty(0, np.float32)
    passages = random.permutation(len(owner))[:6].astype(np.int64)
    scores = random.random(6).astype(np.float32)
    best, shown = random.permutation(6)[:5].astype(np.int64), random.permutation(8)[:5].astype(np.int32)
    stems = random.integers(0, 40, (len(owner), 3)).astype(np.uint32) * 128
    wanted = (random.permutation(40)[: int(random.integers(0, 9))] * 128).astype(np.uint32)
    enough = int(random.integers(1, 3))
    offsets = np.arange(len(owner) + 1) * 3
    marks = offsets, stems.reshape(-1), np.concatenate((wanted, wanted[:1])), enough
    found = quotable(shown, best, passages, owner[passages], scores, vector, stored, starts, marks)
    held = [len(np.intersect1d(row, wanted)) for row in stems]
    for document, place, quoted in zip(shown.tolist(), best.tolist(), found.tolist(), strict=True):
        own = np.flatnonzero(owner[passages] == document)
        everything = np.arange(starts[document], starts[document + 1])
        if owner[passages[place]] == document:
            expected = passages[place]
        elif len(own):
            expected = passages[own[np.argmax(scores[own])]]
        else:
            expected = everything[np.argmax(vectors[everything] @ vector)] if with_vector else everything[0]
        telling = [other for other in own if held[passages[other]] >= enough]
        if telling and not held[expected]:
            expected = passages[max(telling, key=lambda other: scores[other])]
        assert quoted == expected


def test_no_candidates_are_no_results() -> None:
    """Nothing to rank, nothing to count, nothing that speaks for it."""
    none, numbers, scores = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)
    assert [len(part) for part in rank_groups(
        scores, EVERYTHING, none, numbers, FLOOR, numbers, numbers, none, numbers, numbers, scores, EVERYTHING
    )] == [0, 0, 0]  # fmt: skip
    assert strongest(0, numbers, numbers, scores, scores, scores) == (0.0, 0.0, 0.0, 0.0, 0.0)


def test_codes_are_counted() -> None:
    """Each document once for its type and its language, and once for each of its categories."""
    random = np.random.default_rng(1)
    types, langs = random.integers(0, 3, 20).astype(np.int32), random.integers(0, 4, 20).astype(np.int32)
    starts = np.concatenate(([0], np.cumsum(random.integers(0, 3, 20))))
    categories = random.integers(0, 5, int(starts[-1])).astype(np.int32)
    documents = random.permutation(20)[:9].astype(np.int32)
    counts = [np.zeros(size, np.int64) for size in (3, 4, 5)]
    count_codes(documents, types, langs, starts, categories, *counts)
    held = [code for document in documents for code in categories[starts[document] : starts[document + 1]].tolist()]
    for counted, codes in zip(counts, (types[documents].tolist(), langs[documents].tolist(), held), strict=True):
        assert counted.tolist() == [Counter(codes)[code] for code in range(len(counted))]


@pytest.mark.parametrize("seed", range(5))
def test_what_speaks_for_a_group_is_its_best_and_the_best_of_the_others(seed: int) -> None:
    """Each score by itself, whichever passage has it."""
    random = np.random.default_rng(seed)
    group_of, documents = random.integers(0, 4, 10).astype(np.int32), random.integers(0, 10, 12).astype(np.int32)
    lexical, similarity, title = random.random((3, 12)).astype(np.float32)
    own = group_of[documents] == 1
    expected = [part[own].max(initial=0.0) for part in (lexical, similarity, title)]
    expected += [part[~own].max(initial=0.0) for part in (lexical, similarity)]
    assert list(strongest(1, group_of, documents, lexical, similarity, title)) == expected
