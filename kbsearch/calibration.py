"""Where a snapshot keeps its calibration: one file, read by the engine.

A snapshot never changes, so that calibrating makes a new version of it. The new version's files are links to the old
one's: it costs next to no room and no time.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

import orjson

from kbsearch.decide import Calibration, read_calibration
from kbsearch.disk import sha256, sync
from kbsearch.errors import SnapshotError, SnapshotMismatch
from kbsearch.manifest import CALIBRATION, MANIFEST, VERSION_TIME, published_version, read_manifest
from kbsearch.snapshot import Snapshot
from kbsearch.versions import release


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


def publish_calibrated(root: Path, content: bytes) -> str:
    """Publish a version that is the published one with this calibration; return its name. Raises SnapshotError."""
    name = CALIBRATION
    source = root / published_version(root)
    manifest = read_manifest(source)
    staged = Path(mkdtemp(prefix=".building-", dir=root))
    try:
        for path in manifest["files"]:
            if path != name:
                (staged / path).parent.mkdir(parents=True, exist_ok=True)
                _link(source / path, staged / path)
        (staged / name).write_bytes(content)
        sync(staged / name)
        files = manifest["files"] | {name: {"bytes": len(content), "sha256": sha256(staged / name)}}
        now = datetime.now(UTC)
        version = _free_name(root, now, manifest["version"].rpartition("-")[2])
        changed = {"version": version, "created_at": now.isoformat(timespec="seconds").replace("+00:00", "Z")}
        (staged / MANIFEST).write_bytes(orjson.dumps(manifest | changed | {"files": files}, option=orjson.OPT_INDENT_2))
        sync(staged / MANIFEST)
        staged.chmod(0o755)
        staged.rename(root / version)
        sync(root)
    except OSError as cause:
        raise SnapshotError(
            f"{root} cannot take another version ({cause}); make room or allow writing there."
        ) from cause
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    release(root, version, "calibrate")
    return version


def _free_name(root: Path, now: datetime, suffix: str) -> str:
    """Now, and the content's mark; two calls within one second get two names."""
    name = f"{now.strftime(VERSION_TIME)}-{suffix}"
    number = 0
    while (root / name).exists():
        number += 1
        name = f"{now.strftime(VERSION_TIME)}-{suffix}.{number}"
    return name


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)
