"""Compiled loops of a build, and how loops are compiled (those of a query: query_kernels.py). The only door to numba.

Machine code is cached on disk by numba, so the compilation (seconds) is paid once per installation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_PART_BITS = 10
"""What `sort_pairs` sorts by first: so many parts are written to side by side."""


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile without the interpreter lock; cached on disk where there is a folder to write to."""
    return _compile(function)


def _compiled_sums(function: Callable[..., Any]) -> Any:
    """The same for a loop that adds up floats, which may then be added in whatever order is fastest."""
    return _compile(function, fastmath={"reassoc", "contract", "nsz"})


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    try:
        return njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:
        # Neither the package's folder nor the home directory can be written: compile in each process instead.
        return njit(nogil=True, **options)(function)


@_compiled
def copy_rows(
    values: NDArray[Any],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    into: NDArray[Any],
    starts: NDArray[np.int64],
) -> None:
    """Copy row `rows[k]` of a ragged array to `into[starts[k]:]`."""
    for number in range(rows.shape[0]):
        target = starts[number]
        for entry in range(offsets[rows[number]], offsets[rows[number] + 1]):
            into[target] = values[entry]
            target += 1


@_compiled
def count_passages(
    bag_offsets: NDArray[np.int64],
    words: NDArray[np.int32],
    term_offsets: NDArray[np.int64],
    terms: NDArray[np.int32],
    frequencies: NDArray[np.int64],
    last_seen: NDArray[np.int32],
) -> None:
    """Add to `frequencies` the number of passages that hold each term; `last_seen` is −1 for each term on entry."""
    for passage in range(bag_offsets.shape[0] - 1):
        for entry in range(bag_offsets[passage], bag_offsets[passage + 1]):
            word = words[entry]
            for place in range(term_offsets[word], term_offsets[word + 1]):
                term = terms[place]
                if last_seen[term] != passage:
                    last_seen[term] = passage
                    frequencies[term] += 1


@_compiled
def fill_postings(
    bag_offsets: NDArray[np.int64],
    words: NDArray[np.int32],
    weights: NDArray[np.int32],
    term_offsets: NDArray[np.int64],
    terms: NDArray[np.int32],
    indptr: NDArray[np.int64],
    passages: NDArray[np.int32],
    frequencies: NDArray[np.float32],
    last_seen: NDArray[np.int32],
) -> None:
    """Write each term's passages, rising, and how often it stands in each of them, words counted `weights` times.

    `last_seen` is −1 for each term on entry.
    """
    following = indptr[:-1].copy()
    for passage in range(bag_offsets.shape[0] - 1):
        for entry in range(bag_offsets[passage], bag_offsets[passage + 1]):
            word = words[entry]
            for place in range(term_offsets[word], term_offsets[word + 1]):
                term = terms[place]
                last = following[term] - 1
                if last_seen[term] != passage:
                    last_seen[term] = passage
                    last += 1
                    following[term] = last + 1
                    passages[last] = passage
                    frequencies[last] = 0.0
                frequencies[last] += weights[entry]


@_compiled
def contribute(
    indptr: NDArray[np.int64],
    passages: NDArray[np.int32],
    frequencies: NDArray[np.float32],
    idf: NDArray[np.float64],
    norms: NDArray[np.float64],
    k1: float,
) -> None:
    """Replace each frequency by its BM25 contribution; `norms` are k1·(1 − b + b·length/average), one a passage."""
    for term in range(indptr.shape[0] - 1):
        for entry in range(indptr[term], indptr[term + 1]):
            frequency = np.float64(frequencies[entry])
            saturation = frequency * (k1 + 1.0) / (frequency + norms[passages[entry]])
            frequencies[entry] = np.float32(idf[term] * saturation)


@_compiled
def hash_deletions(
    letters: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    prefix: int,
    two_from: int,
    hashes: NDArray[np.uint64],
    owners: NDArray[np.int32],
) -> int:
    """Number each word's first `prefix` letters with up to one letter taken out (two in words of `two_from` letters).

    Each number once a word; returns how many were written. FNV-1a over code points, its bits mixed at the end.
    """
    written = 0
    for word in range(offsets.shape[0] - 1):
        start = offsets[word]
        size = min(prefix, offsets[word + 1] - start)
        two = offsets[word + 1] - start >= two_from
        first_of_word = written
        for first in range(size + 1):  # `size` stands for "none"
            for second in range(first if first == size or not two else first + 1, size + 1):
                if not two and second != first:
                    break
                number = np.uint64(0xCBF29CE484222325)
                for place in range(size):
                    if place != first and place != second:
                        number = (number ^ np.uint64(letters[start + place])) * np.uint64(0x100000001B3)
                number = (number ^ (number >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
                number ^= number >> np.uint64(29)
                known = False
                for earlier in range(first_of_word, written):
                    if hashes[earlier] == number:
                        known = True
                        break
                if not known:
                    hashes[written] = number
                    owners[written] = word
                    written += 1
    return written


def distinct_hashes(
    hashes: NDArray[np.uint64],
) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]:
    """The different ones among evenly spread numbers, sorted; where each stands first; and the place of each given one.

    What `np.unique` gives, in a fraction of the time.
    """
    ordered, places = hashes.copy(), np.arange(len(hashes), dtype=np.int32)
    sort_pairs(ordered, places)
    new = np.ones(len(hashes), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    numbers = np.empty(len(hashes), dtype=np.int32)
    numbers[places] = np.cumsum(new, dtype=np.int32) - 1
    return ordered[new], places[new], numbers


@_compiled
def sort_pairs(hashes: NDArray[np.uint64], owners: NDArray[np.int32]) -> None:
    """Sort pairs by their hashes, in place; equal ones stay in their order.

    Hashes are spread evenly, so that the first bits tell where one belongs to within a few places. In two steps, so
    that what is written to lies in the processor's cache: parts by the first bits, then each part's places.
    """
    parted, parted_owners = np.empty_like(hashes), np.empty_like(owners)
    starts = np.zeros((1 << _PART_BITS) + 1, dtype=np.int64)
    shift = np.uint64(64 - _PART_BITS)
    for entry in range(hashes.shape[0]):
        starts[np.int64(hashes[entry] >> shift) + 1] += 1
    starts = np.cumsum(starts)
    ends = starts[:-1].copy()
    for entry in range(hashes.shape[0]):
        cell = np.int64(hashes[entry] >> shift)
        parted[ends[cell]] = hashes[entry]
        parted_owners[ends[cell]] = owners[entry]
        ends[cell] += 1
    for part in range(starts.shape[0] - 1):
        size = starts[part + 1] - starts[part]
        bits = 1
        while size >> (bits + 2):
            bits += 1
        before = np.zeros((1 << bits) + 1, dtype=np.int64)
        rest = np.uint64(64 - _PART_BITS - bits)
        mask = np.uint64((1 << bits) - 1)
        for entry in range(starts[part], starts[part + 1]):
            before[np.int64((parted[entry] >> rest) & mask) + 1] += 1
        before = np.cumsum(before) + starts[part]
        after = before[:-1].copy()
        for entry in range(starts[part], starts[part + 1]):
            number = parted[entry]
            cell = np.int64((number >> rest) & mask)
            place = after[cell]
            after[cell] += 1
            while place > before[cell] and hashes[place - 1] > number:
                hashes[place] = hashes[place - 1]
                owners[place] = owners[place - 1]
                place -= 1
            hashes[place] = number
            owners[place] = parted_owners[entry]
