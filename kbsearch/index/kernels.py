"""Compiled loops of the lexical leg: add up posting lists, keep the best. The only module that imports numba.

Machine code is cached on disk by numba, so the compilation (seconds) is paid once per installation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile without the interpreter lock; cached on disk where there is a folder to write to."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # Neither the package's folder nor the home directory can be written: compile in each process instead.
        return njit(nogil=True)(function)


@_compiled
def score_postings(
    indptr: NDArray[np.int64],
    passages: NDArray[np.int32],
    contributions: NDArray[np.float32],
    terms: NDArray[np.int64],
    weights: NDArray[np.float32],
    scores: NDArray[np.float32],
    touched: NDArray[np.int32],
) -> int:
    """Add every posting of `terms` to `scores` (zero on entry); list the passages reached, return how many."""
    count = 0
    for position in range(terms.shape[0]):
        term = terms[position]
        weight = weights[position]
        for entry in range(indptr[term], indptr[term + 1]):
            passage = passages[entry]
            # Contributions are strictly positive, so a zero means "not reached yet".
            if scores[passage] == 0.0:
                touched[count] = passage
                count += 1
            scores[passage] += weight * contributions[entry]
    return count


@_compiled
def select_best(
    scores: NDArray[np.float32],
    touched: NDArray[np.int32],
    count: int,
    allowed: NDArray[np.bool_],
    ids: NDArray[np.int32],
    best: NDArray[np.float32],
) -> int:
    """Keep the highest `len(ids)` allowed scores, best first, ties by lower passage; return how many there are.

    A binary heap with the worst kept entry at its root; most passages fail the first comparison.
    An empty `allowed` means all.
    """
    limit = ids.shape[0]
    everything = allowed.shape[0] == 0
    size = 0
    for index in range(count):
        passage = touched[index]
        if not everything and not allowed[passage]:
            continue
        score = scores[passage]
        if size < limit:
            child = size
            size += 1
            while child > 0:
                parent = (child - 1) >> 1
                if best[parent] < score or (best[parent] == score and ids[parent] > passage):
                    break
                best[child] = best[parent]
                ids[child] = ids[parent]
                child = parent
            best[child] = score
            ids[child] = passage
        elif score > best[0] or (score == best[0] and passage < ids[0]):
            _sift_down(best, ids, size, score, passage)
    for last in range(size - 1, 0, -1):
        score = best[last]
        passage = ids[last]
        best[last] = best[0]
        ids[last] = ids[0]
        _sift_down(best, ids, last, score, passage)
    return size


@_compiled
def _sift_down(best: NDArray[np.float32], ids: NDArray[np.int32], size: int, score: float, passage: int) -> None:
    """Put an entry at the root of the heap of `size` entries and let it sink to its place."""
    parent = 0
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (best[right] < best[child] or (best[right] == best[child] and ids[right] > ids[child])):
            child = right
        if best[child] < score or (best[child] == score and ids[child] > passage):
            best[parent] = best[child]
            ids[parent] = ids[child]
            parent = child
        else:
            break
    best[parent] = score
    ids[parent] = passage


@_compiled
def clear(scores: NDArray[np.float32], touched: NDArray[np.int32], count: int) -> None:
    """Set the touched scores back to zero: the cost follows the postings read, not the number of passages."""
    for index in range(count):
        scores[touched[index]] = 0.0
