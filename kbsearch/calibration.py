"""Where a snapshot keeps its calibration: one file, read by the engine.

A snapshot never changes, so that calibrating makes a new version of it. The new version's files are links to the old
one's: it costs next to no room and no time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import orjson

from kbsearch.decide import Calibration, read_calibration
from kbsearch.disk import sha256, sync, sync_directories
from kbsearch.errors import SnapshotError, SnapshotMismatch
from kbsearch.manifest import CALIBRATED_FOR, CALIBRATION, MANIFEST, published_version, read_manifest
from kbsearch.snapshot import Snapshot
from kbsearch.versions import STAGING, only_writer, release, version_name


def calibration_of(snapshot: Snapshot) -> Calibration | None:
    """What `kbsearch calibrate` added, None where it has not been run. Raises SnapshotMismatch."""
    path = snapshot.directory / CALIBRATION
    if CALIBRATION not in snapshot.manifest["files"]:
        return None
    try:
        return read_calibration(orjson.loads(path.read_bytes()))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as cause:
        again = f"kbsearch calibrate --index {path.parents[1]} --queries FILE.jsonl"
        raise SnapshotMismatch(f"{path} cannot be used ({cause}); run: {again}") from cause


def publish_calibrated(root: Path, content: bytes, fitted_on: str) -> str:
    """Publish a version that is the published one with this calibration; return its name.

    `fitted_on` is the version whose scores it was learnt from. Where another was published meanwhile, that one takes
    the calibration as long as its scores mean the same. Raises SnapshotError; then nothing is published.
    """
    try:
        with only_writer(root, "calibrate"):
            source = root / published_version(root)
            manifest = read_manifest(source)
            _check_scores_alike(root, manifest, fitted_on)
            version = _write_version(root, source, manifest, content)
            release(root, version, "calibrate")
    except OSError as cause:
        raise SnapshotError(
            f"{root} cannot take another version ({cause}); make room or allow writing there."
        ) from cause
    return version


def _check_scores_alike(root: Path, published: Mapping[str, Any], fitted_on: str) -> None:
    fitted = read_manifest(root / fitted_on)
    changed = [name for name in CALIBRATED_FOR if published.get(name) != fitted.get(name)]
    if changed:
        raise SnapshotError(
            f"Version {published['version']} was published while the questions were asked of {fitted_on}, and has "
            f"another {' and '.join(changed)}, so the calibration does not hold for it; run again: "
            f"kbsearch calibrate --index {root} --queries FILE.jsonl"
        )


def _write_version(root: Path, source: Path, manifest: Mapping[str, Any], content: bytes) -> str:
    """Write a version with the files of `source` and this calibration; return its name."""
    staged = Path(mkdtemp(prefix=STAGING, dir=root))
    try:
        for path in manifest["files"]:
            if path != CALIBRATION:
                (staged / path).parent.mkdir(exist_ok=True)
                _link(source / path, staged / path)
        (staged / CALIBRATION).write_bytes(content)
        sync(staged / CALIBRATION)
        files = manifest["files"] | {CALIBRATION: {"bytes": len(content), "sha256": sha256(staged / CALIBRATION)}}
        now = datetime.now(UTC)
        version = version_name(root, now, manifest["version"].rpartition("-")[2])
        changed = {"version": version, "created_at": now.isoformat(timespec="seconds").replace("+00:00", "Z")}
        new_manifest = {**manifest, **changed, "files": files}
        (staged / MANIFEST).write_bytes(orjson.dumps(new_manifest, option=orjson.OPT_INDENT_2))
        sync(staged / MANIFEST)
        staged.chmod(0o755)
        sync_directories(staged)
        staged.rename(root / version)
        sync(root)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return version


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)
        sync(target)
