"""Compiled loops of a query that find passages: add up posting lists, read vectors, keep the best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.kernels import compiled, compiled_sums, prefetch

_SIGN = np.uint32(1 << 31)
_SPARE = 64
_FEW = 500
_FIRST = 64
"""Postings of each term that are fetched ahead; further ones the processor sees coming."""
_CHUNK = 256
_AHEAD = 8
"""Rows fetched while one is read, of the next so many that may be found."""
_LINE = 64
"""Bytes that come from memory together."""
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
    postings: Any,
    bag: Any,
    allowed: NDArray[np.bool_],
    probe: NDArray[np.int64],
    ids: NDArray[np.int32],
    best: NDArray[np.float32],
    probed: NDArray[np.float32],
) -> tuple[int, float, float]:
    """Add up every posting of a bag of terms and keep the highest allowed scores, best first.

    Returns how many there are, Σ idf·weight of the terms that are known, and what no passage can score more than.
    `postings`: for each term its passages and what it adds to their scores, `passages[indptr[t]:indptr[t + 1]]` and
    `contributions` there, and its idf; the idf of a term that no passage holds; and how many times its idf a term can
    add. `bag`: `terms`, their numbers, −1 for one that no passage holds, and their weights; `scores`, zeros, one a
    passage, and zeros again afterwards; `touched`, one longer. `ids` and `best` take what is kept, `probed` the scores
    of `probe`. An empty `allowed` means all. Raises IndexError where there is no such passage.
    """
    indptr, passages, contributions, idf, rarest, most = postings
    terms, weights, scores, touched = bag
    for passage in probe:
        if not 0 <= passage < scores.shape[0]:
            raise IndexError("no such passage")
    reached = _add_up(indptr, passages, contributions, terms, weights, scores, touched)
    for place in range(probe.shape[0]):
        probed[place] = scores[probe[place]]
    limit = best.shape[0]
    keys = _room_for(limit)
    everything = allowed.shape[0] == 0
    size = 0
    floor = np.float32(0.0)
    # The cost follows the postings read, not the number of passages.
    for index in range(reached):
        passage = touched[index]
        score = scores[passage]
        scores[passage] = np.float32(0.0)
        if score >= floor and (everything or allowed[passage]):
            keys[size] = _key(score, passage)
            size += 1
            if size == keys.shape[0]:
                size = _keep_best(keys, size, limit)
                floor = _floor(keys, limit)
    size = _keep_best(keys, size, limit)
    _unpack(keys, size, ids, best)
    known = unknown = 0.0
    for position in range(terms.shape[0]):
        if terms[position] >= 0:
            known += idf[terms[position]] * weights[position]
        else:
            unknown += weights[position]
    return size, known, (known + unknown * rarest) * most


@compiled
def _add_up(
    indptr: NDArray[np.int64],
    passages: NDArray[np.int32],
    contributions: NDArray[np.float32],
    terms: NDArray[np.int64],
    weights: NDArray[np.float32],
    scores: NDArray[np.float32],
    touched: NDArray[np.int32],
) -> int:
    """Add every posting of `terms` to `scores`; list the passages in `touched` and return how many there are."""
    for term in terms:
        if term >= 0:
            for entry in range(indptr[term], min(indptr[term + 1], indptr[term] + _FIRST), _LINE // 4):
                prefetch(passages, entry)
                prefetch(contributions, entry)
    count = 0
    for position in range(terms.shape[0]):
        term, weight = terms[position], weights[position]
        # What adds nothing reaches nothing: counted again and again, a passage would take more room than there is.
        if term < 0 or not weight > np.float32(0.0):
            continue
        for entry in range(indptr[term], indptr[term + 1]):
            passage = passages[entry]
            score = scores[passage]
            # Contributions and weights are positive, so a zero means "not reached yet". Written down in any case and
            # counted then: nobody can guess the answer, and a wrong guess costs more than all the rest.
            touched[count] = passage
            count += score == np.float32(0.0)
            scores[passage] = score + weight * contributions[entry]
    return count


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
    kept: NDArray[np.integer[Any]],
    best: NDArray[np.float32],
) -> int:
    """Keep the allowed rows with the highest products with `weights`, best first; return how many there are.

    Cell c holds rows number `first[c]` to `first[c + 1]`, which lie one after the other from `rows[starts[c]]` on and
    belong to the passages `ids`. Only `cells` are read. An empty `allowed` means all.
    """
    width = weights.shape[0]
    limit = best.shape[0]
    keys = _room_for(limit)
    everything = allowed.shape[0] == 0
    size = 0
    floor = np.float32(-np.inf)
    chosen = np.empty(_CHUNK, dtype=np.int64)
    for place in range(cells.shape[0]):
        cell = cells[place]
        # Row n lies at n·width from here.
        origin = starts[cell] - first[cell] * width
        if everything and place + 1 < cells.shape[0]:
            _prefetch_row(rows, starts[cells[place + 1]], _AHEAD * width)
        for begin in range(first[cell], first[cell + 1], _CHUNK):
            count = 0
            for number in range(begin, min(begin + _CHUNK, first[cell + 1])):
                chosen[count] = number
                count += everything or allowed[ids[number]]
            for index in range(0 if everything else min(_AHEAD, count)):
                _prefetch_row(rows, origin + chosen[index] * width, width)
            for index in range(count):
                if index + _AHEAD < count:
                    _prefetch_row(rows, origin + chosen[index + _AHEAD] * width, width)
                start = origin + chosen[index] * width
                product = _product(rows[start : start + width], weights)
                # Offered in any case and counted then, as in `_add_up`.
                keys[size] = _key(product, ids[chosen[index]])
                size += product >= floor
                if size == keys.shape[0]:
                    size = _keep_best(keys, size, limit)
                    floor = _floor(keys, limit)
    found: int = _keep_best(keys, size, limit)
    _unpack(keys, found, kept, best)
    return found


@compiled_sums
def _nearest_centres(centres: NDArray[np.uint8], weights: NDArray[np.float32], limit: int) -> NDArray[np.int32]:
    """The numbers of the rows, which lie one after the other, with the highest products; best first. A product that is
    no number is none: there may be fewer than `limit`."""
    width = weights.shape[0]
    products = np.empty(centres.shape[0] // width, dtype=np.float32)
    for row in range(products.shape[0]):
        products[row] = _product(centres[row * width : (row + 1) * width], weights)
    keys = _room_for(limit)
    size = 0
    floor = np.float32(-np.inf)
    for row in range(products.shape[0]):
        keys[size] = _key(products[row], row)
        size += products[row] >= floor
        if size == keys.shape[0]:
            size = _keep_best(keys, size, limit)
            floor = _floor(keys, limit)
    size = _keep_best(keys, size, limit)
    nearest, best = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.float32)
    _unpack(keys, size, nearest, best)
    return nearest


@compiled_sums
def search_cells(
    stored: Any,
    of_cells: Any,
    step: NDArray[np.float32],
    low: NDArray[np.float32],
    width: int,
    vector: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    kept: NDArray[np.int64],
    best: NDArray[np.float32],
) -> int:
    """Keep the rows nearest to a vector among the `width` cells whose centres are nearest, as `nearest_rows` does.

    `stored`: its first four arguments. `of_cells`: `centres`, one row a cell, in which a number n stands for
    low + n·step as it does in those rows; `rough`, the centres turned by `turn` and cut to their first numbers, or
    nothing; and `turn`. More than twice as many cells as are wanted are chosen by the rough ones where there are so
    many; the nearest of them by all numbers are read.
    """
    weights = vector * step
    rows, starts, first, ids = stored
    centres, rough, turn = of_cells
    cells = np.arange(starts.shape[0]).astype(np.int32)
    if width < cells.shape[0]:
        several = 2 * width + _SPARE
        if rough.shape[0] and several < cells.shape[0]:
            turned = np.empty(turn.shape[0], dtype=np.float32)
            for place in range(turn.shape[0]):
                turned[place] = _product(turn[place], vector)
            cells = _nearest_centres(rough, turned, several)
            nearest, products = np.empty(width, dtype=np.int32), np.empty(width, dtype=np.float32)
            each = np.arange(cells.shape[0] + 1)
            places = cells.astype(np.int64) * vector.shape[0]
            everything = np.empty(0, dtype=np.bool_)
            found = nearest_rows(
                centres, places, each, cells, each[:-1].astype(np.int32), weights, everything, nearest, products
            )
            cells = nearest[:found]
        else:
            cells = _nearest_centres(centres, weights, width)
    size: int = nearest_rows(rows, starts, first, ids, cells, weights, allowed, kept, best)
    best[:size] += _product(low, vector)
    return size


@compiled_sums
def cosines_at(
    rows: NDArray[Any],
    places: NDArray[np.int64],
    step: NDArray[np.float32],
    low: NDArray[np.float32],
    vector: NDArray[np.float32],
    numbers: NDArray[np.int64],
) -> NDArray[np.float32]:
    """The product with a vector of each of the rows `numbers`.

    Row n begins at `places[n]`; x in it stands for low + x·step.
    """
    for number in numbers:
        prefetch(places, number)
    for number in numbers:
        _prefetch_row(rows, places[number], vector.shape[0])
    weights = vector * step
    offset = _product(low, vector)
    products = np.empty(numbers.shape[0], dtype=np.float32)
    for place in range(numbers.shape[0]):
        start = places[numbers[place]]
        products[place] = offset + _product(rows[start : start + weights.shape[0]], weights)
    return products


@compiled_sums
def half_cosines_at(
    rows: NDArray[np.uint16], telling: NDArray[np.bool_], vector: NDArray[np.float32], numbers: NDArray[np.int32]
) -> NDArray[np.float32]:
    """The product with a vector of each of the rows `numbers`, NaN where a row is not `telling`.

    The rows hold the bits of 16-bit floats.
    """
    flat = rows.reshape(-1)
    for number in numbers:
        _prefetch_row(flat, np.int64(number) * vector.shape[0], vector.shape[0])
    products = np.empty(numbers.shape[0], dtype=np.float32)
    for place in range(numbers.shape[0]):
        row = rows[numbers[place]]
        total = np.float32(0.0)
        for column in range(vector.shape[0]):
            bits = np.uint32(row[column])
            # Exponent and fraction moved to their places in 32 bits, where the exponent counts from 127, not from 15.
            size = np.uint32((bits & np.uint32(0x7FFF)) << np.uint32(13))
            sign = np.uint32((bits & np.uint32(0x8000)) << np.uint32(16))
            total += vector[column] * (np.uint32(size | sign).view(np.float32) * np.float32(2.0**112))
        products[place] = total if telling[numbers[place]] else np.float32(np.nan)
    return products


@compiled
def _prefetch_row(rows: NDArray[Any], start: int, width: int) -> None:
    """Fetch a row that is read soon; rows wanted from all over the memory then come side by side, not in turn."""
    for place in range(start, start + width, _LINE // rows.itemsize):
        prefetch(rows, place)


@compiled
def _room_for(limit: int) -> NDArray[np.uint64]:
    """Room for the keys of the best `limit` entries, and as many again, so that the worst are seldom weeded out."""
    return np.empty(2 * limit + 64, dtype=np.uint64)


@compiled
def _key(score: np.float32, passage: int) -> np.uint64:
    """One number for an entry: the higher score has the higher one, of equal scores the lower passage."""
    bits = np.float32(score).view(np.uint32)
    # The bits of floats rise with them, those of negative ones the other way round.
    rising = np.uint32(~bits) if bits >= _SIGN else np.uint32(bits | _SIGN)
    return np.uint64((np.uint64(rising) << np.uint64(32)) | np.uint64(np.uint32(~np.uint32(passage))))


@compiled
def _score(key: np.uint64) -> np.float32:
    rising = np.uint32(key >> np.uint64(32))
    bits = np.uint32(rising ^ _SIGN) if rising >= _SIGN else np.uint32(~rising)
    return np.uint32(bits).view(np.float32)


@compiled
def _keep_best(keys: NDArray[np.uint64], size: int, limit: int) -> int:
    """Move the best `limit` of the first `size` entries to the front, the worst of them last; return how many stay.

    Quickselect after Hoare with Lomuto's partition, in which no comparison has to be guessed: ten times as fast as
    NumPy's here. No two keys are equal.
    """
    if size <= limit or limit == 0:
        return min(size, limit)
    start, end = 0, size
    while end - start > 1:
        one, other, third = keys[start], keys[(start + end) >> 1], keys[end - 1]
        pivot = max(min(one, other), min(max(one, other), third))
        middle = start
        for place in range(start, end):
            key = keys[place]
            keys[place] = keys[middle]
            keys[middle] = key
            middle += key > pivot
        if limit <= middle:
            end = middle
            continue
        for place in range(middle, end):
            if keys[place] == pivot:
                keys[place] = keys[middle]
                keys[middle] = pivot
                break
        if limit == middle + 1:
            break
        start = middle + 1
    return limit


@compiled
def _floor(keys: NDArray[np.uint64], limit: int) -> np.float32:
    """The score of the worst of the `limit` best, after `_keep_best`: what is lower need not be offered."""
    return _score(keys[limit - 1]) if limit else np.float32(np.inf)


@compiled
def _unpack(keys: NDArray[np.uint64], size: int, ids: NDArray[np.integer[Any]], best: NDArray[np.float32]) -> None:
    """Write passages and scores of the first `size` entries, best first."""
    many = size > _FEW
    if many:
        keys[:size] = np.sort(keys[:size])[::-1]
    for number in range(size):
        key = keys[number]
        place = number
        if not many:
            # Counting the better ones of a few takes a tenth of the time of sorting them.
            place = 0
            for other in keys[:size]:
                place += other > key
        ids[place] = np.int32(np.uint32(~np.uint32(key & np.uint64(0xFFFFFFFF))))
        best[place] = _score(key)
