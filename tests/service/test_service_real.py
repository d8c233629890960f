"""The service over the real engine: what the fake cannot show."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2 as httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient
from service_fake import SECRET

from kbsearch.errors import KbsearchError, SnapshotError
from kbsearch.events.sqlite import SqliteStore
from kbsearch.service.app import create_app, serve
from kbsearch.service.security import make_key
from kbsearch.service.settings import Settings
from kbsearch.service.shapes import SearchAnswer
from kbsearch.snapshot import published_version


@pytest.fixture
def index(handmade_index: Path, tmp_path: Path) -> Path:
    """A copy that a test may write to."""
    return Path(shutil.copytree(handmade_index, tmp_path / "index"))


@pytest.fixture
def real(index: Path) -> Iterator[TestClient]:
    """A client of the service over it, ready."""
    with TestClient(create_app(Settings(index=index, secret=SECRET, poll=0.02))) as client:
        wait_until_ready(client)
        yield client


def wait_until_ready(client: TestClient | httpx.Client, seconds: float = 60) -> None:
    """Poll /readyz as an orchestrator does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("q", "lang", "first"),
    [
        ("reset password", "en", "reset-password.en"),
        ("ka atjaunot paroli", "lv", "reset-password.lv"),
        ("kaip pakeisti slaptazodi", "lt", "reset-password.lt"),
        ("reset password", "lv-LV", "reset-password.lv"),
    ],
)
def test_each_language_is_answered(real: TestClient, q: str, lang: str, first: str) -> None:
    """In the contract's shape."""
    answer = real.get("/v1/search", params={"q": q, "lang": lang, "explain": "true"}).json()
    SearchAnswer.model_validate(answer)
    group = {hit["group"] for hit in answer["hits"][:1]}
    assert {first.partition(".")[0]} == group
    assert real.get(f"/v1/documents/{answer['hits'][0]['id']}").json()["html"].startswith("<")
    assert real.get("/", params={"q": q, "lang": lang[:2]}).status_code == 200


def test_filters_reach_the_engine(real: TestClient) -> None:
    """As an expression and as an object."""
    everything = real.get("/v1/search", params={"q": "order shipping"}).json()["found"]
    one = real.get("/v1/search", params={"q": "order shipping", "filter": "type:faq AND lang:en"}).json()
    two = real.post("/v1/search", json={"q": "order shipping", "filter": {"type": "faq", "lang": ["en"]}}).json()
    assert 0 < one["found"] == two["found"] < everything


@pytest.mark.parametrize("word", ["zircon", "obsidian", "velvet"])
def test_private_words_are_nowhere_without_a_key(real: TestClient, word: str) -> None:
    """Not in hits, facets, suggestions or spelling help; with a key they are."""
    params = {"q": f"{word} ledger level", "filter": ""}
    public = real.get("/v1/search", params=params).json()
    assert word not in str({**public, "q": ""})
    assert "Internal" not in str(public)
    assert word not in str(real.get("/v1/search", params={"q": word[:-1] + "m"}).json()["did_you_mean"])
    key = make_key(SECRET, ["agent", "customer"], [], timedelta(hours=1), "desk")
    seen = real.get("/v1/search", params=params, headers={"X-Kbsearch-Key": key}).json()
    assert any(word in hit["snippet"].lower() for hit in seen["hits"])


def test_serve_refuses_what_it_cannot_open(tmp_path: Path, index: Path) -> None:
    """Before it listens, with the engine's sentence; nothing is written beside a missing index."""
    with pytest.raises(SnapshotError):
        serve(Settings(index=tmp_path / "nothing"), pytest.fail)
    assert not (tmp_path / "nothing").exists()
    snapshot = index / published_version(index)
    passages = max((path for path in snapshot.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    passages.write_bytes(passages.read_bytes()[:-10])
    with pytest.raises(SnapshotError):
        serve(Settings(index=index), pytest.fail)


def test_idle_connections_outlive_those_who_reuse_them(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn's five seconds are also those of common clients, whose next request would meet a closing connection."""
    kept = []

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        kept.append(server.config.timeout_keep_alive)
        server.started = bool(sockets)

    monkeypatch.setattr("uvicorn.Server.run", run)
    serve(Settings(index=index, port=0), lambda _url: None)
    assert kept == [75]


def test_a_service_that_does_not_start_says_so(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was that failed has been logged by the server."""
    monkeypatch.setattr("uvicorn.Server.run", lambda _server, sockets: None)
    with pytest.raises(KbsearchError, match="could not start, for the reason logged above"):
        serve(Settings(index=index, port=0), lambda _url: None)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_the_command_serves_and_stops_without_losing_events(index: Path, workers: int) -> None:
    """A process, SIGTERM, and the store read afterwards; with two workers one scrape sees the work of both."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "KBSEARCH_INDEX": str(index), "KBSEARCH_WORKERS": str(workers)}
    code = (
        "from kbsearch.service.app import serve; from kbsearch.service.settings import read_settings; "
        "serve(read_settings(), print)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**environment, "KBSEARCH_PORT": str(port)}, stderr=subprocess.PIPE, text=True
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until_ready(client)
            ids = []
            for _ in range(20):
                with httpx.Client(base_url=client.base_url, timeout=30) as other:
                    ids.append(other.get("/v1/search", params={"q": "reset password"}).json()["query_id"])
            metrics = client.get("/metrics").text
            assert 'kbsearch_requests_total{method="GET",route="/v1/search",status="200"} 20.0' in metrics
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    assert "Traceback" not in log
    store = SqliteStore(index / "events.db")
    records = list(store.searches())
    store.close()
    assert sorted(ids) == sorted(record.query_id for record in records)
    assert len({record.client_id for record in records}) == 1
