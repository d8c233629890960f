"""Store, buffer and identity: facts come back as they were, once each, and nobody waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event as Signal
from threading import Thread

import pytest

from kbsearch.errors import EventError, UsageError
from kbsearch.events.buffer import EventBuffer
from kbsearch.events.connect import open_store
from kbsearch.events.identity import ClientHasher
from kbsearch.events.ids import new_id
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.sqlite import MIGRATIONS, SqliteStore
from kbsearch.events.store import Fact, PopularQuery

TIME = "2026-11-22T10:00:00.000Z"


def event(event_id: str, **changes: object) -> Event:
    """Return a click with this id."""
    made = Event(event_id, "click", "q1", "s1", "c1", TIME, TIME, "a", "document", 1, {"k": ["ā", 1]})
    return replace(made, **changes)  # type: ignore[arg-type]


def search(query_id: str, **changes: object) -> SearchRecord:
    """Return a search with this id."""
    made = SearchRecord(
        query_id, "reset password", "lv", "en", 2, "list", 0.5, ("a", "b"), 0, 1.5, "v1", "s1", "c1", TIME, True
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store."""
    opened = SqliteStore(tmp_path / "new" / "events.db")
    yield opened
    opened.close()


def test_facts_come_back_as_they_were(store: SqliteStore) -> None:
    """Round trip of both kinds, in the order of time."""
    facts = [event("e2", timestamp="2026-11-22T11:00:00.000Z"), search("q1"), event("e1", position=None)]
    store.write(facts)
    assert [facts[2], facts[0]] == list(store.events())
    assert [facts[1]] == list(store.searches())


def test_a_fact_is_kept_once(store: SqliteStore) -> None:
    """The first one counts, within a batch and between batches."""
    store.write([event("e1"), event("e1", object_id="other")])
    store.write([event("e1", object_id="third"), search("q1")])
    store.write([search("q1", found=99)])
    assert [event("e1")] == list(store.events())
    assert [search("q1")] == list(store.searches())


def test_strange_text_is_storable(store: SqliteStore) -> None:
    """Quotes, NUL and lone surrogates neither break a statement nor a file."""
    store.write([search("q1", user_query="'); DROP TABLE events; -- \x00 \ud800")])
    (found,) = store.searches()
    assert found.user_query.startswith("'); DROP TABLE events; -- \x00")


def test_salt_is_kept_by_the_store(tmp_path: Path) -> None:
    """So that a client is the same client after a restart, and another one in another store."""
    first, again = SqliteStore(tmp_path / "a.db"), SqliteStore(tmp_path / "a.db")
    other = SqliteStore(tmp_path / "b.db")
    assert first.salt() == again.salt() != other.salt()
    assert len(first.salt()) == 32
    for opened in (first, again, other):
        opened.close()


def test_migrations_are_numbered_and_run_once(tmp_path: Path) -> None:
    """A store of a newer kbsearch is refused, not guessed at."""
    path = tmp_path / "events.db"
    SqliteStore(path).close()
    SqliteStore(path).close()
    raw = sqlite3.connect(path)
    assert (len(MIGRATIONS),) == raw.execute("PRAGMA user_version").fetchone()
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(EventError, match="schema 99"):
        SqliteStore(path)


def test_a_file_that_is_no_store_is_a_sentence(tmp_path: Path) -> None:
    """Not a traceback of sqlite3."""
    (tmp_path / "events.db").write_bytes(b"not a database" * 100)
    with pytest.raises(EventError, match="cannot open the event store"):
        SqliteStore(tmp_path / "events.db")


@pytest.mark.parametrize("url", ["events.db", "postgresql://x", "sqlite:///", ""])
def test_an_url_that_names_no_store_is_a_sentence(url: str) -> None:
    """With the form to use."""
    with pytest.raises(UsageError, match="sqlite:///PATH"):
        open_store(url)


def clicks(query_id: str, clients: int, **changes: object) -> list[Event]:
    """Return clicks of so many clients on the first hit."""
    return [event(f"{query_id}-{n}", **{"query_id": query_id, "client_id": f"c{n}", **changes}) for n in range(clients)]


def test_popular_queries_need_five_clients_and_a_real_click(store: SqliteStore) -> None:
    """Nothing that one person typed, nothing private, nothing that was not shown."""
    store.write([search("good"), search("same", user_query="Reset  Password"), *clicks("good", 3)])
    store.write(clicks("same", 5))
    store.write([search("few", user_query="few"), *clicks("few", 4)])
    store.write([search("private", user_query="private", public=False), *clicks("private", 9)])
    store.write([search("redacted", user_query="call [phone]"), *clicks("redacted", 9)])
    store.write([search("unshown", user_query="unshown"), *clicks("unshown", 9, object_id="z")])
    store.write([search("viewed", user_query="viewed"), *clicks("viewed", 9, action_name="view")])
    store.write([search("crowd", user_query="one client"), *clicks("crowd", 9, client_id="same")])
    store.write([search("none", user_query="none", decision="hand_over"), *clicks("none", 9)])
    assert [PopularQuery("Reset  Password", "en", 5)] == store.popular_queries(min_clients=5, limit=10)


class BlockedStore:
    """A store that waits for a signal, or fails, before it keeps anything."""

    def __init__(self, failures: int = 0) -> None:
        self.open = Signal()
        self.kept: list[Fact] = []
        self._failures = failures

    def write(self, facts: Sequence[Fact]) -> None:
        """Wait, perhaps fail, keep."""
        self.open.wait(10)
        if self._failures:
            self._failures -= 1
            raise sqlite3.OperationalError("disk is full")
        self.kept += facts


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


def test_ids_are_unique_and_sorted_by_time() -> None:
    """UUID version 7, in hex."""
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {32} == {len(made) for made in ids}
    assert {"7"} == {made[12] for made in ids}
    assert {made[16] for made in ids} <= set("89ab")
    assert [made[:12] for made in ids] == sorted(made[:12] for made in ids)


def test_clients_are_hashed_and_forgotten_at_midnight() -> None:
    """An address is linkable within a day only; an id that the client chose, as long as the store's salt lives."""
    day = ["2026-11-22"]
    hasher = ClientHasher(b"a" * 32, run_seed=b"b" * 32, today=lambda: day[0])
    address = hasher.client_id(address="192.0.2.7", agent="browser")
    given = hasher.client_id(given="visitor")
    assert address == hasher.client_id(address="192.0.2.7", agent="browser")
    assert address != hasher.client_id(address="192.0.2.8", agent="browser")
    assert given != hasher.client_id(session="visitor")
    day[0] = "2026-11-23"
    assert address != hasher.client_id(address="192.0.2.7", agent="browser")
    assert given == hasher.client_id(given="visitor", session="s", address="192.0.2.7")
    assert given != ClientHasher(b"z" * 32).client_id(given="visitor")
