"""One connection to the service without a network: what a server's protocol sends is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from fastapi.testclient import TestClient
from uvicorn.server import ServerState

from kbsearch.service.context import Service
from kbsearch.service.server import door


class Wire(asyncio.Transport):
    """Keeps what is written before it is closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 5), "sockname": ("192.0.2.2", 80)})
        self.written = b""
        self.writes = 0
        self.closed = False
        self.unsent = 0

    def write(self, data: Any) -> None:
        if not self.closed:
            self.written += data
            self.writes += 1

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


def connected(client: TestClient, service: Service, wire: Wire) -> tuple[Any, ServerState]:
    """Return a connection to the application over `wire`, and what its server knows."""
    config = uvicorn.Config(client.app, http=door(service.gate, service.meters), server_header=False, log_config=None)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"today")]
    connection: Any = config.http_protocol_class(config, state, {})  # type: ignore[call-arg]
    connection.connection_made(wire)
    return connection, state
