"""uvicorn as the service runs it, with a door: searches are refused there while the gate is full.

Under overload most requests are refused, so that what a refusal costs decides what is left for the others. A request
that is nothing but a plain GET for an answer is known by its bytes; it is answered without being parsed, in one write.
All others (with a body, from another origin, in several pieces) go their usual way and are refused by `Admission`.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from socket import socket
from time import perf_counter
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.h11_impl import H11Protocol

from kbsearch.service.context import Service
from kbsearch.service.gate import Gate
from kbsearch.service.meters import Meters
from kbsearch.service.middleware import SECURITY_HEADERS, UNMATCHED, VARY, refusal
from kbsearch.service.settings import Settings

# One whole request head and nothing after it. No line may say that a body follows, that the connection is to be closed
# or changed, or (CORS) where the page came from; whatever is written in an unusual way is left to h11.
_PLAIN = re.compile(
    rb"GET /v1/(?:search|suggest)\?[!-~]* HTTP/1\.1\r\n"
    rb"(?i:(?!content-length|transfer-encoding|expect|upgrade|origin|connection:(?! ?keep-alive\r))"
    rb"[a-z0-9-]+: ?[ -~\x80-\xff]*\r\n)+\r\n"
)
_ASKING = b"GET /v1/s"
_NOTHING = (b"", False)
_STATUS = b"HTTP/1.1 503 Service Unavailable\r\n"


def run(app: FastAPI, settings: Settings) -> None:
    """Serve until told to stop."""
    uvicorn.run(app, **_options(app, settings))


def run_behind(listener: socket, app: FastAPI, settings: Settings) -> bool:
    """Serve what comes in by `listener` until told to stop; False where it could not start."""
    server = uvicorn.Server(uvicorn.Config(app, **_options(app, settings)))
    server.run(sockets=[listener])
    return server.started


def _options(app: FastAPI, settings: Settings) -> dict[str, Any]:
    service: Service = app.state.service
    return {
        "host": settings.host,
        "port": settings.port,
        "http": door(service.gate, service.meters),
        "timeout_graceful_shutdown": settings.shutdown,
        # Longer than clients and proxies keep an idle connection (mostly 60 s or less), so that they close it, not we:
        # a request sent into a connection that is being closed is lost.
        "timeout_keep_alive": 75,
        # Access logs would hold queries and addresses, unredacted.
        "access_log": False,
        "server_header": False,
    }


def door(gate: Gate, meters: Meters) -> type[asyncio.Protocol]:
    """Return the protocol of a server whose searches pass `gate`: uvicorn's own, with a door where it is h11's."""

    class Door(H11Protocol):
        def data_received(self, data: bytes) -> None:
            if gate.full and self._is_idle() and _PLAIN.fullmatch(data):
                self._refuse()
                return
            super().data_received(data)
            if data.startswith(_ASKING):
                gate.expect()

        def _refuse(self) -> None:
            started = perf_counter()
            date = b"".join(map(_line, self.server_state.default_headers))
            self.transport.write(b"".join([_STATUS, date, _refused(str(gate.refuse()))]))
            # Half of its time is long enough for a connection to stay open; setting a timer costs as much as the rest.
            timer = self.timeout_keep_alive_task
            if timer is None or timer.when() - self.loop.time() < self.timeout_keep_alive / 2:
                self.on_response_complete()
            meters.refused.inc()
            meters.request(UNMATCHED, "GET", 503, perf_counter() - started)

        def _is_idle(self) -> bool:
            """Whether nothing is under way on the connection, in either direction."""
            conn, ours, theirs = self.conn, self.conn.our_state, self.conn.their_state
            return ours is theirs is h11.IDLE and conn.trailing_data == _NOTHING and not self.flow.write_paused

    return Door if AutoHTTPProtocol is H11Protocol else AutoHTTPProtocol


@lru_cache(maxsize=256)
def _refused(message: str) -> bytes:
    """The rest of an answer after its date, as the middleware would have it."""
    response = refusal(message)
    headers = b"".join(map(_line, [*response.raw_headers, *SECURITY_HEADERS, VARY]))
    return headers + b"\r\n" + bytes(response.body)


def _line(header: tuple[bytes, bytes]) -> bytes:
    return b"%b: %b\r\n" % header
