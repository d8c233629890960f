"""Load over HTTP/1.1, one event loop, hundreds of kept connections: open loop (arrival times fixed in advance) and
closed loop (each connection asks again when it has been answered).

In an open loop a request's time counts from when it was due, not from when it could be sent, so that waiting counts
("coordinated omission": Tene, "How not to measure latency", 2013). Needs answers with a Content-Length.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urlencode

from kbsearch.errors import KbsearchError

_SPIN = 0.002
"""Seconds before a request is due during which the loop looks at the clock: timers are a millisecond late."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One request; seconds from the beginning of the run."""

    due: float
    sent: float
    done: float
    status: int
    """HTTP status; 0 where the connection broke."""
    body: bytes

    @property
    def seconds(self) -> float:
        """How long the customer waited."""
        return self.done - self.due


def get(path: str, **parameters: str | int) -> bytes:
    """A GET request as bytes."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"GET {path}{query} HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n".encode()


def poisson(rate: float, seconds: float, seed: int = 1) -> list[float]:
    """Arrival times of independent customers: `rate` a second on average."""
    draw = random.Random(seed)
    times, now = [], draw.expovariate(rate)
    while now < seconds:
        times.append(now)
        now += draw.expovariate(rate)
    return times


def open_loop(address: tuple[str, int], requests: Sequence[bytes], arrivals: Sequence[float], most: int) -> list[Shot]:
    """Send a request (in turn) at each arrival time over at most `most` connections; shots in order of arrival.

    Raises KbsearchError where the server is gone.
    """
    return asyncio.run(_Run(address, requests).open(arrivals, most))


def closed_loop(address: tuple[str, int], requests: Sequence[bytes], clients: int, seconds: float) -> list[Shot]:
    """Let `clients` connections ask one request after the other for so long."""
    return asyncio.run(_Run(address, requests).closed(clients, seconds))


def ask(address: tuple[str, int], request: bytes) -> bytes:
    """The body of one answer. Raises KbsearchError where there is none."""
    return asyncio.run(_Run(address, [request]).one())


class _Connection(asyncio.Protocol):
    """Asks one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._head = self._end = self._status = 0
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Status and body; status 0 where the connection broke."""
        self._answer = asyncio.get_running_loop().create_future()
        if self.transport is None or self.transport.is_closing():
            self._answer.set_result((0, b""))
        else:
            self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._end:
            head = self._received.find(b"\r\n\r\n")
            if head < 0:
                return
            lines = bytes(self._received[:head]).lower().split(b"\r\n")
            self._status = int(lines[0].split(b" ", 2)[1])
            lengths = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")]
            self._end = head + 4 + (lengths[0] if lengths else 0)
            self._head = head + 4
        if len(self._received) >= self._end:
            body = bytes(self._received[self._head : self._end])
            self._received.clear()
            self._end = 0
            self._finish(self._status, body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(0, b"")

    def _finish(self, status: int, body: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))


class _Run:
    def __init__(self, address: tuple[str, int], requests: Sequence[bytes]) -> None:
        self._address = address
        self._requests = requests
        self._started = 0.0
        self._shots: list[Shot] = []

    async def open(self, arrivals: Sequence[float], most: int) -> list[Shot]:
        free = [await self._connect() for _ in range(most)]
        waiting: deque[tuple[int, float]] = deque()

        async def fire(connection: _Connection, number: int, due: float) -> None:
            while True:
                alive = await self._shoot(connection, number, due)
                if not alive:
                    connection = await self._connect()
                if not waiting:
                    free.append(connection)
                    return
                number, due = waiting.popleft()

        self._started = perf_counter()
        try:
            async with asyncio.TaskGroup() as running:
                for number, due in enumerate(arrivals):
                    while (early := self._started + due - perf_counter()) > 0:
                        await asyncio.sleep(early - _SPIN if early > _SPIN else 0)
                    if free:
                        running.create_task(fire(free.pop(), number, due))
                    else:
                        waiting.append((number, due))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        self._close(free)
        return sorted(self._shots, key=lambda shot: shot.due)

    async def closed(self, clients: int, seconds: float) -> list[Shot]:
        connections = [await self._connect() for _ in range(clients)]
        self._started = perf_counter()

        async def keep_asking(client: int, connection: _Connection) -> None:
            number = client
            while (now := perf_counter() - self._started) < seconds:
                if not await self._shoot(connection, number, now):
                    connection = await self._connect()
                number += clients
            self._close([connection])

        await asyncio.gather(*(keep_asking(client, connection) for client, connection in enumerate(connections)))
        return self._shots

    async def one(self) -> bytes:
        connection = await self._connect()
        status, body = await connection.ask(self._requests[0])
        self._close([connection])
        if status != 200:
            raise KbsearchError(f"{self._address[0]}:{self._address[1]} answered {status}; is it a kbsearch service?")
        return body

    async def _shoot(self, connection: _Connection, number: int, due: float) -> bool:
        sent = perf_counter() - self._started
        status, body = await connection.ask(self._requests[number % len(self._requests)])
        self._shots.append(Shot(due, sent, perf_counter() - self._started, status, body))
        return status != 0

    async def _connect(self) -> _Connection:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(_Connection, *self._address)
        except OSError as cause:
            host, port = self._address
            raise KbsearchError(f"nothing answers at {host}:{port} ({cause}); start it with: kbsearch serve") from cause
        return connection

    def _close(self, connections: Sequence[_Connection]) -> None:
        for connection in connections:
            if connection.transport is not None:
                connection.transport.close()
