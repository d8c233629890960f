"""A query that is a title word for word finds that article first, for every title of real help centres."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer.pipeline import build
from kbsearch.engine import Engine, open_engine
from kbsearch.index.titles import title_key
from kbsearch.types import SearchRequest

ROOT = Path(__file__).resolve().parents[1]
ALCHEMY = ROOT.parent / "shared" / "kb" / "alchemy"


def not_first(engine: Engine) -> list[tuple[str, str]]:
    """Titles, typed in lower case, whose first hit is no article of that title; rules of an editor come before."""
    snapshot = engine._snapshot
    ruled = {rule.query for rule in snapshot.editing.rules}
    records = [snapshot.record(number) for number in range(snapshot.document_count)]
    owners = defaultdict(set)
    for record in records:
        owners[title_key(record["title"])].add(record["group"])
    lost = []
    for record in records:
        typed = record["title"].lower()
        if typed in ruled:
            continue
        hits = engine.search(SearchRequest(q=typed, lang=record["lang"], limit=1, audiences=None)).hits
        if title_key(typed) and (not hits or hits[0].group not in owners[title_key(typed)]):
            lost.append((record["id"], typed))
    return lost


def indexed(sources: Sequence[Path], folder: Path, model: str | None = None) -> Engine:
    build(sources, folder, model=model)
    return open_engine(folder)


@pytest.mark.slow
def test_every_title_of_the_sample_finds_its_article_first(tmp_path: Path) -> None:
    """Three languages in one index, with the bundled model."""
    assert not_first(indexed([ROOT / "sample_kb"], tmp_path / "index")) == []


@pytest.mark.slow
def test_every_title_of_a_real_help_centre_finds_its_article_first(tmp_path: Path) -> None:
    """About 2,100 articles in each of twelve languages, all in one index; the quick model, since titles decide."""
    sources = sorted(ALCHEMY.glob("*.jsonl.xz"))
    if not sources:
        pytest.skip(f"{ALCHEMY} is not here")
    assert not_first(indexed(sources, tmp_path / "index", "kbsearch-static")) == []
