"""Several workers as real processes: what holds them together, and what they let go of."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kbsearch.bench.memory import memory_of
from kbsearch.bench.server import serving
from kbsearch.errors import KbsearchError
from kbsearch.service.listener import listen


@pytest.fixture
def index(handmade_index: Path, tmp_path: Path) -> Path:
    """A copy that a test may write to."""
    return Path(shutil.copytree(handmade_index, tmp_path / "index"))


@pytest.fixture
def _hangs_up() -> Iterator[None]:
    """SIGHUP ends what is started meanwhile, also where these tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.usefixtures("_hangs_up")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGHUP])
def test_workers_end_with_the_parent(index: Path, end: signal.Signals):
    """However it ended: the address is free for the next start, and nobody serves whom nobody looks after."""
    with serving(index, workers=2) as server:
        workers = set(memory_of(server.pid)) - {server.pid}
        assert len(workers) == 2
        os.kill(server.pid, end)
        eventually(lambda: is_free(server.address))


def is_free(address: tuple[str, int]) -> bool:
    """Whether a service could start there."""
    try:
        listen(*address).close()
    except KbsearchError:
        return False
    return True
