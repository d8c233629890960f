"""From a customer's search over HTTP to a success of the gate: the names that the service writes are those it reads."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from fastapi.testclient import TestClient

from indexer.replay.successes import read_log
from kbsearch.events.sqlite import SqliteStore
from kbsearch.metrics.moments import DAY
from kbsearch.service.app import create_app
from kbsearch.service.settings import Settings


def test_what_helped_a_customer_of_the_service_is_replayed(handmade_index: Path, tmp_path: Path) -> None:
    """Searched, opened, confirmed; another search, of which no more is known. Nothing counts on its first day."""
    index = Path(shutil.copytree(handmade_index, tmp_path / "index"))
    with TestClient(create_app(Settings(index=index, poll=0.02))) as client:
        deadline = time.monotonic() + 60
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        found = client.get("/v1/search", params={"q": "kur atrast rēķinu", "lang": "lv", "session": "s1"}).json()
        about = {"object": {"object_id": "find-invoice.lv"}, "position": {"ordinal": 1}}
        common = {"query_id": found["query_id"], "session_id": "s1"}
        events = [
            {"action_name": "click", **common, "event_attributes": about},
            {"action_name": "feedback", **common, "event_attributes": {**about, "helpful": True}},
        ]
        assert client.post("/v1/events", json={"events": events}).json()["accepted"] == 2
        client.get("/v1/search", params={"q": "opening hours", "lang": "en", "session": "s2"})
    store = SqliteStore(index / "events.db")
    now = time.time_ns() // 1_000_000
    log = read_log(store, now - DAY, now + DAY, now + 3 * DAY)
    early = read_log(store, now - DAY, now + DAY, now)
    store.close()
    assert [(item.query, item.lang, item.documents, item.kind) for item in log.successes] == [
        ("kur atrast rēķinu", "lv", ("find-invoice.lv",), "opened")
    ]
    assert log.searches == 2
    assert (early.successes, early.undecided) == ((), 2)
