"""A build at a bounded share of the machine: the arithmetic by hand, and a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import orjson
import pytest

import indexer.cli
from indexer.pipeline import build
from indexer.share import Sparing, stay_within
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.embed.protocol import Vectors
from kbsearch.errors import UsageError
from kbsearch.manifest import published_version, read_manifest


class Machine:
    """Time that passes only while somebody works or sleeps."""

    def __init__(self) -> None:
        self.clock = self.used = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += seconds


class Busy(HashingEmbedder):
    """Keeps some cores busy for some seconds a batch."""

    def __init__(self, machine: Machine, seconds: float, cores: float) -> None:
        self._machine, self._seconds, self._cores = machine, seconds, cores

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self._machine.clock += self._seconds
        self._machine.used += self._seconds * self._cores
        return super().encode_passages(texts)


@pytest.mark.parametrize(
    ("busy", "allowed", "pause"),
    [(4.0, 1.0, 6.0), (4.0, 2.0, 2.0), (1.0, 0.5, 2.0), (1.0, 0.25, 6.0), (1.0, 1.0, 0.0), (0.5, 1.0, 0.0)],
)
def test_pauses_bring_the_average_down_to_what_is_allowed(busy: float, allowed: float, pause: float) -> None:
    """Two seconds of `busy` cores, then a pause: used / (2 + pause) = allowed. No pause where less was used."""
    machine = Machine()
    sparing = Sparing(Busy(machine, 2.0, busy), allowed, lambda: machine.clock, lambda: machine.used, machine.sleep)
    vectors = sparing.encode_passages(["one text", "another"])
    np.testing.assert_array_equal(vectors, HashingEmbedder().encode_passages(["one text", "another"]))
    assert sum(machine.slept) == pytest.approx(pause)
    assert machine.used / machine.clock <= allowed + 1e-9


def test_a_bounded_build_gives_the_same_bytes(tmp_path: Path, write_jsonl: Callable[..., Path]) -> None:
    """Later, not otherwise."""
    rows = [{"id": str(number), "title": f"Title {number}", "body": "Some text."} for number in range(30)]
    source = write_jsonl(tmp_path / "s.jsonl", rows)
    files = []
    for name, cores in (("all", None), ("few", 0.5)):
        build([source], tmp_path / name, embedder=HashingEmbedder(), cores=cores)
        files.append(read_manifest(tmp_path / name / published_version(tmp_path / name))["files"])
    assert files[0] == files[1]


def test_the_process_keeps_to_its_cores_at_low_priority() -> None:
    """And so do those that it starts; half of the cores, rounded up."""
    code = (
        "import os, json, subprocess, sys\n"
        "from indexer.share import stay_within\n"
        "allowed = stay_within(0.5)\n"
        "child = [sys.executable, '-c', 'import os; print(len(os.sched_getaffinity(0)), os.nice(0))']\n"
        "told = subprocess.run(child, capture_output=True, text=True, check=True).stdout.split()\n"
        "print(json.dumps([allowed, len(os.sched_getaffinity(0)), os.nice(0), *map(int, told)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    allowed, cores, nice, child_cores, child_nice = orjson.loads(done.stdout)
    mine = len(os.sched_getaffinity(0))
    assert allowed == mine / 2
    assert cores == child_cores == -(-mine // 2)
    assert nice == child_nice == min(19, os.nice(0) + 10)


@pytest.mark.parametrize("share", [0.0, -0.5, 1.01, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    """Before anything is changed."""
    before = os.sched_getaffinity(0)
    with pytest.raises(UsageError, match="is no share"):
        stay_within(share)
    assert os.sched_getaffinity(0) == before


def test_the_command_refuses_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a sentence."""
    assert indexer.cli.main(["build", str(tmp_path), "--out", str(tmp_path / "i"), "--cpu-share", "0"]) == 2
    assert "--cpu-share 0.0 is no share" in capsys.readouterr().err
