"""Following CURRENT: in one process, and under load over a real server."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx2 as httpx
import pytest
import uvicorn
from service_fake import ARTICLES, FakeEngine, fake_source

from kbsearch.events.sqlite import SqliteStore
from kbsearch.service import gate
from kbsearch.service.app import create_app
from kbsearch.service.settings import Settings


def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


def publish(directory: Path, version: str) -> None:
    """Replace CURRENT at once, as the indexer does."""
    (directory / "CURRENT.new").write_text(version)
    (directory / "CURRENT.new").replace(directory / "CURRENT")


def test_not_ready_until_something_is_published(make_client: Any, tmp_path: Path) -> None:
    """Alive all the while; why, which names places of this machine, is for the log."""
    with make_client(engine=None, published=False) as client:
        assert client.get("/healthz").status_code == 200
        eventually(lambda: client.get("/readyz").json()["error"] is not None)
        response = client.get("/readyz")
        assert (response.status_code, response.json()["ready"], response.json()["snapshot"]) == (503, False, None)
        # Balancers that ask for the head alone.
        assert [client.head(path).status_code for path in ("/healthz", "/readyz")] == [200, 503]
        assert response.json()["error"] == "no version of the index could be opened; the service's log says why"
        refused = client.get("/v1/search?q=password")
        assert (
            refused.status_code,
            refused.json()["error"]["code"],
            refused.headers["retry-after"],
        ) == (503, "not_ready", "1")
        assert "kbsearch_ready 0.0" in client.get("/metrics").text
        publish(tmp_path / "index", "v1")
        eventually(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/readyz").json() == {"ready": True, "snapshot": "v1", "error": None}


def test_a_new_snapshot_takes_over_and_a_broken_one_does_not(
    make_client: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The old one goes on; that it does is visible, why is in the log, and all is well when a good one is published."""
    with make_client() as client:
        assert client.get("/v1/search?q=password").json()["snapshot"] == "v1"
        publish(tmp_path / "index", "v2")
        eventually(lambda: client.get("/v1/search?q=password").json()["snapshot"] == "v2")
        publish(tmp_path / "index", "broken")
        eventually(lambda: client.get("/readyz").json()["error"] is not None)
        answer = client.get("/readyz").json()
        assert (answer["ready"], answer["snapshot"]) == (True, "v2")
        assert answer["error"] == "a newer version of the index could not be opened; the service's log says why"
        assert "cut short" in caplog.text
        text = client.get("/metrics").text
        assert 'kbsearch_reloads_total{result="ok"} 1.0' in text
        assert 'kbsearch_reloads_total{result="failed"} 1.0' in text
        assert "kbsearch_reload_failing 1.0" in text
        assert 'kbsearch_snapshot_info{snapshot="v2"} 1.0' in text
        publish(tmp_path / "index", "v3")
        eventually(lambda: client.get("/readyz").json() == {"ready": True, "snapshot": "v3", "error": None})


def test_metrics_count_requests_by_route(client: Any) -> None:
    """By pattern, not by path; searches by decision; facts written."""
    client.get("/v1/search?q=password")
    client.get("/v1/documents/reset-password.en")
    client.get("/v1/documents/nothing")
    client.get("/nowhere/7")
    assert client.app.state.service.buffer.flush()
    text = client.get("/metrics").text
    for line in (
        'kbsearch_requests_total{method="GET",route="/v1/search",status="200"} 1.0',
        'kbsearch_requests_total{method="GET",route="/v1/documents/{document_id:path}",status="404"} 1.0',
        'kbsearch_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'kbsearch_request_seconds_count{route="/v1/search"} 1.0',
        'kbsearch_decisions_total{action="answer",lang="en"} 1.0',
        "kbsearch_events_dropped_total 0.0",
    ):
        assert line in text
    eventually(lambda: "kbsearch_events_written_total 1.0" in client.get("/metrics").text)


def test_a_made_up_method_is_no_label(client: Any) -> None:
    """Anyone can send any word there; each would stay in Prometheus for ever."""
    for number in range(3):
        client.request(f"M{number}", "/v1/search")
    text = client.get("/metrics").text
    assert 'method="M' not in text
    assert 'kbsearch_requests_total{method="other",route="/v1/search",status="405"} 3.0' in text


class Server:
    """A real server in a thread, on a free port."""

    def __init__(self, directory: Path, delay: float = 0.0) -> None:
        directory.mkdir()
        publish(directory, "v1")
        self.app = create_app(
            Settings(index=directory, poll=0.02),
            source=fake_source(delay=delay),
            engine=FakeEngine("v1", ARTICLES, delay),
        )
        config = uvicorn.Config(self.app, port=0, access_log=False, log_level="warning", timeout_graceful_shutdown=10)
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run)

    def __enter__(self) -> Server:
        self._thread.start()
        eventually(lambda: self._server.started)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop as SIGTERM does, and wait."""
        self._server.should_exit = True
        self._thread.join()


def test_snapshots_change_under_load_without_a_failed_request(tmp_path: Path) -> None:
    """Ten versions while four clients search; each answer is whole and of one version, none is refused."""
    seen: list[tuple[int, str]] = []
    stop = Event()
    with Server(tmp_path / "index", delay=0.001) as server:

        def ask() -> None:
            with httpx.Client(base_url=server.url) as client:
                while not stop.is_set():
                    response = client.get("/v1/search", params={"q": "password"})
                    seen.append((response.status_code, response.json().get("snapshot", response.text)))

        clients = [Thread(target=ask) for _ in range(4)]
        for thread in clients:
            thread.start()
        with httpx.Client(base_url=server.url) as client:
            for number in range(2, 12):
                publish(tmp_path / "index", f"v{number}")
                eventually(lambda version=f"v{number}": client.get("/readyz").json()["snapshot"] == version)
        stop.set()
        for thread in clients:
            thread.join()
    assert {200} == {status for status, _ in seen}
    assert {snapshot for _, snapshot in seen} <= {f"v{number}" for number in range(1, 12)}
    assert len(seen) > 10


@pytest.mark.parametrize("searches", [25])
def test_shutdown_answers_what_runs_and_keeps_what_was_said(
    tmp_path: Path, searches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests under way are answered; every search that was answered is in the store."""
    # Clients that a busy machine starts one by one, for seconds, are no overload here.
    monkeypatch.setattr(gate, "INTERVAL", 60.0)
    answers: list[httpx.Response] = []
    server = Server(tmp_path / "index", delay=0.05)
    with server:

        def ask(number: int) -> None:
            answers.append(httpx.get(f"{server.url}/v1/search", params={"q": "password", "session": f"s{number}"}))

        clients = [Thread(target=ask, args=(number,)) for number in range(searches)]
        for thread in clients:
            thread.start()
        eventually(lambda: server.app.state.service.gate.inside == searches or len(answers) == searches)
        server.stop()
        for thread in clients:
            thread.join()
    assert [200] * searches == [response.status_code for response in answers]

    store = SqliteStore(tmp_path / "index" / "events.db")
    assert {response.json()["query_id"] for response in answers} == {record.query_id for record in store.searches()}
    store.close()
