"""Cells for the dense leg: centres among unit vectors, and the cell that each vector lies in. Imported by `dense`.

k-means in two levels: a few wide cells, then the cells within each. A vector is compared with the centres of the two
wide cells nearest to it, a sixteenth of all at 100,000 passages. On 200,000 generated and 26,000 real passages a query
reads as few rows for the same recall as with k-means over all at once.

Vectors are compared in whole numbers, of which floats hold every sum exactly: the same vectors in the same order give
the same cells whatever library multiplies them, on however many cores.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_STEPS = 2_048
"""Whole numbers between 0 and 1; products of unit vectors stay far below 2^24."""
_ROUNDS = 8
_TRAINING_POINTS = 40
_WIDE_TRAINING_POINTS = 128
_BLOCK = 8_192

Vectors = NDArray[np.float32]


def cells_of(vectors: Vectors, count: int) -> tuple[Vectors, NDArray[np.int64]]:
    """About `count` centres, one a row, and for each of the unit vectors the row of the centre that it belongs to.

    There are more vectors than `count`.
    """
    wide = _centres(vectors, 1 << int(math.log2(count)) // 2, _WIDE_TRAINING_POINTS)
    near = _nearest_two(vectors, wide)
    order = np.argsort(near[:, 0], kind="stable")
    members = np.split(order, np.cumsum(np.bincount(near[:, 0], minlength=len(wide)))[:-1])
    parts = []
    best = np.full(len(vectors), -np.inf, dtype=np.float32)
    cell = np.zeros(len(vectors), dtype=np.int64)
    first = 0
    for number, within in enumerate(members):
        if not len(within):
            continue
        centres = _centres(
            vectors[np.sort(within)], max(1, round(count * len(within) / len(vectors))), _TRAINING_POINTS
        )
        candidates = np.flatnonzero((near == number).any(axis=1))
        for start in range(0, len(candidates), _BLOCK):
            rows = candidates[start : start + _BLOCK]
            products = _whole(vectors[rows]) @ centres.T
            chosen = products.argmax(axis=1)
            highest = products[np.arange(len(rows)), chosen]
            nearer = highest > best[rows]
            best[rows[nearer]], cell[rows[nearer]] = highest[nearer], first + chosen[nearer]
        parts.append(centres)
        first += len(centres)
    return np.concatenate(parts) / np.float32(_STEPS), cell


def _centres(vectors: Vectors, count: int, training_points: int) -> Vectors:
    """Centres in whole numbers: k-means by the angle (Dhillon and Modha, 2001) on some of the vectors."""
    points = _whole(vectors[:: max(1, len(vectors) // (count * training_points))])
    centres = points[np.arange(count) * len(points) // count]
    numbers = np.arange(len(points))
    for _ in range(_ROUNDS):
        belongs = np.zeros((count, len(points)), dtype=np.float32)
        belongs[(points @ centres.T).argmax(axis=1), numbers] = 1.0
        sums = belongs @ points
        lengths = np.sqrt(np.square(sums, dtype=np.float64).sum(axis=1))
        held = lengths > 0.0
        centres[held] = np.rint(sums[held] * (_STEPS / lengths[held])[:, None])
    return centres


def _nearest_two(vectors: Vectors, centres: Vectors) -> NDArray[np.int32]:
    """The rows of the two centres nearest to each vector, the nearest first; shape (len(vectors), 2)."""
    near = np.empty((len(vectors), 2), dtype=np.int32)
    for start in range(0, len(vectors), _BLOCK):
        products = _whole(vectors[start : start + _BLOCK]) @ centres.T
        for place in range(2):
            chosen = products.argmax(axis=1)
            near[start : start + _BLOCK, place] = chosen
            products[np.arange(len(products)), chosen] = -np.inf
    return near


def _whole(vectors: Vectors) -> Vectors:
    """Unit vectors in whole numbers."""
    steps: Vectors = vectors * np.float32(_STEPS)
    np.rint(steps, out=steps)
    return steps
