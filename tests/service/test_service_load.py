"""Real servers under load: memory of several workers, a snapshot published meanwhile, more asked than can be done.

Bounds are generous, since other programs may be at work on the machine; benchmarks/load.py measures them closely.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from threading import Timer

import orjson
import pytest

from indexer.pipeline import build
from kbsearch.bench.load import closed_loop, get, open_loop, poisson
from kbsearch.bench.memory import memory_of
from kbsearch.bench.server import serving
from kbsearch.snapshot import publish, published_version

SAMPLE = Path(__file__).resolve().parents[2] / "sample_kb"
UNCACHED = {"KBSEARCH_CACHE": "0"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample help centre with the bundled model: what a customer's server holds."""
    folder = tmp_path_factory.mktemp("load") / "index"
    build([SAMPLE], folder)
    return folder


@pytest.fixture(scope="module")
def questions() -> list[bytes]:
    lines = (SAMPLE / "questions.jsonl").read_bytes().splitlines()
    return [get("/v1/search", q=row["query"], lang=row["lang"]) for row in map(orjson.loads, lines)]


def test_workers_share_their_memory(index: Path, questions: list[bytes]):
    """Three take at most what one takes and 15 % of it each."""
    taken = {}
    for workers in (1, 3):
        with serving(index, workers=workers, environment=UNCACHED) as server:
            closed_loop(server.address, questions, 6, 3.0)
            processes = memory_of(server.pid)
            # With several, the parent is a process as well, and counts.
            assert len(processes) == (1 if workers == 1 else workers + 1)
            taken[workers] = sum(memory.proportional for memory in processes.values())
    assert taken[3] <= taken[1] * (1 + 0.15 * 3)


def test_a_snapshot_swaps_all_workers_under_load(index: Path, questions: list[bytes], tmp_path: Path):
    """Within two seconds, no request fails, and none waits for the new one to be opened."""
    old = published_version(index)
    changed = tmp_path / "more.jsonl"
    changed.write_text('{"id": "new.en", "lang": "en", "title": "A new article", "body": "Just written."}\n')
    build([SAMPLE, changed], index)
    new = published_version(index)
    publish(index, old)
    with serving(index, workers=2, environment=UNCACHED) as server:
        closed_loop(server.address, questions, 4, 1.0)
        at = 2.0
        timer = Timer(at, publish, (index, new))
        timer.start()
        shots = open_loop(server.address, questions, poisson(60, 6.0), 16)
        timer.join()
    assert {shot.status for shot in shots} == {200}
    served = [(shot, orjson.loads(shot.body)["snapshot"]) for shot in shots]
    assert {snapshot for _, snapshot in served} == {old, new}
    # The load starts a little after the timer, so the new one may be there a little earlier on this clock.
    assert {snapshot for shot, snapshot in served if shot.sent > at + 2.0} == {new}
    swap = [shot for shot, _ in served if at - 0.5 < shot.due < at + 2.5]
    assert max(shot.seconds for shot in swap) < 0.5


def test_overload_is_refused_and_passes(index: Path, questions: list[bytes]):
    """Asked five times what it can do, it answers a part, refuses the rest, and recovers.

    How long the answered ones take is no matter for a test: benchmarks/load.py measures it.
    """
    with serving(index, environment=UNCACHED) as server:
        closed_loop(server.address, questions, 4, 2.0)
        steady = closed_loop(server.address, questions, 4, 2.0)
        rate = len(steady) / 2.0
        calm = open_loop(server.address, questions, poisson(rate / 5, 3.0), 32)
        flood = open_loop(server.address, questions, poisson(5 * rate, 3.0), 256)
        after = open_loop(server.address, questions, poisson(rate / 5, 4.0), 32)
    assert {shot.status for shot in calm} == {200}
    assert {shot.status for shot in flood} == {200, 503}
    refused = next(shot for shot in flood if shot.status == 503)
    assert orjson.loads(refused.body)["error"]["code"] == "overloaded"
    assert {shot.status for shot in after if shot.due > 2.0} == {200}


def test_a_worker_that_dies_is_replaced(index: Path, questions: list[bytes]):
    """The others answer meanwhile."""
    with serving(index, workers=2, environment=UNCACHED) as server:
        before = set(memory_of(server.pid)) - {server.pid}
        os.kill(min(before), signal.SIGKILL)
        shots = open_loop(server.address, questions, poisson(30, 2.0), 4)
        assert {shot.status for shot in shots} == {200}
        deadline = time.monotonic() + 20
        while len(now := set(memory_of(server.pid)) - {server.pid}) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert now - before
