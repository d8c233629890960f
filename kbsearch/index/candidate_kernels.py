"""Compiled loops over what a query found, a few hundred passages: NumPy's own ways would cost more than the search."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.kernels import compiled, prefetch


@compiled
def is_among(values: NDArray[np.integer[Any]], others: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which of a few values are among a few others; NumPy's own way sorts both."""
    found = np.zeros(values.shape[0], dtype=np.bool_)
    for place in range(values.shape[0]):
        value = values[place]
        equal = False
        for other in others:
            equal |= value == other
        found[place] = equal
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
def agreement(
    starts: NDArray[np.int64],
    holders: NDArray[np.int32],
    sizes: NDArray[np.int32],
    stems: NDArray[np.int64],
    words: NDArray[np.int64],
    word_count: int,
    documents: NDArray[np.int32],
) -> NDArray[np.float32]:
    """The F1 of the words of each document and the `word_count` ones asked for; of a document they are `sizes`.

    A document holds word `words[k]` where it holds stem `stems[k]`; `words` rises. Stem s is held by the documents
    `holders[starts[s]:starts[s + 1]]`, rising; −1 by none.
    """
    f1 = np.zeros(documents.shape[0], dtype=np.float32)
    for document in documents:
        prefetch(sizes, np.int64(document))
    for place in range(documents.shape[0]):
        document = documents[place]
        last = -1
        agreeing = 0
        for number in range(stems.shape[0]):
            stem = stems[number]
            if stem < 0 or words[number] == last:
                continue
            low, end = starts[stem], starts[stem + 1]
            high = end
            while low < high:
                middle = (low + high) >> 1
                if holders[middle] < document:
                    low = middle + 1
                else:
                    high = middle
            if low < end and holders[low] == document:
                agreeing += 1
                last = words[number]
        both = np.float32(max(word_count + sizes[document], 1))
        f1[place] = min(np.float32(2 * agreeing) / both, np.float32(1.0))
    return f1


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
