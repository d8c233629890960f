"""Suggestions: who sees what, how often a vote counts, and the command that decides."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from kbsearch.cli import main
from kbsearch.errors import LimitError, StoreError, TooMany, UsageError
from kbsearch.sqlite_file import SqliteFile
from kbsearch.suggestions.store import _MIGRATIONS, MAX_FOLLOWERS, MAX_PENDING, PENDING, Suggestion, SuggestionStore


def wish(number: int, title: str = "Delivery on Sundays") -> Suggestion:
    """Make a suggestion as the service files it."""
    return Suggestion(f"s{number}", title, "", "en", PENDING, f"2026-11-0{number}T00:00:00.000Z", 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SuggestionStore]:
    """A new store."""
    opened = SuggestionStore(tmp_path / "suggestions.db")
    yield opened
    opened.close()


def test_nobody_sees_what_nobody_has_read(store: SuggestionStore) -> None:
    """Nor votes for it, nor follows it; a rejected one is not shown either."""
    store.file(wish(1), "here")
    assert store.shown() == []
    for attempt in (lambda: store.vote("s1", "me"), lambda: store.follow("s1", "a@example.org", "here")):
        with pytest.raises(UsageError, match="no suggestion 's1'"):
            attempt()
    store.decide("s1", "rejected")
    assert store.shown() == []
    assert [one.status for one in store.listed()] == ["rejected"]


def test_votes_count_once_a_voter_and_order_the_list(store: SuggestionStore) -> None:
    """Most votes first; what is done comes last."""
    for number in (1, 2, 3):
        store.file(wish(number), f"network {number}")
        store.decide(f"s{number}", "open")
    assert [store.vote("s1", voter) for voter in ("a", "a", "b")] == [1, 1, 2]
    store.vote("s2", "a")
    assert [(one.id, one.votes) for one in store.shown()] == [("s1", 2), ("s2", 1), ("s3", 0)]
    store.decide("s1", "done")
    assert [one.id for one in store.shown()] == ["s2", "s3", "s1"]


def test_one_network_cannot_flood_the_readers(store: SuggestionStore) -> None:
    """Once some have been read, it may file again."""
    for number in range(MAX_PENDING):
        store.file(wish(number), "here")
    with pytest.raises(LimitError):
        store.file(wish(9), "here")
    store.file(wish(8), "elsewhere")
    store.decide("s0", "planned")
    store.file(wish(9), "here")


def test_addresses_are_kept_apart_and_forgotten(store: SuggestionStore) -> None:
    """In one spelling, whatever case it came in."""
    for number in (1, 2):
        store.file(wish(number), "here")
        store.decide(f"s{number}", "open")
        store.follow(f"s{number}", "Anna@Example.org", "here")
    assert store.followers("s1") == ["anna@example.org"]
    assert "anna" not in repr(store.shown() + store.listed())
    assert store.forget("ANNA@example.org") == 2
    assert store.followers("s1") == store.followers("s2") == []


def test_one_network_follows_with_a_few_addresses(store: SuggestionStore) -> None:
    """Those that follow may say so again, and other networks and suggestions have their own."""
    for number in (1, 2):
        store.file(wish(number), "here")
        store.decide(f"s{number}", "open")
    for number in range(MAX_FOLLOWERS):
        store.follow("s1", f"a{number}@example.org", "here")
    with pytest.raises(TooMany):
        store.follow("s1", "victim@example.org", "here")
    store.follow("s1", "A0@example.org", "here")
    store.follow("s1", "b@example.org", "elsewhere")
    store.follow("s2", "b@example.org", "here")
    assert len(store.followers("s1")) == MAX_FOLLOWERS + 1


def test_followers_of_an_older_file_stay(tmp_path: Path) -> None:
    """They count for no network."""
    older = SqliteFile(tmp_path / "suggestions.db", "suggestions", _MIGRATIONS[:1])
    with older.transaction() as writer:
        writer.execute("INSERT INTO followers VALUES ('s1', 'a@example.org')")
    older.close()
    store = SuggestionStore(tmp_path / "suggestions.db")
    store.file(wish(1), "here")
    assert store.followers("s1") == ["a@example.org"]
    store.close()


def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    """With the path."""
    (tmp_path / "suggestions.db").write_bytes(b"no database at all, but long enough to look like one" * 20)
    with pytest.raises(StoreError, match=r"suggestions\.db"):
        SuggestionStore(tmp_path / "suggestions.db")


def test_a_title_does_not_steer_the_terminal(
    store: SuggestionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that was filed before they were taken out is printed with its control characters written out."""
    store.file(wish(1, "\x1b[2JGone \x9b31m\r"), "here")
    assert main(["suggestions", "--index", os.fspath(tmp_path)]) == 0
    assert "[en] \\u001b[2JGone \\u009b31m\\u000d" in capsys.readouterr().out


def test_the_command_lists_decides_and_forgets(
    store: SuggestionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2 for what does not exist."""
    monkeypatch.delenv("KBSEARCH_EVENTS", raising=False)

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["suggestions", "--index", os.fspath(tmp_path), *arguments])
        said = capsys.readouterr()
        return code, (said.out or said.err).strip()

    assert run() == (0, "No suggestions yet.")
    store.file(wish(1), "here")
    assert run("--decide", "s1", "open") == (0, "s1 is open now.")
    store.follow("s1", "anna@example.org", "here")
    code, listed = run()
    assert (code, listed.split()) == (0, ["s1", "open", "0", "votes", "[en]", "Delivery", "on", "Sundays"])
    assert orjson.loads(run("--json")[1])[0].items() >= {"id": "s1", "status": "open", "votes": 0}.items()
    assert orjson.loads(run("--decide", "s1", "open", "--json")[1]) == {"id": "s1", "status": "open"}
    assert orjson.loads(run("--followers", "s1", "--json")[1]) == ["anna@example.org"]
    assert run("--followers", "s1") == (0, "anna@example.org")
    forgotten = run("--forget", "anna@example.org")[1]
    assert forgotten.startswith(f"anna@example.org followed 1 suggestion in {tmp_path}{os.sep}")
    assert run("--decide", "s9", "open")[0] == 2
    assert run("--followers", "s9") == (2, "kbsearch suggestions: there is no suggestion 's9'")
    assert run("--forget", "")[1].startswith("kbsearch suggestions: --forget is empty")
    assert "use one of: pending, open" in run("--decide", "s1", "perhaps")[1]
    assert main(["suggestions", "--index", os.fspath(tmp_path / "nothing")]) == 2
    monkeypatch.setenv("KBSEARCH_EVENTS", f"sqlite:///{tmp_path / 'events.db'}")
    assert main(["suggestions", "--index", os.fspath(tmp_path / "nothing")]) == 0
