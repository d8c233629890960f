"""What a version says of itself, which one is published, and whether it is whole. Reads no index: the tools that only
look after versions (list, verify, roll back, prune) start without the libraries that searching needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from kbsearch.disk import hold_open, sha256, sync
from kbsearch.errors import SnapshotDamaged, SnapshotError, SnapshotMismatch, SnapshotMissing
from kbsearch.text.analyze import ANALYZER_VERSION

FORMAT_VERSION = 1
CURRENT = "CURRENT"
MANIFEST = "manifest.json"
CALIBRATION = "calibration.json"
"""What `kbsearch calibrate` adds to a version."""
CALIBRATED_FOR = ("model", "analyzer", "cutter")
"""What a score means depends on these: of a version with another, a calibration says nothing."""
VERSION_TIME = "%Y%m%dT%H%M%SZ"
"""How the name of a version begins."""

_READ_BEFORE_OPENING = ("version", "model", "analyzer", "languages", "groups", "files")


def published_version(root: Path) -> str:
    """The version that CURRENT names. Raises SnapshotMissing."""
    try:
        version = (root / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError as cause:
        raise SnapshotMissing(
            f"No index is published in {root}; run: kbsearch-index build SOURCE --out {root}"
        ) from cause
    except OSError as cause:
        fault = f"{root / CURRENT} cannot be read ({cause.strerror})"
        raise SnapshotMissing(f"{fault}; give the DIR of: kbsearch-index build SOURCE --out DIR") from cause
    except UnicodeDecodeError:
        version = ""
    # What a crash leaves of a file may be zeros.
    if not version or "/" in version or version.startswith(".") or not version.isprintable():
        raise SnapshotDamaged(f"{root / CURRENT} names no version; run: kbsearch-index rollback {root}")
    return version


def verify_snapshot(directory: Path) -> None:
    """Check the format, the analyzer and every file's size and checksum. Raises SnapshotError kinds."""
    with _in_use(directory):
        _verify(directory, read_manifest(directory))


def _verify(directory: Path, manifest: Mapping[str, Any]) -> None:
    if manifest.get("format") != FORMAT_VERSION:
        raise SnapshotMismatch(
            f"{directory} has format {manifest.get('format')!r}, this kbsearch reads {FORMAT_VERSION}; "
            f"{rebuild(directory)}"
        )
    _check_complete(directory, manifest)
    if manifest["analyzer"] != ANALYZER_VERSION:
        raise SnapshotMismatch(
            f"{directory} was analysed by version {manifest['analyzer']}, this kbsearch has {ANALYZER_VERSION}; "
            f"{rebuild(directory)}"
        )
    files = manifest["files"]
    with ThreadPoolExecutor() as pool:
        for name, checksum in zip(files, pool.map(lambda name: sha256(directory / name), files), strict=True):
            if checksum != files[name]["sha256"]:
                raise SnapshotDamaged(f"{directory / name} was altered (its checksum differs); {rebuild(directory)}")


def _check_complete(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Check that the manifest says what it has to, and that every file is there at its full size."""
    if any(name not in manifest for name in _READ_BEFORE_OPENING):
        raise SnapshotDamaged(f"{directory / MANIFEST} is incomplete; {rebuild(directory)}")
    for name, expected in manifest["files"].items():
        path = directory / name
        if not path.is_file():
            raise SnapshotDamaged(f"{path} is missing; {rebuild(directory)}")
        size = path.stat().st_size
        if size != expected["bytes"]:
            raise SnapshotDamaged(f"{path} holds {size} bytes, not {expected['bytes']}; {rebuild(directory)}")


def publish(root: Path, version: str) -> None:
    """Make a version the published one; readers see the old one or the new one, nothing between.

    Raises SnapshotMissing and SnapshotDamaged where it is not complete; then the old one stays published.
    """
    # Prune leaves the version alone: first because it is in use, then because it is published.
    with _in_use(root / version):
        _check_complete(root / version, read_manifest(root / version))
        _point_to(root, version)


def hold_version(directory: Path) -> int:
    """Keep prune from removing a version until the descriptor that is returned is closed.

    Raises SnapshotMissing and SnapshotDamaged.
    """
    try:
        return hold_open(directory / MANIFEST)
    except OSError as cause:
        raise _unreadable(directory, cause) from cause


@contextmanager
def _in_use(directory: Path) -> Iterator[None]:
    """Keep prune from removing a version while the block runs.

    It may be gone by the time that this begins, so what is known of it is read in the block.
    """
    held = hold_version(directory)
    try:
        yield
    finally:
        os.close(held)


def _point_to(root: Path, version: str) -> None:
    staged = root / f".{CURRENT}-{os.getpid()}"
    staged.write_text(version + "\n", encoding="utf-8")
    sync(staged)
    staged.replace(root / CURRENT)
    sync(root)


def read_manifest(directory: Path) -> dict[str, Any]:
    """What a version says of itself. Raises SnapshotMissing and SnapshotDamaged."""
    path = directory / MANIFEST
    try:
        manifest: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as cause:
        raise _unreadable(directory, cause) from cause
    if not isinstance(manifest, dict):
        raise SnapshotDamaged(f"{path} is no manifest; {rebuild(directory)}")
    return manifest


def rebuild(directory: Path) -> str:
    """How a message about a version goes on that cannot be used as it is."""
    return f"rebuild it: kbsearch-index build SOURCE --out {directory.parent}"


def _unreadable(directory: Path, cause: Exception) -> SnapshotError:
    """What to say when the manifest of a version is not there, or cannot be read."""
    if isinstance(cause, FileNotFoundError):
        return SnapshotMissing(
            f"{directory} is no snapshot (it has no {MANIFEST}); see: kbsearch-index list {directory.parent}"
        )
    return SnapshotDamaged(f"{directory / MANIFEST} cannot be read ({cause}); {rebuild(directory)}")
