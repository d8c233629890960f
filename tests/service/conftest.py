"""A service over the fake engine, and small helpers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_fake import SECRET, FakeEngine, fake_source

from kbsearch.service.app import create_app
from kbsearch.service.context import Service
from kbsearch.service.settings import Settings

MakeClient = Callable[..., AbstractContextManager[TestClient]]


@contextmanager
def running(directory: Path, **changes: Any) -> Iterator[TestClient]:
    """Run the application over `directory`, which gets a CURRENT unless `published` is False."""
    directory.mkdir(exist_ok=True)
    if changes.pop("published", True):
        (directory / "CURRENT").write_text("v1")
    engine = changes.pop("engine", FakeEngine())
    source = changes.pop("source", fake_source())
    settings = Settings(**{"index": directory, "secret": SECRET, "poll": 0.02, **changes})
    with TestClient(create_app(settings, source=source, engine=engine), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def make_client(tmp_path: Path) -> MakeClient:
    """Return a way to run the application with other settings."""
    return lambda **changes: running(tmp_path / "index", **changes)


@pytest.fixture
def client(make_client: MakeClient) -> Iterator[TestClient]:
    """A client of the application with defaults."""
    with make_client() as started:
        yield started


@pytest.fixture
def service(client: TestClient) -> Service:
    """The parts of the application that `client` talks to, for reading what was stored."""
    parts: Service = client.app.state.service  # type: ignore[attr-defined]
    return parts
