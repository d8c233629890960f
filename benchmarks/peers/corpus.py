"""What all engines get: passages with vectors, queries with vectors, and the exact answers. Needs numpy only to read.

Made by generate.py (made-up texts, clustered vectors) or by help_centre.py (real articles, a model's vectors).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Corpus:
    """Aligned by passage number, and by query number."""

    titles: list[str]
    texts: list[str]
    langs: list[str]
    vectors: NDArray[np.float32]
    """Shape (passages, width), unit length."""
    queries: list[str]
    query_langs: list[str]
    query_vectors: NDArray[np.float32]
    exact: NDArray[np.int32]
    """Shape (queries, 10): the nearest passages."""
    exact_filtered: NDArray[np.int32]
    """Those in the query's language."""
    right: list[list[int]]
    """The passages that answer each query; empty lists where nobody judged them."""


def load(folder: Path) -> Corpus:
    """Inverse of `write`."""
    rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    names = ("vectors", "query_vectors", "exact", "exact_filtered")
    # Mapped: a dozen engines share a million vectors.
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
    return Corpus(**rows, **arrays)


def write(folder: Path, corpus: Corpus) -> None:
    """Write everything below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("titles", "texts", "langs", "queries", "query_langs", "right")
    rows = {name: getattr(corpus, name) for name in names}
    (folder / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    for name in ("vectors", "query_vectors", "exact", "exact_filtered"):
        np.save(folder / f"{name}.npy", getattr(corpus, name))
