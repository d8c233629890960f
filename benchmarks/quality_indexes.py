"""Indexes of the quality benchmark, kept under var/ as long as nothing that shapes them has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.quality_sets import EvalSet
from benchmarks.report import ROOT, WORK
from indexer.cut import CUTTER_VERSION
from indexer.pipeline import build
from kbsearch.embed.protocol import Embedder, ModelInfo, Vectors
from kbsearch.engine import Engine
from kbsearch.snapshot import CURRENT, FORMAT_VERSION, Snapshot, open_snapshot
from kbsearch.text.analyze import ANALYZER_VERSION

# Versions name the analyzer, the cutter and the format; these files have none and shape an index as well.
_UNVERSIONED = ("indexer/pipeline.py", "kbsearch/index/lexical.py", "kbsearch/index/dense.py", "kbsearch/snapshot.py")


def _code() -> str:
    digest = hashlib.sha256(f"{FORMAT_VERSION} {ANALYZER_VERSION} {CUTTER_VERSION}".encode())
    for name in _UNVERSIONED:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


# Read once: somebody may edit the code while a run goes on with what it has loaded.
_CODE = _code()


class RememberingEmbedder:
    """Encodes each query once: three modes, and every row of a sweep, ask the same ones."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}

    @property
    def info(self) -> ModelInfo:
        return self._embedder.info

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """One row a text, from memory where it is known."""
        for text in texts:
            if text not in self._known:
                self._known[text] = self._embedder.encode_queries([text])[0]
        return np.stack([self._known[text] for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Passages are encoded once anyway."""
        return self._embedder.encode_passages(texts)


def open_index(item: EvalSet, embedder: Embedder) -> tuple[Snapshot, Engine]:
    """The set's index, built where there is none yet."""
    directory = WORK / f"{item.index}-{_fingerprint(item.sources, embedder.info)}"
    if not (directory / CURRENT).is_file():
        print(f"building {directory.name}", flush=True)
        report = build(item.sources, directory, embedder=embedder)
        print(f"  {report.documents} documents, {report.passages} passages, {report.problem_count} skipped", flush=True)
    snapshot = open_snapshot(directory)
    return snapshot, Engine(snapshot, embedder)


def _fingerprint(sources: Sequence[Path], model: ModelInfo) -> str:
    digest = hashlib.sha256(f"{_CODE} {model}".encode())
    files: list[Path] = []
    for source in sources:
        files += sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
