"""Refusals at the door: what is known by its bytes is answered as the application would, everything else by it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from socket import IPPROTO_TCP, TCP_NODELAY

import pytest
from fastapi.testclient import TestClient
from service_wire import Wire, connected

from kbsearch.errors import KbsearchError
from kbsearch.service.context import Service
from kbsearch.service.gate import Gate
from kbsearch.service.listener import listen
from kbsearch.service.server import MAX_HEAD

# Both have the signal before the parent knows its child, and the child has handlers of its own.
TOLD_WHILE_FORKING = """
import os, signal, time
from kbsearch.service.workers import run_workers
tell = lambda: os.kill(os.getpid(), signal.SIGTERM)
os.register_at_fork(after_in_parent=tell, after_in_child=tell)
run_workers(3, lambda: time.sleep(60) or 0, lambda: None)
"""
# As in a container, whose first process the service is: what a worker had started, and left behind, becomes its child.
LEFT_BEHIND = """
import ctypes, os, signal, time
from kbsearch.service.workers import run_workers
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
service = os.getpid()
def work():
    if not os.fork():
        if not os.fork():
            time.sleep(0.1)
        os._exit(0)
    time.sleep(0.5)
    os.kill(service, signal.SIGTERM)
    time.sleep(60)
run_workers(1, work, lambda: None)
"""
PLAIN = b"GET /v1/search?q=password HTTP/1.1\r\nHost: x\r\nUser-Agent: \xc3\xa9 y\r\nConnection: keep-alive\r\n\r\n"

CHUNKED = b'POST /v1/search HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"q":"password"}\r\n'


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search is let in."""
    monkeypatch.setattr(Gate, "full", property(lambda _gate: True))


def talk(
    client: TestClient,
    service: Service,
    *pieces: bytes,
    at_once: Callable[[bytes], None],
    wire: Wire | None = None,
    later: bytes = b"",
) -> bytes:
    """Send pieces over one connection, and one after the answers; `at_once` sees what was written before the loop went
    on. Return all answers."""
    wire = wire or Wire()

    async def converse() -> bytes:
        connection, state = connected(client, service, wire)
        for piece in pieces:
            connection.data_received(piece)
        at_once(wire.written)
        if wire.closed:
            connection.connection_lost(None)
        while state.tasks:
            await asyncio.sleep(0.001)
        if later:
            connection.data_received(later)
        answered = wire.written
        connection.connection_lost(None)
        return answered

    return asyncio.run(converse())


def read(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split(" ")[1]), dict(line.split(": ", 1) for line in lines), body


@pytest.mark.usefixtures("full")
def test_the_door_answers_as_the_application_does(client: TestClient, service: Service):
    """Status, headers, body and counts, but for the date."""

    def nothing(_written: bytes) -> None: ...

    def answered(written: bytes) -> None:
        assert written.startswith(b"HTTP/1.1 503 Service Unavailable\r\ndate: today\r\n")

    at_the_door = talk(client, service, PLAIN, at_once=answered)
    inside = client.get("/v1/search", params={"q": "password"})
    status, headers, body = read(at_the_door)
    assert (status, body) == (503, inside.content)
    assert headers.pop("date") == "today"
    assert headers == dict(inside.headers)
    assert headers["retry-after"] == "1"
    counted = client.get("/metrics").text
    assert "kbsearch_refused_total 2.0" in counted
    assert 'kbsearch_requests_total{method="GET",route="unmatched",status="503"} 2.0' in counted
    assert talk(client, service, PLAIN, PLAIN, at_once=nothing) == at_the_door * 2


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([PLAIN[:20], PLAIN[20:]], id="pieces"),
        pytest.param([PLAIN.replace(b"keep-alive", b"close")], id="close"),
        pytest.param([PLAIN.replace(b"User-Agent", b"Origin")], id="origin"),
        pytest.param([PLAIN.replace(b"User-Agent: ", b"Content-Length: 2\r\nX: ") + b"{}"], id="body"),
        pytest.param([PLAIN.replace(b"User-Agent: ", b"Content-Length: 0\r\nX: ")], id="empty body"),
        pytest.param([PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0")], id="old"),
        pytest.param([PLAIN + PLAIN], id="pipeline"),
        pytest.param([PLAIN.replace(b"GET", b"POST")], id="post"),
    ],
)
def test_what_is_not_plain_goes_its_way(client: TestClient, service: Service, pieces: list[bytes]):
    """It is refused there; the door says nothing."""

    def silent(written: bytes) -> None:
        assert written == b""

    assert read(talk(client, service, *pieces, at_once=silent))[0] == 503


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("line", [b"Content-Length : 50", b" folded: yes", b"no colon", b"Transfer-Encoding:\tchunked"])
def test_an_odd_line_is_for_the_parser(client: TestClient, service: Service, line: bytes):
    """It may hide a body, which would then be taken for a request."""

    def not_refused(written: bytes) -> None:
        assert not written.startswith(b"HTTP/1.1 503")

    talk(client, service, PLAIN.replace(b"Host: x", b"Host: x\r\n" + line), at_once=not_refused)


def test_an_open_gate_lets_everything_pass(client: TestClient, service: Service):
    """The door counts what is on its way."""

    def counted(written: bytes) -> None:
        assert written == b""
        assert service.gate._expected == 1

    assert read(talk(client, service, PLAIN, at_once=counted))[0] == 200


@pytest.mark.parametrize(
    ("request_line", "connection", "writes"),
    [
        pytest.param(b"GET /healthz", b"keep-alive", 1, id="body"),
        pytest.param(b"GET /healthz", b"close", 1, id="body, close"),
        pytest.param(b"HEAD /openapi.json", b"keep-alive", 1, id="no body"),
        pytest.param(b"HEAD /openapi.json", b"close", 1, id="no body, close"),
        pytest.param(b"GET /nowhere", b"keep-alive", 2, id="an error"),
    ],
)
def test_head_and_body_of_an_answer_are_one_write(
    client: TestClient, service: Service, request_line: bytes, connection: bytes, writes: int
):
    """What says that something went wrong goes out as it comes; a head without a body is not kept."""
    wire = Wire()
    piece = request_line + b" HTTP/1.1\r\nHost: x\r\nConnection: " + connection + b"\r\n\r\n"
    status, headers, body = read(talk(client, service, piece, at_once=lambda _written: None, wire=wire))
    assert status == (404 if writes == 2 else 200)
    assert len(body) == (0 if request_line.startswith(b"HEAD") else int(headers["content-length"]))
    assert wire.writes == writes


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(PLAIN[:-2] + b"X: ", id="head"),
        pytest.param(PLAIN.replace(b"GET", b"POST")[:-2] + b"Content-Length: %d\r\n\r\n" % len(PLAIN), id="body"),
    ],
)
def test_a_request_that_is_not_read_to_its_end_is_no_idle_connection(
    client: TestClient, service: Service, begun: bytes
):
    """What follows its first bytes belongs to it, and is not taken for a request by itself."""

    def silent(written: bytes) -> None:
        assert written == b""

    written = talk(client, service, begun, PLAIN, at_once=silent)
    assert written.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([PLAIN[:-2] + b"X: ", b"y" * MAX_HEAD], id="header"),
        pytest.param([b"GET /v1/search?q=", *[b"y" * 1024] * 64], id="address"),
        pytest.param([b"GET /v1/search?q=" + b"y" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"], id="whole address"),
    ],
)
def test_a_head_without_an_end_is_not_read_on(client: TestClient, service: Service, pieces: list[bytes]):
    """Memory is not the client's to fill; told as every other error is."""

    def refused(written: bytes) -> None:
        status, headers, body = read(written)
        assert (status, headers["content-type"], headers["connection"]) == (400, "application/json", "close")
        assert (written.count(b"HTTP/1.1 "), int(headers["content-length"])) == (1, len(body))
        error = json.loads(body)["error"]
        assert (error["code"], error["field"]) == ("bad_request", None)
        assert "send less than 65536 bytes" in error["message"]

    talk(client, service, *pieces, at_once=refused)


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
def test_another_protocol_is_not_spoken(
    client: TestClient, service: Service, caplog: pytest.LogCaptureFixture, protocol: bytes
):
    """Who asks for one is answered in this one, and the log says nothing: anybody can ask."""
    asked = b"GET /v1/search?q=password HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n" % protocol
    answer = talk(client, service, asked, at_once=lambda _written: None)
    assert answer.startswith(b"HTTP/1.1 200 ")
    # Other tests may have left the access log on; the service has none.
    assert not [record for record in caplog.records if record.name == "uvicorn.error"]


def test_what_is_no_request_is_refused_in_the_same_shape(client: TestClient, service: Service):
    """Whatever the parser says of it."""

    def refused(written: bytes) -> None:
        assert json.loads(read(written)[2])["error"]["message"] == "Invalid HTTP request received."

    talk(client, service, b"\x16\x03\x01\x02\x00 hello\r\n\r\n", at_once=refused)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"%s: y\r\n" % (b"x" * 60)] * (MAX_HEAD // 64), id="many"),
        pytest.param([b"X: ", b"y" * MAX_HEAD], id="one"),
    ],
)
def test_trailers_without_an_end_are_not_read_on(client: TestClient, service: Service, pieces: list[bytes]):
    """They are headers that come after the body; where the answer has begun, the connection is closed."""

    def refused(written: bytes) -> None:
        assert read(written)[0] == 400

    talk(client, service, CHUNKED + b"0\r\n", *pieces, at_once=refused)
    wire = Wire()
    unread = CHUNKED.replace(b"/v1/search", b"/nowhere") + b"0\r\n"
    written = talk(client, service, unread, at_once=lambda _: None, wire=wire, later=b"".join(pieces))
    assert (read(written)[0], written.count(b"HTTP/1.1 "), wire.closed) == (404, 1, True)


def test_trailers_are_no_headers(client: TestClient, service: Service):
    """Whatever stands there, the request is what its head says."""
    piece = CHUNKED + b"0\r\nX-Kbsearch-Key: nonsense\r\n\r\n"
    assert read(talk(client, service, piece, at_once=lambda _: None))[0] == 200


def test_a_body_is_not_taken_for_trailers(client: TestClient, service: Service):
    """However large its pieces are, and wherever they end."""
    head = CHUNKED.partition(b"\r\n\r\n")[0].replace(b"/v1/search", b"/v1/events") + b"\r\n\r\n"
    large = b"%x\r\n%s\r\n2\r\n" % (2 * MAX_HEAD, b" " * (2 * MAX_HEAD))
    assert read(talk(client, service, head, large, b"[]\r\n0\r\n\r\n", at_once=lambda _: None))[0] == 422


@pytest.mark.parametrize("path", ["/v1/search", "/v1/events", "/v1/handover", "/ticket"])
def test_a_client_that_goes_away_is_no_failure(
    client: TestClient, service: Service, caplog: pytest.LogCaptureFixture, path: str
):
    """In the middle of a body: no traceback, and no 500 in the metrics."""
    wire = Wire()

    def leave(written: bytes) -> None:
        assert written == b""
        wire.closed = True

    head = f'POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"q":'.encode()
    assert talk(client, service, head, at_once=leave, wire=wire) == b""
    assert caplog.records == []
    assert f'kbsearch_requests_total{{method="POST",route="{path}",status="499"}} 1.0' in client.get("/metrics").text


def test_heads_are_measured_one_by_one(client: TestClient, service: Service):
    """A connection may send as much as it likes in many requests."""
    long = PLAIN.replace(b"User-Agent: ", b"User-Agent: " + b"y" * (MAX_HEAD // 2))
    written = talk(
        client, service, *[half for _ in range(3) for half in (long[:-3], long[-3:])], at_once=lambda _: None
    )
    assert written.count(b"HTTP/1.1 200 ") == 3


def test_an_address_that_is_not_ours_is_named():
    """With what the system says of it, and what to do; so is a name that nobody knows."""
    with pytest.raises(KbsearchError, match=r"not start on 192\.0\.2\.1:1: .+; choose another --host"):
        listen("192.0.2.1", 1)


def test_an_answer_to_a_worker_waits_for_no_acknowledgement():
    """What comes in by the workers' socket is sent as it is written: head and body are two writes."""

    async def accept() -> int:
        accepted: asyncio.Future[asyncio.BaseTransport] = asyncio.get_running_loop().create_future()

        class Accepting(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                accepted.set_result(transport)

        with listen("127.0.0.1", 0) as listener:
            server = await asyncio.get_running_loop().create_server(Accepting, sock=listener)
            async with server:
                _, writer = await asyncio.open_connection(*listener.getsockname())
                transport = await accepted
                without_delay: int = transport.get_extra_info("socket").getsockopt(IPPROTO_TCP, TCP_NODELAY)
                transport.close()
                writer.close()
                await writer.wait_closed()
                return without_delay

    assert asyncio.run(accept()) == 1


def test_a_service_ends_that_is_told_to_while_its_workers_start():
    """Those that were there end, and no other is started."""
    told = subprocess.run([sys.executable, "-c", TOLD_WHILE_FORKING], capture_output=True, timeout=20, check=True)
    assert told.stderr == b""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process that is not the first inherit others")
def test_what_a_worker_leaves_behind_is_no_worker():
    """Its end neither ends the service nor starts a worker."""
    told = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, timeout=20, check=True)
    assert told.stderr == b""
