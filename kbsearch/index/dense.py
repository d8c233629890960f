"""Nearest passages by meaning: the only module that imports faiss.

Small collections are searched exactly; from `EXACT_LIMIT` passages on, vectors in 8 bits lie in cells around centres
(k-means), and a query reads the cells nearest to it (Jégou et al., "Product quantization", 2011, section IV). Beside a
graph (HNSW, what this was before) cells are built in a tenth of the time, are asked as fast at the same recall, and
come out the same whatever was indexed before: an update gives the bytes of a full build. Recall@10 against exact search
is measured when they are built and raised by reading more cells until it reaches `REQUIRED_RECALL`; a collection whose
cells never do is searched exactly. Scores are cosines: vectors have length one.
"""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import orjson
from numpy.typing import NDArray

from kbsearch.errors import SnapshotDamaged

logger = logging.getLogger(__name__)

# Measured by benchmarks/dense.py: below this an exact scan is at least as fast.
EXACT_LIMIT = 10_000
REQUIRED_RECALL = 0.98
RECALL_SAMPLE = 200
# A filter that leaves fewer passages than this share is scanned exactly: the nearest cells may hold none of them.
SCAN_SHARE = 0.1

# 100,000 real passages, 512 cells: more rounds or more points a cell found nothing more.
_TRAINING_ROUNDS = 6
_TRAINING_POINTS = 40
_SEARCH_WIDTHS = (24, 48, 96, 192, 384)
_SEED = 1


@dataclass(frozen=True, slots=True)
class DenseReport:
    """What the build chose and measured; part of the manifest."""

    kind: str
    """exact or cells."""
    dimension: int
    passages: int
    search_width: int
    """Cells that a query reads; 0 for exact."""
    recall_at_10: float
    """Against exact search on sampled queries."""


@dataclass(frozen=True, slots=True)
class DenseHits:
    """Nearest passages, best first."""

    passages: NDArray[np.int64]
    scores: NDArray[np.float32]
    """Cosine, −1..1."""


def build_dense(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], directory: Path, exact_limit: int = EXACT_LIMIT
) -> DenseReport:
    """Index unit vectors of shape (passages, dimension) under `directory`; `queries` are sampled for the recall."""
    directory.mkdir()
    count, dimension = vectors.shape
    index = None
    if count >= exact_limit:
        # One thread: threads of a library would wait for each other beside those of the caller, and the same vectors
        # in the same order give the same bytes on however many cores.
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            index = _build_cells(vectors)
            sample = queries[:: max(1, len(queries) // RECALL_SAMPLE)][:RECALL_SAMPLE]
            width, recall = _widen_until_good(index, vectors, sample)
        finally:
            faiss.omp_set_num_threads(threads)
        report = DenseReport("cells", dimension, count, width, recall)
        if recall < REQUIRED_RECALL:
            logger.warning(
                "cells find only %.3f of the nearest passages, less than %.2f; searching exactly instead",
                recall,
                REQUIRED_RECALL,
            )
            index = None
    if index is None:
        index, report = faiss.IndexFlatIP(dimension), DenseReport("exact", dimension, count, 0, 1.0)
        index.add(vectors)
    faiss.write_index(index, str(directory / "vectors.faiss"))
    (directory / "report.json").write_bytes(orjson.dumps(asdict(report)))
    return report


class DenseIndex:
    """A written index, memory-mapped. Safe to use from several threads at once."""

    def __init__(self, directory: Path) -> None:
        try:
            self.report = DenseReport(**orjson.loads((directory / "report.json").read_bytes()))
            self._index = faiss.read_index(str(directory / "vectors.faiss"), faiss.IO_FLAG_MMAP_IFC)
        except (OSError, RuntimeError, orjson.JSONDecodeError, TypeError) as cause:
            raise SnapshotDamaged(f"{directory} cannot be read ({cause}); rebuild the index.") from cause
        if self.report.kind == "cells":
            self._index.make_direct_map()

    def search(self, vector: NDArray[np.float32], limit: int, allowed: NDArray[np.bool_] | None = None) -> DenseHits:
        """The `limit` passages nearest to a unit vector; `allowed` has one flag a passage, None means all."""
        limit = min(limit, self.report.passages)
        if limit == 0:
            return DenseHits(np.empty(0, np.int64), np.empty(0, np.float32))
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        if allowed is None:
            scores, ids = self._index.search(query, limit, params=self._search_parameters(None, exactly=False))
        else:
            # The selector reads the bits in place; `bits` must outlive the search.
            bits = np.packbits(allowed, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(allowed), faiss.swig_ptr(bits))
            few = bool(np.count_nonzero(allowed) < SCAN_SHARE * len(allowed))
            scores, ids = self._index.search(query, limit, params=self._search_parameters(selector, exactly=few))
        found = ids[0] >= 0
        return DenseHits(ids[0][found], scores[0][found])

    def vectors(self, passages: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """The stored vectors of some passages, shape (len(passages), dimension)."""
        wanted = np.ascontiguousarray(passages, dtype=np.int64)
        rows: NDArray[np.float32] = self._index.reconstruct_batch(wanted)
        return rows

    def _search_parameters(self, selector: Any, *, exactly: bool) -> Any:
        if self.report.kind == "exact":
            return faiss.SearchParameters(sel=selector) if selector is not None else None
        width = self._index.nlist if exactly else min(self.report.search_width, self._index.nlist)
        return faiss.SearchParametersIVF(nprobe=width, sel=selector)


def _build_cells(vectors: NDArray[np.float32]) -> Any:
    """Vectors in cells."""
    count, dimension = vectors.shape
    cells = 1 << int(math.log2(2 * math.sqrt(count)))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension), dimension, cells, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.by_residual = False
    index.cp.niter, index.cp.seed, index.cp.spherical = _TRAINING_ROUNDS, _SEED, True
    index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, _TRAINING_POINTS
    index.train(vectors)
    index.add(vectors)
    return index


def _widen_until_good(cells: Any, vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> tuple[int, float]:
    """The smallest number of cells read whose recall@10 is good enough, or the largest; with its recall."""
    cosines, _ = faiss.knn(queries, vectors, 10, metric=faiss.METRIC_INNER_PRODUCT)
    width, recall = 0, 0.0
    for width in _SEARCH_WIDTHS:
        _, found = cells.search(queries, 10, params=faiss.SearchParametersIVF(nprobe=min(width, cells.nlist)))
        recall = _recall(found, vectors, queries, cosines[:, -1])
        if recall >= REQUIRED_RECALL:
            break
    return width, recall


def _recall(
    found: NDArray[np.int64],
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    worst_true: NDArray[np.float32],
) -> float:
    """Share of found passages that are at least as near as the true tenth.

    Counting by distance, not by number, keeps passages with the same text from counting as misses.
    """
    cosines = np.einsum("qkd,qd->qk", vectors[found], queries)
    return float((cosines >= worst_true[:, None] - 1e-4).mean())
