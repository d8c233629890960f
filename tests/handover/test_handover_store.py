"""Tickets: filed once, read by key, changed, erased, forgotten."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from handover_facts import AT, CLEAN, HANDOVER, file_one, open_tickets

from kbsearch.errors import LimitError, StoreError, UsageError
from kbsearch.events.ids import iso
from kbsearch.handover.backoff import LONGEST
from kbsearch.handover.outbox import DELIVERED, MAX_ERROR
from kbsearch.handover.store import MOST_AT_ONCE, TicketStore, tickets_path
from kbsearch.handover.tables import MIGRATIONS
from kbsearch.handover.ticket import Article, Contact, Reply


@pytest.fixture
def store(tmp_path: Path):
    opened = open_tickets(tmp_path)
    yield opened
    opened.close()


def test_what_was_filed_is_read_back_whole(store: TicketStore) -> None:
    """Every member, and by the key only."""
    filed, new = store.file(CLEAN, at=AT, targets=[], client_id="c1", session_id="s1")
    assert new
    assert store.read(filed.id) == filed
    assert filed.handover == CLEAN
    assert store.read_with_key(filed.id, filed.key) == filed
    assert len(filed.key) >= 32
    for wrong in ("", filed.key[:-1], "ā", filed.id):
        assert store.read_with_key(filed.id, wrong) is None
    assert store.read_with_key("nothing", filed.key) is None


def test_nothing_personal_is_in_the_file_but_the_contact(store: TicketStore, tmp_path: Path) -> None:
    """Bytes of the file and its log, not what the reader makes of them."""
    store.file(CLEAN, at=AT, targets=["webhook://x"])
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"4111" not in written
    assert b"wrote to [email] before" in written
    assert b"Anna@Example.org" in written  # whom to answer
    assert CLEAN.redactions == {"card": 1, "email": 1, "name": 1}
    assert CLEAN.message == "I paid with [card] and got no invoice. [name]"
    assert CLEAN.contact == HANDOVER.contact


def test_the_customers_name_goes_from_the_feedback_too() -> None:
    """Its members keep their names, whatever the customer is called."""
    from kbsearch.handover.clean import cleaned

    contact = replace(HANDOVER.contact, name="Note Ozola")
    clean = cleaned(replace(HANDOVER, contact=contact, feedback={"helpful": False, "note": "Ozolai nepalīdz"}))
    assert clean.feedback == {"helpful": False, "note": "[name] nepalīdz"}


def test_marks_that_the_customer_wrote_are_no_redactions() -> None:
    """Only what was replaced here counts."""
    from kbsearch.handover.clean import cleaned

    assert cleaned(replace(HANDOVER, message="my [card] is [card]", feedback={})).redactions == {}


@pytest.mark.parametrize("key", ["", "0d2f7a41-8f1e"])
def test_the_same_again_is_the_same_ticket(store: TicketStore, key: str) -> None:
    """With its deliveries, once."""
    first, new = store.file(CLEAN, at=AT, targets=["a", "b"], idempotency_key=key, since=AT)
    again, newer = store.file(CLEAN, at="2026-11-25T10:00:09.000Z", targets=["a", "b"], idempotency_key=key, since=AT)
    assert (new, newer) == (True, False)
    assert again == first
    assert len(store.outbox.listed()) == 2


def test_the_same_customer_is_known_again_after_an_article_got_another_title(store: TicketStore) -> None:
    """An index may be published, or opened at last, between two calls."""
    first, _ = store.file(CLEAN, at=AT, targets=[], idempotency_key="k")
    renamed = replace(CLEAN, shown=tuple(Article(one.id) for one in CLEAN.shown))
    again, new = store.file(renamed, at=AT, targets=[], idempotency_key="k")
    assert (again, new) == (first, False)


def test_what_was_looked_at_between_two_calls_makes_no_second_ticket(store: TicketStore) -> None:
    """Under one key: the customer says the same. Without a key nothing tells that it is the same call."""
    looked = replace(CLEAN, shown=(), query_ids=("q9",), lang="lv", confidence=0.1)
    for key, is_another in (("k", False), ("", True)):
        first, _ = store.file(CLEAN, at=AT, targets=[], idempotency_key=key)
        again, new = store.file(looked, at=AT, targets=[], idempotency_key=key, session_id="s")
        assert (new, again != first) == (is_another, is_another)
    for other in (replace(CLEAN, subject="guess"), replace(CLEAN, conversation=())):
        with pytest.raises(UsageError):
            store.file(other, at=AT, targets=[], idempotency_key="k")


def test_without_a_key_the_same_is_new_after_a_while(store: TicketStore) -> None:
    """A customer whose invoice is missing every month has twelve tickets a year."""
    first = file_one(store, [])
    later, new = store.file(CLEAN, at="2026-12-25T10:00:00.000Z", targets=[], since="2026-12-25T09:00:00.000Z")
    assert new
    assert later.id != first.id


def test_with_a_key_the_same_is_the_same_for_good(store: TicketStore) -> None:
    """A phone that was offline for a month sends it again."""
    first, _ = store.file(CLEAN, at=AT, targets=[], idempotency_key="k")
    given = {"at": "2026-12-25T10:00:00.000Z", "since": "2026-12-25T09:00:00.000Z", "targets": []}
    assert store.file(CLEAN, **given, idempotency_key="k") == (first, False)  # type: ignore[arg-type]


def test_who_knows_what_a_customer_wrote_gets_no_key_from_another_network(store: TicketStore) -> None:
    """Where neither names a session or a key."""
    first, _ = store.file(CLEAN, at=AT, targets=[], network="n1")
    assert store.file(CLEAN, at=AT, targets=[], network="n1") == (first, False)
    stranger, new = store.file(CLEAN, at=AT, targets=[], network="n2")
    assert new
    assert stranger.key != first.key


def test_a_key_opens_no_other_customers_ticket(store: TicketStore) -> None:
    """Neither by chance nor by guessing: who repeats a key must repeat everything."""
    first, _ = store.file(CLEAN, at=AT, targets=[], idempotency_key="1")
    stranger = replace(CLEAN, contact=Contact("b@example.org"))
    other, new = store.file(stranger, at=AT, targets=[], idempotency_key="1")
    assert new
    assert other.id != first.id
    with pytest.raises(UsageError, match="says something else"):
        store.file(replace(CLEAN, message="guess"), at=AT, targets=[], idempotency_key="1")


def test_nobodys_mailbox_is_flooded(store: TicketStore) -> None:
    """Of one address so many tickets an hour; what is repeated is no new one, and other addresses are not concerned."""
    for number in range(MOST_AT_ONCE):
        file_one(store, [], str(number), since=AT)
    with pytest.raises(LimitError, match="20 tickets name this e-mail address already"):
        store.file(replace(CLEAN, contact=Contact("ANNA@example.org")), at=AT, targets=[], since=AT)
    _, new = store.file(replace(CLEAN, subject="0"), at=AT, targets=[], since=AT)
    assert not new
    _, new = store.file(replace(CLEAN, contact=Contact("b@example.org")), at=AT, targets=[], since=AT)
    assert new
    _, new = store.file(CLEAN, at="2026-11-25T11:00:00.001Z", targets=[], since="2026-11-25T10:00:00.001Z")
    assert new


def test_many_at_once_file_one(tmp_path: Path) -> None:
    """Eight workers, each with the file open, and one idempotency key."""
    stores = [open_tickets(tmp_path) for _ in range(8)]
    found: list[tuple[str, bool]] = []

    def work(own: TicketStore) -> None:
        ticket, new = own.file(CLEAN, at=AT, targets=["a"], idempotency_key="k")
        found.append((ticket.id, new))

    threads = [threading.Thread(target=work, args=(own,)) for own in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ticket for ticket, _ in found}) == 1
    assert sum(new for _, new in found) == 1
    assert len(stores[0].outbox.listed()) == 1
    for own in stores:
        own.close()


def test_what_the_help_desk_says_is_kept_once(store: TicketStore) -> None:
    """A callback that is sent twice changes nothing the second time."""
    ticket = file_one(store, [])
    reply = Reply("2026-11-25T11:00:00.000Z", "Sent again.", "Ilze")
    changed, news = store.change(ticket.id, "2026-11-25T11:00:01.000Z", status="solved", reply=reply, articles=["a.lv"])
    assert news
    assert (changed.status, changed.replies, changed.articles) == ("solved", (reply,), ("a.lv",))
    assert changed.updated_at == "2026-11-25T11:00:01.000Z"
    again, news = store.change(ticket.id, "2026-11-25T12:00:00.000Z", status="solved", reply=reply, articles=["a.lv"])
    assert not news
    assert again == changed
    more, _ = store.change(ticket.id, "2026-11-25T12:00:00.000Z", articles=["b.lv", "a.lv"])
    assert more.articles == ("a.lv", "b.lv")
    with pytest.raises(UsageError, match="no ticket 'x'"):
        store.change("x", AT, status="solved")
    with pytest.raises(UsageError, match="no status 'done'"):
        store.change(ticket.id, AT, status="done")


def test_a_store_of_the_first_release_knows_what_was_tried(tmp_path: Path) -> None:
    """Its `retry` forgot the attempts; what had failed, or was left by a killed worker, may have arrived."""
    with sqlite3.connect(tmp_path / "tickets.db") as raw:
        raw.executescript(MIGRATIONS[0])
        raw.execute("PRAGMA user_version = 1")
        for name, attempts, lease, error in [
            ("new", 0, "", ""), ("tried", 3, "", "answered 500"), ("back", 0, "", "answered 500"),
            ("killed", 0, "l", ""),
        ]:  # fmt: skip
            row = (name, "t1", "a", "waiting", attempts, AT, lease, "", error, "")
            raw.execute("INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    raw.close()
    store = open_tickets(tmp_path)
    assert {one.id: one.total_attempts for one in store.outbox.listed()} == {
        "new": 0, "tried": 3, "back": 1, "killed": 1,
    }  # fmt: skip
    file_one(store, ["a"])
    store.close()


def test_a_client_is_erased_with_everything(store: TicketStore, tmp_path: Path) -> None:
    """By hash, by session, or by address in any case; others stay."""
    mine = file_one(store, ["a"], "one", client_id="c1")
    store.change(mine.id, AT, reply=Reply(AT, "Hello", ""))
    file_one(store, ["a"], "two", session_id="s1")
    other = file_one(store, ["a"], "three", client_id="c2", session_id="s2")
    nobody = file_one(store, ["a"], "four")
    assert store.erase(client_ids={"c1"}, session_ids={"s1", ""}) == 2
    assert {ticket.id for ticket in store.listed()} == {other.id, nobody.id}
    assert {one.ticket for one in store.outbox.listed()} == {other.id, nobody.id}
    assert store.erase() == 0
    assert store.erase(email=" anna@example.ORG ") == 2
    with sqlite3.connect(tmp_path / "tickets.db") as file:
        for table in ("tickets", "replies", "deliveries"):
            assert file.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)
    file.close()


def test_old_tickets_are_forgotten_when_somebody_has_them(store: TicketStore) -> None:
    """Solved, or delivered everywhere; what nobody has taken stays."""
    solved, delivered, waiting, kept, young = (
        file_one(store, targets, subject)
        for subject, targets in [("1", []), ("2", ["a"]), ("3", ["a", "b"]), ("4", []), ("5", [])]
    )
    store.change(solved.id, AT, status="solved")
    for _ in range(2):
        delivery = store.outbox.claim("a", now=AT, until="2027", lease="l")
        assert delivery is not None
        assert store.outbox.delivered(delivery, "l", "")
    store.change(young.id, "2026-12-01T00:00:00.000Z", status="solved")
    assert store.expire("2026-11-30T00:00:00.000Z") == 2
    assert {ticket.id for ticket in store.listed()} == {waiting.id, kept.id, young.id}
    assert store.read(delivered.id) is None
    assert [ticket.id for ticket in store.listed("solved")] == [young.id]


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """Rather than read wrongly."""
    open_tickets(tmp_path).close()
    with sqlite3.connect(tmp_path / "tickets.db") as file:
        file.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(StoreError, match="schema 99"):
        open_tickets(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "tickets.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="cannot open the ticket store"):
        open_tickets(tmp_path / "broken")


def test_tickets_lie_beside_the_event_store() -> None:
    """Or beside the index where events are in a server."""
    assert tickets_path(Path("/i"), "sqlite:////var/log%20s/events.db") == Path("/var/log s/tickets.db")
    assert tickets_path(Path("/i"), "sqlite:////i/events.db") == Path("/i/tickets.db")
    assert tickets_path(Path("/i"), "postgresql://host/db") == Path("/i/tickets.db")


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("way", ["turn", "retry", "adopt"])
def test_a_clock_that_is_set_back_puts_no_delivery_off(store: TicketStore, way: str, killed: bool) -> None:
    """A machine that believed to be in 2030 filed a ticket, and perhaps died while it sent it."""
    ahead, target, later = "2030-01-01T00:00:00.000Z", "webhook://x/", "2026-11-25T10:05:00.000Z"
    first = "webhook://gone/" if way == "adopt" else target
    file_one(store, [first], at=ahead)
    if killed:
        assert store.outbox.claim(first, now=ahead, until="2030-01-01T00:05:00.000Z", lease="dead") is not None
    if way == "retry":
        assert store.outbox.retry(AT) == 1
    if way == "adopt":
        assert store.outbox.adopt([target], AT) == 1
    assert store.outbox.claim(target, now=AT, until=later, lease="living") is not None
    assert store.outbox.claim(target, now=AT, until=later, lease="another") is None


def test_the_longest_wait_is_no_clock_that_was_set_back(store: TicketStore) -> None:
    """Also where another worker's clock is an hour ahead; what was delivered in the end has no error."""
    target = "webhook://x/"
    file_one(store, [target])
    moment = datetime.fromisoformat(AT) + timedelta(hours=1)
    until, next_at = (iso(moment + timedelta(seconds=wait)) for wait in (300, LONGEST))
    delivery = store.outbox.claim(target, now=iso(moment), until=until, lease="one")
    assert delivery is not None
    assert store.outbox.failed(delivery, "one", "no" + " " * MAX_ERROR, next_at)
    assert store.outbox.claim(target, now=AT, until=until, lease="two") is None
    again = store.outbox.claim(target, now=next_at, until="2027", lease="three")
    assert again is not None
    assert again.error == "no".ljust(MAX_ERROR)
    assert store.outbox.delivered(again, "three", "r")
    assert [(one.state, one.error, one.reference) for one in store.outbox.listed()] == [(DELIVERED, "", "r")]
