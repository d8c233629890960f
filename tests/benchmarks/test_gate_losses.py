"""The gate on the sample help centre: ten planted losses are all named, an unchanged candidate breaks nothing."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from benchmarks.gate_log import BEGIN, Visit, write
from benchmarks.gate_losses import Row, Targets, plant
from indexer.loaders import LoadReport, load_sources
from indexer.pipeline import build
from indexer.replay.gate import Terms, replay
from kbsearch.evaluate import read_queries
from kbsearch.events.sqlite import SqliteStore
from kbsearch.metrics.moments import DAY, moment_of

SAMPLE = Path(__file__).parents[2] / "sample_kb"
START = moment_of(BEGIN.isoformat())


def rows() -> dict[str, Row]:
    documents = load_sources([SAMPLE], report=LoadReport(), strict=True)
    names = ("id", "group", "lang", "type", "title", "body", "format", "audience", "category", "tags")
    return {document.id: {name: getattr(document, name) for name in names} for document in documents}


def source(folder: Path, articles: dict[str, Row], editing: dict[str, str]) -> Path:
    folder.mkdir()
    (folder / "articles.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in articles.values()))
    for name, text in editing.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_ten_planted_losses_are_all_named(tmp_path: Path) -> None:
    """Each judged question of the sample was asked by three customers, and helped."""
    questions = [query for query in read_queries(SAMPLE / "questions.jsonl") if query.answerable]
    store = SqliteStore(tmp_path / "events.db")
    write(store, [Visit(query.query, query.lang, min(query.relevant)) for query in questions for _ in range(3)])
    terms = Terms(store, since=START, until=START + 28 * DAY)
    index, articles = tmp_path / "index", rows()
    published = build([source(tmp_path / "one", articles, {})], index).version
    unchanged = build([source(tmp_path / "two", articles, {})], index, publishing=False, update=True).version
    same = replay(index / unchanged, index / published, terms)
    assert (same.causes, same.flips, same.over, same.wins) == ((), (), (), ())
    assert same.sections[0].total.held > 1500

    popular = [
        "reset-password.en",
        "track-order.en",
        "refund-time.en",
        "warranty-claim.en",
        "hub-setup.en",
        "gift-card-balance.en",
    ]
    synonym = "return; robot; account; parcel", "warranty; repair; battery; courier; invoice; newsletter; firmware"
    planted, editing = plant(articles, Targets(popular, "lt", ("lv", "en"), *synonym, "hashing", "hub"))
    spoilt = build(
        [source(tmp_path / "three", articles, dict(editing))], index, model="hashing", publishing=False, update=True
    ).version
    report = replay(index / spoilt, index / published, terms)
    store.close()
    assert report.over
    assert len(planted) == 10
    named = [item.what for item in planted if any(item.named(total.cause) for total in report.causes)]
    assert named == [item.what for item in planted]
