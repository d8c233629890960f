"""Compiled loops over what a query found, a few hundred passages: NumPy's own ways would cost more than the search."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.kernels import compiled, prefetch

_SLOTS = 4_096
_LAST_BYTES = 256
"""Few stems of a passage share their last byte with one that was asked for: only those are compared."""


@compiled
def is_one_of(number: int, numbers: NDArray[Any]) -> bool:
    for other in numbers:  # noqa: SIM110 (compiled code has no generators)
        if other == number:
            return True
    return False


@compiled
def is_among(values: NDArray[np.integer[Any]], others: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which of a few values are among a few others; NumPy's own way sorts both."""
    # Few values share their last bits with one of the others: only those are compared.
    seen = np.zeros(_SLOTS, dtype=np.bool_)
    for other in others:
        seen[other & (_SLOTS - 1)] = True
    found = np.zeros(values.shape[0], dtype=np.bool_)
    for place in range(values.shape[0]):
        value = values[place]
        found[place] = seen[value & (_SLOTS - 1)] and is_one_of(value, others)
    return found


@compiled
def united(
    ids: NDArray[np.int64], scores: NDArray[np.float32], others: NDArray[np.int32], other_scores: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Two lists of a few passages and their scores as one, each passage once and as the first has it."""
    passages = np.empty(ids.shape[0] + others.shape[0], dtype=np.int64)
    united_scores = np.empty(passages.shape[0], dtype=np.float32)
    size = ids.shape[0]
    passages[:size] = ids
    united_scores[:size] = scores
    known = is_among(others, ids)
    for place in range(others.shape[0]):
        passages[size] = others[place]
        united_scores[size] = other_scores[place]
        size += not known[place]
    return passages[:size], united_scores[:size]


@compiled
def stems_of_documents(
    starts: NDArray[np.int64], holders: NDArray[np.int32], document_starts: NDArray[np.int64], stems: NDArray[np.int32]
) -> None:
    """Turn lists of the documents that hold each stem, `holders[starts[s]:starts[s + 1]]`, into lists of the stems that
    each document holds, rising, `stems[document_starts[d]:document_starts[d + 1]]`."""
    ends = document_starts.copy()
    for stem in range(starts.shape[0] - 1):
        for entry in range(starts[stem], starts[stem + 1]):
            document = holders[entry]
            stems[ends[document]] = stem
            ends[document] += 1


@compiled
def agreement(
    document_starts: NDArray[np.int64],
    held: NDArray[np.int32],
    stems: NDArray[np.int64],
    words: NDArray[np.int64],
    word_count: int,
    documents: NDArray[np.int32],
) -> NDArray[np.float32]:
    """The F1 of the words of each document and the `word_count` ones asked for.

    Document d holds the stems `held[document_starts[d]:document_starts[d + 1]]`, and word `words[k]` where it holds
    stem `stems[k]` (−1 for one that no document holds); `words` rises.
    """
    f1 = np.zeros(documents.shape[0], dtype=np.float32)
    for document in documents:
        prefetch(document_starts, np.int64(document))
    for document in documents:
        prefetch(held, document_starts[document])
    for place in range(documents.shape[0]):
        start, end = document_starts[documents[place]], document_starts[documents[place] + 1]
        last = -1
        agreeing = 0
        for number in range(stems.shape[0]):
            if words[number] == last:
                continue
            for entry in range(start, end):
                if held[entry] == stems[number]:
                    agreeing += 1
                    last = words[number]
                    break
        both = np.float32(max(word_count + end - start, 1))
        f1[place] = min(np.float32(2 * agreeing) / both, np.float32(1.0))
    return f1


@compiled
def last_bytes(stems: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which last bytes these stems have."""
    seen = np.zeros(_LAST_BYTES, dtype=np.bool_)
    for stem in stems:
        seen[stem % _LAST_BYTES] = True
    return seen


@compiled
def may_be_one(stem: np.uint32, seen: NDArray[np.bool_]) -> bool:
    """Whether a stem has the last byte of any of those that `seen` was made of."""
    found: bool = seen[stem % _LAST_BYTES]
    return found


@compiled
def _neighbours(
    passage: NDArray[np.uint32], stems: NDArray[np.uint32], words: NDArray[np.int64], seen: NDArray[np.bool_]
) -> int:
    """How many words follow in a passage the one that they follow in the query.

    Bit n of a number stands for word n, so that all are followed at once (Shift-And; Baeza-Yates and Gonnet, "A New
    Approach to Text Searching", 1992).
    """
    one = np.uint64(1)
    before = met = np.uint64(0)
    for stem in passage:
        here = np.uint64(0)
        if may_be_one(stem, seen):
            for number in range(stems.shape[0]):
                if stems[number] == stem:
                    here |= one << np.uint64(words[number])
        met |= (before << one) & here
        before = here
    count = 0
    while met:
        met &= met - one
        count += 1
    return count


@compiled
def adjacency(
    offsets: NDArray[np.int64],
    held: NDArray[np.uint32],
    stems: NDArray[np.uint32],
    words: NDArray[np.int64],
    word_count: int,
    passages: NDArray[np.int64],
    wanted: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """How many of `word_count` words (at most 64) follow the same word in each passage, as a share of all: the more
    words, the nearer to 1 where the passage holds all of them as they stand.

    Passage p is the words with the stems `held[offsets[p]:offsets[p + 1]]`, in their order; word `words[k]` of those
    asked for is one with the stem `stems[k]`. Only passages that are `wanted` are looked at, all others have 0.
    """
    shares = np.zeros(passages.shape[0], dtype=np.float32)
    if word_count < 2:
        return shares
    seen = last_bytes(stems)
    for place in range(passages.shape[0]):
        if wanted[place]:
            prefetch(held, offsets[passages[place]])
    for place in range(passages.shape[0]):
        if wanted[place]:
            passage = held[offsets[passages[place]] : offsets[passages[place] + 1]]
            shares[place] = np.float32(_neighbours(passage, stems, words, seen)) / np.float32(word_count)
    return shares


@compiled
def with_group_in(
    documents: NDArray[np.int32],
    groups: NDArray[np.int32],
    starts: NDArray[np.int64],
    members: NDArray[np.int32],
    codes: NDArray[np.int32],
    wanted: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which of some allowed documents are of groups that have an allowed member whose code is wanted.

    `groups` and `codes`: one a document of the snapshot. An empty `allowed` means all.
    """
    for document in documents:
        prefetch(codes, np.int64(document))
        prefetch(groups, np.int64(document))
    everything = allowed.shape[0] == 0
    found = np.zeros(documents.shape[0], dtype=np.bool_)
    for place in range(documents.shape[0]):
        document = documents[place]
        # Most are what is wanted themselves.
        if wanted[codes[document]]:
            found[place] = True
            continue
        for entry in range(starts[groups[document]], starts[groups[document] + 1]):
            member = members[entry]
            if wanted[codes[member]] and (everything or allowed[member]):
                found[place] = True
                break
    return found
