"""One bounded buffer and one writer thread between requests and the store.

`put` costs a lock, an append and, with a journal, one write to a file: it never waits for the store. What does not
fit is counted, never silently lost. The writer flushes by size, by time and at shutdown; while the store refuses, it
keeps its batch and tries again. `commit` is for facts that others send and that must be in the store before they are
acknowledged.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Condition, Thread

from kbsearch.events.ids import now
from kbsearch.events.journal import Journal
from kbsearch.events.outage import Outage
from kbsearch.events.store import EventStore, Fact

_RETRY_SECONDS = 0.5


def _ignore(_count: int) -> None:
    return None


class EventBuffer:
    """Takes facts from any thread and hands them to the store from one."""

    def __init__(
        self,
        store: EventStore,
        *,
        journal: Journal | None = None,
        capacity: int = 10_000,
        batch: int = 100,
        interval: float = 0.5,
        on_written: Callable[[int], None] = _ignore,
        on_dropped: Callable[[int], None] = _ignore,
    ) -> None:
        """Start the writer; `interval` is the longest a fact waits, in seconds. Without a journal, facts that are
        not yet written end with the process. Where a server has one core, searches wait while a `batch` is written,
        which is the p99 under overload (benchmarks/load.py)."""
        self._store = store
        self._journal = journal
        self._capacity = capacity
        self._batch = batch
        self._interval = interval
        self._on_written = on_written
        self._on_dropped = on_dropped
        self._pending: deque[Fact] = deque()
        self._changed = Condition()
        self._closing = False
        self._deadline = float("inf")
        self._in_flight = 0
        self._flushing = 0
        self._dropped = 0
        self._store_outage = Outage("the event store")
        self._journal_outage = Outage("the event journal")
        self._writer = Thread(target=self._run, name="kbsearch-events", daemon=True)
        self._writer.start()

    def put(self, fact: Fact) -> bool:
        """Take one fact; False where there was no room and it was dropped."""
        return self.put_all((fact,))

    def put_all(self, facts: Iterable[Fact], *, rare: bool = False) -> bool:
        """Take all of them or none; False where there was no room, and they were dropped.

        `rare` facts have as much room again, which searches cannot fill while the store is away.
        """
        taken = tuple(facts)
        fits = self.offer(taken, rare=rare)
        if not fits:
            with self._changed:
                self._dropped += len(taken)
            self._on_dropped(len(taken))
        return fits

    def offer(self, facts: Sequence[Fact], *, rare: bool = False) -> bool:
        """Take all of them or none, as `put_all`; False where there was no room, and who sent them is to send them
        again: they are not lost yet. With a journal, what is taken survives from here on."""
        capacity = 2 * self._capacity if rare else self._capacity
        with self._changed:
            fits = not self._closing and len(self._pending) + self._in_flight + len(facts) <= capacity
            if fits and self._journal is not None:
                try:
                    self._journal.append(facts)
                except OSError as error:
                    self._journal_outage.failed(error, f"{len(facts)} facts")
                    fits = False
                else:
                    self._journal_outage.over()
            if fits:
                is_first = not self._pending
                self._pending.extend(facts)
                # The first one begins the interval, enough for a batch end it.
                if is_first or len(self._pending) >= self._batch:
                    self._changed.notify_all()
        return fits

    def commit(self, facts: Sequence[Fact]) -> None:
        """Write facts to the store and return when they are there; takes milliseconds, so call it in a thread.

        :raises StoreError: the store cannot take them now; none of them is kept.
        """
        self._store.write(facts)
        self._on_written(len(facts))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything put so far is written; False where that took longer than `timeout` seconds."""
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: not self._pending and not self._in_flight, timeout)
            finally:
                self._flushing -= 1

    def close(self, timeout: float = 10.0) -> None:
        """Write what is left and stop. What the store refuses for `timeout` seconds stays in the journal; without
        one it is counted as dropped."""
        with self._changed:
            self._closing = True
            self._deadline = time.monotonic() + timeout
            self._changed.notify_all()
        self._writer.join(timeout + 2 * _RETRY_SECONDS)
        # While the store holds the writer up, its files stay open: it would clear what came to have their numbers.
        if self._journal is not None and not self._writer.is_alive():
            self._journal.close()

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            if batch and not self._handle(batch):
                break
            self._count_dropped()
        self._count_dropped()

    def _handle(self, batch: list[Fact]) -> bool:
        """Write a batch and say so; False where it stays in the journal, since shutdown cannot wait longer."""
        written = self._write(batch)
        with self._changed:
            self._in_flight = 0
            self._changed.notify_all()
            if not written and self._journal is None:
                self._dropped += len(batch)
        if written:
            self._on_written(len(batch))
        elif self._journal is None:
            self._on_dropped(len(batch))
        return written or self._journal is None

    def _next_batch(self) -> list[Fact] | None:
        """Wait for work, or for drops to be noted; None means that the buffer is closed and nothing is left."""
        with self._changed:
            while not (self._pending or self._dropped or self._closing):
                self._changed.wait(self._interval)
            if self._closing and not self._pending:
                return None
            if not self._closing:
                self._changed.wait_for(self._due, self._interval)
            # All of it, so that the journal's other file holds exactly what is in flight.
            batch = list(self._pending)
            self._pending.clear()
            self._in_flight = len(batch)
            if batch and self._journal is not None:
                self._journal.switch()
            return batch

    def _due(self) -> bool:
        return self._closing or self._flushing > 0 or len(self._pending) >= self._batch

    def _write(self, batch: list[Fact]) -> bool:
        """Write a batch, however long the store takes to accept it; False once shutdown cannot wait longer."""
        while True:
            try:
                self._store.write(batch)
                if self._journal is not None:
                    # Where it cannot be cleared, the same is written again, which changes nothing.
                    self._journal.clear()
            except Exception as error:  # whatever a store raises
                self._store_outage.failed(error, f"{len(batch)} facts; trying again")
                if time.monotonic() + _RETRY_SECONDS > self._deadline:
                    return False
                time.sleep(_RETRY_SECONDS)
            else:
                self._store_outage.over()
                return True

    def _count_dropped(self) -> None:
        """Put the number of lost facts where reports find it; what cannot be put there now is kept for later."""
        with self._changed:
            count, self._dropped = self._dropped, 0
        if count:
            try:
                self._store.add_dropped(now()[:10], count)
            except Exception as error:  # whatever a store raises
                self._store_outage.failed(error, f"to note that {count} facts were dropped; trying again")
                with self._changed:
                    self._dropped += count
            else:
                self._store_outage.over()
