"""Reports are made ready in a process of their own; then one costs no reading of facts."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from kbsearch.disk import only_one
from kbsearch.events.schema import SearchRecord
from kbsearch.events.sqlite import SqliteStore
from kbsearch.service import ready as ready_module
from kbsearch.service.ready import ReadyReports


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with one search in it."""
    store = SqliteStore(tmp_path / "events.db")
    store.write([
        SearchRecord("q", "x", "lv", "lv", 1, "list", 0.5, (), 0, 1.0, "v", "s", "c", "2026-01-01T10:00:00.000Z", True)
    ])  # fmt: skip
    store.close()
    return f"sqlite:///{tmp_path / 'events.db'}"


def test_a_round_keeps_what_reports_derive(url: str, tmp_path: Path) -> None:
    """In the store, for whoever asks next."""
    assert ReadyReports(url, tmp_path).once()
    store = SqliteStore(tmp_path / "events.db")
    assert store.kept(["started/2026-01-01", "counts/86400000/2026-01-01"]).keys() == {
        "started/2026-01-01",
        "counts/86400000/2026-01-01",
    }
    store.close()


def test_one_worker_is_enough(url: str, tmp_path: Path) -> None:
    """Another that is at it is left alone."""
    with only_one(tmp_path / "report.lock", "test"):
        assert not ReadyReports(url, tmp_path).once()


def test_a_store_that_is_not_there_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The service goes on."""
    assert not ReadyReports(f"sqlite:///{tmp_path / 'absent.db'}", tmp_path).once()
    assert "there is no event store" in caplog.text


def test_a_round_that_says_much_ends(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a pipe holds; the log has the end of it."""
    talker = "import sys, signal; signal.alarm(20); sys.exit('x' * 200_000 + ' the end')"
    monkeypatch.setattr(ready_module, "_COMMAND", (sys.executable, "-c", talker))
    assert not ReadyReports(url, tmp_path).once()
    assert "the end" in caplog.text


def test_stopping_does_not_wait_for_a_round(url: str, tmp_path: Path) -> None:
    """A service that is told to stop, stops."""
    ready = ReadyReports(url, tmp_path, first_seconds=0)
    ready.start()
    time.sleep(0.05)
    started = time.monotonic()
    ready.stop()
    assert time.monotonic() - started < 5
