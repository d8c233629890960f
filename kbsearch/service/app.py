"""The application: parts made, routes joined, started and stopped in order. `serve` runs it under uvicorn.

The parts are made by `create_app` and their threads started when the server is: an application that was only made
(to print its OpenAPI, say) has followed no snapshot.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI

from kbsearch.chat.intents import load_phrases
from kbsearch.chat.patterns import LANGUAGES
from kbsearch.collector import keep_what_is_there
from kbsearch.command import FAILED
from kbsearch.engine import open_engine
from kbsearch.errors import KbsearchError
from kbsearch.events.buffer import EventBuffer
from kbsearch.events.connect import open_store
from kbsearch.events.identity import ClientHasher
from kbsearch.events.journal import Journal, recover
from kbsearch.events.upkeep import Upkeep
from kbsearch.handover.sender import Sender
from kbsearch.handover.store import TicketStore, tickets_path
from kbsearch.handover.targets.connect import open_targets
from kbsearch.handover.targets.protocol import Secrets, Target
from kbsearch.service.cache import AnswerCache
from kbsearch.service.context import Service
from kbsearch.service.direct import Direct
from kbsearch.service.errors import add_error_handlers
from kbsearch.service.gate import Gate
from kbsearch.service.helped import Helped
from kbsearch.service.listener import listen, raise_file_limit, url_of
from kbsearch.service.log import log_to_stderr
from kbsearch.service.meters import MULTIPROCESS_VARIABLE, Meters
from kbsearch.service.middleware import Admission, CrossOrigin, Measure
from kbsearch.service.opener import EngineOpener
from kbsearch.service.popular import PopularQueries
from kbsearch.service.problem import problem_page
from kbsearch.service.ready import ReadyReports
from kbsearch.service.reload import SearchEngine, SnapshotHolder, SnapshotSource
from kbsearch.service.routes import (
    chat,
    dashboard,
    deflect,
    documents,
    events,
    explain,
    feedback,
    handover,
    health,
    metrics,
    portal,
    search,
    suggestions,
    tickets,
    widget,
)
from kbsearch.service.server import run
from kbsearch.service.settings import Settings
from kbsearch.service.workers import run_workers
from kbsearch.snapshot import published_version
from kbsearch.suggestions.store import SuggestionStore, suggestions_path

# Tried in turn, so what is asked most comes first.
_ROUTES = (
    search,
    chat,
    dashboard,
    deflect,
    documents,
    events,
    explain,
    feedback,
    handover,
    health,
    metrics,
    portal,
    suggestions,
    tickets,
    widget,
)
_RUN_SEED = "KBSEARCH_RUN_SEED"
"""How the workers of one run agree on the salt of the day; drawn at start, never written."""
_SNAPSHOTS = SnapshotSource(published=published_version, open=open_engine)
_SWITCH_SECONDS = 0.0005


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Return the description, with what request bodies define where their references look for it."""
        description = super().openapi()
        for item in description["paths"].values():
            for operation in item.values():
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    description["components"]["schemas"] |= content["schema"].pop("$defs", {})
        return description


def create_app(
    settings: Settings, *, source: SnapshotSource = _SNAPSHOTS, engine: SearchEngine | None = None
) -> FastAPI:
    """Make the application; `engine` is one that is open already."""
    service = _make_service(settings, source, engine)
    app = _Application(
        title="kbsearch",
        version="1",
        summary="Search in a knowledge base, in the customer's language.",
        lifespan=_lifespan,
        servers=[{"url": settings.prefix}] if settings.prefix else None,
        # Their pages load scripts from a CDN; /openapi.json serves any viewer.
        docs_url=None,
        redoc_url=None,
        # It would lead to the address that the proxy made, without the prefix, on whatever host the request names.
        redirect_slashes=False,
        # A trace of FastAPI's own holds the address as it was sent, with the question, whoever asked not to be counted.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    for module in _ROUTES:
        app.include_router(module.router)
    add_error_handlers(app, problem_page, settings.prefix)
    app.add_middleware(Direct, routes=search.direct_routes())
    app.add_middleware(Admission, gate=service.gate, meters=service.meters)
    app.add_middleware(CrossOrigin, origins=settings.allowed_origins)
    app.add_middleware(Measure, meters=service.meters)
    return app


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until told to stop. Opens the snapshot first, so that a bad one is an error here and not a log line.

    `announce` is called once, with the URL at which what is asked from then on is answered.

    :raises KbsearchError: no snapshot, a damaged one, an event store that cannot be opened, a target that is none,
        or an address that cannot be listened on.
    """
    log_to_stderr()
    raise_file_limit()
    _open_targets(settings)
    # A thread that opens a snapshot or writes events would otherwise keep the event loop waiting 5 ms at a time.
    sys.setswitchinterval(_SWITCH_SECONDS)
    open_published = EngineOpener(settings.embed_budget)
    source = SnapshotSource(published=published_version, open=open_published)
    opened = [open_published(settings.index)]
    # Compiling them takes a third of a second: not while the first customer writes, and once for all workers.
    for lang in LANGUAGES:
        load_phrases(lang)

    def make() -> FastAPI:
        # Handed over, not kept: what this process holds as well, no reload of the application lets go.
        return create_app(settings, source=source, engine=opened.pop() if opened else open_published(settings.index))

    with listen(settings.host, settings.port) as listener:
        if settings.workers == 1:
            app = make()
            keep_what_is_there()
            announce(url_of(listener))
            if not run(app, settings, listener):
                raise KbsearchError(
                    "the service could not start, for the reason logged above; mend that, then start it."
                )
            return
        with tempfile.TemporaryDirectory(prefix="kbsearch-metrics-") as shared:
            os.environ[_RUN_SEED] = secrets.token_hex(32)
            os.environ[MULTIPROCESS_VARIABLE] = shared
            announce(url_of(listener))
            run_workers(
                settings.workers, lambda: 0 if run(make(), settings, listener) else FAILED, on_started=opened.clear
            )


def _make_service(settings: Settings, source: SnapshotSource, engine: SearchEngine | None) -> Service:
    gate = Gate(settings.threads, settings.queue)
    meters = Meters(lambda: (holder.snapshot, holder.error), lambda: gate.inside, lambda: sender.counts)
    holder = SnapshotHolder(
        settings.index,
        source,
        poll_seconds=settings.poll,
        on_reload=lambda succeeded: meters.reloads.labels("ok" if succeeded else "failed").inc(),
        engine=engine,
    )
    store = open_store(settings.events_url)
    recover(settings.journal_folder, store)
    seed = bytes.fromhex(os.environ.get(_RUN_SEED, ""))
    hasher = ClientHasher(store.salt, period_days=settings.salt_days, run_seed=seed)
    tickets = TicketStore(tickets_path(settings.index, settings.events_url))
    sender = Sender(
        tickets,
        _open_targets(settings),
        retention_days=settings.retention_days,
        on_attempt=lambda kind, result: meters.deliveries.labels(kind, result).inc(),
    )
    return Service(
        settings=settings,
        holder=holder,
        gate=gate,
        cache=AnswerCache(settings.cache),
        meters=meters,
        store=store,
        buffer=EventBuffer(
            store,
            journal=Journal(settings.journal_folder),
            capacity=settings.event_capacity,
            on_written=lambda count: meters.events_written.inc(count),
            on_dropped=lambda count: meters.events_dropped.inc(count),
        ),
        hasher=hasher,
        upkeep=Upkeep(
            store,
            hasher,
            retention_days=settings.retention_days,
            journals=settings.journal_folder,
            on_erased=tickets.erase_erased,
        ),
        popular=PopularQueries(store),
        tickets=tickets,
        sender=sender,
        suggestions=SuggestionStore(suggestions_path(settings.index, settings.events_url)),
        helped=Helped(store),
        ready=ReadyReports(settings.events_url, settings.journal_folder),
    )


def _open_targets(settings: Settings) -> list[Target]:
    secrets_given = Secrets(settings.handover_secret, settings.handover_token, settings.smtp_password)
    return open_targets(settings.handover_target, secrets_given)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    service.holder.start()
    service.popular.start()
    service.upkeep.start()
    service.sender.start()
    service.ready.start()
    try:
        yield
    finally:
        await to_thread.run_sync(_stop, service)


def _stop(service: Service) -> None:
    """Stop what asks before what writes, so that the last facts are flushed."""
    service.holder.stop()
    service.popular.stop()
    service.upkeep.stop()
    service.sender.stop()
    service.ready.stop()
    service.buffer.close()
    service.store.close()
    service.tickets.close()
    service.suggestions.close()
