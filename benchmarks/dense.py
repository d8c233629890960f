"""Exact search beside cells, as kbsearch builds and asks them: from which size on are the cells faster?

    python -m benchmarks.dense

Vectors are clustered and of low rank, as those of texts are; on random unit vectors no index finds its way and nothing
could be concluded.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.report import RESULTS, Stamp, stamp, table, write_result
from kbsearch.index.dense import EXACT_LIMIT, DenseIndex, build_dense
from kbsearch.retrieve import CANDIDATES

SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
WIDTHS = (256, 384)
QUERIES = 200
ROUNDS = 5
SEED = 11
# Sentence vectors use a fraction of their dimensions: the spectrum below falls to a tenth after about 60.
RANK = 96
CLUSTER_SIZE = 40
FILTERED_SIZES = (50_000, 1_000_000)
SHARES = (1.0, 0.7, 0.5, 0.33, 0.2, 0.11)

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One size and width."""

    dimension: int
    passages: int
    exact_ms: float
    cells_ms: float
    ratio: float
    """Exact over cells at the median: above 1 the cells are faster."""
    recall_at_10: float
    search_width: int
    cells_build_seconds: float


@dataclass(frozen=True, slots=True)
class Filtered:
    """Cells under a filter that leaves a share of the passages, drawn at random."""

    passages: int
    share: float
    cells_read: int
    cells_ms: float
    recall_at_10: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Build, time, write results/dense.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dense", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--filtered", type=int, nargs="*", default=FILTERED_SIZES, metavar="N", help="and with filters")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    sizes, filtered_sizes = (" ".join(map(str, given)) for given in (options.sizes, options.filtered))
    measured = stamp(f"python -m benchmarks.dense --sizes {sizes} --filtered {filtered_sizes}")
    comparisons = []
    for dimension in WIDTHS:
        vectors, queries = clustered(max(options.sizes), dimension)
        for size in options.sizes:
            comparison = compare(vectors[:size], queries)
            if comparison is not None:
                comparisons.append(comparison)
                print(comparison, flush=True)
    under_filters = [row for size in options.filtered for row in filtered(*clustered(size, WIDTHS[0]))]
    markdown = describe(measured, comparisons, under_filters)
    figures = {"rows": [asdict(row) for row in comparisons], "filtered": [asdict(row) for row in under_filters]}
    write_result("dense", markdown, figures, measured, options.out)
    print(markdown)


def clustered(count: int, dimension: int) -> tuple[Vectors, Vectors]:
    """Unit vectors around topic centres, and queries near some of the topics; the spectrum decays."""
    random = np.random.default_rng([SEED, dimension])
    spectrum = (1.0 / np.sqrt(1.0 + np.arange(RANK) / 6.0)).astype(np.float32)
    basis = np.linalg.qr(random.standard_normal((dimension, RANK)))[0].T.astype(np.float32)
    centres = random.standard_normal((max(2, count // CLUSTER_SIZE), RANK), dtype=np.float32)

    def draw(number: int, spread: float) -> Vectors:
        near = centres[random.integers(len(centres), size=number)]
        points = near + np.float32(spread) * random.standard_normal((number, RANK), dtype=np.float32)
        rows = (points * spectrum) @ basis
        rows += np.float32(0.02) * random.standard_normal(rows.shape, dtype=np.float32)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    return draw(count, 0.6), draw(QUERIES, 0.8)


def compare(vectors: Vectors, queries: Vectors) -> Comparison | None:
    """Both kinds over the same vectors, asked in turn for as many passages as the engine asks; None if refused."""
    count, dimension = vectors.shape
    with tempfile.TemporaryDirectory() as folder:
        build_dense(vectors, queries, exact_limit=count + 1).write(Path(folder) / "exact")
        started = perf_counter()
        report = build_dense(vectors, queries, exact_limit=0).write(Path(folder) / "cells")
        if report.kind == "exact":
            print(f"{count} × {dimension}: no number of cells is good enough", flush=True)
            return None
        seconds = perf_counter() - started
        faiss.omp_set_num_threads(1)
        exact, cells = DenseIndex(Path(folder) / "exact"), DenseIndex(Path(folder) / "cells")
        times = np.empty((ROUNDS, len(queries), 2))
        overlap = np.empty(len(queries))
        for round_number in range(ROUNDS):
            for place, query in enumerate(queries):
                found = []
                for turn, index in enumerate((exact, cells)):
                    started = perf_counter()
                    hits = index.search(query, CANDIDATES)
                    times[round_number, place, turn] = (perf_counter() - started) * 1000
                    found.append(hits.passages[:10])
                overlap[place] = len(np.intersect1d(found[0], found[1])) / 10
        faiss.omp_set_num_threads(os.cpu_count() or 1)
    exact_ms, cells_ms = np.median(np.median(times, axis=0), axis=0)
    return Comparison(
        dimension=dimension,
        passages=count,
        exact_ms=round(float(exact_ms), 4),
        cells_ms=round(float(cells_ms), 4),
        ratio=round(float(exact_ms / cells_ms), 2),
        recall_at_10=round(float(overlap.mean()), 4),
        search_width=report.search_width,
        cells_build_seconds=round(seconds, 1),
    )


def filtered(vectors: Vectors, queries: Vectors) -> list[Filtered]:
    """Recall and time of the cells under filters, one after the other, against all allowed passages compared."""
    random = np.random.default_rng(SEED)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        build_dense(vectors, queries, exact_limit=0).write(Path(folder) / "cells")
        cells = DenseIndex(Path(folder) / "cells")
        for share in SHARES:
            allowed = random.random(len(vectors)) < share
            left = np.flatnonzero(allowed)
            nearest = left[np.argpartition(-(queries @ vectors[left].T), 10, axis=1)[:, :10]]
            times, overlap = [], []
            for query, best in zip(queries, nearest, strict=True):
                started = perf_counter()
                hits = cells.search(query, CANDIDATES, allowed)
                times.append((perf_counter() - started) * 1000)
                overlap.append(len(np.intersect1d(hits.passages[:10], best)) / 10)
            read, ms, recall = cells.width(share), float(np.median(times)), float(np.mean(overlap))
            found.append(Filtered(len(vectors), share, read, round(ms, 4), round(recall, 4)))
    return found


def describe(measured: Stamp, comparisons: Sequence[Comparison], under_filters: Sequence[Filtered]) -> str:
    """The report."""
    rows = [
        (
            row.dimension,
            f"{row.passages:,}",
            f"{row.exact_ms:.3f}",
            f"{row.cells_ms:.3f}",
            f"{row.ratio:.2f} ×",
            f"{row.recall_at_10:.3f}",
            row.search_width,
            f"{row.cells_build_seconds:.1f}",
        )
        for row in comparisons
    ]
    header = ("width", "passages", "exact ms", "cells ms", "exact / cells", "recall@10", "cells read", "build s")
    verdicts = [f"- {dimension} wide: {_crossing(comparisons, dimension)}" for dimension in WIDTHS]
    return "\n\n".join(
        [
            "# Exact search beside cells",
            measured.line(),
            f"Median of {QUERIES} single queries (each the median of {ROUNDS} rounds, exact and cells taking turns, "
            f"one thread), asked for the {CANDIDATES} passages that the engine wants. Exact: IndexFlatIP. Cells: 8-bit "
            "vectors around k-means centres, as kbsearch.index.dense builds them. Recall counts passage numbers, so "
            "that 8-bit rounding among near ties counts as a miss.",
            table(header, rows),
            "Smallest measured size from which on the cells are faster:",
            "\n".join(verdicts),
            f"`kbsearch.index.dense.EXACT_LIMIT` is {EXACT_LIMIT:,}.",
            "## Under a filter",
            f"Collections {WIDTHS[0]} wide, and filters that leave passages drawn at random: the nearest ten of those "
            "that are left, against all of them compared.",
            table(
                ("passages", "share left", "cells read", "cells ms", "recall@10"),
                [
                    (
                        f"{row.passages:,}",
                        f"{row.share:.2f}",
                        f"{row.cells_read:,}",
                        f"{row.cells_ms:.3f}",
                        f"{row.recall_at_10:.3f}",
                    )
                    for row in under_filters
                ],
            ),
        ]
    )


def _crossing(comparisons: Sequence[Comparison], dimension: int) -> str:
    rows = [row for row in comparisons if row.dimension == dimension]
    slower = [row.passages for row in rows if row.ratio <= 1.0]
    faster = [row.passages for row in rows if row.passages > max(slower, default=0)]
    return f"{min(faster):,} passages" if faster else "none of those measured"


if __name__ == "__main__":
    main()
