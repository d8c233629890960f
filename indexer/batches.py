"""Finished work, kept beside the snapshots: what an interrupted run continues from and an update uses again.

    DIR/.cache/rows-<cutter and analyzer>/N.rows     documents cut and analysed (kbsearch.index.corpus)
    DIR/.cache/vectors-<model>/N.rows                vectors by the hash of their text
    DIR/.cache/vectors-<model>/unfinished           a run with this model began: until one ends, others leave the shelf
    DIR/.cache/unfinished                           a run began and has not published yet

A file is renamed into place when it is whole and never written again; what it holds depends on the document or text
alone. Deleting the folder costs nothing but time.
"""

from __future__ import annotations

import itertools
import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from indexer.folders import CACHE
from kbsearch.errors import SnapshotDamaged
from kbsearch.index.arrays import wide_hash

_UNFINISHED = "unfinished"
# So many files less than half full are written together into full ones.
_MOST_HALF_EMPTY = 8
_ROW_BITS = 32
"""A place is one number: the file's, and in so many bits the row's. A million pairs would be a million objects."""
_NOWHERE = -1

Arrays = Mapping[str, NDArray[Any]]


class Cache:
    """The folder; `start` says whether what is in it may be used."""

    def __init__(self, root: Path) -> None:
        self.directory = root / CACHE

    def start(self, *, keep: bool) -> None:
        """Begin a run. What is there stays where `keep` is set, or where the last run did not come to its end."""
        unfinished = self.directory / _UNFINISHED
        if self.directory.exists() and not keep and not unfinished.exists():
            shutil.rmtree(self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        unfinished.touch()

    def finish(self, keep: Iterable[str]) -> None:
        """End a run well: remove every shelf but those named, and those of runs that have not come to their end."""
        kept = set(keep)
        for path in self.directory.iterdir():
            if path.is_dir() and path.name not in kept and not (path / _UNFINISHED).exists():
                shutil.rmtree(path)
        (self.directory / _UNFINISHED).unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.directory, ignore_errors=True)


class Shelf:
    """Files of arrays, each with `keys` of shape (rows, 2): one kind of finished work."""

    def __init__(self, cache: Cache, kind: str, fingerprint: str) -> None:
        self.name = shelf_name(kind, fingerprint)
        self.directory = cache.directory / self.name
        self.directory.mkdir(exist_ok=True)
        for stray in self.directory.glob(".*"):
            stray.unlink()
        self._files: dict[int, Arrays] = {}
        self._places: dict[bytes, int] = {}
        for path in sorted(self.directory.glob("*.rows"), key=lambda path: int(path.stem)):
            self.accept(path)
        self._numbers = itertools.count(max(self._files, default=-1) + 1)

    def begin(self) -> None:
        """Say that a run needs this shelf: hours of embedding may be in it, and no version that names it yet."""
        (self.directory / _UNFINISHED).touch()

    def end(self) -> None:
        """Say that the run came to its end."""
        (self.directory / _UNFINISHED).unlink(missing_ok=True)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def places(self, keys: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """In which file and row each key lies; −1 where it lies in none."""
        places = np.fromiter(map(self._places.get, keys, itertools.repeat(_NOWHERE)), np.int64, len(keys))
        files = places >> _ROW_BITS
        return files, np.where(files < 0, _NOWHERE, places & ((1 << _ROW_BITS) - 1))

    def file(self, number: int) -> Arrays:
        """A file's arrays."""
        return self._files[number]

    def next_path(self) -> Path:
        """Where the next file goes."""
        return self.directory / f"{next(self._numbers)}.rows"

    def accept(self, path: Path) -> int | None:
        """Take in a file that `write_batch` wrote; a torn one (a power cut) is thrown away."""
        try:
            arrays = open_batch(path)
            keys = arrays["keys"]
        except SnapshotDamaged:
            path.unlink()
            return None
        number = int(path.stem)
        self._files[number] = arrays
        self._places.update(zip(split_keys(keys), itertools.count(number << _ROW_BITS)))
        return number

    def thin(self, live: Sequence[bytes], full: int) -> list[int]:
        """Files worth writing together: less than half full of what is live. None while they are few.

        Files of which nothing is live are removed at once.
        """
        numbers, counts = np.unique(self.places(live)[0], return_counts=True)
        self.remove(sorted(set(self._files) - set(numbers.tolist())))
        thin: list[int] = numbers[counts < full // 2].tolist()
        return thin if len(thin) > _MOST_HALF_EMPTY else []

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove files; the keys in them are forgotten unless they lie elsewhere as well."""
        if not numbers:
            return
        for number in numbers:
            del self._files[number]
            (self.directory / f"{number}.rows").unlink()
        gone = set(numbers)
        self._places = {key: place for key, place in self._places.items() if place >> _ROW_BITS not in gone}


def shelf_name(kind: str, fingerprint: str) -> str:
    """The folder of one kind of work done with one model, or one cutter and analyzer."""
    return f"{kind}-{wide_hash(fingerprint.encode()).hex()[:12]}"


def split_keys(keys: NDArray[np.uint64]) -> list[bytes]:
    """Each row of a (rows, 2) array as 16 bytes."""
    rows: list[bytes] = np.ascontiguousarray(keys).view("V16").ravel().tolist()
    return rows


def write_batch(path: Path, arrays: Arrays) -> None:
    """Write arrays to a new file in one step: a checksum of the rest, a JSON header and its length, the arrays."""
    entries, parts, size = {}, [], 0
    for name, values in arrays.items():
        data = np.ascontiguousarray(values)
        entries[name] = [data.dtype.str, data.shape, size]
        padding = -data.nbytes % 8
        parts += [data.tobytes(), b"\0" * padding]
        size += data.nbytes + padding
    header = orjson.dumps(entries)
    header += b" " * (-len(header) % 8)
    content = b"".join([len(header).to_bytes(8, "little"), header, *parts])
    staged = path.with_name(f".{path.name}-{os.getpid()}")
    staged.write_bytes(wide_hash(content) + content)
    staged.rename(path)


def open_batch(path: Path) -> Arrays:
    """A file's arrays, memory-mapped. Raises SnapshotDamaged where it is not what was written."""
    size = path.stat().st_size
    mapped = np.asarray(np.memmap(path, dtype=np.uint8, mode="r")) if size else np.empty(0, np.uint8)
    if size < 24 or wide_hash(mapped[16:].data) != mapped[:16].tobytes():
        raise SnapshotDamaged(f"{path} is not what was written; remove it and run the command again.")
    start = 24 + int.from_bytes(mapped[16:24].tobytes(), "little")
    arrays = {}
    for name, (kind, shape, offset) in orjson.loads(mapped[24:start].tobytes()).items():
        dtype = np.dtype(kind)
        end = offset + dtype.itemsize * math.prod(shape)
        arrays[name] = mapped[start + offset : start + end].view(dtype).reshape(shape)
    return arrays
