"""What is kept on a shelf as bytes: JSON values, and arrays of whole numbers as they lie in memory. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

FORMAT = b"12:"
"""What kept values begin with. Raise it when definitions or the form of what is kept change: what was kept in another
format is made anew."""
_SIZE = 4
"""Bytes that say how long the JSON is."""

Arrays = Mapping[str, NDArray[Any]]


def pack(values: Mapping[str, Any], arrays: Arrays) -> bytes:
    """Return JSON values, and arrays of int64 and uint64, as bytes."""
    small = {name: np.ascontiguousarray(_narrow(array)) for name, array in arrays.items()}
    table = [[name, array.dtype.str, len(array)] for name, array in small.items()]
    head = orjson.dumps({"values": values, "arrays": table})
    body = b"".join([len(head).to_bytes(_SIZE), head, *(array.tobytes() for array in small.values())])
    return FORMAT + zlib.compress(body, 1)


def unpack(kept: bytes | None) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    """Return what `pack` was given; None where there is nothing, or something of another format."""
    if kept is None or not kept.startswith(FORMAT):
        return None
    body = zlib.decompress(kept.removeprefix(FORMAT))
    start = _SIZE + int.from_bytes(body[:_SIZE])
    head = orjson.loads(body[_SIZE:start])
    arrays: dict[str, NDArray[Any]] = {}
    for name, kind, count in head["arrays"]:
        found = np.frombuffer(body, kind, count, start)
        start += found.nbytes
        arrays[name] = found if found.dtype == np.uint64 else found.astype(np.int64)
    return head["values"], arrays


def _narrow(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in the fewest bytes that hold it; hashes need all of theirs."""
    if array.dtype == np.uint64:
        return array
    low, high = (int(array.min()), int(array.max())) if len(array) else (0, 0)
    kind = np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high))
    return array.astype(kind if kind.kind in "iu" and kind != np.uint64 else np.int64)
