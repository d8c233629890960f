"""Freeze the format that is written today: `python -m tests.golden.snapshots` writes vN beside this file."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from indexer.pipeline import build
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.manifest import FORMAT_VERSION, MANIFEST, read_manifest

HERE = Path(__file__).parent

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(HERE)  # the manifest names the sources as they were given
        sources = [Path(name) for name in ("source.jsonl", "synonyms.csv", "rules.csv")]
        report = build(sources, Path(folder), embedder=HashingEmbedder(), strict=True)
        target = HERE / f"v{FORMAT_VERSION}"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(Path(folder) / report.version, target)
    print(f"{target}: {len(read_manifest(target)['files'])} files and {MANIFEST}")  # noqa: T201
