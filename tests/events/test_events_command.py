"""`kbsearch events`: one person's facts are handed out and removed, under every id; everybody else's stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from event_facts import event, search

import kbsearch.cli
from kbsearch.events.connect import open_store
from kbsearch.events.erasure import erase, facts_of, pseudonyms
from kbsearch.events.identity import UNSURE, ClientHasher
from kbsearch.events.lines import from_line
from kbsearch.events.searches import safe_id
from kbsearch.events.store import EventStore, Fact, Removed

AT = "2026-11-24T00:00:00.000Z"


def anna(store: EventStore) -> list[Fact]:
    """Return what a visitor leaves: known by client id, by session only, as a user, and in the period before."""
    facts: list[Fact] = []
    for number, day in enumerate(("2026-10-01", "2026-11-22")):
        hasher = ClientHasher(store.salt, today=lambda day=day: day)
        session = f"session-{number}"
        known = hasher.client_id(given="anna")
        by_session = hasher.client_id(session=session)
        user = {"user": hasher.opaque("anna@example.lv")}
        time = f"{day}T10:00:00.000Z"
        facts += [
            search(f"q{number}", client_id=by_session, session_id=session, timestamp=time),
            event(f"a{number}", client_id=known, session_id=session, timestamp=time, attributes=user),
            event(f"b{number}", client_id=by_session, session_id=session, timestamp=time, action_name="feedback"),
        ]
    return facts


def others() -> list[Fact]:
    """Return facts of somebody else."""
    return [event("x", client_id="other", session_id="s9"), search("y", client_id="other", session_id="s9")]


@pytest.mark.parametrize("known_as", ["anna", "anna@example.lv"])
def test_one_person_is_found_under_every_pseudonym(store: EventStore, known_as: str) -> None:
    """Both periods, session-only searches included, and nobody else."""
    mine = anna(store)
    store.write([*mine, *others()])
    found = list(facts_of(store, pseudonyms(store, known_as)))
    assert sorted(map(repr, found)) == sorted(map(repr, mine))
    assert list(facts_of(store, pseudonyms(store, "nobody"))) == []


def test_a_session_id_finds_its_visitor(store: EventStore) -> None:
    """For pages that send no client id."""
    hasher = ClientHasher(store.salt)
    by_session = hasher.client_id(session="visit-7")
    store.write([search("q", client_id=by_session, session_id="visit-7"), *others()])
    assert pseudonyms(store, "visit-7") == {by_session, by_session.removeprefix(UNSURE)}
    assert [fact.client_id for fact in facts_of(store, pseudonyms(store, "visit-7"))] == [by_session]


def test_a_personal_session_id_hides_no_search(store: EventStore) -> None:
    """It is stored as a hash, from which that of the visitor known by it cannot be computed."""
    hasher = ClientHasher(store.salt)
    session = "anna@example.lv"
    by_session, stored = hasher.client_id(session=session), safe_id(session, hasher)
    known = event("e", client_id=hasher.client_id(given="anna"), session_id=stored)
    store.write([search("q", client_id=by_session, session_id=stored), known, *others()])
    # Somebody else who shares the session is somebody else.
    store.write([event("x2", client_id="other", session_id=stored)])
    receipt = erase(store, "anna", AT)
    assert (receipt.searches, receipt.events) == (1, 1)
    assert {fact.client_id for fact in (*store.events(), *store.searches())} == {"other"}


def test_a_search_without_any_id_is_known_by_what_names_it(store: EventStore) -> None:
    """A click says who made it, and a ticket system its query id alone; but not who else has that address."""
    hasher = ClientHasher(store.salt)
    nobody = {"session_id": "", "client_id": hasher.client_id(address="198.51.100.7", agent="Firefox")}
    mine = [
        search("q1", **nobody),
        event("click", client_id=hasher.client_id(given="anna"), session_id="", query_id="q1"),
        event("ticket", query_id="q1", action_name="ticket_created", **nobody),
    ]
    theirs = [
        event("colleague", query_id="", **nobody),
        event("link", query_id="q1", client_id="~2", session_id="s2"),
        event("other", query_id="q1", client_id="other"),
        search("q2", **nobody),
    ]
    store.write([*mine, *theirs])
    found = facts_of(store, pseudonyms(store, "anna"))
    assert sorted(map(repr, found)) == sorted(map(repr, mine))
    receipt = erase(store, "anna", AT)
    assert (receipt.searches, receipt.events) == (1, 2)
    assert [*store.events(), *store.searches()] == theirs


def test_nobody_is_not_everybody(store: EventStore) -> None:
    """Where no salt gives the id a pseudonym, nothing is anybody's."""
    facts = [event("e", client_id="~1", session_id=""), search("q", client_id="~1", session_id="")]
    store.write(facts)
    receipt = erase(store, "nobody", AT)
    assert (receipt.searches, receipt.events) == (0, 0)
    assert [*store.events(), *store.searches()] == facts


def test_everything_goes_whatever_the_clocks_say(store: EventStore) -> None:
    """Of another machine, or of this one before it was set right; the receipt counts what is gone."""
    later = "2026-11-24T00:00:05.000Z"
    store.write([search("q", timestamp=later), event("e", timestamp=later, received_at=later), *others()])
    receipt = erase(store, "s1", AT)
    assert (receipt.searches, receipt.events, receipt.by_action, receipt.last) == (1, 1, {"click": 1}, later)
    assert [*store.events(), *store.searches()] == others()


def test_late_facts_of_one_person_are_not_on_the_receipt_of_another(store: EventStore) -> None:
    """What goes for good goes by itself."""
    erase(store, "s2", AT)
    store.erase(["c2"], AT)
    store.write([search("late", client_id="c2", session_id="s2"), *others(), search("q")])
    assert erase(store, "s1", AT).searches == 1


def test_any_number_of_pseudonyms(store: EventStore) -> None:
    """A page that makes a session of every call gives its monitor many thousand."""
    store.write([event("e"), search("q")])
    many = {str(number) for number in range(51_000)} | {"c1"}
    assert store.related(many) == ({"c1"}, {"s1"})
    assert len(list(facts_of(store, many))) == 2
    assert store.erase(many, AT) == Removed(1, 1)


def test_erasing_gives_a_receipt_and_leaves_others(store: EventStore) -> None:
    """Counts, kinds, span; a second time there is nothing."""
    store.write([*anna(store), *others()])
    receipt = erase(store, "anna", AT)
    assert (receipt.searches, receipt.events, receipt.pseudonyms) == (2, 4, 4)
    assert receipt.by_action == {"click": 2, "feedback": 2}
    assert (receipt.first[:10], receipt.last[:10]) == ("2026-10-01", "2026-11-22")
    assert receipt.remains
    assert [*store.events(), *store.searches()] == others()
    again = erase(store, "anna", AT)
    assert (again.searches, again.events, again.pseudonyms, again.first) == (0, 0, 0, "")


@pytest.mark.parametrize("before", [[], ["2026-10-01"]])
def test_what_arrives_late_is_removed_under_any_pseudonym(store: EventStore, before: list[str]) -> None:
    """Also where no fact of this salt was there to be erased."""
    hashers = {day: ClientHasher(store.salt, today=lambda day=day: day) for day in ("2026-10-01", "2026-11-22")}
    names = {day: hasher.client_id(given="anna") for day, hasher in hashers.items()}
    store.write([event(day, client_id=names[day], timestamp=f"{day}T10:00:00.000Z") for day in before])
    assert erase(store, "anna", AT).pseudonyms == len(before)
    store.write([event("late", client_id=names["2026-11-22"])])
    store.expire("2026-01-01")
    assert list(store.events()) == []


def test_nothing_derived_outlives_the_facts(store: EventStore) -> None:
    """Not even counts, of the days that had some."""
    store.write([*anna(store), *others()])
    for name in ("part/2026-10-01", "counts/86400000/2026-10-01", "part/2026-11-22", "counts/1/2026-11-21"):
        store.keep(name, b"{}", {})
    erase(store, "anna", AT)
    names = ["part/2026-10-01", "counts/86400000/2026-10-01", "part/2026-11-22", "counts/1/2026-11-21"]
    assert list(store.kept(names)) == ["counts/1/2026-11-21"]


@pytest.fixture
def filled(store_url: str) -> str:
    """The URL of a store with two people in it."""
    store = open_store(store_url)
    store.write([*anna(store), *others()])
    store.close()
    return store_url


def run(*arguments: object) -> int:
    """Run the command line in this process."""
    return kbsearch.cli.main([str(argument) for argument in arguments])


def test_an_export_that_cannot_be_written_names_its_place(
    filled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it was given, not that of the draft beside it."""
    out = tmp_path / "absent" / "facts.jsonl"
    assert run("events", "export", "--events", filled, "--out", out) == 1
    assert capsys.readouterr().err.startswith(f"kbsearch events: {out}: No such file or directory;")


def test_the_command_exports_what_can_be_read_again(filled: str, tmp_path: Path) -> None:
    """All of it, or one person's; for its owner's eyes."""
    out = tmp_path / "facts.jsonl"
    assert run("events", "export", "--events", filled, "--out", out) == 0
    facts = [from_line(line) for line in out.read_bytes().splitlines()]
    assert len(facts) == 8
    assert all(fact in facts for fact in others())
    assert out.stat().st_mode & 0o077 == 0
    assert run("events", "export", "--events", filled, "--out", out, "--client", "anna", "--json") == 0
    assert len(out.read_bytes().splitlines()) == 6
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_command_erases_and_prints_the_receipt(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For people and for programs."""
    assert run("events", "erase", "--events", filled, "--client", "anna", "--json") == 0
    receipt = orjson.loads(capsys.readouterr().out)
    assert (receipt["client"], receipt["searches"], receipt["events"]) == ("anna", 2, 4)
    assert run("events", "erase", "--events", filled, "--client", "anna") == 0
    assert "0 searches and 0 events" in capsys.readouterr().out
    store = open_store(filled)
    assert [*store.events(), *store.searches()] == others()
    store.close()


def test_wrong_use_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No id, no store: exit code 2, and no file appears."""
    url = f"sqlite:///{tmp_path / 'absent.db'}"
    for verb in (["erase"], ["export", "--out", tmp_path / "facts.jsonl"]):
        assert run("events", *verb, "--events", url, "--client", "") == 2
        assert "--client is empty" in capsys.readouterr().err
    for verb in (["erase", "--client", "a"], ["export", "--out", tmp_path / "facts.jsonl"]):
        assert run("events", *verb, "--events", url) == 2
        assert "there is no event store at" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_facts_of_some_clients_only(store: EventStore) -> None:
    """In the order of time, within a span."""
    late = "2026-11-23T10:00:00.000Z"
    store.write([event("1"), event("2", client_id="c2"), event("3", timestamp=late), search("4", client_id="c2")])
    assert [fact.event_id for fact in store.events(clients=["c1"])] == ["1", "3"]
    assert [fact.event_id for fact in store.events("2026-11-23", clients=["c1", "c2"])] == ["3"]
    assert list(store.searches(clients={"c1"})) == []
    assert list(store.searches(clients={"c2"})) == [replace(search("4"), client_id="c2")]
