"""Archives (zip, tar) of any other kind of source: each file in them is read as one in a folder would be.

Nothing is unpacked under the names that an archive gives: one file after the other goes to a temporary place, so
paths that lead out of the archive, links and devices come to nothing, and a bomb fills no disk.
"""

from __future__ import annotations

import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from indexer.loaders.report import Problem
from kbsearch.errors import SourceError

EXTENSIONS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")

MAX_MEMBER = 1024**3
"""Bytes of one file unpacked."""
MAX_TOTAL = 16 * 1024**3
"""Bytes of all files unpacked; an archive that holds more is a bomb, or better split."""
MAX_RATIO = 200
"""Unpacked bytes for each packed one in a zip; text packs 3 to 20 times."""
_RATIO_FROM = 10 * 1024**2
"""Small files may pack as well as they like."""

_PIECE = 1024 * 1024
_PLAIN_FILE, _NO_TYPE = 0o10, 0  # of a Unix mode, as zip keeps it

_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError)
_UNKNOWN = (NotImplementedError, RuntimeError)
"""What zipfile raises for a method it does not know, and for a password."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive, unpacked until the next is asked for."""

    name: str
    """Its path in the archive, which leads nowhere else."""
    path: Path


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    size: int
    """Bytes unpacked, as the archive says."""
    packed: int
    """Bytes in the archive, 0 where it is packed as a whole."""
    open: Callable[[], IO[bytes] | None]


def members(path: Path, shown: str, extension: Callable[[str], str]) -> Iterator[Member | Problem]:
    """Yield the files that are wanted, in the archive's order; `shown` is its name for messages.

    `extension`: that of a file by its name, "" for one that is not wanted. It is all that a file keeps of its name, for
    a system may refuse names that an archive takes.

    :raises SourceError: where the archive ends too early, for half of one would look like deleted articles, and where
        the temporary folder cannot be written.
    """
    total = 0
    with tempfile.TemporaryDirectory(prefix="kbsearch-") as folder:
        try:
            for entry in _entries(path):
                if _leads_out(entry.name):
                    yield Problem(shown, None, f"{entry.name!r} leads out of the archive; left out")
                    continue
                if not (ending := extension(entry.name)):
                    continue
                total += entry.size
                if total > MAX_TOTAL:
                    yield Problem(shown, None, f"holds more than {MAX_TOTAL // 1024**3} GiB; the rest is left out")
                    return
                target = Path(folder, f"member{ending}")
                reason = _unpack(entry, target)
                yield Problem(f"{shown}/{entry.name}", None, reason) if reason else Member(entry.name, target)
                target.unlink(missing_ok=True)
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno:
                yield Problem(shown, None, f"cannot be read: {error.strerror}")
                return
            said = str(error).partition("\n")[0].rstrip(":")
            raise SourceError(
                f"{shown} is damaged or cut short ({said}), and half of an archive would look like deleted articles; "
                "nothing was published. Pack or copy it again, or take it away."
            ) from error


def _entries(path: Path) -> Iterator[_Entry]:
    """Plain files only: no folders, links or devices."""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir() and info.external_attr >> 28 in (_PLAIN_FILE, _NO_TYPE):
                    name = _plain(info.filename.replace("\\", "/"))
                    yield _Entry(name, info.file_size, max(1, info.compress_size), lambda i=info: archive.open(i))  # type: ignore[misc]
    else:
        with tarfile.open(path, "r:*") as tar:
            for member in tar:
                if member.isreg():
                    name = _plain(member.name)
                    yield _Entry(name, member.size, 0, lambda m=member: tar.extractfile(m))  # type: ignore[misc]
            stream = cast(IO[bytes], tar.fileobj)
            stream.seek(tar.offset)
            if not stream.read(1):  # where a whole one has blocks of zeros
                raise tarfile.ReadError("its end is missing")


def _plain(name: str) -> str:
    """The path without what says nothing: "./help//a.md" is "help/a.md"."""
    return PurePosixPath(name).as_posix()


def _leads_out(name: str) -> bool:
    return name.startswith("/") or ".." in PurePosixPath(name).parts or name[1:3] == ":/"


def _unpack(entry: _Entry, target: Path) -> str:
    """Write the file to `target`; the reason where it is not one to read."""
    limit = MAX_MEMBER
    if entry.packed:
        limit = min(limit, max(_RATIO_FROM, MAX_RATIO * entry.packed))
    size = 0
    try:
        stream = entry.open()
        if stream is None:
            return "cannot be unpacked"
        with stream, _written(target) as file:
            while piece := stream.read(_PIECE):
                size += len(piece)
                if size > limit:
                    return f"unpacks to more than {limit // 1024**2} MiB; a bomb, or better kept outside an archive"
                _write(file, piece)
    except _UNKNOWN as error:
        return f"cannot be unpacked: {error}"
    except _DAMAGE as error:
        if not entry.packed:  # all that comes after it is lost as well
            raise
        return f"is damaged ({error}); pack it again"
    return ""


def _written(target: Path) -> IO[bytes]:
    try:
        return target.open("xb")
    except OSError as error:
        raise _no_room(error) from error


def _write(file: IO[bytes], piece: bytes) -> None:
    try:
        file.write(piece)
        file.flush()
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> SourceError:
    return SourceError(
        f"{tempfile.gettempdir()} cannot be written ({error.strerror}), so no archive can be read; make room there, or "
        "set TMPDIR to another folder."
    )
