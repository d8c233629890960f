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
def groups_with(
    groups: NDArray[np.int32],
    starts: NDArray[np.int64],
    members: NDArray[np.int32],
    codes: NDArray[np.int32],
    wanted: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which of the groups have an allowed member whose code is wanted; an empty `allowed` means all."""
    everything = allowed.shape[0] == 0
    found = np.zeros(groups.shape[0], dtype=np.bool_)
    for place in range(groups.shape[0]):
        for entry in range(starts[groups[place]], starts[groups[place] + 1]):
            member = members[entry]
            if wanted[codes[member]] and (everything or allowed[member]):
                found[place] = True
                break
    return found


@compiled
def best_members(
    documents: NDArray[np.int32],
    groups: NDArray[np.int32],
    starts: NDArray[np.int64],
    members: NDArray[np.int32],
    codes: NDArray[np.int32],
    worth: NDArray[np.float32],
    allowed: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """For each document the first allowed member of its group with the code of most worth, if that is worth more.

    `groups`: one a document of the snapshot. Of codes worth the same the highest wins. An empty `allowed` means all.
    """
    everything = allowed.shape[0] == 0
    chosen = documents.copy()
    for place in range(documents.shape[0]):
        best = documents[place]
        for entry in range(starts[groups[best]], starts[groups[best] + 1]):
            member = members[entry]
            more = worth[codes[member]] - worth[codes[best]]
            same = more == 0.0 and best != documents[place] and codes[member] > codes[best]
            if (more > 0.0 or same) and (everything or allowed[member]):
                best = member
        chosen[place] = best
    return chosen


@compiled
def best_of_groups(
    scores: NDArray[np.float32],
    unwelcome: NDArray[np.float32],
    passages: NDArray[np.int64],
    groups: NDArray[np.int32],
) -> NDArray[np.int64]:
    """The place of each group's best candidate, best group first: the higher score, the less unwelcome, the earlier."""
    order = np.argsort(-scores)
    # Equal scores, in whatever order so far, are put in theirs by insertion.
    for place in range(1, order.shape[0]):
        current = order[place]
        hole = place
        while hole > 0:
            other = order[hole - 1]
            if scores[other] != scores[current]:
                break
            if unwelcome[other] < unwelcome[current] or (
                unwelcome[other] == unwelcome[current] and passages[other] < passages[current]
            ):
                break
            order[hole] = other
            hole -= 1
        order[hole] = current
    # A table of the groups met, twice as large as is needed.
    size = 2
    while size < 2 * order.shape[0]:
        size *= 2
    table = np.full(size, -1, dtype=np.int64)
    count = 0
    for place in range(order.shape[0]):
        group = groups[order[place]]
        slot = group & (size - 1)
        while table[slot] >= 0 and table[slot] != group:
            slot = (slot + 1) & (size - 1)
        if table[slot] < 0:
            table[slot] = group
            order[count] = order[place]
            count += 1
    return order[:count]
