"""`kbsearch handover`, as it is typed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from handover_facts import AT, CLEAN, file_one, open_tickets

from kbsearch.cli import main
from kbsearch.events.identity import ClientHasher
from kbsearch.events.schema import Event
from kbsearch.events.sqlite import SqliteStore
from kbsearch.events.upkeep import Upkeep
from kbsearch.handover.erasure import erase_tickets
from kbsearch.handover.outbox import WAITING


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two tickets, one of which could not be delivered."""
    monkeypatch.delenv("KBSEARCH_EVENTS", raising=False)
    store = open_tickets(tmp_path)
    file_one(store, [], "First", client_id="c1")
    file_one(store, ["webhook://hooks.example/"], "Second", client_id="c2")
    delivery = store.outbox.claim("webhook://hooks.example/", now=AT, until="2027", lease="l")
    assert delivery is not None
    store.outbox.failed(delivery, "l", "answered 500: no", None)
    store.close()
    SqliteStore(tmp_path / "events.db").close()
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that succeeds; returns what it printed."""
    assert main(["handover", *arguments]) == 0
    return capsys.readouterr().out


def ids(index: Path) -> dict[str, str]:
    store = open_tickets(index)
    found = {ticket.handover.subject: ticket.id for ticket in store.listed()}
    store.close()
    return found


def test_tickets_are_listed_and_shown(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As lines or as JSON; one ticket as an agent reads it."""
    place = ("--index", str(index))
    lines = run(capsys, "list", *place).splitlines()
    assert {line.split("] ")[1] for line in lines} == {"First", "Second"}
    listed = json.loads(run(capsys, "list", *place, "--json", "--limit", "1"))
    assert len(listed) == 1
    assert main(["handover", "list", *place, "--limit", "0"]) == 2
    assert "--limit 0 is out of range" in capsys.readouterr().err
    assert run(capsys, "list", *place, "--status", "solved") == "No tickets that are solved.\n"
    shown = run(capsys, "show", ids(index)["Second"], *place)
    assert "Conversation\ncustomer: where is my invoice" in shown
    assert "webhook://hooks.example/: answered 500: no" in shown
    whole = json.loads(run(capsys, "show", ids(index)["Second"], *place, "--json"))
    assert whole["document"]["contact"]["email"] == "Anna@Example.org"
    assert whole["deliveries"][0]["state"] == "dead"


def test_what_customers_wrote_does_not_steer_the_terminal(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters are written as in JSON, in which they stay what they are; line ends and tabs are printed."""
    store = open_tickets(index)
    written = "\x1b[2J\x7f\x9b31m\ra\tb\r\nc"
    ticket, _ = store.file(replace(CLEAN, subject="Bell \x07", message=written), at=AT, targets=[])
    store.close()
    place = ("--index", str(index))
    assert "] Bell \\u0007\n" in run(capsys, "list", *place)
    assert "\n\\u001b[2J\\u007f\\u009b31m\\u000da\tb\r\nc\n" in run(capsys, "show", ticket.id, *place)
    said = run(capsys, "show", ticket.id, *place, "--json")
    assert said.strip().isprintable()
    assert json.loads(said)["document"]["message"] == written
    assert main(["handover", "show", "\x1b[2J", *place]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_dead_letters_come_back(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All, or one ticket's."""
    place = ("--index", str(index))
    assert ids(index)["Second"] in run(capsys, "dead", *place)
    assert len(json.loads(run(capsys, "dead", *place, "--json"))) == 1
    assert run(capsys, "retry", ids(index)["First"], *place).startswith("0 deliveries")
    assert run(capsys, "retry", ids(index)["Second"], *place).startswith("1 delivery is tried again")
    assert json.loads(run(capsys, "retry", *place, "--json")) == {"retried": 1}
    assert run(capsys, "dead", *place) == "No dead letters.\n"
    store = open_tickets(index)
    assert [(one.state, one.attempts) for one in store.outbox.listed()] == [(WAITING, 0)]
    store.close()


def test_a_ticket_is_solved_by_hand(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a reply and the article that answers; the log hears of it, once."""
    first = ids(index)["First"]
    for _ in range(2):
        said = run(
            capsys, "status", first, "solved", "--reply", "Call +371 20000000", "--article", "invoice.lv",
            "--index", str(index),
        )  # fmt: skip
    assert said == f"{first} is solved now.\n"
    store = open_tickets(index)
    ticket = store.read(first)
    store.close()
    assert ticket is not None
    assert ticket.articles == ("invoice.lv",)
    assert ticket.replies[0].text == "Call [phone]"
    log = SqliteStore(index / "events.db")
    (event,) = log.events()
    log.close()
    assert (event.object_id, event.attributes["status"]) == ("invoice.lv", "solved")


def test_a_customer_is_erased(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By address."""
    assert json.loads(run(capsys, "erase", "anna@example.org", "--index", str(index), "--json")) == {"erased": 2}
    assert run(capsys, "list", "--index", str(index)) == "No tickets.\n"


def test_a_customer_is_erased_where_the_service_keeps_tickets(
    index: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which the environment may say, as it does for the service; the command line wins, and the file is named."""
    elsewhere = index / "elsewhere"
    store = open_tickets(elsewhere)
    file_one(store, [], "Third", client_id="c3")
    store.close()
    monkeypatch.setenv("KBSEARCH_EVENTS", f"sqlite:///{elsewhere / 'events.db'}")
    place = ("anna@example.org", "--index", str(index))
    assert run(capsys, "erase", *place).startswith(f"1 ticket erased in {elsewhere / 'tickets.db'};")
    said = run(capsys, "erase", *place, "--events", f"sqlite:///{index / 'events.db'}")
    assert said.startswith(f"2 tickets erased in {index / 'tickets.db'};")


@pytest.mark.parametrize("known_as", ["anna", "visit-1"])
@pytest.mark.parametrize("first", ["events", "handover"])
def test_a_customer_is_erased_by_the_id_that_the_page_sent(
    index: Path, capsys: pytest.CaptureFixture[str], first: str, known_as: str
) -> None:
    """In either order: a ticket knows its session only, and whose that was, the facts in the event log only."""
    log = SqliteStore(index / "events.db")
    hasher = ClientHasher(log.salt)
    store = open_tickets(index)
    for session, client in (("visit-1", "anna"), ("visit-2", "bob")):
        by_session = hasher.client_id(session=session)
        file_one(store, [], session, client_id=by_session, session_id=session)
        ids_of = {"session_id": session, "timestamp": AT, "received_at": AT}
        for name in (by_session, hasher.client_id(given=client)):
            log.write([Event(f"{session}-{name}", "view", "", client_id=name, **ids_of)])
    store.close()
    log.close()
    place = ("--index", str(index), "--json")
    if first == "handover":
        assert json.loads(run(capsys, "erase", "--client", known_as, *place)) == {"erased": 1}
    events = f"sqlite:///{index / 'events.db'}"
    assert main(["events", "erase", "--events", events, "--client", known_as, "--json"]) == 0
    receipt = json.loads(capsys.readouterr().out)
    assert (receipt["events"], receipt["tickets"]) == (2, int(first == "events"))
    assert set(ids(index)) == {"First", "Second", "visit-2"}
    for client in (known_as, "c1"):
        assert json.loads(run(capsys, "erase", "--client", client, *place)) == {"erased": 0}


def test_where_nobody_says_where_tickets_are_they_go_later(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a database, tickets lie with the index: its service removes them, or `events erase` that names it. Not later
    ones; and who erases somebody else's tickets is told of those alone."""
    erased = {"c1": "2026-11-26", "c2": "2026-11-24"}
    assert erase_tickets("postgresql://db/events", None, erased) is None
    log = SqliteStore(index / "events.db")
    log.erase(["c1"], "2026-11-26T00:00:00.000Z")
    tickets = open_tickets(index)
    assert Upkeep(log, ClientHasher(log.salt), retention_days=90, on_erased=tickets.erase_erased).once()
    assert set(ids(index)) == {"Second"}
    log.erase(["c2"], "2026-11-26T00:00:00.000Z")
    log.close()
    tickets.close()
    assert json.loads(run(capsys, "erase", "--client", "nobody", "--index", str(index), "--json")) == {"erased": 0}
    assert set(ids(index)) == {"Second"}
    late = {"c2": "2026-11-26"}
    assert [erase_tickets("postgresql://db/events", place, late) for place in (index / "nothing", index)] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "x"], "there is no ticket 'x'"),
        (["retry", "x"], "there is no ticket 'x'"),
        (["status", "x", "solved"], "there is no ticket 'x'"),
    ],
)
def test_what_is_not_there_is_wrong_use(
    index: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Exit code 2 and one sentence."""
    assert main(["handover", *arguments, "--index", str(index)]) == 2
    assert said in capsys.readouterr().err


def test_a_mistyped_folder_makes_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named."""
    assert main(["handover", "list", "--index", str(tmp_path / "nothing")]) == 2
    assert "there is no ticket store at" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("action", ["list", "show", "dead", "retry", "status", "erase"])
def test_every_action_has_help_with_an_example(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As every command."""
    with pytest.raises(SystemExit) as stopped:
        main(["handover", action, "--help"])
    assert stopped.value.code == 0
    assert f"example:\n  kbsearch handover {action}" in capsys.readouterr().out
