"""The parts of one running service, and the one way a search goes through them.

Made by `app.py`, found by routes as `request.app.state.service`. API and page both call `search`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import cast

from fastapi import Request

from kbsearch.events.buffer import EventBuffer
from kbsearch.events.device import device_of
from kbsearch.events.identity import ClientHasher
from kbsearch.events.ids import new_id, now
from kbsearch.events.searches import record_search
from kbsearch.events.store import EventStore
from kbsearch.events.ubi import Receipt
from kbsearch.events.upkeep import Upkeep
from kbsearch.handover.sender import Sender
from kbsearch.handover.store import TicketStore
from kbsearch.service.cache import AnswerCache, Kept
from kbsearch.service.gate import Gate
from kbsearch.service.helped import Helped
from kbsearch.service.meters import Meters
from kbsearch.service.popular import PopularQueries
from kbsearch.service.ready import ReadyReports
from kbsearch.service.reload import SearchEngine, SnapshotHolder
from kbsearch.service.security import KEY_HEADERS, PUBLIC, audiences_of
from kbsearch.service.sent import headers_of, parameters_of
from kbsearch.service.settings import Settings
from kbsearch.suggestions.store import SuggestionStore
from kbsearch.types import SearchOutcome, SearchRequest, noun

_NO = ("false", "0", "no", "off")


@noun
class Answered:
    """A search that has been answered (and recorded, where the client allows it)."""

    kept: Kept
    query_id: str
    took_ms: float
    timings_ms: Mapping[str, float]
    """By stage, from the request's arrival to the fact in the buffer."""

    @property
    def outcome(self) -> SearchOutcome:
        """What the engine answered, now or before."""
        return self.kept.outcome


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a route may use."""

    settings: Settings
    holder: SnapshotHolder
    gate: Gate
    cache: AnswerCache
    meters: Meters
    store: EventStore
    buffer: EventBuffer
    hasher: ClientHasher
    popular: PopularQueries
    upkeep: Upkeep
    tickets: TicketStore
    sender: Sender
    suggestions: SuggestionStore
    helped: Helped
    ready: ReadyReports

    async def search(
        self, engine: SearchEngine, query: SearchRequest, request: Request, *, session: str, analytics: bool
    ) -> Answered:
        """Ask the cache or the engine, and record what was answered."""
        started = perf_counter()
        parse_ms = (started - request.scope.get("kbsearch.started", started)) * 1000
        kept = self.cache.get(engine.snapshot, query)
        if kept is not None:
            outcome = kept.outcome
            took_ms = (perf_counter() - started) * 1000
            timings = {"parse": parse_ms, "cache": took_ms}
        else:
            kind = "message" if query.body else "search"
            outcome = await self.gate.run(lambda: engine.search(query), kind, inline=not engine.may_wait)
            took_ms = (perf_counter() - started) * 1000
            wait_ms = max(0.0, took_ms - sum(outcome.timings_ms.values()))
            timings = {"parse": parse_ms, "wait": wait_ms, **outcome.timings_ms}
            kept = self.cache.put(query, outcome)
        answered = perf_counter()
        query_id = new_id()
        self.meters.decision(outcome.decision.action.value, outcome.detected_lang)
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
                address=address,
                device=device_of(agent),
                surface=surface_of(request, self.settings.prefix),
            )
            self.buffer.put(record)
        timings["log"] = (perf_counter() - answered) * 1000
        if query.explain:
            kept = Kept(replace(outcome, timings_ms=timings))
        return Answered(kept, query_id, took_ms, timings)

    def receipt(self, request: Request) -> Receipt:
        """Return what events of this request inherit from it."""
        address, agent = client_of(request)
        surface = surface_of(request, self.settings.prefix)
        return Receipt(hasher=self.hasher, received_at=now(), address=address, agent=agent, surface=surface)

    def audiences(self, request: Request) -> frozenset[str]:
        """Return what the caller may see.

        :raises KeyRejected: the key it presents is not good.
        """
        # Most callers present nothing.
        if KEY_HEADERS.isdisjoint(headers_of(request.scope)):
            return PUBLIC
        return audiences_of(request.headers, self.settings.secret)


def service_of(request: Request) -> Service:
    """Return the service that a request came to."""
    return cast(Service, request.app.state.service)


def wants_privacy(request: Request) -> bool:
    """Tell whether nothing may be kept of a request: the browser says not to track (DNT) or sell (Global Privacy
    Control), or the address says `analytics=false`."""
    headers = headers_of(request.scope)
    asked = parameters_of(request.scope).get("analytics", "").lower()
    return headers.get(b"dnt") == b"1" or headers.get(b"sec-gpc") == b"1" or asked in _NO


def surface_of(request: Request, prefix: str) -> str:
    """Return where a request came from, one of `schema.SURFACES`, from a header that pages cannot forge. Below `prefix`
    are the service's own pages; others of its host, if any, have the widget."""
    if not request.scope["path"].startswith("/v1/"):
        return "portal"
    headers = headers_of(request.scope)
    site = headers.get(b"sec-fetch-site", b"")
    if site == b"same-origin":
        referer = headers.get(b"referer", b"").decode("latin-1")
        path = "/" + referer.partition("://")[2].partition("/")[2]
        ours = path.startswith(f"{prefix}/") and not path.startswith(f"{prefix}/widget")
        return "portal" if ours else "widget"
    return "widget" if site else "api"


def client_of(request: Request) -> tuple[str, str]:
    """Return address and browser: hashed with a salt of the day where nothing better is known, never kept."""
    client = request.scope.get("client")
    return client[0] if client else "", headers_of(request.scope).get(b"user-agent", b"").decode("latin-1")
