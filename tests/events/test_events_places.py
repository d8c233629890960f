"""What only one of the stores has: its files, its server, its migrations."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
from event_facts import event

from kbsearch.errors import StoreError, UsageError
from kbsearch.events.connect import open_store
from kbsearch.events.sqlite import SqliteStore
from kbsearch.events.sqlite_schema import MIGRATIONS


def test_migrations_are_numbered_and_run_once(tmp_path: Path) -> None:
    """A store of a newer kbsearch is refused, not guessed at."""
    path = tmp_path / "events.db"
    SqliteStore(path).close()
    SqliteStore(path).close()
    raw = sqlite3.connect(path)
    assert (len(MIGRATIONS),) == raw.execute("PRAGMA user_version").fetchone()
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(StoreError, match="schema 99"):
        SqliteStore(path)


def test_a_store_of_the_first_release_keeps_its_facts(tmp_path: Path) -> None:
    """Written by hand as version 1 wrote it."""
    path = tmp_path / "events.db"
    raw = sqlite3.connect(path)
    raw.executescript(MIGRATIONS[0])
    raw.execute("PRAGMA user_version = 1")
    raw.execute(
        "INSERT INTO searches VALUES ('q1', 'Hello', 'hello', 'lv', 'en', 1, 'list', 0.5, '[\"a\"]', 0, 1.5, 'v1', "
        "'s1', 'c1', '2026-11-22T10:00:00.000Z', 1)"
    )
    raw.execute(
        "INSERT INTO events VALUES ('e1', 'click', 'q1', 's1', 'c1', '2026-11-23T10:00:00.000Z', "
        "'2026-11-23T10:00:00.000Z', 'a', 'document', 1, '{}')"
    )
    raw.execute("INSERT INTO salts VALUES ('2026-11-20T10:00:00.000Z', x'00')")
    raw.commit()
    raw.close()
    store = SqliteStore(path)
    (search,), (click,) = store.searches(), store.events()
    assert (search.user_query, search.hit_ids, search.public, search.device, search.words_found) == (
        "Hello",
        ("a",),
        True,
        "",
        True,
    )
    assert (click.event_id, click.object_id, click.surface) == ("e1", "a", "")
    assert list(store.days()) == ["2026-11-22", "2026-11-23"]
    assert list(store.salts()) == ["2026-11-20T10:00:00.000Z"]
    store.write([event("e1"), event("e2")])
    assert len(list(store.events())) == 2
    store.close()


def test_a_file_that_is_no_store_is_a_sentence(tmp_path: Path) -> None:
    """Not a traceback of sqlite3."""
    (tmp_path / "events.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="cannot open the event store"):
        SqliteStore(tmp_path / "events.db")


def test_a_server_of_a_newer_kbsearch_is_refused(postgres_url: str) -> None:
    """As a file is."""
    import psycopg

    open_store(postgres_url).close()
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE kbsearch_schema SET version = 99")
    with pytest.raises(StoreError, match="schema 99"):
        open_store(postgres_url)


@pytest.mark.parametrize(
    "url",
    [
        "postgre://kbsearch:hunter2@db.example/x",
        "postgresql//kbsearch:hunter2@db.example/x",
        "host=db.example password=hunter2",
        "postgresql://kbsearch:hunter2%zz@db.example/x",
        "postgresql://kbsearch:a@hunter2@db.example/x",
        "postgresql://kbsearch:a/hunter2@db.example/x",
        "postgresql://db.example/x?passwort=1&password=hunter2",
    ],
)
def test_a_mistyped_url_is_shown_without_its_password(url: str) -> None:
    """Whatever stands in front of it, and whatever it holds."""
    pytest.importorskip("psycopg")
    with pytest.raises((UsageError, StoreError), match=r"db\.example") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("url", ["postgresql://kbsearch:hunter2@127.0.0.1:1/x", "postgresql://kbsearch:hunter2@/x?a=b"])
def test_a_server_that_is_not_there_is_a_sentence(url: str) -> None:
    """With its place and without its password."""
    pytest.importorskip("psycopg")
    from kbsearch.events.postgres import PostgresStore

    with pytest.raises(StoreError, match="cannot open the event store") as caught:
        PostgresStore(url, timeout=1)
    assert "hunter2" not in str(caught.value)
    assert ("Connection refused" in str(caught.value)) == (":1/" in url)
    # Without one, Python writes what the pool says of each attempt on stderr.
    assert logging.getLogger("psycopg.pool").handlers
