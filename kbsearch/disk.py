"""Files of a folder, their checksums, putting them in place, flushing them, and locks that end with their process."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
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


def sync_directories(top: Path) -> None:
    """Flush a directory and all within it, those within first: only then are names of files safe from a power cut."""
    for path in sorted((top, *(path for path in top.rglob("*") if path.is_dir())), reverse=True):
        sync(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` to write in the block, which then takes its place: readers see the old one or the new one.

    Nothing is left beside it where the block fails.

    :raises OSError: about `path`, whichever of the two cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def only_one(path: Path, purpose: str) -> Iterator[None]:
    """Hold a lock file while something is done; the system lets go of it when the process ends, however it ends.

    :raises Locked: another process holds it; the message says which.
    """
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            file.seek(0)
            raise Locked(file.read().strip() or "another process") from cause
        file.seek(0)
        file.truncate()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        file.write(f"process {os.getpid()} on {socket.gethostname()} ({purpose}, since {now})\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)  # a command that fails leaves the directory as it was


class Locked(Exception):
    """Somebody else holds the lock; the text says who."""


def hold_open(path: Path) -> int:
    """Keep a file in use, together with any number of others, until the descriptor that is returned is closed."""
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


@contextmanager
def unless_in_use(path: Path) -> Iterator[bool]:
    """Whether nobody holds the file open; while the block runs nobody else comes to hold it."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
