"""Buffer and journal: nobody waits, and what was taken is stored once, whatever happens to the process."""

from __future__ import annotations

import errno
import resource
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from time import monotonic, sleep

import pytest
from event_facts import event, search

from kbsearch.errors import StoreError
from kbsearch.events.buffer import EventBuffer
from kbsearch.events.journal import Journal, recover
from kbsearch.events.schema import Event
from kbsearch.events.sqlite import SqliteStore
from kbsearch.events.store import EventStore, Fact


class BlockedStore:
    """A store that waits for a signal, or fails, before it keeps anything."""

    def __init__(self, failures: int = 0) -> None:
        self.open = Signal()
        self.kept: list[Fact] = []
        self.dropped = 0
        self._failures = failures

    def write(self, facts: Sequence[Fact]) -> None:
        """Wait, perhaps fail, keep."""
        self.open.wait(10)
        if self._failures:
            self._failures -= 1
            raise sqlite3.OperationalError("disk is full")
        self.kept += facts

    def add_dropped(self, _day: str, count: int) -> None:
        self.dropped += count


def free_store(failures: int = 0) -> BlockedStore:
    """One that nobody waits for."""
    store = BlockedStore(failures)
    store.open.set()
    return store


def test_a_full_buffer_drops_and_counts() -> None:
    """`put` returns at once, whatever the store does."""
    store, dropped, written = BlockedStore(), [], []
    buffer = EventBuffer(store, capacity=5, batch=2, on_dropped=dropped.append, on_written=written.append)  # type: ignore[arg-type]
    taken = [buffer.put(event(str(number))) for number in range(8)]
    assert taken == [True] * 5 + [False] * 3
    assert sum(dropped) == 3
    assert not buffer.put_all([event("x"), event("y")])
    store.open.set()
    buffer.close()
    assert [fact.event_id for fact in store.kept if isinstance(fact, Event)] == ["0", "1", "2", "3", "4"]
    assert sum(written) == 5
    assert not buffer.put(event("late"))


def test_what_is_being_written_takes_room() -> None:
    """Facts that the store has not taken yet are in memory, wherever they stand."""
    store = BlockedStore()
    buffer = EventBuffer(store, capacity=4, interval=0.01)  # type: ignore[arg-type]
    assert buffer.put_all([event(str(number)) for number in range(3)])
    assert not buffer.flush(timeout=0.1)
    assert [buffer.put(event(name)) for name in ("fits", "does not")] == [True, False]
    store.open.set()
    buffer.close()


@pytest.mark.parametrize(("facts", "interval", "longest"), [(1, 1.0, 1.6), (3, 60.0, 5.0)])
def test_a_fact_waits_for_the_interval_or_a_batch(facts: int, interval: float, longest: float) -> None:
    """Whenever it comes, not for two intervals."""
    store = free_store()
    buffer = EventBuffer(store, batch=3, interval=interval)  # type: ignore[arg-type]
    sleep(0.05)
    begun = monotonic()
    for number in range(facts):
        buffer.put(event(str(number)))
    while not store.kept and monotonic() < begun + longest:
        sleep(0.005)
    assert len(store.kept) == facts
    buffer.close()


def test_a_store_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Order is kept and nothing is lost."""
    store = BlockedStore(failures=1)
    store.open.set()
    buffer = EventBuffer(store, interval=0.01)  # type: ignore[arg-type]
    buffer.put(event("1"))
    assert buffer.flush()
    buffer.close()
    assert [event("1")] == store.kept
    assert "trying again" in caplog.text


def test_a_disk_that_stays_full_is_one_traceback(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of the store and of the journal, however often they are tried; and the end of it is told."""
    store = BlockedStore(failures=2)
    store.open.set()
    journal = Journal(tmp_path)
    buffer = EventBuffer(store, journal=journal, interval=0.01)  # type: ignore[arg-type]
    buffer.put(event("1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "append", full)
        assert not any(buffer.put(event("lost")) for _ in range(3))
    assert buffer.put(event("2"))
    assert buffer.flush()
    buffer.close()
    told = [(record.getMessage().partition(" re")[0].split(";")[0], bool(record.exc_info)) for record in caplog.records]
    assert sorted(told) == [
        ("the event journal", True),
        ("the event journal works again", False),
        ("the event store", True),
        ("the event store works again", False),
    ]


def full(_facts: Sequence[Fact]) -> None:
    raise OSError(errno.ENOSPC, "no space left")


def test_shutdown_gives_up_on_a_dead_store_and_counts(caplog: pytest.LogCaptureFixture) -> None:
    """A service that never stops is worse than a counted loss."""
    store, dropped = BlockedStore(failures=10**9), []
    store.open.set()
    buffer = EventBuffer(store, interval=0.01, on_dropped=dropped.append)  # type: ignore[arg-type]
    buffer.put(event("1"))
    buffer.close(timeout=0.1)
    assert dropped == [1]
    assert caplog.records


def test_many_threads_lose_nothing(store: SqliteStore) -> None:
    """Every fact that was taken is stored once."""
    buffer = EventBuffer(store, batch=50, interval=0.01)
    threads = [
        Thread(target=lambda part=part: [buffer.put(event(f"{part}-{n}")) for n in range(200)]) for part in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    buffer.close()
    assert len(list(store.events())) == 1600


def test_what_is_committed_is_in_the_store_at_once(store: EventStore) -> None:
    """And once, though it is sent again."""
    written: list[int] = []
    buffer = EventBuffer(store, interval=60, on_written=written.append)
    buffer.commit([event("1"), search("q1")])
    buffer.commit([event("1")])
    assert (list(store.events()), list(store.searches())) == ([event("1")], [search("q1")])
    assert sum(written) == 3
    buffer.close()


def test_a_commit_that_fails_is_an_error(tmp_path: Path) -> None:
    """Nobody is told that it worked."""
    opened = SqliteStore(tmp_path / "events.db")
    buffer = EventBuffer(opened)
    opened.close()
    with pytest.raises(StoreError):
        buffer.commit([event("1")])
    buffer.close(timeout=0)


def test_drops_are_noted_in_the_store(store: EventStore) -> None:
    """Where reports find them."""
    buffer = EventBuffer(store, capacity=2, interval=0.01)
    assert not buffer.put_all([event("1"), event("2"), event("3")])
    assert buffer.put(event("4"))
    buffer.close()
    assert list(store.dropped().values()) == [3]


def test_the_journal_holds_what_the_store_has_not(tmp_path: Path) -> None:
    """From the moment that `put` returns, and no longer than needed."""
    folder = tmp_path / "journal"
    store = BlockedStore()
    buffer = EventBuffer(store, journal=Journal(folder), interval=0.01)  # type: ignore[arg-type]
    buffer.put(event("1"))
    assert b'"1"' in content(folder)
    store.open.set()
    assert buffer.flush()
    buffer.put(event("2"))
    assert b'"1"' not in content(folder)
    buffer.close()
    assert list(folder.iterdir()) == []
    assert [fact.event_id for fact in store.kept if isinstance(fact, Event)] == ["1", "2"]


def content(folder: Path) -> bytes:
    """Return everything in the files of a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def leave_behind(folder: Path, *batches: Sequence[Fact]) -> None:
    """Write a journal as a process does that is killed."""
    journal = Journal(folder)
    for batch in batches:
        journal.append(batch)
        journal.switch()
    journal.close()


def test_a_journal_left_behind_is_stored_once(tmp_path: Path, store: EventStore) -> None:
    """Both files of it, also where the store had part of it already."""
    folder = tmp_path / "journal"
    leave_behind(folder, [event("1"), event("2")], [search("q1")])
    leave_behind(folder, [event("3", attributes={"strange": "\ud800\x00", "large": 2**70})])
    store.write([event("2")])
    assert recover(folder, store) == 4
    assert [fact.event_id for fact in store.events()] == ["1", "2", "3"]
    assert list(store.searches()) == [search("q1")]
    assert list(folder.iterdir()) == []
    assert recover(folder, store) == 0


def test_a_line_cut_short_was_never_acknowledged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The rest of its file counts; a line that is damaged is named."""
    folder = tmp_path / "journal"
    leave_behind(folder, [event("1"), event("2")])
    (path,) = folder.glob("*.first")
    path.write_bytes(b"damaged\n" + path.read_bytes()[:-5])
    kept = free_store()
    assert recover(folder, kept) == 1  # type: ignore[arg-type]
    assert kept.kept == [event("1")]
    assert kept.dropped == 1
    assert "line 1" in caplog.text


def test_a_journal_in_use_is_left_alone(tmp_path: Path) -> None:
    """Other workers of the service share the folder."""
    folder = tmp_path / "journal"
    journal = Journal(folder)
    journal.append([event("1")])
    kept = free_store()
    assert recover(folder, kept) == 0  # type: ignore[arg-type]
    journal.close()
    assert recover(folder, kept) == 1  # type: ignore[arg-type]


def test_a_store_that_refuses_keeps_the_journal(tmp_path: Path) -> None:
    """For the next time."""
    folder = tmp_path / "journal"
    leave_behind(folder, [event("1")])
    refusing = free_store(failures=1)
    with pytest.raises(sqlite3.OperationalError):
        recover(folder, refusing)  # type: ignore[arg-type]
    kept = free_store()
    assert recover(folder, kept) == 1  # type: ignore[arg-type]


def test_a_dead_store_at_shutdown_loses_nothing_with_a_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What could not be written, in flight or waiting, is there for the next start; nothing counts as dropped."""
    store, dropped = BlockedStore(failures=10**9), []
    store.open.set()
    buffer = EventBuffer(store, journal=Journal(tmp_path), interval=0.01, on_dropped=dropped.append)  # type: ignore[arg-type]
    for number in range(3):
        buffer.put(event(str(number)))
        sleep(0.03)
    buffer.close(timeout=0.1)
    kept = free_store()
    recover(tmp_path, kept)  # type: ignore[arg-type]
    assert sorted(fact.event_id for fact in kept.kept if isinstance(fact, Event)) == ["0", "1", "2"]
    assert dropped == []
    assert "trying again" in caplog.text


def test_a_store_that_is_stuck_at_shutdown_costs_no_other_file_its_content(tmp_path: Path) -> None:
    """The writer clears the journal when the store lets it go: that must not be a file that was opened since."""
    store = BlockedStore()
    buffer = EventBuffer(store, journal=Journal(tmp_path / "journal"), interval=0.01)  # type: ignore[arg-type]
    buffer.put(event("1"))
    buffer.flush(timeout=0.1)
    buffer.close(timeout=-1.0)
    others = [tmp_path / str(number) for number in range(4)]
    files = [path.open("wb", buffering=0) for path in others]
    for file in files:
        file.write(b"content")
    store.open.set()
    assert buffer.flush()
    assert [path.read_bytes() for path in others] == [b"content"] * 4
    for file in files:
        file.close()


def test_a_journal_that_cannot_be_cleared_ends_no_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it holds is written again, until it can be."""
    failing = [OSError(errno.EIO, "Input/output error")] * 2
    clear = Journal.clear

    def fail(journal: Journal) -> None:
        if failing:
            raise failing.pop()
        clear(journal)

    monkeypatch.setattr("kbsearch.events.buffer._RETRY_SECONDS", 0.01)
    monkeypatch.setattr(Journal, "clear", fail)
    store = free_store()
    buffer = EventBuffer(store, journal=Journal(tmp_path), interval=0.01)  # type: ignore[arg-type]
    for number in range(2):
        buffer.put(event(str(number)))
        assert buffer.flush()
    buffer.close()
    assert [fact.event_id for fact in store.kept if isinstance(fact, Event)] == ["0", "0", "0", "1"]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_drops_and_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A search is answered all the same; half a line is taken back."""
    journal = Journal(tmp_path)
    journal.append([event("1")])
    before = content(tmp_path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, resource.RLIM_INFINITY))
    store, dropped = BlockedStore(), []
    store.open.set()
    buffer = EventBuffer(store, journal=journal, on_dropped=dropped.append)  # type: ignore[arg-type]
    try:
        assert not buffer.put(event("2"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert before == content(tmp_path)
    assert dropped == [1]
    assert "journal refused" in caplog.text
    buffer.close()
    assert store.kept == []


def test_what_is_offered_and_refused_is_not_lost(store: EventStore) -> None:
    """Who sent it hears so, and sends it again."""
    counted: list[int] = []
    buffer = EventBuffer(store, capacity=2, on_dropped=counted.append)
    assert not buffer.offer([event("1"), event("2"), event("3")])
    assert buffer.offer([event("1"), event("2")])
    buffer.close()
    assert ([fact.event_id for fact in store.events()], store.dropped(), counted) == (["1", "2"], {}, [])


def test_drops_are_noted_while_nothing_else_is_written(store: EventStore) -> None:
    """So that a report shows them at once."""
    buffer = EventBuffer(store, capacity=2, interval=0.01)
    assert not buffer.put_all([event("1"), event("2"), event("3")])
    deadline = monotonic() + 10
    while not store.dropped() and monotonic() < deadline:
        sleep(0.01)
    assert list(store.dropped().values()) == [3]
    buffer.close()
    assert list(store.dropped().values()) == [3], "once"


def test_drops_are_noted_at_the_latest_at_shutdown(store: EventStore) -> None:
    """Also where nothing was written after them."""
    buffer = EventBuffer(store, capacity=2, interval=60)
    assert not buffer.put_all([event("1"), event("2"), event("3")])
    buffer.close()
    assert list(store.dropped().values()) == [3]


def test_what_decides_an_outcome_has_room_of_its_own() -> None:
    """Searches that fill the buffer leave it to them; it has an end as well."""
    store = BlockedStore()
    buffer = EventBuffer(store, capacity=2, interval=60)  # type: ignore[arg-type]
    assert buffer.put_all([event("1"), event("2")])
    assert not buffer.put(event("3"))
    assert buffer.put_all([event("4"), event("5")], rare=True)
    assert not buffer.put_all([event("6")], rare=True)
    store.open.set()
    buffer.close()
    assert [fact.event_id for fact in store.kept if isinstance(fact, Event)] == ["1", "2", "4", "5"]
