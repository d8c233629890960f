"""SIGKILL while customers are at it: a few rounds of what `python -m benchmarks.measurement.kill` does fifty times."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from event_facts import event

from benchmarks.measurement.kill import survive
from kbsearch.events.journal import Journal, recover
from kbsearch.events.store import EventStore


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_acknowledged_is_lost_and_nothing_doubled(
    handmade_index: Path, store_url: str, tmp_path: Path, workers: int
) -> None:
    """On both stores, with one process and with several."""
    found = survive(handmade_index, store_url, tmp_path / "journal", rounds=2, workers=workers)
    assert (found.lost, found.doubled, found.invented) == (0, 0, 0)
    assert min(found.searches, found.events) > 0


def test_a_new_journal_that_another_process_removes_is_made_again(
    tmp_path: Path, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is locked, it looks as if a killed process had left it."""
    lock, removed = fcntl.flock, list[Path]()

    def remove_and_lock(file: int, how: int) -> None:
        if not removed:
            removed.extend(tmp_path.glob("*.first"))
            for path in removed:
                path.unlink()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", remove_and_lock)
    journal = Journal(tmp_path)
    journal.append([event("1")])
    journal.close()
    assert recover(tmp_path, store) == len(removed) == 1
    assert list(store.events()) == [event("1")]
