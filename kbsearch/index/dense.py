"""Nearest passages by meaning: the only module that imports faiss.

Small collections are searched exactly; from `EXACT_LIMIT` passages on, vectors in 8 bits lie in cells around centres
(k-means), and a query reads the cells nearest to it (Jégou et al., "Product quantization", 2011, section IV). Beside a
graph (HNSW, what this was before) cells are built in a tenth of the time, are asked as fast at the same recall, and
come out the same whatever was indexed before: an update gives the bytes of a full build. Recall@10 against exact search
is measured when they are built and raised by reading more cells until it reaches `REQUIRED_RECALL` or a query reads
`MOST_ROWS`; a collection of no more passages than that whose cells never reach it is searched exactly. Scores are
cosines: vectors have length one. faiss builds the index and maps its file; a query's own loops read the rows where they
lie there, so that the legs' candidates are compared the same way.
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

from kbsearch.errors import REBUILD, SnapshotDamaged
from kbsearch.index.cells import cells_of
from kbsearch.index.query_kernels import mask_of, search_cells

logger = logging.getLogger(__name__)

# Below this an exact scan takes less than half a millisecond and misses nothing (benchmarks/dense.py).
EXACT_LIMIT = 10_000
REQUIRED_RECALL = 0.98
# Rows that a query without a filter reads, at most, on the mean. Vectors that lie in no clusters (sentences made of
# random words) would have it read three quarters of all for the required recall, in three times the time.
MOST_ROWS = 25_000
RECALL_SAMPLE = 200
# A filter that leaves fewer passages than this share is scanned exactly: the nearest cells may hold none of them.
SCAN_SHARE = 0.1

# 100,000 generated and 34,000 real passages: half as many cells take two to four times as many rows for the same
# recall.
_CELLS_PER_ROOT = 8
# A million clustered passages: 244 a cell, which that would come to, leave the 25,000 nearest rows a recall of 0.77
# where 61 leave 0.96; training and filling four times as many cells takes two minutes more.
_USUAL_IN_CELL = 60
_SEARCH_WIDTHS = (12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768)
# What a filter leaves is farther away, in more cells. How many more depends on how many are read without one: where a
# filter leaves a fifth, seven times as many of 50,000 passages, five times of a million (benchmarks/dense.py). So a
# build measures it, with a fifth of the passages, and stays between as many rows as without a filter and this.
_FARTHEST = 1.75
_FILTERED = 5
_BLOCK = 8_192
# The share of what tells the centres apart that some of their numbers must hold to choose among them; a loop takes so
# many numbers at a time.
_TOLD = 0.85
_LANES = 32


@dataclass(frozen=True, slots=True)
class DenseReport:
    """What the build chose and measured; part of the manifest."""

    kind: str
    """exact or cells."""
    dimension: int
    passages: int
    search_width: int
    """Cells that a query without a filter reads; 0 for exact."""
    recall_at_10: float
    """Against exact search on sampled queries."""
    farther: float = _FARTHEST
    """A filter that leaves a share s of the passages has 1 / s ** farther times as many cells read."""


@dataclass(frozen=True, slots=True)
class DenseHits:
    """Nearest passages, best first."""

    passages: NDArray[np.int64]
    scores: NDArray[np.float32]
    """Cosine, −1..1."""


@dataclass(frozen=True, slots=True)
class BuiltDense:
    """A vector index in memory."""

    index: Any
    report: DenseReport

    def write(self, directory: Path) -> DenseReport:
        """Write it under `directory` (made here), where `DenseIndex` opens it; return the report."""
        directory.mkdir()
        faiss.write_index(self.index, str(directory / "vectors.faiss"))
        (directory / "report.json").write_bytes(orjson.dumps(asdict(self.report)))
        return self.report


def build_dense(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], exact_limit: int = EXACT_LIMIT
) -> BuiltDense:
    """Index unit vectors of shape (passages, dimension); `queries` are sampled for the recall."""
    count, dimension = vectors.shape
    index = None
    if count >= exact_limit:
        # One thread: threads of a library would wait for each other beside those of the caller, and the same vectors
        # in the same order give the same bytes on however many cores.
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            index, cells = _build_cells(vectors)
            sample = queries[:: max(1, len(queries) // RECALL_SAMPLE)][:RECALL_SAMPLE]
            width, recall, farther = _widen_until_good(index, cells, vectors, sample)
        finally:
            faiss.omp_set_num_threads(threads)
        report = DenseReport("cells", dimension, count, width, recall, farther)
        if recall < REQUIRED_RECALL:
            few = count <= MOST_ROWS
            logger.warning(
                "the cells that a query reads hold only %.3f of the nearest passages, less than %.2f; %s",
                recall,
                REQUIRED_RECALL,
                "searching exactly instead" if few else "more of them would take too long",
            )
            index = None if few else index
    if index is None:
        index, report = faiss.IndexFlatIP(dimension), DenseReport("exact", dimension, count, 0, 1.0)
        index.add(vectors)
    return BuiltDense(index, report)


class DenseIndex:
    """A written index, memory-mapped. Safe to use from several threads at once."""

    def __init__(self, directory: Path) -> None:
        try:
            self.report = DenseReport(**orjson.loads((directory / "report.json").read_bytes()))
            # The arrays below look into its file.
            self._index = faiss.read_index(str(directory / "vectors.faiss"), faiss.IO_FLAG_MMAP_IFC)
        except (OSError, RuntimeError, orjson.JSONDecodeError, TypeError) as cause:
            raise SnapshotDamaged(f"{directory} cannot be read ({cause}); {REBUILD}") from cause
        dimension = self.report.dimension
        # A stored number n stands for low + n·step.
        self._low, self._step = np.zeros(dimension, np.float32), np.ones(dimension, np.float32)
        self._centres = self._rough = np.empty(0, np.uint8)
        self._turn = np.empty((0, dimension), np.float32)
        if self.report.kind == "exact":
            count = self.report.passages * dimension
            rows = faiss.rev_swig_ptr(self._index.get_xb(), count) if count else np.empty(0, np.float32)
            self._passages = _one_cell(rows, dimension)
            return
        self._passages = _written_cells(self._index)
        low, span = faiss.vector_to_array(self._index.sq.trained).reshape(2, dimension)
        self._step = span / np.float32(255)
        self._low = low + self._step / 2
        # In the same eight bits they choose the same cells, and a quarter of the memory is read.
        centres = self._index.quantizer.reconstruct_n(0, self._index.nlist)
        self._centres = _in_eight_bits(centres, self._low, self._step)
        self._turn, self._rough = _roughly(centres)

    @property
    def arrays(self) -> tuple[Any, ...]:
        """What `search_cells` takes of it: the cells, their centres, and what a stored number stands for."""
        return self._passages.arrays, (self._centres, self._rough, self._turn), self._step, self._low

    def width(self, share: float) -> int:
        """How many cells a query reads where a filter leaves this share of the passages; 1 without one."""
        if self.report.kind == "exact" or share < SCAN_SHARE:
            return len(self._passages.starts)
        # The fewer passages a filter leaves in each cell, the more cells are read.
        return math.ceil(self.report.search_width / float(share**self.report.farther))

    def search(self, vector: NDArray[np.float32], limit: int, allowed: NDArray[np.bool_] | None = None) -> DenseHits:
        """The `limit` passages nearest to a unit vector; `allowed` has one flag a passage, None means all."""
        limit = min(limit, self.report.passages)
        share = 1.0 if allowed is None or not len(allowed) else np.count_nonzero(allowed) / len(allowed)
        passages, cosines = np.empty(limit, np.int64), np.empty(limit, np.float32)
        size = search_cells(*self.arrays, self.width(share), vector, mask_of(allowed), passages, cosines)
        return DenseHits(passages[:size], cosines[:size])

    @property
    def stored(self) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """What `cosines_at` takes of it."""
        return self._passages.rows, self._passages.places, self._step, self._low

    def vectors(self, passages: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """The stored vectors of some passages, shape (len(passages), dimension)."""
        entries = self._passages.places[passages][:, None] + np.arange(self.report.dimension)
        rows: NDArray[np.float32] = self._passages.rows[entries] * self._step + self._low
        return rows


@dataclass(frozen=True, slots=True)
class _Cells:
    """Rows of numbers in cells, as they lie in a file of faiss."""

    rows: NDArray[Any]
    """One row after the other, with gaps."""
    starts: NDArray[np.int64]
    """Where in `rows` each cell begins."""
    first: NDArray[np.int64]
    """How many rows the cells before each one hold, and how many all of them do."""
    ids: NDArray[np.int32]
    """Whose each row is, cell by cell."""
    places: NDArray[np.int64]
    """Where in `rows` the row of each id begins."""

    @property
    def arrays(self) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
        """What `nearest_rows` takes of them."""
        return self.rows, self.starts, self.first, self.ids


def _one_cell(rows: NDArray[Any], width: int) -> _Cells:
    """Rows that lie one after the other, in one cell."""
    ids = np.arange(len(rows) // width, dtype=np.int32)
    first = np.asarray([0, len(ids)])
    return _Cells(rows, first[:1], first, ids, ids.astype(np.int64) * width)


def _in_eight_bits(
    vectors: NDArray[np.float32], low: NDArray[np.float32], step: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """The numbers n for which low + n·step come nearest, one row after the other."""
    codes = np.zeros_like(vectors)
    np.divide(vectors - low, step, out=codes, where=step > 0.0)
    return np.clip(np.rint(codes), 0, 255).astype(np.uint8).reshape(-1)


def _roughly(centres: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """What turns vectors so that their first numbers tell centres apart best, and those of the centres in eight bits.

    Nothing, where it takes more than half of the numbers: then all of them are read as quickly.
    """
    around = centres - centres.mean(axis=0)
    power, axes = np.linalg.eigh(around.T @ around)
    told = np.cumsum(power[::-1]) / max(float(power.sum()), 1e-9)
    few = -(-(int(np.searchsorted(told, _TOLD)) + 1) // _LANES) * _LANES
    if 2 * few > centres.shape[1]:
        return np.empty((0, centres.shape[1]), np.float32), np.empty(0, np.uint8)
    turn = np.ascontiguousarray(axes[:, ::-1][:, :few].T).astype(np.float32)
    turned = around @ turn.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    step = (high - low) / np.float32(255)
    return turn * step[:, None], _in_eight_bits(turned, low, step)


def _written_cells(index: Any) -> _Cells:
    """The codes of an index in cells; a code is a byte."""
    lists = index.invlists
    sizes = np.asarray([lists.list_size(cell) for cell in range(lists.nlist)])
    held = np.flatnonzero(sizes)
    addresses = np.zeros(lists.nlist, dtype=np.int64)
    addresses[held] = [int(lists.get_codes(int(cell))) for cell in held]
    lowest = held[np.argmin(addresses[held])]
    starts = np.where(sizes > 0, addresses - addresses[lowest], 0)
    end = int((starts + sizes * index.code_size)[held].max())
    first = np.concatenate(([0], np.cumsum(sizes)))
    ids = np.concatenate([faiss.rev_swig_ptr(lists.get_ids(int(cell)), int(sizes[cell])) for cell in held])
    places = np.empty(len(ids), dtype=np.int64)
    within = np.arange(len(ids)) - np.repeat(first[:-1], sizes)
    places[ids] = np.repeat(starts, sizes) + within * index.code_size
    rows = faiss.rev_swig_ptr(lists.get_codes(int(lowest)), end)
    return _Cells(rows, starts, first, ids.astype(np.int32), places)


def _build_cells(vectors: NDArray[np.float32]) -> tuple[Any, NDArray[np.int64]]:
    """Vectors in cells, and the cell of each."""
    count, dimension = vectors.shape
    wanted = max(_CELLS_PER_ROOT * math.sqrt(count), count / _USUAL_IN_CELL)
    centres, cells = cells_of(vectors, 1 << int(math.log2(wanted)))
    quantizer = faiss.IndexFlatIP(dimension)
    quantizer.add(centres)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dimension, len(centres), faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.by_residual = False
    index.train(vectors)  # what the eight bits stand for: the centres are there
    index.add_core(count, faiss.swig_ptr(vectors), None, faiss.swig_ptr(cells))
    return index, cells


def _widen_until_good(
    index: Any, cells: NDArray[np.int64], vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> tuple[int, float, float]:
    """The smallest number of cells read whose recall@10 is good enough, or the largest allowed; with its recall, and
    the exponent that says how many are read under a filter.

    Numbers of cells that hold too few of the nearest passages are not tried.
    """
    _, order = index.quantizer.search(queries, index.nlist)
    rank_of = np.argsort(order, axis=1)
    ranks, worst = _ranks_of_nearest(rank_of, cells, vectors, queries)
    read = np.cumsum(np.bincount(cells, minlength=index.nlist)[order], axis=1).mean(axis=0)
    widths = [width for width in _SEARCH_WIDTHS if read[min(width, index.nlist) - 1] <= MOST_ROWS]
    widths = widths or [_SEARCH_WIDTHS[0]]
    promising = [width for width in widths if float((ranks < width).mean()) >= REQUIRED_RECALL]
    width, recall = 0, 0.0
    for width in promising or widths[-1:]:
        _, found = index.search(queries, 10, params=faiss.SearchParametersIVF(nprobe=min(width, index.nlist)))
        recall = _recall(found, vectors, queries, worst)
        if recall >= REQUIRED_RECALL:
            break
    # As many of the nearest are to be held by the cells that are read where a filter leaves some of the passages.
    left, _ = _ranks_of_nearest(rank_of, cells[::_FILTERED], vectors[::_FILTERED], queries)
    needed = 1 + int(np.quantile(left, (ranks < width).mean(), method="higher"))
    return width, recall, float(np.clip(math.log(needed / width, _FILTERED), 1.0, _FARTHEST))


def _ranks_of_nearest(
    rank_of: NDArray[np.int64], cells: NDArray[np.int64], vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """How many cells are nearer to a query than that of each of its nearest ten, and the cosine of the tenth.

    `rank_of`: for each query, how many cells are nearer than each cell; `cells`: that of each vector.
    """
    nearest, worst = _nearest(vectors, queries, min(10, len(vectors)))
    return np.take_along_axis(rank_of, cells[nearest], axis=1), worst


def _nearest(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The nearest `limit` rows of each query, in any order, and the cosine of the last; by the faster BLAS of two."""
    best = np.full((len(queries), limit), -np.inf, dtype=np.float32)
    rows = np.zeros((len(queries), limit), dtype=np.int64)
    for start in range(0, len(vectors), _BLOCK):
        cosines = np.hstack([best, queries @ vectors[start : start + _BLOCK].T])
        chosen = np.argpartition(cosines, -limit, axis=1)[:, -limit:]
        earlier = np.take_along_axis(rows, np.minimum(chosen, limit - 1), axis=1)
        rows = np.where(chosen < limit, earlier, chosen + (start - limit))
        best = np.take_along_axis(cosines, chosen, axis=1)
    return rows, best.min(axis=1)


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
