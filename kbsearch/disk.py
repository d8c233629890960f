"""Files of a folder, their checksums, and flushing them to the disk. Used by `snapshot.py` and `versions.py`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def files_below(directory: Path) -> Iterator[Path]:
    """Every file, however deep, in a fixed order."""
    return (path for path in sorted(directory.rglob("*")) if path.is_file())


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Flush a file or directory to the disk, so that a power cut cannot publish half a snapshot."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
