"""The dense leg against brute force, on both of its kinds and both of its filtered branches."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kbsearch.errors import SnapshotDamaged
from kbsearch.index import dense
from kbsearch.index.dense import DenseIndex, DenseReport, build_dense
from kbsearch.index.query_kernels import cosines_at

DIMENSION = 64

Vectors = NDArray[np.float32]


def unit(rows: NDArray[np.floating]) -> Vectors:
    return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def clustered(count: int, seed: int) -> Vectors:
    """Vectors as texts give them: many around each of a few subjects."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(11).normal(size=(25, DIMENSION))
    return unit(centres[random.integers(0, 25, count)] + 0.5 * random.normal(size=(count, DIMENSION)))


def brute_force(vectors: Vectors, query: Vectors, limit: int, allowed: NDArray[np.bool_] | None = None) -> list[int]:
    cosines = vectors @ query
    if allowed is not None:
        cosines = np.where(allowed, cosines, -np.inf)
    order = np.argsort(-cosines, kind="stable")[:limit]
    return [int(n) for n in order if np.isfinite(cosines[n])]


PASSAGES = clustered(1500, seed=1)
QUERIES = clustered(60, seed=2)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[DenseReport, DenseIndex]]:
    folder = tmp_path_factory.mktemp("dense")
    indexes = {}
    for kind, exact_limit in (("exact", 10**9), ("cells", 100)):
        report = build_dense(PASSAGES, QUERIES, exact_limit=exact_limit).write(folder / kind)
        indexes[kind] = (report, DenseIndex(folder / kind))
    return indexes


@pytest.fixture(params=["exact", "cells"])
def index(request: pytest.FixtureRequest, built: dict[str, tuple[DenseReport, DenseIndex]]) -> DenseIndex:
    return built[request.param][1]


def test_exact_search_equals_brute_force(built) -> None:
    """The same passages in the same order with the same cosines."""
    _, index = built["exact"]
    for query in QUERIES[:20]:
        hits = index.search(query, 15)
        assert hits.passages.tolist() == brute_force(PASSAGES, query, 15)
        np.testing.assert_allclose(hits.scores, PASSAGES[hits.passages] @ query, atol=1e-5)


def test_cells_reports_the_recall_it_has(built) -> None:
    """The recall in the report is what brute force finds, and it is good enough."""
    report, index = built["cells"]
    shares = []
    for query in QUERIES:
        truth = PASSAGES @ query
        tenth = np.sort(truth)[-10]
        found = index.search(query, 10).passages
        shares.append(np.mean(truth[found] >= tenth - 1e-4))
    assert report.kind == "cells"
    assert report.search_width > 0
    assert report.recall_at_10 >= dense.REQUIRED_RECALL
    assert report.recall_at_10 == pytest.approx(float(np.mean(shares)), abs=0.005)


def test_cells_scores_are_close_to_the_cosines(built) -> None:
    """Eight bits move a cosine by less than a hundredth."""
    _, index = built["cells"]
    hits = index.search(QUERIES[0], 10)
    np.testing.assert_allclose(hits.scores, PASSAGES[hits.passages] @ QUERIES[0], atol=0.01)
    assert np.all(np.diff(hits.scores) <= 0)


@pytest.mark.parametrize("share", [0.0, 0.005, 0.05, 0.3, 0.9], ids=lambda share: f"{share:.1%} allowed")
def test_filters_never_return_a_refused_passage(index: DenseIndex, share: float) -> None:
    """Neither when few are allowed (scan) nor when many are (cells), and nothing is missed by the scan."""
    allowed = np.random.default_rng(5).random(len(PASSAGES)) < share
    for query in QUERIES[:20]:
        hits = index.search(query, 10, allowed)
        assert allowed[hits.passages].all()
        assert len(hits.passages) == min(10, allowed.sum())
        expected = brute_force(PASSAGES, query, 10, allowed)
        if index.report.kind == "exact":
            assert hits.passages.tolist() == expected
        else:
            assert len(set(hits.passages.tolist()) & set(expected)) >= 0.7 * len(expected)


def test_a_filter_whose_length_is_no_multiple_of_eight(tmp_path: Path) -> None:
    """The last bits of the packed filter are read right."""
    vectors = PASSAGES[:13]
    build_dense(vectors, QUERIES).write(tmp_path / "dense")
    allowed = np.zeros(13, np.bool_)
    allowed[12] = True
    assert DenseIndex(tmp_path / "dense").search(QUERIES[0], 13, allowed).passages.tolist() == [12]


def test_limit_beyond_the_collection_returns_all(index: DenseIndex) -> None:
    """No place is filled with −1."""
    hits = index.search(QUERIES[0], 10**6)
    if index.report.kind == "exact":
        assert sorted(hits.passages.tolist()) == list(range(len(PASSAGES)))
    assert hits.passages.min() >= 0
    assert len(set(hits.passages.tolist())) == len(hits.passages)


def test_vectors_are_the_stored_ones(index: DenseIndex) -> None:
    """In the order asked; to the bit where they are stored whole, to an 8-bit step otherwise."""
    wanted = np.asarray([7, 0, 1499, 7])
    np.testing.assert_allclose(
        index.vectors(wanted), PASSAGES[wanted], atol=0.0 if index.report.kind == "exact" else 0.01
    )
    assert index.vectors(np.empty(0, np.int64)).shape == (0, DIMENSION)


def test_eight_bits_are_off_by_half_a_step_at_most(built) -> None:
    """A stored number stands for the middle of the numbers that it was made from."""
    _, index = built["cells"]
    assert np.all(np.abs(index.vectors(np.arange(len(PASSAGES))) - PASSAGES) <= 0.501 * index._step)


def test_cosines_are_those_of_the_stored_vectors(index: DenseIndex) -> None:
    """And the ones that a search gives: a candidate is as near whichever way it was found."""
    wanted = np.asarray([7, 0, 1499, 7])
    cosines = cosines_at(*index.stored, QUERIES[0], wanted)
    np.testing.assert_allclose(cosines, index.vectors(wanted) @ QUERIES[0], atol=1e-6)
    hits = index.search(QUERIES[1], 20)
    cosines = cosines_at(*index.stored, QUERIES[1], hits.passages.astype(np.int64))
    np.testing.assert_allclose(cosines, hits.scores, atol=1e-6)


def test_cells_below_the_required_recall_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The collection is searched exactly, and the log says how good they were."""
    monkeypatch.setattr(dense, "REQUIRED_RECALL", 1.01)
    report = build_dense(PASSAGES, QUERIES, exact_limit=100).write(tmp_path / "dense")
    assert (report.kind, report.recall_at_10) == ("exact", 1.0)
    assert re.search(r"hold only [01]\.\d+ of the nearest passages.*searching exactly", caplog.text)
    hits = DenseIndex(tmp_path / "dense").search(QUERIES[0], 10)
    assert hits.passages.tolist() == brute_force(PASSAGES, QUERIES[0], 10)


def test_cells_chosen_by_few_numbers_hold_the_nearest(tmp_path: Path) -> None:
    """Vectors that lie in a few of their dimensions: what is found is what the build found by all numbers."""
    random = np.random.default_rng(5)
    axes = np.linalg.qr(random.normal(size=(128, 24)))[0].T
    subjects = random.normal(size=(150, 24))
    vectors = unit((subjects[random.integers(0, 150, 5000)] + 0.4 * random.normal(size=(5000, 24))) @ axes)
    queries = unit((subjects[:100] + 0.4 * random.normal(size=(100, 24))) @ axes)
    report = build_dense(vectors, queries, exact_limit=100).write(tmp_path / "dense")
    index = DenseIndex(tmp_path / "dense")
    assert len(index._rough) * 4 == len(index._centres)
    shares = []
    for query in queries:
        truth = vectors @ query
        found = index.search(query, 10).passages
        shares.append(np.mean(truth[found] >= np.sort(truth)[-10] - 1e-4))
    assert report.kind == "cells"
    assert np.mean(shares) == pytest.approx(report.recall_at_10, abs=0.01)


@pytest.mark.parametrize("dimensions", [24, 128], ids=["rough", "whole"])
@pytest.mark.parametrize("number", [np.nan, np.inf], ids=str)
def test_a_vector_that_is_none_finds_nothing(tmp_path: Path, dimensions: int, number: float) -> None:
    """A broken model's; no cell is near it, whichever way cells are chosen, and none is read that is not there."""
    random = np.random.default_rng(5)
    axes = np.linalg.qr(random.normal(size=(128, dimensions)))[0].T
    subjects = random.normal(size=(150, dimensions))
    vectors = unit((subjects[random.integers(0, 150, 5000)] + 0.4 * random.normal(size=(5000, dimensions))) @ axes)
    build_dense(vectors, vectors[:100], exact_limit=100).write(tmp_path / "dense")
    index = DenseIndex(tmp_path / "dense")
    assert bool(len(index._rough)) == (dimensions == 24)
    for allowed in (None, np.arange(5000) % 3 == 0):
        hits = index.search(np.full(128, number, np.float32), 10, allowed)
        assert len(hits.passages) == len(hits.scores) == 0


def test_no_query_reads_more_than_so_many_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Vectors without clusters are found less often, which report and log say, not more slowly."""
    monkeypatch.setattr(dense, "MOST_ROWS", 1_000)
    random = np.random.default_rng(0)
    vectors, queries = unit(random.normal(size=(3000, DIMENSION))), unit(random.normal(size=(40, DIMENSION)))
    report = build_dense(vectors, queries, exact_limit=100).write(tmp_path / "dense")
    found = [len(set(DenseIndex(tmp_path / "dense").search(query, 10).passages.tolist())) for query in queries]
    assert (report.kind, min(found)) == ("cells", 10)
    assert 0.3 < report.recall_at_10 < dense.REQUIRED_RECALL
    assert "more of them would take too long" in caplog.text


def test_a_poor_width_is_widened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first width that is good enough is chosen, not the first one tried."""
    monkeypatch.setattr(dense, "_SEARCH_WIDTHS", (1, 256))
    random = np.random.default_rng(0)
    vectors = unit(random.normal(size=(3000, DIMENSION)))
    monkeypatch.setattr(dense, "REQUIRED_RECALL", 0.6)
    queries = unit(random.normal(size=(40, DIMENSION)))
    report = build_dense(vectors, queries, exact_limit=100).write(tmp_path / "dense")
    assert report.search_width == 256
    assert report.recall_at_10 >= 0.6


def test_cells_without_a_passage_are_no_trouble(tmp_path: Path) -> None:
    """Of many copies of few vectors most cells stay empty."""
    vectors = np.repeat(clustered(3, seed=9), 500, axis=0)
    build_dense(vectors, vectors[::500], exact_limit=100).write(tmp_path / "dense")
    index = DenseIndex(tmp_path / "dense")
    assert [index.search(vectors[place], 1).passages.tolist() for place in (499, 500)] == [[0], [500]]


def test_equal_vectors_do_not_count_as_misses(tmp_path: Path) -> None:
    """A knowledge base that repeats itself is not refused."""
    vectors = np.repeat(clustered(40, seed=9), 20, axis=0)
    assert build_dense(vectors, QUERIES, exact_limit=100).write(tmp_path / "dense").recall_at_10 >= 0.98


def test_an_empty_collection_answers_nothing(tmp_path: Path) -> None:
    """No passage is no error."""
    report = build_dense(np.empty((0, DIMENSION), np.float32), QUERIES).write(tmp_path / "dense")
    index = DenseIndex(tmp_path / "dense")
    assert (report.kind, report.passages) == ("exact", 0)
    assert index.search(QUERIES[0], 5).passages.size == 0
    assert index.vectors(np.empty(0, np.int64)).shape[0] == 0


@pytest.mark.parametrize("name", ["vectors.faiss", "report.json"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_damaged_files_are_named(name: str, damage: str, tmp_path: Path) -> None:
    """A broken file is a SnapshotDamaged, never a crash of the library below."""
    build_dense(PASSAGES[:50], QUERIES).write(tmp_path / "dense")
    path = tmp_path / "dense" / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(SnapshotDamaged, match="dense"):
        DenseIndex(tmp_path / "dense")


@pytest.mark.parametrize("share", [0.5, 0.2, 0.12])
def test_a_filter_costs_no_recall(share: float, tmp_path: Path) -> None:
    """Of what it leaves as many of the nearest are found as of all, by reading so many more cells as the build says."""
    random = np.random.default_rng(6)
    subjects = random.normal(size=(500, DIMENSION))
    vectors = unit(subjects[random.integers(0, 500, 20_000)] + 0.6 * random.normal(size=(20_000, DIMENSION)))
    queries = unit(subjects[:100] + 0.6 * random.normal(size=(100, DIMENSION)))
    report = build_dense(vectors, queries, exact_limit=100).write(tmp_path / "dense")
    assert 1.5 < report.farther < 1.75
    index = DenseIndex(tmp_path / "dense")
    assert index.width(1.0) == report.search_width
    assert index.width(share) >= report.search_width / share
    assert index.width(0.99 * dense.SCAN_SHARE) == index.width(0.0) == len(index._passages.starts)
    assert index.width(dense.SCAN_SHARE) < index.width(0.0)
    allowed = random.random(len(vectors)) < share
    found = [set(index.search(query, 10, allowed).passages.tolist()) for query in queries]
    truth = [set(brute_force(vectors, query, 10, allowed)) for query in queries]
    recall = sum(len(one & other) for one, other in zip(found, truth, strict=True)) / 1000
    assert recall >= report.recall_at_10 - 0.01
