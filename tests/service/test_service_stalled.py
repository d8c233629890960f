"""Clients that open connections and send nothing, or not all: others are served, and the service stays as it is."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service_wire import Wire, connected

from kbsearch.bench.server import running
from kbsearch.service.context import Service
from kbsearch.service.listener import listen, raise_file_limit
from kbsearch.service.server import PATIENCE

FILES = 200
SERVE = f"""
import os, resource, sys
from kbsearch.cli import main
from kbsearch.service import server
resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))
server.PATIENCE, server._SWEEP_SECONDS = 1.0, 0
os.dup2(os.open(os.environ["LOG"], os.O_WRONLY | os.O_CREAT), 2)
sys.exit(main())
"""
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b'POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"q":'


def is_closed(
    client: TestClient, service: Service, *pieces: bytes, after: float = PATIENCE + 1, unsent: tuple[int, ...] = (0,)
) -> bool:
    """Whether a connection is closed so long after these pieces; `unsent`: what is left in its buffer, look by look."""
    wire = Wire()

    async def converse() -> bool:
        connection, state = connected(client, service, wire)
        for piece in pieces:
            connection.data_received(piece)
            await asyncio.sleep(0)
            while state.tasks and piece == GET:
                await asyncio.sleep(0.001)
        now = asyncio.get_running_loop().time()
        for look, size in enumerate(unsent):
            wire.unsent = size
            connection.close_if_stalled(now + after * (look + 1))
        closed = wire.closed
        connection.connection_lost(None)
        while state.tasks:
            await asyncio.sleep(0.001)
        return closed

    return asyncio.run(converse())


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([], id="nothing"),
        pytest.param([b"\r\n"], id="an empty line"),
        pytest.param([GET[:30]], id="half a head"),
        pytest.param([POST], id="half a body"),
        pytest.param([GET, GET[:30]], id="half a head, the second"),
        pytest.param([GET, b"\r\n"], id="an empty line, which ends the timer of uvicorn"),
    ],
)
def test_who_lets_the_service_wait_is_left(client: TestClient, service: Service, pieces: list[bytes]):
    """After a while, and not before it."""
    assert is_closed(client, service, *pieces)
    assert not is_closed(client, service, *pieces, after=PATIENCE - 1)


def test_an_idle_connection_stays(client: TestClient, service: Service):
    """As long as uvicorn lets it: the client may ask again."""
    assert not is_closed(client, service, GET)


def test_an_answer_that_nobody_takes_is_dropped(client: TestClient, service: Service):
    """Where nothing more of it is taken; a slow client gets it all."""
    assert not is_closed(client, service, GET, unsent=(90_000, 60_000, 30_000))
    assert is_closed(client, service, GET, unsent=(90_000, 90_000))


def ask(address: tuple[str, int]) -> bytes:
    """What the service answers; nothing where it closes the connection."""
    with socket.create_connection(address, 5) as connection:
        try:
            connection.sendall(GET.replace(b"Host: x", b"Host: x\r\nConnection: close"))
            return connection.recv(64)
        except (BrokenPipeError, ConnectionResetError):
            return b""


@pytest.mark.slow
def test_connections_that_say_nothing_do_not_stop_the_service(handmade_index: Path, tmp_path: Path):
    """More than there are files for: those beyond are closed, the others after a while, and one line says so."""
    log = tmp_path / "log"
    command = [sys.executable, "-c", SERVE, "serve", "--index", str(handmade_index)]
    environment = {**os.environ, "LOG": str(log), "KBSEARCH_EVENTS": f"sqlite:///{tmp_path}/events.db"}
    with running([*command, "--port"], environment) as server, ExitStack() as stack:
        for _ in range(FILES * 3):
            stack.enter_context(socket.create_connection(server.address, 5))
        assert ask(server.address) == b""
        deadline = time.monotonic() + 20
        while not ask(server.address).startswith(b"HTTP/1.1 200 "):
            assert time.monotonic() < deadline, "it never served again"
            time.sleep(0.1)
    (line,) = [line for line in log.read_text().splitlines() if " INFO " not in line]
    assert f"too many connections for {FILES} open files" in line


def test_files_are_asked_for_up_to_a_bound(monkeypatch: pytest.MonkeyPatch):
    """More than that are never asked for, and no limit is made lower."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _what, limits: asked.append(limits))
    for limits in ((1024, 4096), (1024, 1 << 20), (1024, resource.RLIM_INFINITY), (1 << 19, 1 << 20), (4096, 4096)):
        monkeypatch.setattr(resource, "getrlimit", lambda _what, limits=limits: limits)
        raise_file_limit()
    assert asked == [(4096, 4096), (16_384, 1 << 20), (16_384, resource.RLIM_INFINITY)]


def test_the_last_quarter_of_files_is_for_no_connection(monkeypatch: pytest.MonkeyPatch):
    """What is accepted beyond is closed at once, whoever counts."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname(), 5) as client:
        monkeypatch.setattr(resource, "getrlimit", lambda _what: (4, 4))
        with pytest.raises(ConnectionAbortedError):
            listener.accept()
        assert client.recv(1) == b""
