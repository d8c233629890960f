"""The versions in a directory of snapshots: list them, go back to one, remove old ones."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kbsearch.disk import files_below
from kbsearch.errors import SnapshotDamaged, SnapshotError, SnapshotMissing
from kbsearch.snapshot import MANIFEST, publish, published_version, read_manifest, verify_snapshot

_LISTED = ("created_at", "documents", "passages", "languages", "sources", "model")


@dataclass(frozen=True, slots=True)
class SnapshotEntry:
    """One version in a directory of snapshots."""

    version: str
    manifest: Mapping[str, Any]
    bytes: int
    published: bool


def list_snapshots(root: Path) -> list[SnapshotEntry]:
    """Versions in `root`, newest first. Raises SnapshotDamaged where one cannot say what it holds."""
    names, published = _versions(root)
    return [
        SnapshotEntry(
            name,
            _listed(root / name),
            sum(path.stat().st_size for path in files_below(root / name)),
            name == published,
        )
        for name in names
    ]


def rollback(root: Path, version: str | None = None) -> str:
    """Publish an older version: the one named, or the newest before the published one. Returns its name.

    Also the way out where the published version or the pointer to it is damaged, so neither is read.
    """
    names, published = _versions(root)
    if version is None:
        # Where nothing that is there is published, the newest one beats none.
        older = [name for name in names if name < published] or (names if published not in names else [])
        if not older:
            raise SnapshotMissing(
                f"{root} holds no version older than the published one; see: kbsearch-index list {root}"
            )
        version = older[0]
    if version not in names:
        raise SnapshotMissing(f"{root} holds no version {version!r}; see: kbsearch-index list {root}")
    verify_snapshot(root / version)
    publish(root, version)
    return version


def prune(root: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` versions and the published one; return what was removed."""
    names, published = _versions(root)
    removed = [name for name in names[keep:] if name != published]
    for name in removed:
        shutil.rmtree(root / name)
    return removed


def _listed(directory: Path) -> Mapping[str, Any]:
    manifest = read_manifest(directory)
    if any(name not in manifest for name in _LISTED):
        raise SnapshotDamaged(f"{directory / MANIFEST} is incomplete; rebuild the index.")
    return manifest


def _versions(root: Path) -> tuple[list[str], str]:
    """Names of the versions, newest first, and which one is published ("" where none is)."""
    if not root.is_dir():
        raise SnapshotMissing(f"{root} is no directory; run: kbsearch-index build SOURCE --out {root}")
    try:
        published = published_version(root)
    except SnapshotError:
        published = ""
    names = [path.name for path in root.iterdir() if (path / MANIFEST).is_file() and not path.name.startswith(".")]
    return sorted(names, reverse=True), published
