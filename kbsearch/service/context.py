"""The parts of one running service, and the one way a search goes through them.

Made by `app.py`, found by routes as `request.app.state.service`. API and page both call `search`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar, cast

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from kbsearch.events.buffer import EventBuffer
from kbsearch.events.identity import ClientHasher
from kbsearch.events.ids import new_id, now
from kbsearch.events.searches import record_search
from kbsearch.events.store import EventStore
from kbsearch.events.ubi import Receipt
from kbsearch.service.errors import Overloaded
from kbsearch.service.meters import Meters
from kbsearch.service.popular import PopularQueries
from kbsearch.service.reload import SearchEngine, SnapshotHolder
from kbsearch.service.security import audiences_of
from kbsearch.service.settings import Settings
from kbsearch.types import SearchOutcome, SearchRequest

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Answered:
    """A search that has been answered (and recorded, where the client allows it)."""

    outcome: SearchOutcome
    query_id: str
    took_ms: float


class Gate:
    """Lets so many searches run and so many wait; more are refused at once, while that still costs little."""

    def __init__(self, threads: int, queue: int) -> None:
        self._limiter = CapacityLimiter(threads)
        self._most = threads + queue
        self.inside = 0

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Run `work` in a thread.

        :raises Overloaded: too many wait already.
        """
        if self.inside >= self._most:
            raise Overloaded(f"{self.inside} searches are under way; try again in a second")
        self.inside += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self.inside -= 1


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a route may use."""

    settings: Settings
    holder: SnapshotHolder
    gate: Gate
    meters: Meters
    store: EventStore
    buffer: EventBuffer
    hasher: ClientHasher
    popular: PopularQueries

    async def search(
        self, engine: SearchEngine, query: SearchRequest, request: Request, *, session: str, analytics: bool
    ) -> Answered:
        """Ask the engine off the event loop, and record what was answered."""
        started = perf_counter()
        outcome = await self.gate.run(lambda: engine.search(query))
        took_ms = (perf_counter() - started) * 1000
        query_id = new_id()
        self.meters.decisions.labels(outcome.decision.action.value, outcome.detected_lang).inc()
        if analytics and not wants_privacy(request):
            address, agent = client_of(request)
            record = record_search(
                query,
                outcome,
                query_id=query_id,
                session_id=session,
                client_id=self.hasher.client_id(session=session, address=address, agent=agent),
                took_ms=round(took_ms, 3),
                hasher=self.hasher,
            )
            self.buffer.put(record)
        return Answered(outcome, query_id, took_ms)

    def receipt(self, request: Request) -> Receipt:
        """Return what events of this request inherit from it."""
        address, agent = client_of(request)
        return Receipt(hasher=self.hasher, received_at=now(), address=address, agent=agent)

    def audiences(self, request: Request) -> frozenset[str]:
        """Return what the caller may see.

        :raises KeyRejected: the key it presents is not good.
        """
        return audiences_of(request.headers, self.settings.secret)


def service_of(request: Request) -> Service:
    """Return the service that a request came to."""
    return cast(Service, request.app.state.service)


def wants_privacy(request: Request) -> bool:
    """Tell whether the browser says not to be tracked (DNT) or sold (Global Privacy Control)."""
    return request.headers.get("dnt") == "1" or request.headers.get("sec-gpc") == "1"


def client_of(request: Request) -> tuple[str, str]:
    """Return address and browser: hashed with a salt of the day where nothing better is known, never kept."""
    address = request.client.host if request.client else ""
    return address, request.headers.get("user-agent", "")
