"""The benchmarks run end to end on tiny sizes and write what they promise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from benchmarks import dense, lexical, quality, quality_tables
from benchmarks.measurement.months import played
from benchmarks.measurement.simulate import months
from benchmarks.report import table
from benchmarks.synthetic import Generator


def test_generated_text_is_the_same_for_the_same_seed():
    """Two runs of a benchmark must measure the same corpus."""
    first, second = (list(Generator("lv", 1).passages(5)) for _ in range(2))
    assert first == second
    assert first != list(Generator("lv", 2).passages(5))


def test_generated_words_follow_zipf():
    """The commonest word is far commoner than the hundredth, and most words are rare."""
    words = [word for passage in Generator("lt", 1).passages(500) for word in passage.text.split()]
    _, counts = np.unique(words, return_counts=True)
    ranked = np.sort(counts)[::-1]
    assert ranked[0] > 15 * ranked[99]
    assert (counts == 1).mean() > 0.4


@pytest.mark.slow
def test_lexical_writes_a_checked_comparison(tmp_path: Path):
    """A few hundred passages are enough to compare the scores with rank_bm25's."""
    lexical.main(["--passages", "300", "--queries", "6", "--out", str(tmp_path)])
    figures = orjson.loads((tmp_path / "lexical.json").read_bytes())
    assert figures["largest_difference"] <= lexical.TOLERANCE
    assert set(figures["interleaved_ms"]) == {"rank_bm25", "bm25s (numba)", "kbsearch"}
    assert (tmp_path / "lexical.md").read_text(encoding="utf-8").startswith("# The lexical leg")


def test_a_simulated_month_counts_the_same_through_the_report():
    """What the simulation counts by itself is what the product makes of the same visits as events."""
    month = next(months(1))
    assert played(month.sessions, month.held_out, month.filed) == month.counts()


def test_lexical_refuses_to_time_wrong_scores():
    """A fast engine with other scores than the oracle's is no result."""
    _, queries = lexical.generate(60, 3)

    class Wrong:
        def get_scores(self, terms: list[str]) -> np.ndarray:
            return np.zeros(60)

    class Ours:
        def search(self, terms: list[str], limit: int) -> object:
            return type("Hits", (), {"scores": np.ones(1), "baseline": 0.0, "passages": np.zeros(1, int)})

    with pytest.raises(SystemExit, match="nothing was timed"):
        lexical.check(Ours(), Wrong(), queries)


def test_dense_writes_recall_and_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each size gives one row a width."""
    monkeypatch.setattr(dense, "QUERIES", 20)
    dense.main(["--sizes", "400", "--filtered", "400", "--out", str(tmp_path)])
    rows = orjson.loads((tmp_path / "dense.json").read_bytes())["rows"]
    assert [row["dimension"] for row in rows] == list(dense.WIDTHS)
    assert all(row["recall_at_10"] > 0.9 for row in rows)


@pytest.mark.slow
def test_language_compares_three_detectors(tmp_path: Path):
    """Every set of queries has an accuracy for each, and ours is not the slowest."""
    pytest.importorskip("lingua", reason="a rival, installed by make bench")
    from benchmarks import language

    language.main(["--out", str(tmp_path)])
    figures = orjson.loads((tmp_path / "language.json").read_bytes())
    assert all(set(language.DETECTORS) < set(row) for row in figures["accuracy"].values())
    assert figures["median_us"]["kbsearch"] < figures["median_us"]["langdetect"]
    ours, theirs = (
        sum(row[name] for row in figures["accuracy"].values() if "Russian" not in row)
        for name in ("kbsearch", "langdetect")
    )
    assert ours > theirs


@pytest.mark.slow
def test_quality_evaluates_sample_kb_in_all_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With the hashing model, without ../shared, every mode and language has its figures."""
    monkeypatch.setattr("benchmarks.quality_indexes.WORK", tmp_path / "indexes")
    quality.main(["--only", "sample_kb", "--model", "hashing", "--out", str(tmp_path)])
    figures = orjson.loads((tmp_path / "quality.json").read_bytes())
    modes = figures["sets"]["sample_kb"]["modes"]
    assert set(modes) == {"lexical", "dense", "hybrid"}
    assert set(modes["hybrid"]["by_lang"]) == {"en", "lt", "lv"}
    assert "hybrid − better leg" in (tmp_path / "quality.md").read_text(encoding="utf-8")


def test_loss_is_measured_against_the_better_leg():
    """0.90 beside 0.80 and 0.92 is a loss of two points."""
    reports = {mode: {"recall@10": value} for mode, value in (("lexical", 0.80), ("dense", 0.92), ("hybrid", 0.90))}
    assert quality_tables.loss(reports) == pytest.approx(-2.0)


def test_table_aligns_figures_to_the_right():
    """Markdown that a reader and a browser can both read."""
    assert table(("name", "n"), [("a", 1)]) == "| name | n |\n|---|---:|\n| a | 1 |"
