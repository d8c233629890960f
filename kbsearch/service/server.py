"""uvicorn as the service runs it, with httptools, and a door: searches are refused there while the gate is full.

Under overload most requests are refused, so that what a refusal costs decides what is left for the others. A request
that is nothing but a plain GET for an answer is known by its bytes; it is answered without being parsed, in one write.
All others (with a body, from another origin, in several pieces) go their usual way and are refused by `Admission`.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from functools import lru_cache
from socket import socket
from time import perf_counter
from typing import Any, cast

import uvicorn
from fastapi import FastAPI, Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kbsearch.service.context import Service
from kbsearch.service.errors import error_body
from kbsearch.service.gate import Gate
from kbsearch.service.meters import Meters
from kbsearch.service.middleware import SECURITY_HEADERS, UNMATCHED, VARY, refusal
from kbsearch.service.respond import json_response
from kbsearch.service.settings import Settings

PATIENCE = 30.0
"""Seconds that a client may take to send a request whole, or to take any more of an answer."""
_SWEEP_SECONDS = 10
"""Between two looks at all connections: a timer for each would cost every request one."""
MAX_HEAD = 64 * 1024
"""Bytes of a head, or of what follows a body (trailers), without an end; httptools itself would take any number."""

# One whole request head and nothing after it. No line may say that a body follows, that the connection is to be closed
# or changed, or (CORS) where the page came from; whatever is written in an unusual way is left to the parser.
_PLAIN = re.compile(
    rb"GET /v1/(?:search|suggest)\?[!-~]* HTTP/1\.1\r\n"
    rb"(?i:(?!content-length|transfer-encoding|expect|upgrade|origin|connection:(?! ?keep-alive\r))"
    rb"[a-z0-9-]+: ?[ -~\x80-\xff]*\r\n)+\r\n"
)
_ASKING = b"GET /v1/s"
_GOOD = b"HTTP/1.1 2"
_END_OF_HEAD = b"\r\n\r\n"
_STATUS = b"HTTP/1.1 503 Service Unavailable\r\n"
_BAD_STATUS = b"HTTP/1.1 400 Bad Request\r\n"
_CLOSE = {"Connection": "close"}
_LONG_HEAD = f"the head of the request is too long; send less than {MAX_HEAD} bytes, and a long query by POST"


def run(app: FastAPI, settings: Settings, listener: socket) -> bool:
    """Serve what comes in by `listener` until told to stop; False where it could not start."""
    service: Service = app.state.service

    async def sweep() -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(server.server_state.connections):
            if isinstance(connection, _Protocol):
                connection.close_if_stalled(now)

    config = uvicorn.Config(
        app,
        http=door(service.gate, service.meters),
        # There is nothing to talk to by WebSocket; its library, where one is installed, would log addresses.
        ws="none",
        timeout_graceful_shutdown=settings.shutdown,
        # Longer than clients and proxies keep an idle connection (mostly 60 s or less), so that they close it, not we:
        # a request sent into a connection that is being closed is lost.
        timeout_keep_alive=75,
        callback_notify=sweep,
        timeout_notify=_SWEEP_SECONDS,
        # Access logs would hold queries and addresses, unredacted.
        access_log=False,
        log_config=None,
        server_header=False,
    )
    server = uvicorn.Server(config)
    # It stops in order, and then lets the signal that stopped it have its usual effect: a traceback, for Ctrl-C.
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return server.started


def door(gate: Gate, meters: Meters) -> type[asyncio.Protocol]:
    """Return the protocol of a server whose searches pass `gate`: uvicorn's own, with a door."""

    class Door(_Protocol):
        def data_received(self, data: bytes) -> None:
            if gate.full and self.is_idle() and _PLAIN.fullmatch(data):
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

    return Door


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which knows whether it is idle, takes no endless head, writes an answer at once and waits
    for no client forever.

    Trailers, the headers after a body in chunks, are read and dropped; uvicorn would add them to those of the request.
    """

    _reading = False
    """Whether a request has begun that is not yet read to its end."""
    _in_head = False
    _bare_size = 0
    """Bytes that have come since the head began or ended, or since the last piece of the body did."""
    _since = 0.0
    """When what the connection waits for now began."""
    _unsent = 0
    """Bytes that the client had still to take at the last look."""
    _wire: _OneWrite

    def is_idle(self) -> bool:
        """Tell whether nothing is under way on the connection, in either direction."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self._reading and not self.pipeline and not self.flow.write_paused

    def close_if_stalled(self, now: float) -> None:
        """Close the connection where its client has finished or read nothing for too long, and no timer of uvicorn's
        runs: that one is for a connection whose last request was answered, and ends with the first byte of the next."""
        unsent = self.transport.get_write_buffer_size()
        # While nothing is read, it is the service that takes its time.
        if unsent != self._unsent or (self.flow.read_paused and not unsent):
            self._unsent, self._since = unsent, now
        waits = self._reading or self.is_idle()
        if (unsent or (waits and self.timeout_keep_alive_task is None)) and now - self._since > PATIENCE:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._since = self.loop.time()
        self._wire = _OneWrite(transport)
        super().connection_made(cast(asyncio.Transport, self._wire))

    def data_received(self, data: bytes) -> None:
        self._bare_size += len(data)
        super().data_received(data)
        if self._reading and self._bare_size >= MAX_HEAD and not self.transport.is_closing():
            self._refuse_endless()

    def on_message_begin(self) -> None:
        self._reading = self._in_head = True
        self._bare_size = 0
        self._since = self.loop.time()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()  # which cannot read an address of 64 KiB
        self._in_head = False
        self._bare_size = 0

    def on_body(self, body: bytes) -> None:
        self._bare_size = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._wire.flush()
        super().on_response_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Answer who asks for another protocol in this one, without two lines in the log for each."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, in the shape of every other error."""
        is_long = self._in_head and len(self.url) >= MAX_HEAD
        response = json_response(error_body("bad_request", _LONG_HEAD if is_long else msg), 400, _CLOSE)
        date = b"".join(map(_line, self.server_state.default_headers))
        self.transport.write(b"".join([_BAD_STATUS, date, _after_date(response)]))
        self.transport.close()

    def _refuse_endless(self) -> None:
        if self._in_head:
            self.send_400_response(_LONG_HEAD)
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self.send_400_response("The trailers of the request are too long.")


class _OneWrite:
    """A transport that sends the head of an answer together with the first piece of its body.

    The protocol writes them one after the other: two calls of the system, two packets, and a client that is woken
    twice.
    """

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send data, or keep it where it is a head after which a body is written."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_GOOD) and data.endswith(_END_OF_HEAD):
            self._head = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Send a head that was followed by no body (HEAD)."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Send what was kept and close."""
        self.flush()
        self._transport.close()


@lru_cache(maxsize=256)
def _refused(message: str) -> bytes:
    """The rest of an answer after its date, as the middleware would have it."""
    return _after_date(refusal(message))


def _after_date(response: Response) -> bytes:
    headers = b"".join(map(_line, [*response.raw_headers, *SECURITY_HEADERS, VARY]))
    return headers + b"\r\n" + bytes(response.body)


def _line(header: tuple[bytes, bytes]) -> bytes:
    return b"%b: %b\r\n" % header
