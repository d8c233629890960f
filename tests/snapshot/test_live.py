"""Versions under a real service: go back, prune, kill. No request fails, and nothing that is held is removed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest

import indexer.cli
from kbsearch.bench.memory import memory_of
from kbsearch.bench.server import Server, serving
from kbsearch.disk import unless_in_use
from kbsearch.manifest import MANIFEST, publish, published_version
from kbsearch.service.reload import SnapshotHolder, SnapshotSource
from kbsearch.versions import list_snapshots

_RELOADS = 'kbsearch_reloads_total{result="ok"}'


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, write_jsonl: Callable[..., Path]) -> Path:
    """Three versions, each published in its turn."""
    folder = tmp_path_factory.mktemp("live")
    rows = [
        {"id": f"a{number}.en", "title": f"Parcel {number}", "body": "Where the parcel is.", "lang": "en"}
        for number in range(3)
    ]
    for count in (1, 2, 3):
        source = write_jsonl(folder / "source.jsonl", rows[:count])
        arguments = ["update", str(source), "--out", str(folder / "index"), "--model", "hashing"]
        assert indexer.cli.main(arguments) == 0
    return folder / "index"


@pytest.fixture
def index(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "index"))


def names(index: Path) -> list[str]:
    """Versions, newest first."""
    return [entry.version for entry in list_snapshots(index)]


@contextmanager
def customers(server: Server, count: int = 3) -> Iterator[list[tuple[int, str]]]:
    """Clients that search again as soon as they are answered; yields (status, version) of every answer."""
    seen: list[tuple[int, str]] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url="http://{}:{}".format(*server.address)) as client:
            while not stop.is_set():
                answer = client.get("/v1/search", params={"q": "parcel"})
                seen.append((answer.status_code, answer.json().get("snapshot", "")))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
def test_going_back_under_load_fails_no_request(index: Path) -> None:
    """Back, and back again, while customers search: each answer is whole, of one of the versions."""
    newest, middle, oldest = names(index)
    with serving(index, environment={"KBSEARCH_POLL": "0.02"}) as server, customers(server) as seen:
        eventually(lambda: bool(seen))
        for version in (middle, oldest):
            assert indexer.cli.main(["rollback", str(index)]) == 0
            assert published_version(index) == version
            eventually(lambda wanted=version: seen[-1][1] == wanted)
    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} == {newest, middle, oldest}


@pytest.mark.slow
def test_what_a_service_holds_is_not_pruned_until_it_ends(index: Path) -> None:
    """However it ends: the lock is the kernel's, so a killed service holds nothing."""
    newest, _middle, oldest = names(index)
    with serving(index, environment={"KBSEARCH_POLL": "0.02"}) as server:
        indexer.cli.main(["rollback", str(index), oldest])
        with customers(server, 1) as seen:
            eventually(lambda: bool(seen) and seen[-1][1] == oldest)
        # It serves the oldest, and keeps the one before open.
        assert indexer.cli.main(["prune", str(index), "--keep", "1"]) == 0
        assert names(index) == [newest, oldest]
        indexer.cli.main(["rollback", str(index), newest])
        os.kill(server.pid, signal.SIGKILL)
        eventually(lambda: _free(index / oldest))
    assert indexer.cli.main(["prune", str(index), "--keep", "1"]) == 0
    assert names(index) == [newest]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_the_version_of_the_start_is_let_go_as_any_other(index: Path, workers: int) -> None:
    """By the process that opened it as well, which serves nothing where there are several."""
    newest, middle, oldest = names(index)
    publish(index, oldest)
    with serving(index, workers=workers, environment={"KBSEARCH_POLL": "0.02"}) as server:
        for count, version in enumerate((middle, newest), start=1):
            publish(index, version)
            eventually(lambda wanted=count * workers: _reloads(server) == wanted)
        eventually(lambda: _free(index / oldest))
        assert not _free(index / middle)


@pytest.mark.slow
def test_a_worker_that_comes_later_opens_what_is_published(index: Path) -> None:
    """Not what was published when the service was started."""
    newest, middle, oldest = names(index)
    publish(index, oldest)
    with serving(index, workers=2, environment={"KBSEARCH_POLL": "0.02"}) as server:
        publish(index, middle)
        eventually(lambda: _reloads(server) == 2)
        publish(index, newest)
        eventually(lambda: _reloads(server) == 4)
        killed, kept = sorted(set(memory_of(server.pid)) - {server.pid})
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: len(set(memory_of(server.pid)) - {server.pid, killed, kept}) == 1)
        with customers(server) as seen:
            eventually(lambda: len(seen) > 50)
        assert set(seen) == {(200, newest)}
        eventually(lambda: _free(index / oldest))


def _reloads(server: Server) -> int:
    """How often a worker has changed over."""
    text = httpx.get("http://{}:{}/metrics".format(*server.address)).text
    return sum(int(float(line.split()[1])) for line in text.splitlines() if line.startswith(_RELOADS))


def _free(version: Path) -> bool:
    with unless_in_use(version / MANIFEST) as free:
        return free


def test_going_back_loads_no_search_library() -> None:
    """The command that is needed in a hurry starts at once."""
    code = "import indexer.cli, sys; print({'numpy', 'faiss', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


class Opened:
    """An engine that only has a version."""

    def __init__(self, snapshot: str) -> None:
        self.snapshot = snapshot


def test_the_version_before_is_gone_back_to_without_opening_it(tmp_path: Path) -> None:
    """So that it takes as long for a hundred thousand articles as for three."""
    opened: list[str] = []

    def open_published(directory: Path) -> Opened:
        opened.append((directory / "CURRENT").read_text())
        return Opened(opened[-1])

    source = SnapshotSource(published=lambda directory: (directory / "CURRENT").read_text(), open=open_published)
    (tmp_path / "CURRENT").write_text("one")
    holder = SnapshotHolder(tmp_path, source, poll_seconds=0.01)
    holder.start()
    try:
        for version in ("one", "two", "one", "two", "three", "one"):
            (tmp_path / "new").write_text(version)
            (tmp_path / "new").replace(tmp_path / "CURRENT")
            eventually(lambda wanted=version: holder.snapshot == wanted)
    finally:
        holder.stop()
    assert opened == ["one", "two", "three", "one"]
