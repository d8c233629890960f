"""Compiled loops of a build, and how loops are compiled (those of a query: query_kernels.py). The only door to numba.

Machine code is cached on disk by numba, so the compilation (seconds) is paid once per installation.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import CLOCK_MONOTONIC
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

_HERE = Path(__file__).parent
_warn_once = cache(logging.getLogger(__name__).warning)
_PART_BITS = 10
"""What `sort_pairs` sorts by first: so many parts are written to side by side."""
_SCANNED_FOR_ONE_SORTED = 64
"""Numbers passed over in the time in which one is sorted."""


def compiled(function: Callable[..., Any]) -> Any:
    """Compile without the interpreter lock; cached on disk where there is a folder to write to."""
    return _compile(function)


def compiled_sums(function: Callable[..., Any]) -> Any:
    """The same for a loop that adds up floats, which may then be added in whatever order is fastest."""
    return _compile(function, fastmath={"reassoc", "contract", "nsz"})


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    try:
        kernel = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:
        # Neither the package's folder nor the home directory can be written: compile in each process instead.
        _warn_once("no folder to keep compiled loops in, so each start takes a minute; set NUMBA_CACHE_DIR to one")
        return njit(nogil=True, **options)(function)
    # numba compares a kernel's own file with what it compiled; a kernel holds those that it calls from other files too.
    kernel._cache._cache_file._source_stamp = source_stamp()
    return kernel


@cache
def source_stamp() -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of every file that may hold a kernel: another one, and all kernels are compiled anew."""
    files = sorted(file for folder in (_HERE, _HERE.parent) for file in folder.glob("*.py"))
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)


def _prefetch(_context: Any, array: Any, _place: Any) -> Any:
    """Tell numba how to compile `prefetch`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        # To be read; into every level of the cache; data, not code.
        builder.call(function, [address, *(ir.Constant(number, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


prefetch: Any = intrinsic(_prefetch)
"""In compiled code: ask for `array[place]` (of one dimension), which is read soon, without waiting for it."""

_pointer_to: Any = types.CPointer
_clock_gettime: Any = types.ExternalFunction("clock_gettime", types.int32(types.int32, _pointer_to(types.int64)))
_CLOCK = np.int32(CLOCK_MONOTONIC)


@compiled
def nanoseconds() -> int:
    """What the time is, by a clock that never goes back (clock_gettime(3)): how long a part of a loop takes."""
    now = np.empty(2, dtype=np.int64)
    _clock_gettime(_CLOCK, now.ctypes)
    passed: int = now[0] * 1_000_000_000 + now[1]
    return passed


@compiled
def copy_rows(
    values: NDArray[Any],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    into: NDArray[Any],
    starts: NDArray[np.int64],
) -> None:
    """Copy row `rows[k]` of a ragged array to `into[starts[k]:]`; rows that follow each other in both, at once."""
    number, count = 0, rows.shape[0]
    while number < count:
        first, end, target = offsets[rows[number]], offsets[rows[number] + 1], starts[number]
        number += 1
        while number < count and offsets[rows[number]] == end and starts[number] - target == end - first:
            end = offsets[rows[number] + 1]
            number += 1
        into[target : target + end - first] = values[first:end]


@compiled
def add_up(numbers: NDArray[np.int32], amounts: NDArray[np.int32], sums: NDArray[np.int64]) -> None:
    """Add each amount to the sum of its number."""
    for entry in range(numbers.shape[0]):
        sums[numbers[entry]] += amounts[entry]


@compiled
def add_rows(
    rows: NDArray[np.int8],
    scales: NDArray[np.float32],
    numbers: NDArray[np.int32],
    offsets: NDArray[np.int64],
    sums: NDArray[np.float32],
) -> None:
    """Add up the rows `numbers[offsets[k]:offsets[k + 1]]`, each times its scale, and make the sum a unit vector.

    `sums`: zeros. Always in the same order, so that a text has the same bits alone and among others.
    """
    width = rows.shape[1]
    for text in range(sums.shape[0]):
        total = sums[text]
        for entry in range(offsets[text], offsets[text + 1]):
            row, scale = rows[numbers[entry]], scales[numbers[entry]]
            for column in range(width):
                total[column] += scale * np.float32(row[column])
        square = 0.0
        for column in range(width):
            square += np.float64(total[column]) * np.float64(total[column])
        if square > 0.0:
            total /= np.float32(np.sqrt(square))


@compiled
def add_to_cells(vectors: NDArray[np.float32], cells: NDArray[np.int64], sums: NDArray[np.float64]) -> None:
    """Add each vector to the sum of its cell."""
    for row in range(vectors.shape[0]):
        for column in range(vectors.shape[1]):
            sums[cells[row], column] += vectors[row, column]


@compiled
def invert_rows(
    offsets: NDArray[np.int64],
    values: NDArray[np.int32],
    weights: NDArray[np.int32],
    starts: NDArray[np.int64],
    rows: NDArray[np.int32],
    row_weights: NDArray[np.int32],
) -> None:
    """Write the rows of a ragged array that hold each value, rising, and the value's weight there, from `starts` on."""
    ends = starts.copy()
    for row in range(offsets.shape[0] - 1):
        for entry in range(offsets[row], offsets[row + 1]):
            place = ends[values[entry]]
            rows[place] = row
            row_weights[place] = weights[entry]
            ends[values[entry]] = place + 1


@compiled
def weigh_terms(
    term_starts: NDArray[np.int64],
    words: NDArray[np.int32],
    word_starts: NDArray[np.int64],
    holders: NDArray[np.int32],
    weights: NDArray[np.int32],
    idf: NDArray[np.float64],
    norms: NDArray[np.float64],
    k1: float,
    indptr: NDArray[np.int64],
    passages: NDArray[np.int32],
    contributions: NDArray[np.float32],
) -> None:
    """Write each term's passages, rising, with its BM25 contribution there; those of term t begin at `indptr[t]`.

    Term t stands for `words[term_starts[t]:term_starts[t + 1]]`; word w is held by the passages
    `holders[word_starts[w]:word_starts[w + 1]]`, rising, as often as `weights` say. `idf[n]` is that of a term that n
    passages hold; `norms` are k1·(1 − b + b·length/average), one a passage. There is room for every word's passages
    under each of its terms.
    """
    times = np.zeros(norms.shape[0], dtype=np.int32)  # all zero between two terms
    end = 0
    for term in range(term_starts.shape[0] - 1):
        start = end
        for place in range(term_starts[term], term_starts[term + 1]):
            for entry in range(word_starts[words[place]], word_starts[words[place] + 1]):
                holder = holders[entry]
                if times[holder] == 0:
                    passages[end] = holder
                    end += 1
                times[holder] += weights[entry]
        if term_starts[term + 1] - term_starts[term] > 1:
            if (end - start) * _SCANNED_FOR_ONE_SORTED < times.shape[0]:
                passages[start:end].sort()
            else:
                end = start
                for number in range(times.shape[0]):
                    if times[number]:
                        passages[end] = number
                        end += 1
        for entry in range(start, end):
            passage = passages[entry]
            frequency = np.float64(times[passage])
            saturation = frequency * (k1 + 1.0) / (frequency + norms[passage])
            contributions[entry] = np.float32(idf[end - start] * saturation)
            times[passage] = 0
        indptr[term + 1] = end


@compiled
def sign_documents(
    first: NDArray[np.int64],
    offsets: NDArray[np.int64],
    words: NDArray[np.int32],
    keys: NDArray[np.uint64],
    bits: int,
    signatures: NDArray[np.uint32],
) -> None:
    """Write each document's signature: of the words whose key begins with the `bits` of a bin, the least hash.

    Document d has the passages `first[d]` to `first[d + 1]`, a passage the words of its row. An empty bin takes what
    its right neighbour has (the first one is the last one's), and how far away that is.
    """
    nothing = np.uint32(2**32 - 1)
    bins = 1 << bits
    for document in range(signatures.shape[0]):
        signature = signatures[document]
        signature[:] = nothing
        for entry in range(offsets[first[document]], offsets[first[document + 1]]):
            key = keys[words[entry]]
            place = np.int64(key >> np.uint64(64 - bits))
            signature[place] = min(signature[place], np.uint32((key >> np.uint64(20)) & np.uint64(nothing)))
        value, nearest = nothing, 2 * bins - 1
        for number in range(2 * bins - 1, -1, -1):
            if signature[number % bins] != nothing:
                value, nearest = signature[number % bins], number
            elif number < bins:
                signature[number] = np.uint32(value + (nearest - number) * 0x9E3779B1)


@compiled
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


@compiled
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


def merge_pairs(
    hashes: NDArray[np.uint64],
    owners: NDArray[np.int32],
    moved: NDArray[np.int32],
    new_hashes: NDArray[np.uint64],
    new_owners: NDArray[np.int32],
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Two sorted lists of pairs as one; `moved`: the number that each old owner has now, −1 for one that is gone.

    Equal hashes come in the order of their owners.
    """
    merged = np.empty(len(hashes) + len(new_hashes), dtype=np.uint64)
    merged_owners = np.empty(len(merged), dtype=np.int32)
    count = _merge_into(hashes, owners, moved, new_hashes, new_owners, merged, merged_owners)
    return merged[:count], merged_owners[:count]


@compiled
def _merge_into(
    hashes: NDArray[np.uint64],
    owners: NDArray[np.int32],
    moved: NDArray[np.int32],
    new_hashes: NDArray[np.uint64],
    new_owners: NDArray[np.int32],
    merged: NDArray[np.uint64],
    merged_owners: NDArray[np.int32],
) -> int:
    """Write the merged pairs; return how many there are."""
    count, new, ends = 0, 0, new_hashes.shape[0]
    for entry in range(hashes.shape[0]):
        owner = moved[owners[entry]]
        if owner < 0:
            continue
        number = hashes[entry]
        while new < ends and (new_hashes[new] < number or (new_hashes[new] == number and new_owners[new] < owner)):
            merged[count] = new_hashes[new]
            merged_owners[count] = new_owners[new]
            count += 1
            new += 1
        merged[count] = number
        merged_owners[count] = owner
        count += 1
    for rest in range(new, ends):
        merged[count] = new_hashes[rest]
        merged_owners[count] = new_owners[rest]
        count += 1
    return count
