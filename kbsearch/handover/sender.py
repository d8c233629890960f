"""The threads that deliver: one for each target, so that a slow one holds up no other, and never a request.

Several workers may run over one outbox; a delivery is one worker's at a time. A delivery that was made and not noted
(the worker was killed in between) is made again with the same idempotency key.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from kbsearch.errors import DeliveryError
from kbsearch.events.ids import iso
from kbsearch.events.redact import redact
from kbsearch.events.schema import MAX_ID
from kbsearch.handover.backoff import wait_seconds
from kbsearch.handover.document import document_of
from kbsearch.handover.outbox import DEAD, WAITING, Delivery
from kbsearch.handover.store import TicketStore
from kbsearch.handover.targets.protocol import Target

_LOG = logging.getLogger(__name__)
LEASE_SECONDS = 300
"""How long a delivery is one worker's: longer than any target may take, see targets/http.py."""
_POLL_SECONDS = 2.0
_UPKEEP_SECONDS = 3600.0


def _ignore(_kind: str, _result: str) -> None:
    return None


class Sender:
    """Delivers what the outbox holds, and forgets tickets that are too old."""

    def __init__(
        self,
        store: TicketStore,
        targets: Sequence[Target],
        *,
        retention_days: int,
        on_attempt: Callable[[str, str], None] = _ignore,
        clock: Callable[[], datetime] | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Take where to deliver to; `on_attempt` hears the kind of target and `delivered`, `failed` or `dead`."""
        self._store = store
        self._targets = tuple(targets)
        self._retention = timedelta(days=retention_days)
        self._on_attempt = on_attempt
        self._clock = clock or (lambda: datetime.now(UTC))
        self._draw = draw
        self._stopping = Event()
        self._wakes = [Event() for _ in self._targets]
        self._counts: Mapping[str, int] = {WAITING: 0, DEAD: 0}
        self._threads = [
            *(
                Thread(target=self._run, args=pair, name="kbsearch-handover", daemon=True)
                for pair in zip(self._targets, self._wakes, strict=True)
            ),
            Thread(target=self._keep, name="kbsearch-tickets", daemon=True),
        ]

    @property
    def targets(self) -> list[str]:
        """The names under which deliveries are kept."""
        return [target.name for target in self._targets]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many deliveries wait and how many are dead, as of some seconds ago."""
        return self._counts

    def start(self) -> None:
        """Begin with what an earlier process left."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Say that there is something new, so that nobody waits for the next look."""
        for wake in self._wakes:
            wake.set()

    def stop(self) -> None:
        """Stop after the attempts under way; those that take longer are made again by the next process."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5)

    def send_next(self, target: Target) -> bool:
        """Make one attempt at what is due for a target; False where nothing is."""
        now = self._clock()
        lease = secrets.token_hex(8)
        until = iso(now + timedelta(seconds=LEASE_SECONDS))
        delivery = self._store.outbox.claim(target.name, now=iso(now), until=until, lease=lease)
        if delivery is None:
            return False
        ticket = self._store.read(delivery.ticket)
        if ticket is None:
            return True  # erased since, and its deliveries with it
        try:
            reference = target.deliver(document_of(ticket), delivery.id, delivery.total_attempts)
        except DeliveryError as error:
            self._failed(target, delivery, lease, str(error), error.retry_after)
        except Exception as error:
            _LOG.exception("the target %s failed on a hand-over in a way that it should not", target.name)
            self._failed(target, delivery, lease, f"{type(error).__name__}: {error}", 0.0)
        else:
            self._store.outbox.delivered(delivery, lease, reference[:MAX_ID])
            self._on_attempt(target.kind, "delivered")
        return True

    def _failed(self, target: Target, delivery: Delivery, lease: str, error: str, retry_after: float) -> None:
        wait = wait_seconds(delivery.attempts, self._draw(), retry_after)
        next_at = None if wait is None else iso(self._clock() + timedelta(seconds=wait))
        # What a server answers may repeat what it was sent.
        self._store.outbox.failed(delivery, lease, redact(error), next_at)
        self._on_attempt(target.kind, "dead" if next_at is None else "failed")
        if next_at is None:
            _LOG.error(
                "ticket %s could not be delivered to %s in %d attempts; see: kbsearch handover dead",
                delivery.ticket, target.name, delivery.attempts,
            )  # fmt: skip

    def _run(self, target: Target, wake: Event) -> None:
        while not self._stopping.is_set():
            wake.clear()
            try:
                while not self._stopping.is_set() and self.send_next(target):
                    pass
            except Exception:
                # A thread that ends would end all deliveries; whatever was claimed comes back when its lease ends.
                _LOG.exception("the outbox cannot be worked on; trying again")
            wake.wait(_POLL_SECONDS)

    def _keep(self) -> None:
        """Count what waits, for `/metrics`; let no ticket wait for a target that is gone; remove old tickets."""
        since_upkeep = _UPKEEP_SECONDS
        while True:
            try:
                if self._store.outbox.adopt(self.targets, iso(self._clock())):
                    self.wake()
                self._counts = self._store.outbox.counts()
                if since_upkeep >= _UPKEEP_SECONDS:
                    self._store.expire(iso(self._clock() - self._retention))
                    since_upkeep = 0.0
            except Exception:
                _LOG.exception("the ticket store cannot be looked after; trying again")
            if self._stopping.wait(_POLL_SECONDS):
                return
            since_upkeep += _POLL_SECONDS
