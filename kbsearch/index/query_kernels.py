"""Compiled loops of a query: add up posting lists, read vectors, keep the best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.kernels import compiled, compiled_sums

_EVERYTHING = np.empty(0, dtype=np.bool_)
"""What these loops are given for `allowed` where all are."""


def mask_of(allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """One flag for each of what may be found, as these loops take it; None means all."""
    return _EVERYTHING if allowed is None else allowed


@compiled
def places_of(numbers: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The place of each wanted number in a rising array, −1 where it is absent."""
    places = np.empty(wanted.shape[0], dtype=np.int64)
    for number in range(wanted.shape[0]):
        place = np.searchsorted(numbers, wanted[number])
        places[number] = place if place < numbers.shape[0] and numbers[place] == wanted[number] else -1
    return places


@compiled
def search_postings(
    indptr: NDArray[np.int64],
    passages: NDArray[np.int32],
    contributions: NDArray[np.float32],
    terms: NDArray[np.int64],
    weights: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    probe: NDArray[np.int64],
    scores: NDArray[np.float32],
    touched: NDArray[np.int32],
    ids: NDArray[np.int32],
    best: NDArray[np.float32],
    probed: NDArray[np.float32],
) -> int:
    """Add up every posting of `terms` and keep the highest allowed scores, best first; return how many there are.

    `terms`: numbers, −1 for one that no passage holds. `scores`: zeros, one a passage, and zeros again afterwards;
    `touched`: as long. `ids` and `best` take what is kept, `probed` the scores of `probe`. An empty `allowed` means
    all. Raises IndexError where there is no such passage.
    """
    for passage in probe:
        if not 0 <= passage < scores.shape[0]:
            raise IndexError("no such passage")
    count = 0
    for position in range(terms.shape[0]):
        term = terms[position]
        if term < 0:
            continue
        weight = weights[position]
        for entry in range(indptr[term], indptr[term + 1]):
            passage = passages[entry]
            # Contributions are strictly positive, so a zero means "not reached yet".
            if scores[passage] == 0.0:
                touched[count] = passage
                count += 1
            scores[passage] += weight * contributions[entry]
    size: int = _select(scores, touched[:count], allowed, ids, best)
    for place in range(probe.shape[0]):
        probed[place] = scores[probe[place]]
    # The cost follows the postings read, not the number of passages.
    for index in range(count):
        scores[touched[index]] = 0.0
    return size


@compiled
def _select(
    scores: NDArray[np.float32],
    passages: NDArray[np.int32],
    allowed: NDArray[np.bool_],
    ids: NDArray[np.int32],
    best: NDArray[np.float32],
) -> int:
    size = 0
    limit = best.shape[0]
    if limit == 0:
        return 0
    everything = allowed.shape[0] == 0
    for passage in passages:
        score = scores[passage]
        # Most fail the first comparison; a call costs more than that.
        if (size < limit or score >= best[0]) and (everything or allowed[passage]):
            size = _keep(best, ids, size, score, passage)
    _sort(best, ids, size)
    return size


@compiled_sums
def _product(row: NDArray[Any], weights: NDArray[np.float32]) -> np.float32:
    product = np.float32(0.0)
    for column in range(weights.shape[0]):
        product += weights[column] * np.float32(row[column])
    return product


@compiled_sums
def nearest_rows(
    rows: NDArray[Any],
    starts: NDArray[np.int64],
    first: NDArray[np.int64],
    ids: NDArray[np.int32],
    cells: NDArray[np.int32],
    weights: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    kept: NDArray[np.int32],
    best: NDArray[np.float32],
) -> int:
    """Keep the allowed rows with the highest products with `weights`, best first; return how many there are.

    Cell c holds rows number `first[c]` to `first[c + 1]`, which lie one after the other from `rows[starts[c]]` on and
    belong to the passages `ids`. Only `cells` are read. An empty `allowed` means all.
    """
    width = weights.shape[0]
    limit = best.shape[0]
    if limit == 0:
        return 0
    everything = allowed.shape[0] == 0
    size = 0
    for cell in cells:
        start = starts[cell]
        for number in range(first[cell], first[cell + 1]):
            passage = ids[number]
            if everything or allowed[passage]:
                product = _product(rows[start : start + width], weights)
                if size < limit or product >= best[0]:
                    size = _keep(best, kept, size, product, passage)
            start += width
    _sort(best, kept, size)
    return size


@compiled_sums
def rows_at(
    rows: NDArray[Any], starts: NDArray[np.int64], weights: NDArray[np.float32], products: NDArray[np.float32]
) -> None:
    """The product with `weights` of the row that begins at each of `starts`."""
    for place in range(starts.shape[0]):
        products[place] = _product(rows[starts[place] : starts[place] + weights.shape[0]], weights)


@compiled_sums
def half_rows_at(
    rows: NDArray[np.uint16], numbers: NDArray[np.int32], weights: NDArray[np.float32], products: NDArray[np.float32]
) -> None:
    """The product with `weights` of each of the rows `numbers`; the rows hold the bits of 16-bit floats."""
    for place in range(numbers.shape[0]):
        row = rows[numbers[place]]
        total = np.float32(0.0)
        for column in range(weights.shape[0]):
            bits = np.uint32(row[column])
            # Exponent and fraction moved to their places in 32 bits, where the exponent counts from 127, not from 15.
            size = np.uint32((bits & np.uint32(0x7FFF)) << np.uint32(13))
            sign = np.uint32((bits & np.uint32(0x8000)) << np.uint32(16))
            total += weights[column] * (np.uint32(size | sign).view(np.float32) * np.float32(2.0**112))
        products[place] = total


@compiled
def _keep(best: NDArray[np.float32], ids: NDArray[np.int32], size: int, score: float, passage: int) -> int:
    """Offer an entry to a heap with the worst one at its root, ties by lower passage; return its new size.

    Full, it keeps the better ones.
    """
    if size < best.shape[0]:
        child = size
        while child > 0:
            parent = (child - 1) >> 1
            if best[parent] < score or (best[parent] == score and ids[parent] > passage):
                break
            best[child] = best[parent]
            ids[child] = ids[parent]
            child = parent
        best[child] = score
        ids[child] = passage
        return size + 1
    if score > best[0] or (score == best[0] and passage < ids[0]):
        _sift_down(best, ids, size, score, passage)
    return size


@compiled
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


@compiled
def _sort(best: NDArray[np.float32], ids: NDArray[np.int32], size: int) -> None:
    """Turn a heap into a list, best first."""
    for last in range(size - 1, 0, -1):
        score = best[last]
        passage = ids[last]
        best[last] = best[0]
        ids[last] = ids[0]
        _sift_down(best, ids, last, score, passage)


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
def count_agreeing(
    starts: NDArray[np.int64],
    holders: NDArray[np.int32],
    stems: NDArray[np.int64],
    words: NDArray[np.int64],
    documents: NDArray[np.int32],
) -> NDArray[np.float32]:
    """How many different words each document holds; it holds word `words[k]` where it holds stem `stems[k]`.

    `words` rises. Stem s is held by the documents `holders[starts[s]:starts[s + 1]]`, rising; −1 by none.
    """
    agreeing = np.zeros(documents.shape[0], dtype=np.float32)
    for place in range(documents.shape[0]):
        document = documents[place]
        last = -1
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
                agreeing[place] += np.float32(1.0)
                last = words[number]
    return agreeing


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
