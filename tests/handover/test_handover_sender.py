"""Deliveries: never lost, never twice, whatever the target does. Real HTTP, a clock of the test's own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from handover_facts import AT, SIGNING, Clock, file_one, open_tickets
from handover_receiver import Receiver, receiving
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsearch.handover import sender as sender_module
from kbsearch.handover.backoff import FIRST, LONGEST, MOST_ATTEMPTS, wait_seconds
from kbsearch.handover.outbox import DEAD, DELIVERED, WAITING
from kbsearch.handover.sender import LEASE_SECONDS, Sender
from kbsearch.handover.store import TicketStore
from kbsearch.handover.targets import http
from kbsearch.handover.targets.connect import open_targets
from kbsearch.handover.targets.protocol import Secrets


class Post:
    """A store, a sender and the one target it has."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.store = open_tickets(folder)
        self.clock = Clock()
        self.attempts: Counter[tuple[str, str]] = Counter()
        self.targets = open_targets(f"webhook+http://{receiver.address}/hook", Secrets(signing=SIGNING))
        self.sender = Sender(
            self.store,
            self.targets,
            retention_days=90,
            clock=self.clock,
            draw=lambda: 0.0,
            on_attempt=lambda kind, result: self.attempts.update([(kind, result)]),
        )

    def attempt(self) -> bool:
        return self.sender.send_next(self.targets[0])

    def file(self, subject: str = "Invoice is missing") -> str:
        return file_one(self.store, self.sender.targets, subject).id

    def states(self) -> list[tuple[str, int]]:
        return [(one.state, one.attempts) for one in self.store.outbox.listed()]


@pytest.fixture
def receiver():
    with receiving(Receiver()) as started:
        yield started


@pytest.fixture
def post(tmp_path: Path, receiver: Receiver):
    made = Post(tmp_path, receiver)
    yield made
    made.store.close()


def test_a_ticket_is_delivered_once(post: Post, receiver: Receiver) -> None:
    """And never looked at again."""
    ticket = post.file()
    assert post.attempt()
    assert not post.attempt()
    assert receiver.calls[0].body["id"] == ticket
    assert post.states() == [(DELIVERED, 1)]
    assert post.store.outbox.listed()[0].reference == "7"
    assert post.attempts == {("webhook", "delivered"): 1}


@pytest.mark.parametrize("status", [500, 503, 404, 302])
def test_a_target_that_refuses_gets_it_again_later(post: Post, receiver: Receiver, status: int) -> None:
    """With the same idempotency key and the same body; a redirect is followed nowhere."""
    receiver.answer = lambda _: (status, {"error": "no, anna@example.org"}, {"Location": "http://127.0.0.1:1/"})
    post.file()
    assert post.attempt()
    assert not post.attempt()
    waiting = post.store.outbox.listed()[0]
    assert (waiting.state, waiting.next_at) == (WAITING, "2026-11-25T10:00:05.000Z")
    assert f"answered {status}" in waiting.error
    assert "no, [email]" in waiting.error
    post.clock.pass_seconds(4.9)
    assert not post.attempt()
    post.clock.pass_seconds(0.1)
    receiver.answer = lambda _: (200, {})
    assert post.attempt()
    assert post.states() == [(DELIVERED, 2)]
    assert receiver.keys == [waiting.id, waiting.id]
    assert receiver.calls[0].raw == receiver.calls[1].raw


def test_a_target_that_is_down_costs_nothing_but_time(tmp_path: Path) -> None:
    """Nobody listens, then somebody does."""
    receiver = Receiver()
    with receiving(receiver):
        pass
    post = Post(tmp_path, receiver)
    post.file()
    for seconds in (5, 10, 20):
        assert post.attempt()
        assert "did not answer" in post.store.outbox.listed()[0].error
        assert not post.attempt()
        post.clock.pass_seconds(seconds)
    with receiving(receiver):
        assert post.attempt()
    assert post.states() == [(DELIVERED, 4)]
    assert len(receiver.calls) == 1
    post.store.close()


def test_a_slow_target_is_given_up_for_now(post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have taken the ticket all the same: the key tells it when it comes again."""
    monkeypatch.setattr(http, "_TIMEOUT", http.httpx2.Timeout(0.2))
    receiver.delay = 0.6
    post.file()
    assert post.attempt()
    assert "ReadTimeout" in post.store.outbox.listed()[0].error
    receiver.delay = 0
    post.clock.pass_seconds(5)
    assert post.attempt()
    assert post.states() == [(DELIVERED, 2)]
    assert len(receiver.keys) == 2
    assert len(set(receiver.keys)) == 1


@pytest.mark.parametrize(("limit", "value"), [("_LARGEST", 1000), ("_LONGEST", -1.0)])
def test_an_endless_answer_is_cut(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    """By size, and by time."""
    monkeypatch.setattr(http, limit, value)
    receiver.answer = lambda _: (200, b"x" * 2000)
    post.file()
    assert post.attempt()
    assert "too large" in post.store.outbox.listed()[0].error


def test_a_target_may_ask_for_patience(post: Post, receiver: Receiver) -> None:
    """Retry-After counts, where it is more than the wait."""
    receiver.answer = lambda _: (429, {}, {"Retry-After": "120"})
    post.file()
    assert post.attempt()
    assert post.store.outbox.listed()[0].next_at == "2026-11-25T10:02:00.000Z"


def test_patience_may_be_asked_until_a_date(post: Post, receiver: Receiver) -> None:
    """The other form of Retry-After; one that nobody can read is none."""
    receiver.answer = lambda _: (
        503,
        {},
        {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=1), True)},
    )
    post.file()
    assert post.attempt()
    assert "2026-11-25T10:59" <= post.store.outbox.listed()[0].next_at <= "2026-11-25T11:00:01"
    receiver.answer = lambda _: (503, {}, {"Retry-After": "soon"})
    post.clock.pass_seconds(3601)
    assert post.attempt()
    assert post.store.outbox.listed()[0].next_at[:16] == "2026-11-25T11:00"


def test_a_reference_is_cut(post: Post, receiver: Receiver) -> None:
    """A target's word is kept, not its novel."""
    receiver.answer = lambda _: (200, {"id": "x" * 5000})
    post.file()
    assert post.attempt()
    assert post.store.outbox.listed()[0].reference == "x" * 100


def test_what_cannot_be_delivered_is_a_dead_letter_and_comes_back(post: Post, receiver: Receiver) -> None:
    """After about three days; nothing of it is lost, and `retry` begins anew."""
    receiver.answer = lambda _: (500, {})
    ticket = post.file()
    started = post.clock.now
    for _ in range(MOST_ATTEMPTS):
        assert post.attempt()
        post.clock.pass_seconds(LONGEST)
    assert post.states() == [(DEAD, MOST_ATTEMPTS)]
    assert post.store.outbox.counts() == {WAITING: 0, DEAD: 1}
    assert not post.attempt()
    assert post.attempts[("webhook", "dead")] == 1
    assert post.clock.now > started
    assert post.store.outbox.retry(post.clock.now.isoformat(), "another") == 0
    assert post.store.outbox.retry("2026-12-09T00:00:00.000Z", ticket) == 1
    post.clock.now = post.clock.now.replace(month=12, day=10)
    receiver.answer = lambda _: (200, {})
    assert post.attempt()
    assert post.states() == [(DELIVERED, 1)]
    assert len(set(receiver.keys)) == 1


def test_a_lease_is_one_workers(post: Post) -> None:
    """Until it ends; who comes back too late changes nothing."""
    post.file()
    name = post.targets[0].name
    first = post.store.outbox.claim(name, now=AT, until="2026-11-25T10:05:00.000Z", lease="one")
    assert first is not None
    assert post.store.outbox.claim(name, now="2026-11-25T10:04:59.999Z", until="2027", lease="two") is None
    assert post.store.outbox.retry("2026-11-25T10:01:00.000Z") == 0
    second = post.store.outbox.claim(name, now="2026-11-25T10:05:00.000Z", until="2027", lease="two")
    assert second is not None
    assert (second.id, second.attempts) == (first.id, 2)
    assert not post.store.outbox.delivered(first, "one", "")
    assert not post.store.outbox.failed(first, "one", "late", None)
    assert post.store.outbox.delivered(second, "two", "")


def test_a_worker_that_dies_after_sending_sends_the_same_key_again(post: Post, receiver: Receiver) -> None:
    """The receiver knows it; nothing else can (the two generals)."""
    post.file()
    post.store.outbox.delivered = lambda *_: (_ for _ in ()).throw(SystemExit)  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        post.attempt()
    del post.store.outbox.delivered
    assert not post.attempt()
    post.clock.pass_seconds(LEASE_SECONDS)
    assert post.attempt()
    assert len(receiver.keys) == 2
    assert len(set(receiver.keys)) == 1


def test_an_erased_ticket_goes_nowhere(post: Post, receiver: Receiver) -> None:
    """Its deliveries went with it."""
    ticket = post.file()
    assert post.store.erase(email="anna@example.org") == 1
    assert post.store.read(ticket) is None
    assert not post.attempt()
    assert receiver.calls == []


def test_a_target_that_breaks_is_tried_again(post: Post, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    """Even a mistake in an adapter loses nothing, and is in the log."""
    post.file()
    monkeypatch.setattr(post.targets[0], "deliver", lambda *_: 1 / 0)
    assert post.attempt()
    assert post.store.outbox.listed()[0].error.startswith("ZeroDivisionError")
    assert "in a way that it should not" in caplog.text
    assert post.states() == [(WAITING, 1)]


def test_a_ticket_that_cannot_be_read_holds_up_no_other(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its delivery waits for somebody who can; the thread lives on."""
    monkeypatch.setattr(sender_module, "_POLL_SECONDS", 0.02)
    broken, whole = post.file("broken"), post.file("whole")
    read = post.store.read

    def read_some(ticket: str) -> Any:
        if ticket == broken:
            raise TypeError("written by a newer kbsearch")
        return read(ticket)

    monkeypatch.setattr(post.store, "read", read_some)
    post.sender.start()
    deadline = time.monotonic() + 10
    expected = {broken: WAITING, whole: DELIVERED}
    while time.monotonic() < deadline:
        # Either may be tried first, and an answer is written down after it was given.
        states = {one.ticket: one.state for one in post.store.outbox.listed()}
        if states == expected and "written by a newer kbsearch" in caplog.text:
            break
        time.sleep(0.02)
    post.sender.stop()
    assert [call.body["id"] for call in receiver.calls] == [whole]
    assert "written by a newer kbsearch" in caplog.text
    assert {one.ticket: one.state for one in post.store.outbox.listed()} == expected


def test_several_workers_deliver_each_ticket_once(tmp_path: Path, receiver: Receiver) -> None:
    """Four senders with threads of their own over one file, a hundred tickets, one slow target."""
    receiver.delay = 0.005
    posts = [Post(tmp_path, receiver) for _ in range(4)]
    filed = {posts[0].file(str(number)) for number in range(100)}
    for post in posts:
        post.sender.start()
    deadline = time.monotonic() + 30
    while posts[0].store.outbox.counts()[WAITING] and time.monotonic() < deadline:
        time.sleep(0.05)
    for post in posts:
        post.sender.stop()
    assert sorted(call.body["id"] for call in receiver.calls) == sorted(filed)
    assert len(set(receiver.keys)) == 100
    for post in posts:
        post.store.close()


def test_a_slow_target_holds_up_no_other(tmp_path: Path, receiver: Receiver) -> None:
    """Each has a thread, and a row of its own in the outbox."""
    let_go = threading.Event()

    def hang(_call: object) -> tuple[int, object]:
        let_go.wait(10)
        return 200, {}

    with receiving(Receiver(answer=hang)) as slow:
        store = TicketStore(tmp_path / "tickets.db")
        text = f"webhook+http://{slow.address}/ webhook+http://{receiver.address}/"
        sender = Sender(store, open_targets(text, Secrets(signing=SIGNING)), retention_days=90)
        sender.start()
        for number in range(3):
            file_one(store, sender.targets, str(number))
        sender.wake()
        deadline = time.monotonic() + 10
        while len(receiver.calls) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(receiver.calls) == 3
        assert [one.state for one in store.outbox.listed()].count(DELIVERED) >= 2
        let_go.set()
        sender.stop()
        store.close()


def test_a_target_that_is_gone_leaves_its_tickets_to_another(tmp_path: Path) -> None:
    """A mistyped address that was corrected, or another help desk; never twice to one that has the ticket."""
    store = open_tickets(tmp_path)
    both = file_one(store, ["old", "kept"], "both")
    old = file_one(store, ["old"], "old")
    had = store.outbox.claim("kept", now=AT, until="2027", lease="l")
    assert had is not None
    assert store.outbox.delivered(had, "l", "")

    def rows() -> set[tuple[str, str, str]]:
        return {(one.ticket, one.target, one.state) for one in store.outbox.listed()}

    before = rows()
    assert store.outbox.adopt([], AT) == 0
    assert rows() == before
    assert store.outbox.adopt(["kept"], AT) == 1
    assert rows() == {(both.id, "kept", DELIVERED), (both.id, "old", DEAD), (old.id, "kept", WAITING)}
    assert store.outbox.retry(AT, both.id) == 1
    assert store.outbox.adopt(["kept", "new"], AT) == 1
    assert rows() == {(both.id, "kept", DELIVERED), (both.id, "new", WAITING), (old.id, "kept", WAITING)}
    leased = store.outbox.claim("new", now=AT, until="2027", lease="l")
    assert leased is not None
    assert store.outbox.adopt(["kept"], "2026-12-01T00:00:00.000Z") == 0  # somebody is delivering it
    store.close()


def test_a_corrected_address_gets_what_the_wrong_one_did_not(tmp_path: Path, receiver: Receiver) -> None:
    """The service starts with the new setting, and nobody has to do anything."""
    store = open_tickets(tmp_path)
    ticket = file_one(store, ["webhook://mistyped.example/"])
    sender = Sender(
        store, open_targets(f"webhook+http://{receiver.address}/", Secrets(signing=SIGNING)), retention_days=90
    )
    sender.start()
    deadline = time.monotonic() + 10
    while store.outbox.counts()[WAITING] and time.monotonic() < deadline:
        time.sleep(0.02)
    sender.stop()
    assert [call.body["id"] for call in receiver.calls] == [ticket.id]
    store.close()


def test_old_tickets_go_while_the_service_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what waits is counted for /metrics."""
    monkeypatch.setattr(sender_module, "_POLL_SECONDS", 0.02)
    store = open_tickets(tmp_path)
    old = file_one(store, [], "old")
    store.change(old.id, "2020-01-01T00:00:00.000Z", status="solved")
    file_one(store, ["webhook://gone.example/"], "young")
    sender = Sender(store, [], retention_days=90)
    sender.start()
    deadline = time.monotonic() + 5
    while (len(store.listed()) == 2 or not sender.counts[WAITING]) and time.monotonic() < deadline:
        time.sleep(0.02)
    sender.stop()
    assert [ticket.handover.subject for ticket in store.listed()] == ["young"]
    assert sender.counts == {WAITING: 1, DEAD: 0}
    store.close()


@settings(deadline=None)
@given(st.integers(1, MOST_ATTEMPTS - 1), st.floats(0, 1), st.floats(0, 1e6))
def test_waits_grow_within_bounds(attempts: int, draw: float, asked: float) -> None:
    """At least half of the doubled wait, never more than the longest, never sooner than asked."""
    wait = wait_seconds(attempts, draw, asked)
    assert wait is not None
    assert min(FIRST * 2 ** (attempts - 1), LONGEST) / 2 <= wait <= LONGEST
    assert wait >= min(asked, LONGEST)


def test_the_last_attempt_is_about_three_days_after_the_first() -> None:
    """A weekend and more: what docs/handover.md says."""
    longest = sum(wait_seconds(n, 0.0) or 0 for n in range(1, MOST_ATTEMPTS))
    assert 2.5 < longest * 0.75 / 86400 < 3.5
    assert wait_seconds(MOST_ATTEMPTS, 0.0) is None
