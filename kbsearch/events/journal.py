"""Facts on disk before they are in the store: what was answered or acknowledged survives the end of its process.

A journal is a pair of files of one process, in a folder that all processes of the service share. Facts are appended
to one file (O_APPEND, one write a call) while those in the other are being stored; then the two change places. Its
process holds a lock on the pair that ends with it, so whatever lies unlocked belonged to a process that was killed:
`recover` stores that, exactly once, because a store ignores ids that it has.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from kbsearch.errors import EventError, StoreError
from kbsearch.events.ids import new_id, now
from kbsearch.events.lines import from_line, to_line
from kbsearch.events.store import EventStore, Fact

_LOG = logging.getLogger(__name__)
_FIRST, _SECOND = ".first", ".second"
_BATCH = 1000


class Journal:
    """The journal of this process. Calls are not synchronised: `EventBuffer` makes them under its lock."""

    def __init__(self, folder: Path) -> None:
        """Make an empty journal in `folder`, which is created where it is missing.

        :raises StoreError: the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._stem, first = _claim(folder)
            self._files = [first, _open(self._stem.with_suffix(_SECOND))]
        except OSError as error:
            raise StoreError(f"cannot write the event journal in {str(folder)!r}: {error.strerror}") from error

    def append(self, facts: Sequence[Fact]) -> None:
        """Write facts so that they survive this process; all of them or none.

        :raises OSError: the disk takes no more.
        """
        data = b"".join([to_line(fact) for fact in facts])
        file = self._files[0]
        written = os.write(file, data)
        if written != len(data):
            os.ftruncate(file, os.fstat(file).st_size - written)
            raise OSError(errno.ENOSPC, "no space left for the event journal")

    def switch(self) -> None:
        """Append to the other file from now on; it must have been cleared."""
        self._files.reverse()

    def clear(self) -> None:
        """Forget the facts written before the last `switch`: they are in the store."""
        os.ftruncate(self._files[1], 0)

    def close(self) -> None:
        """Let go; files with facts in them stay, for the next process to recover."""
        empty = all(os.fstat(file).st_size == 0 for file in self._files)
        if empty:
            _unlink(self._stem)
        for file in self._files:
            os.close(file)


def recover(folder: Path, store: EventStore) -> int:
    """Store the facts of processes that ended before they could, and remove their journals; return how many. Lines that
    cannot be read are counted as lost.

    :raises StoreError: the store takes nothing now; the journals stay.
    """
    stored = 0
    for path in sorted(folder.glob(f"*{_FIRST}")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:  # another process recovers the same folder
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # its process lives
            continue
        else:
            lost = 0
            for part in (path, path.with_suffix(_SECOND)):
                facts, damaged = _read(part)
                for start in range(0, len(facts), _BATCH):
                    store.write(facts[start : start + _BATCH])
                stored += len(facts)
                lost += damaged
            if lost:
                store.add_dropped(now()[:10], lost)
            _unlink(path.with_suffix(""))
        finally:
            os.close(file)
    return stored


def _claim(folder: Path) -> tuple[Path, int]:
    """Make the first file of a new pair and lock it."""
    while True:
        stem = folder / new_id()
        file = _open(stem.with_suffix(_FIRST))
        fcntl.flock(file, fcntl.LOCK_EX)
        # Between the two lines above another process may have taken it for one that was left behind.
        if os.fstat(file).st_nlink:
            return stem, file
        os.close(file)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)


def _unlink(stem: Path) -> None:
    """Remove a pair; the file that carries the lock goes last."""
    stem.with_suffix(_SECOND).unlink(missing_ok=True)
    stem.with_suffix(_FIRST).unlink(missing_ok=True)


def _read(path: Path) -> tuple[list[Fact], int]:
    """Read the facts of one file, and count the lines that are damaged; a last one that was cut short was never
    acknowledged."""
    facts: list[Fact] = []
    damaged = 0
    if not path.exists():
        return facts, damaged
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            facts.append(from_line(line))
        except EventError as error:
            _LOG.error("%s, line %d: %s", path, number, error)
            damaged += 1
    return facts, damaged
