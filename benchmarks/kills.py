"""Builds and updates killed at random moments beside a service that must not notice → results/kills.md.

python -m benchmarks.kills                200 kills
python -m benchmarks.kills --kills 10

A service answers a customer who searches without pause. Meanwhile articles change, and builds and updates of them,
drawn by chance, are killed (SIGKILL): in a stage drawn by chance, at a moment drawn evenly from the processor time that
an undisturbed run spends in it. Some runs are let be. After every kill the published version is verified; at the end
every version is, and the last one is compared with an undisturbed build. Ctrl-C ends the killing early.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import httpx2 as httpx
import orjson

from benchmarks.report import RESULTS, stamp, table, write_result
from indexer.pipeline import build
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.errors import SnapshotError
from kbsearch.manifest import MANIFEST, published_version, read_manifest, verify_snapshot
from kbsearch.versions import LOCK, list_snapshots, prune

ARTICLES = 1_050
"""More than one batch, so that there are processes to kill the parent of."""
COMMANDS = ("build", "update")
STAGES = ("starting", "reading and embedding", "writing", "publishing and tidying")
LET_BE = 0.1
"""Of the runs: so that there is something new to serve."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, metavar="N")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    measured = stamp(f"python -m benchmarks.kills --kills {options.kills}")
    with tempfile.TemporaryDirectory() as folder:
        figures = torture(Path(folder), options.kills)
    rows = [[name.replace("_", " "), value] for name, value in figures.items()]
    text = (
        f"{ARTICLES:,} articles, a tenth of them changed each time; builds and updates killed at random moments of "
        "every stage while a service answered one search after the other."
    )
    page = "\n\n".join(["# Killed builds and updates", measured.line(), text, table(["", "count"], rows)])
    write_result("kills", page, figures, measured, options.out)
    print(page)
    if figures["failed_requests"] or figures["damaged_versions"] or not figures["equals_undisturbed_build"]:
        raise SystemExit("something was hurt")


def torture(folder: Path, kills: int, seed: int = 8) -> dict[str, Any]:
    """Kill so many runs; what happened, in numbers."""
    index, source = folder / "index", folder / "articles.jsonl"
    chance = random.Random(seed)
    figures: dict[str, Any] = {"kills": 0, "of_builds": 0, "of_updates": 0, "runs_that_finished": 0}
    figures |= {f"killed_while_{stage}": 0 for stage in STAGES} | {"damaged_versions": 0}
    undisturbed = {}
    for edition, command in enumerate(COMMANDS):
        write(source, edition)
        _, undisturbed[command] = run(command, source, index, None)
        figures["runs_that_finished"] += 1
    with Serving(index) as serving:
        try:
            for edition in itertools.count(len(COMMANDS)):
                write(source, edition)
                command = chance.choice(COMMANDS)
                drawn = chance.choice(STAGES)
                moment = (drawn, chance.uniform(0.0, undisturbed[command][drawn]))
                stage, _ = run(command, source, index, None if chance.random() < LET_BE else moment)
                if stage is None:
                    figures["runs_that_finished"] += 1
                else:
                    figures["kills"] += 1
                    figures[f"of_{command}s"] += 1
                    figures[f"killed_while_{stage}"] += 1
                figures["damaged_versions"] += not is_whole(index / published_version(index))
                prune(index, 2)
                print({name: value for name, value in figures.items() if value}, flush=True)
                if figures["kills"] >= kills:
                    break
        except KeyboardInterrupt:
            print("stopped early", flush=True)
    run("update", source, index, None)
    figures["damaged_versions"] += sum(not is_whole(index / entry.version) for entry in list_snapshots(index))
    build([source], folder / "fresh", embedder=HashingEmbedder())
    same = files_of(index) == files_of(folder / "fresh")
    return figures | {
        "searches_answered": serving.answers,
        "failed_requests": len(serving.failures),
        "versions_the_service_opened": len(serving.versions),
        "equals_undisturbed_build": same,
    }


def run(
    command: str, source: Path, index: Path, moment: tuple[str, float] | None
) -> tuple[str | None, dict[str, float]]:
    """Run a command and kill it in a stage, or as soon as it is over, after so many seconds of processor time in it.

    Returns the stage in which it was killed, None where it came to its end, and the seconds spent in each stage. Raises
    RuntimeError where it fails by itself.
    """
    versions = {path.parent.name for path in index.glob(f"*/{MANIFEST}")}
    process = start(command, source, index)
    stage, began, used = STAGES[0], 0.0, 0.0
    spent = dict.fromkeys(STAGES, 0.0)
    try:
        while process.poll() is None:
            now = stage_of(process.pid, index, versions)
            if now != stage:
                stage, began = now, used
            used = max(used, processor_seconds(process.pid))
            spent[stage] = used - began
            if moment and (STAGES.index(stage), spent[stage]) >= (STAGES.index(moment[0]), moment[1]):
                process.kill()
                break
            time.sleep(0.005)
        _, stderr = process.communicate(timeout=600)
    except KeyboardInterrupt:
        process.kill()
        process.communicate()
        raise
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"exit code {process.returncode}: {stderr.decode()}")
    return stage if process.returncode else None, spent


def stage_of(pid: int, index: Path, versions: Set[str]) -> str:
    """Where a run has got to, by what there is on the disk; `versions` were there before."""
    if {path.parent.name for path in index.glob(f"*/{MANIFEST}") if not path.parent.name.startswith(".")} - versions:
        return STAGES[3]
    if any(index.glob(f".building-*-{pid}")):
        return STAGES[2]
    lock = index / LOCK
    mine = lock.is_file() and lock.read_text(encoding="utf-8").startswith(f"process {pid} ")
    return STAGES[1] if mine else STAGES[0]


def processor_seconds(pid: int) -> float:
    """What a process, its helpers that run and those that ended have used; 0 where it is gone."""
    try:
        helpers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        own = [Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split() for number in (pid, *helpers)]
    except OSError:
        return 0.0
    return sum(int(ticks) for fields in own for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def is_whole(version: Path) -> bool:
    """Whether every file of a version is what was written."""
    try:
        verify_snapshot(version)
    except SnapshotError:
        return False
    return True


def write(path: Path, edition: int) -> None:
    """Articles of which `edition` changes a tenth."""
    rows = [
        {
            "id": f"a{number}",
            "title": f"Article {number}",
            "body": f"How to do thing {number}. " * 12 + (f"Edition {edition}." if number % 10 == edition % 10 else ""),
            "lang": "en",
        }
        for number in range(ARTICLES)
    ]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def start(command: str, source: Path, out: Path) -> subprocess.Popen[bytes]:
    """`kbsearch-index build` or `update`, as from a shell."""
    code = "import sys; from indexer.cli import main; sys.exit(main())"
    arguments = [sys.executable, "-c", code, command, str(source), "--out", str(out), "--model", "hashing", "--json"]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def files_of(root: Path) -> dict[str, Any]:
    """Checksums of the published version's files."""
    files: dict[str, Any] = read_manifest(root / published_version(root))["files"]
    return files


class Serving:
    """A real service over an index, and a customer who searches without pause."""

    def __init__(self, index: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        code = "import sys; from kbsearch.cli import main; sys.exit(main())"
        self._command = [sys.executable, "-c", code, "serve", "--index", str(index), "--port", str(self._port)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._search)
        self.answers = 0
        self.versions: set[str] = set()
        self.failures: list[str] = []

    def __enter__(self) -> Serving:
        environment = {**os.environ, "KBSEARCH_POLL": "0.2", "KBSEARCH_SECRET": "a-secret-of-more-than-32-characters"}
        self._process = subprocess.Popen(
            self._command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=60)
        deadline = time.monotonic() + 180
        while not self._is_ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self._process.kill()
                raise RuntimeError("the service did not start")
            time.sleep(0.1)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()
        self._process.terminate()
        self._process.wait(60)

    def _is_ready(self) -> bool:
        try:
            return self._client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _search(self) -> None:
        while not self._stop.wait(0.05):
            try:
                response = self._client.get("/v1/search", params={"q": "how to do thing 7"})
                answer = response.json()
                if response.status_code == 200 and answer["hits"]:
                    self.versions.add(answer["snapshot"])
                else:
                    self.failures.append(f"{response.status_code} {response.text[:200]}")
                self.answers += 1
            except (httpx.HTTPError, ValueError, KeyError) as error:
                self.failures.append(repr(error))


if __name__ == "__main__":
    main()
