"""The versions in a directory of snapshots: list them, go back to one, remove old ones.

DIR/history.jsonl       one line for each time a version was published or measured; only ever added to
DIR/.lock               held by whoever writes or publishes a version, so that there is one at a time
DIR/.building-…         a version that is being written or removed: none yet, or none any more
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from kbsearch.disk import Locked, files_below, only_one, sync, unless_in_use
from kbsearch.errors import SnapshotDamaged, SnapshotError, SnapshotMissing
from kbsearch.manifest import (
    CURRENT,
    MANIFEST,
    VERSION_TIME,
    publish,
    published_version,
    read_manifest,
    rebuild,
    verify_snapshot,
)

HISTORY = "history.jsonl"
LOCK = ".lock"
STAGING = ".building-"

_STAMP = re.compile(r"\d{8}T\d{6}Z")
_LISTED = ("created_at", "documents", "passages", "languages", "sources", "model", "dense")


@dataclass(frozen=True, slots=True)
class SnapshotEntry:
    """One version in a directory of snapshots."""

    version: str
    manifest: Mapping[str, Any]
    """Empty where `fault` says why it cannot be read."""
    fault: str
    bytes: int
    published: bool
    history: tuple[Mapping[str, Any], ...]
    """When it was published, by whom and how; and what was measured on it."""


@contextmanager
def only_writer(root: Path, purpose: str) -> Iterator[None]:
    """Hold the directory's lock, so that nobody else writes a version into it or publishes one.

    Raises SnapshotError.
    """
    _check_directory(root)
    try:
        with only_one(root / LOCK, purpose):
            yield
    except Locked as cause:
        raise SnapshotError(f"{root} is being written by {cause}; wait until it is done, or stop it.") from cause


def list_snapshots(root: Path) -> list[SnapshotEntry]:
    """Versions in `root`, newest first, those that cannot say what they hold as well. Raises SnapshotMissing."""
    names, published = _versions(root)
    facts = history(root)
    entries = []
    for name in names:
        with suppress(SnapshotMissing, FileNotFoundError):  # removed meanwhile
            size = sum(path.stat().st_size for path in files_below(root / name))
            told = tuple(fact for fact in facts if fact.get("version") == name)
            entries.append(SnapshotEntry(name, *_listed(root / name), size, name == published, told))
    return entries


def release(root: Path, version: str, how: str) -> None:
    """Publish a version and write down who did it and how ("build", "rollback" …)."""
    by = _somebody()
    publish(root, version)
    record(root, version, {"published": how, "by": by})


def hold_back(root: Path, version: str, how: str) -> None:
    """Write down that a version was written and is not published: nobody falls back on it unasked."""
    record(root, version, {"written": how, "by": _somebody()})


def refuse(root: Path, version: str, why: str) -> None:
    """Write down that a version was refused; of those refused before, none is kept that was not published since."""
    names = _versions(root)[0]
    refused = {fact.get("version") for fact in history(root) if "refused" in fact}
    served = _published_once(root, names)
    for name in names:
        if name in refused and name != version and name not in served:
            discard(root, name)
    record(root, version, {"refused": why, "by": _somebody()})


def _somebody() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers; KeyError before Python 3.13
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def record(root: Path, version: str, facts: Mapping[str, Any]) -> None:
    """Add a line to the history."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    path = root / HISTORY
    with path.open("a+b") as file:
        file.seek(max(0, file.tell() - 1))
        # A crash or a full disk leaves a line without its end, which must not swallow this one.
        torn = file.read() not in (b"", b"\n")
        file.write(b"\n" * torn + orjson.dumps({"at": now, "version": version, **facts}) + b"\n")
    sync(path)
    sync(root)


def history(root: Path) -> list[dict[str, Any]]:
    """What happened to the versions, oldest first; a line cut short by a crash is passed over."""
    try:
        lines = (root / HISTORY).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    facts = []
    for line in lines:
        with suppress(orjson.JSONDecodeError):
            facts.append(orjson.loads(line))
    return facts


def rollback(root: Path, version: str | None = None) -> str:
    """Publish an older version: the one named, or the newest before the published one that was published as well.

    Returns its name. Also the way out where the published version or the pointer to it is damaged, so neither is read.
    Raises SnapshotError kinds, also while somebody writes a version: what they publish would undo it.
    """
    with only_writer(root, "rollback"):
        if version is None:
            version = _before_published(root)
        _release_verified(root, version, "rollback")
    return version


def _before_published(root: Path) -> str:
    names, published = _versions(root)
    served = _published_once(root, names)
    # Where nothing that is there is published, the newest one beats none.
    older = [name for name in served if name < published] or (served if published not in names else [])
    if not older:
        raise SnapshotMissing(f"{root} holds no version older than the published one; see: kbsearch-index list {root}")
    return older[0]


def publish_existing(root: Path, version: str) -> None:
    """Verify a version that is there and publish it. Raises SnapshotError kinds, also while somebody writes one."""
    with only_writer(root, "publish"):
        _release_verified(root, version, "publish")


def _release_verified(root: Path, version: str, how: str) -> None:
    if version not in _versions(root)[0]:
        raise SnapshotMissing(f"{root} holds no version {version!r}; see: kbsearch-index list {root}")
    verify_snapshot(root / version)
    release(root, version, how)


def prune(root: Path, keep: int) -> list[str]:
    """Remove old versions; return what was removed.

    Left are the newest `keep` of those that were ever published, those newer than the published one that may still come
    to be, the published one itself, and whatever a process has open. Raises SnapshotMissing where none is published: it
    may be an old one to which a damaged pointer led.
    """
    names, published = _versions(root)
    served = _published_once(root, names)
    if served and published not in names:
        raise SnapshotMissing(
            f"{root / CURRENT} names no version that is there, so nothing is removed; "
            f"run: kbsearch-index rollback {root}"
        )
    kept = {*served[:keep], *(name for name in names if name > published and name not in served)}
    return [name for name in names if name not in kept and discard(root, name)]


def discard(root: Path, version: str) -> bool:
    """Remove a version, unless it is published or some process has it open; say whether it was removed."""
    try:
        with unless_in_use(root / version / MANIFEST) as free:
            if not free or version == _versions(root)[1]:
                return False
            # In one step it is no version any more; should the rest not come to its end, the next build sees to it.
            removed = (root / version).rename(root / f"{STAGING}{version}")
    except FileNotFoundError:  # somebody else removed it
        return False
    with suppress(FileNotFoundError):  # a build removes it as well
        shutil.rmtree(removed)
    return True


def version_name(root: Path, started: datetime, digest: str) -> str:
    """Names sort as the versions came, also those of one second, or after a clock was set back."""
    stamps = [path.name.partition("-")[0] for path in root.iterdir() if (path / MANIFEST).is_file()]
    newest = max((stamp for stamp in stamps if _STAMP.fullmatch(stamp)), default="")
    if started.strftime(VERSION_TIME) <= newest:
        started = datetime.strptime(newest, VERSION_TIME) + timedelta(seconds=1)
    return f"{started.strftime(VERSION_TIME)}-{digest[:4]}"


def _published_once(root: Path, names: list[str]) -> list[str]:
    """Those of the versions that were published at some time: all but those that the history knows otherwise."""
    facts = history(root)
    published = {fact.get("version") for fact in facts if "published" in fact}
    known = {fact.get("version") for fact in facts}
    return [name for name in names if name in published or name not in known]


def version_directories(root: Path) -> list[Path]:
    """Every version, newest first."""
    return [root / name for name in _versions(root)[0]]


def _listed(directory: Path) -> tuple[Mapping[str, Any], str]:
    """What a version says of itself, or what is wrong with it. Raises SnapshotMissing."""
    try:
        manifest = read_manifest(directory)
    except SnapshotDamaged as damaged:
        return {}, str(damaged)
    if any(name not in manifest for name in _LISTED):
        return {}, f"{directory / MANIFEST} is incomplete; {rebuild(directory)}"
    return manifest, ""


def _versions(root: Path) -> tuple[list[str], str]:
    """Names of the versions, newest first, and which one is published ("" where none is)."""
    _check_directory(root)
    try:
        published = published_version(root)
    except SnapshotError:
        published = ""
    names = [path.name for path in root.iterdir() if (path / MANIFEST).is_file() and not path.name.startswith(".")]
    return sorted(names, reverse=True), published


def _check_directory(root: Path) -> None:
    if not root.is_dir():
        raise SnapshotMissing(f"{root} is no directory; run: kbsearch-index build SOURCE --out {root}")
