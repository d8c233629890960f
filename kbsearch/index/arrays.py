"""Arrays and byte records on disk: written once, opened memory-mapped. Used by every part of a snapshot."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

from kbsearch.errors import REBUILD, SnapshotDamaged
from kbsearch.index.ragged import Ragged

Flags = NDArray[np.bool_]

_MOST_VALUES = 4096
"""Some 10 MB of records or of passages."""


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write one array in NumPy's .npy format. Raises ValueError for objects, which only pickle could store."""
    if array.dtype.hasobject:
        raise ValueError(f"{path} would hold Python objects, which only pickle could store; give numbers.")
    with path.open("wb") as file:
        array = np.ascontiguousarray(array)
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        # NumPy's own `tofile` does not say that the disk is full.
        file.write(array.reshape(-1).view(np.uint8).data)


def open_array(path: Path) -> NDArray[Any]:
    """Map one array read-only, as a plain ndarray (indexing `np.memmap` itself costs several times more)."""
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, struct.error) as cause:
        raise SnapshotDamaged(f"{path} cannot be read ({cause}); {REBUILD}") from cause
    return np.asarray(mapped)


def hash_texts(texts: Iterable[str]) -> NDArray[np.uint64]:
    """A 64-bit number for each text, as `hash_text` gives it."""
    return np.fromiter(map(hash_text, texts), dtype=np.uint64)


def hash_text(text: str) -> int:
    """A 64-bit number for a text (XXH3).

    It stands for the text in every dictionary on disk. Among two million different texts the chance that any two
    share a number is about one in ten million, and all that would follow is one false match.
    """
    return xxhash.xxh3_64_intdigest(text.encode())


def wide_hash(data: bytes | memoryview) -> bytes:
    """16 bytes for some bytes (XXH3): for what must never be taken for something else."""
    return xxhash.xxh3_128_digest(data)


def distinct(numbers: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """The different ones, rising: what `np.unique` gives, sooner where few repeat."""
    ordered = np.sort(numbers)
    return ordered[first_of_each(ordered)]


def first_of_each(ordered: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Of sorted numbers, whether each is the first of its kind."""
    first = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first


def find_hashes(sorted_hashes: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The position of each wanted number in a sorted array, −1 where it is absent."""
    if sorted_hashes.size == 0:
        return np.full(wanted.shape, -1, dtype=np.int64)
    positions = np.searchsorted(sorted_hashes, wanted)
    positions[positions == sorted_hashes.size] = 0
    return np.where(sorted_hashes[positions] == wanted, positions, -1)


def group_pairs(
    keys: NDArray[np.integer[Any]], values: NDArray[np.integer[Any]], key_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Lists in one array: the values of key k are `values[indptr[k]:indptr[k + 1]]`, in their old order."""
    order = np.argsort(keys, kind="stable")
    indptr = np.zeros(key_count + 1, dtype=np.int64)
    np.cumsum(np.bincount(keys, minlength=key_count), out=indptr[1:])
    return indptr, values[order].astype(np.int32)


def write_records(directory: Path, name: str, records: Ragged) -> None:
    """Write rows of bytes as `Records` reads them."""
    (directory / f"{name}.bin").write_bytes(records.values.data)
    write_array(directory / f"{name}.offsets.npy", records.offsets)


def open_records(directory: Path, name: str) -> Ragged:
    """Map what `write_records` wrote. Raises SnapshotDamaged."""
    path = directory / f"{name}.bin"
    offsets = open_array(directory / f"{name}.offsets.npy")
    try:
        size = path.stat().st_size
        # An empty file cannot be mapped.
        values = np.asarray(np.memmap(path, dtype=np.uint8, mode="r")) if size else np.empty(0, np.uint8)
    except OSError as cause:
        raise SnapshotDamaged(f"{path} cannot be read ({cause}); {REBUILD}") from cause
    if int(offsets[-1]) != size:
        raise SnapshotDamaged(f"{path} holds {size} bytes, not {int(offsets[-1])}; {REBUILD}")
    return Ragged(values, offsets)


class Records:
    """Reads what `write_records` wrote, without loading it."""

    def __init__(self, directory: Path, name: str) -> None:
        records = open_records(directory, name)
        self._offsets, self._bytes = records.offsets, records.values
        self._view = memoryview(self._bytes)  # type: ignore[arg-type]  # arrays are buffers, which the stubs do not say
        self._values: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._view[int(self._offsets[number]) : int(self._offsets[number + 1])])

    def value(self, number: int) -> Any:
        """The JSON value of a row; it is shared, so it must not be changed.

        The last few thousand are remembered: a help centre shows the same articles over and over.
        """
        # Another thread may replace the memory at any moment, so it is looked at once.
        known = self._values
        if number in known:
            return known[number]
        if len(known) >= _MOST_VALUES:
            self._values = known = {}
        value = known[number] = orjson.loads(self[number])
        return value
