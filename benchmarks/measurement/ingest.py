"""How many events a second does the service take over HTTP? Batches from several connections, until all are stored.

    python -m benchmarks.measurement.ingest

Events are clicks, views, impressions and answers, each with ids of its own, session, time and article. A batch
that is answered 503 is sent again after its Retry-After, as a careful client does. The clock stops when the store
holds every event. Server and client share the machine; seconds of processor are those of the server alone.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import orjson

from benchmarks.measurement.speed import PLACES
from benchmarks.report import RESULTS, ROOT, stamp, table, write_result
from indexer.pipeline import build
from kbsearch.bench.server import running
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.events.connect import open_store

EVENTS = 100_000
BATCH = 500
CONNECTIONS = 4
WANTED = 5_000
_COMMAND = [sys.executable, "-c", "import sys; from kbsearch.cli import main; sys.exit(main())", "serve"]
_ACTIONS = ("impression", "impression", "click", "view", "answer_shown")


@dataclass(frozen=True, slots=True)
class Ingest:
    """One run."""

    events: int
    seconds: float
    """From the first request until the store holds all."""
    cpu: float
    """Seconds of processor of the server's processes."""
    again: int
    """Batches that were answered 503 and sent again."""
    stored: int


def bodies(events: int, batch: int) -> list[bytes]:
    """Return requests with so many different events."""
    made = []
    for start in range(0, events, batch):
        rows = [_event(number) for number in range(start, min(events, start + batch))]
        made.append(orjson.dumps({"events": rows}))
    return made


def _event(number: int) -> dict[str, object]:
    visit = number // 8
    common = {"event_id": f"e{number}", "session_id": f"s{visit}", "client_id": f"c{visit % 5000}"}
    time_of_it = f"2026-11-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z"
    target = {"object_id": f"article-{number % 400}.lv", "object_id_type": "faq"}
    return {
        **common,
        "action_name": _ACTIONS[number % len(_ACTIONS)],
        "query_id": f"{visit:032x}",
        "timestamp": time_of_it,
        "event_attributes": {"object": target, "position": {"ordinal": 1 + number % 10}},
    }


def run(index: Path, url: str, journal: Path, events: int, *, workers: int, batch: int = BATCH) -> Ingest:
    """Serve, send everything, wait until it is stored."""
    sender = _Sender(bodies(events, batch))
    command = [*_COMMAND, "--index", str(index), "--events", url, "--workers", str(workers), "--port"]
    with running(command, {**os.environ, "KBSEARCH_EVENT_JOURNAL": str(journal)}) as server:
        before, started = _processor_seconds(server.pid), time.perf_counter()
        threads = [Thread(target=sender.send, args=(server.address,)) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while _written(server.address) < events:
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        cpu = _processor_seconds(server.pid) - before
    store = open_store(url)
    try:
        stored = sum(1 for _ in store.events())
    finally:
        store.close()
    return Ingest(events, round(seconds, 2), round(cpu, 2), sender.again, stored)


class _Sender:
    """Hands batches to connections until none is left."""

    def __init__(self, batches: Sequence[bytes]) -> None:
        self.again = 0
        self._waiting: SimpleQueue[bytes] = SimpleQueue()
        for body in batches:
            self._waiting.put(body)

    def send(self, address: tuple[str, int]) -> None:
        connection = http.client.HTTPConnection(*address, timeout=60)
        while True:
            try:
                body = self._waiting.get_nowait()
            except Empty:
                break
            connection.request("POST", "/v1/events", body)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status == 503:
                self.again += 1
                self._waiting.put(body)
                time.sleep(float(answer.headers["Retry-After"]))
            elif answer.status != 202:
                raise RuntimeError(f"answered {answer.status}: {content[:200]!r}")
        connection.close()


def _written(address: tuple[str, int]) -> float:
    """Return how many facts all workers say they have stored."""
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return sum(float(line.split()[1]) for line in lines if line.startswith("kbsearch_events_written_total"))


def _processor_seconds(pid: int) -> float:
    """Return what a process and its children have used."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = 0
    for process in (pid, *map(int, children)):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where fewer than wanted were taken or one is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--store", choices=[*PLACES], action="append")
    options = parser.parse_args(arguments)
    measured = stamp(f"python -m benchmarks.measurement.ingest --events {options.events}")
    results: dict[str, Ingest] = {}
    with tempfile.TemporaryDirectory(prefix="kbsearch-ingest-") as folder:
        index = Path(folder) / "index"
        build([ROOT / "sample_kb"], index, embedder=HashingEmbedder())
        for name in options.store or PLACES:
            for workers in (1, 2):
                with PLACES[name]() as url:
                    journal = Path(folder) / f"journal-{name}-{workers}"
                    found = run(index, url, journal, options.events, workers=workers)
                results[f"{name}, {workers} worker{'s' * (workers > 1)}"] = found
                print(f"{name}, {workers}: {found}", flush=True)
    passed = all(found.events / found.seconds >= WANTED and found.stored == found.events for found in results.values())
    rows = [
        (
            name, f"{found.events / found.seconds:,.0f}", f"{found.events / found.cpu:,.0f}", found.again,
            f"{found.stored:,} of {found.events:,}",
        )
        for name, found in results.items()
    ]  # fmt: skip
    text = (
        f"# How many events a second?\nBatches of {BATCH} over {CONNECTIONS} connections. Wanted: {WANTED:,} a second: "
        f"{'met' if passed else 'NOT met'}.\n\n"
        + table(
            ["", "events a second", "events a second of the server's processor", "batches sent again", "stored"], rows
        )
        + f"\n\n{measured.line()}"
    )
    print(text)
    figures = {"runs": {name: asdict(found) for name, found in results.items()}, "passed": passed}
    write_result("ingest", text, figures, measured, RESULTS)
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
