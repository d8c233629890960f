"""The outbox under any order of events: workers that claim, die, come back late; targets that take it or not."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from handover_facts import Clock, file_one, open_tickets
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kbsearch.events.ids import iso
from kbsearch.handover.outbox import DEAD, DELIVERED, WAITING, Delivery

pytestmark = pytest.mark.slow
LEASE = 300
TARGETS = ("a", "b")


class Outboxes(RuleBasedStateMachine):
    """Two targets, workers named by their lease, and what each receiver has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_tickets(Path(self.folder.name))
        self.clock = Clock()
        self.filed = 0
        self.leases = 0
        self.held: list[tuple[Delivery, str, float]] = []
        """Delivery, lease and the moment at which the lease ends."""
        self.received: Counter[tuple[str, str]] = Counter()
        """How often a target got a key."""

    def teardown(self) -> None:
        """Let every worker be forgotten, every target be up: everything arrives, and nothing is left."""
        self.clock.pass_seconds(10 * LEASE + 10**6)
        now = iso(self.clock())
        self.store.outbox.retry(now)
        for target in TARGETS:
            while (delivery := self._claim(target)) is not None:
                self.received[delivery.target, delivery.id] += 1
                assert self.store.outbox.delivered(delivery, self.held[-1][1], "")
        rows = self.store.outbox.listed()
        assert [row.state for row in rows] == [DELIVERED] * (2 * self.filed)
        assert {(row.target, row.id) for row in rows} == set(self.received)
        self.store.close()
        self.folder.cleanup()

    @rule()
    def file(self) -> None:
        """Somebody asks for a human."""
        self.filed += 1
        file_one(self.store, list(TARGETS), str(self.filed), at=iso(self.clock()))

    @rule(place=st.sampled_from(TARGETS))
    def claim(self, place: str) -> None:
        """A worker takes what is due."""
        self._claim(place)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), arrives=st.booleans(), noted=st.sampled_from(["delivered", "waits", "dead", "killed"]))
    def finish(self, data: st.DataObject, arrives: bool, noted: str) -> None:
        """A worker is done, in time or too late, or dies; the target may have got it either way."""
        delivery, lease, until = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        if arrives or noted == "delivered":
            self.received[delivery.target, delivery.id] += 1
        row = {one.id: one for one in self.store.outbox.listed()}[delivery.id]
        if noted == "killed":
            return
        if noted == "delivered":
            done = self.store.outbox.delivered(delivery, lease, "ref")
        else:
            later = iso(self.clock() + timedelta(seconds=5)) if noted == "waits" else None
            done = self.store.outbox.failed(delivery, lease, "no", later)
        after = {one.id: one for one in self.store.outbox.listed()}[delivery.id]
        if done:
            assert after.state == {"delivered": DELIVERED, "waits": WAITING, "dead": DEAD}[noted]
        else:
            assert until <= self.clock().timestamp()
            assert after == row

    @rule(seconds=st.sampled_from([1, 6, LEASE, LEASE + 1]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.clock.pass_seconds(seconds)

    @rule()
    def retry(self) -> None:
        """The operator brings dead letters back."""
        self.store.outbox.retry(iso(self.clock()))

    @invariant()
    def nothing_is_lost(self) -> None:
        """A row for each ticket and target, and what is noted as delivered was."""
        rows = self.store.outbox.listed()
        assert len(rows) == 2 * self.filed
        assert all(self.received[row.target, row.id] for row in rows if row.state == DELIVERED)

    def _claim(self, target: str) -> Delivery | None:
        self.leases += 1
        now, until = self.clock(), self.clock() + timedelta(seconds=LEASE)
        lease = str(self.leases)
        delivery = self.store.outbox.claim(target, now=iso(now), until=iso(until), lease=lease)
        if delivery is not None:
            still = [one for one, _, ends in self.held if ends > now.timestamp() and one.id == delivery.id]
            row = {one.id: one for one in self.store.outbox.listed()}[delivery.id]
            assert row.state == WAITING
            assert still == []
            self.held.append((delivery, lease, until.timestamp()))
        return delivery


TestOutboxes = Outboxes.TestCase
TestOutboxes.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
