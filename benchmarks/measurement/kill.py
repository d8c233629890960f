"""Is anything lost or counted twice when the service is killed? SIGKILL at random moments while customers are at it.

    python -m benchmarks.measurement.kill --rounds 50

Each round starts `kbsearch serve` over the same event store, lets customers search, click and vote over HTTP, and
kills every process of it after a random time. What was not acknowledged is sent again in the next round, as a careful
client does. In the end the service starts once more and stops in order, and the store must hold every acknowledged
search and event once, and nothing that nobody sent.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import orjson

from benchmarks.measurement.speed import PLACES
from benchmarks.report import RESULTS, ROOT, stamp, table, write_result
from indexer.pipeline import build
from kbsearch.bench.server import Server, running
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.events.connect import open_store

ROUNDS = 50
CUSTOMERS = 4
BATCH = 20
_LONGEST_SECONDS = 1.5
_COMMAND = [sys.executable, "-c", "import sys; from kbsearch.cli import main; sys.exit(main())", "serve"]


@dataclass
class Customer:
    """Asks and reports until the connection breaks; remembers what was acknowledged and what was not."""

    name: str
    searches: list[str] = field(default_factory=list)
    """Query ids of answers."""
    events: list[str] = field(default_factory=list)
    """Ids of acknowledged events."""
    unsure: list[list[dict[str, Any]]] = field(default_factory=list)
    """Batches without an answer."""
    sent: int = 0
    resent: int = 0

    def visit(self, address: tuple[str, int], stop: Event) -> None:
        """Play over one connection until it breaks, or until stopped."""
        connection = http.client.HTTPConnection(*address, timeout=30)
        # Where the process dies in the middle, the answer may break off anywhere.
        with suppress(OSError, http.client.HTTPException):
            while self.unsure:
                self._post(connection, self.unsure[0])
                self.unsure.pop(0)
                self.resent += 1
            while not stop.is_set():
                answer = self._ask(connection, "GET", f"/v1/search?q=reset+password&session={self.name}")
                self.searches.append(answer["query_id"])
                for batch in (self._clicks(answer["query_id"]), self._vote()):
                    self.unsure.append(batch)
                    self._post(connection, batch)
                    self.unsure.pop()
        connection.close()

    def _clicks(self, query_id: str) -> list[dict[str, Any]]:
        target = {"object": {"object_id": "a"}, "position": {"ordinal": 1}}
        return [self._event("click", query_id=query_id, event_attributes=target) for _ in range(BATCH)]

    def _vote(self) -> list[dict[str, Any]]:
        return [self._event("feedback", event_attributes={"helpful": True})]

    def _event(self, action: str, **fields: object) -> dict[str, Any]:
        self.sent += 1
        return {
            "event_id": f"{self.name}-{self.sent}", "action_name": action, "session_id": self.name, **fields
        }  # fmt: skip

    def _post(self, connection: http.client.HTTPConnection, batch: list[dict[str, Any]]) -> None:
        self._ask(connection, "POST", "/v1/events", orjson.dumps({"events": batch}))
        self.events += [event["event_id"] for event in batch]

    @staticmethod
    def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None) -> Any:
        connection.request(method, path, body)
        response = connection.getresponse()
        content = response.read()
        if response.status not in (200, 202):
            raise RuntimeError(f"{method} {path} was answered {response.status}: {content[:200]!r}")
        return orjson.loads(content)


@dataclass(frozen=True, slots=True)
class Found:
    """What became of it."""

    rounds: int
    searches: int
    """Acknowledged."""
    events: int
    resent: int
    """Batches that were sent again."""
    lost: int
    """Acknowledged and not stored."""
    doubled: int
    """Stored more than once."""
    invented: int
    """Stored and never sent."""


def survive(index: Path, url: str, journal: Path, rounds: int, *, workers: int = 1, seed: int = 1) -> Found:
    """Kill the service so many times and look what is in the store."""
    rng = random.Random(seed)
    customers = [Customer(f"customer-{number}") for number in range(CUSTOMERS)]
    command = [*_COMMAND, "--index", str(index), "--events", url, "--workers", str(workers), "--port"]
    environment = {**os.environ, "KBSEARCH_EVENT_JOURNAL": str(journal)}
    for number in range(rounds):
        with running(command, environment) as server:
            _round(customers, server, rng.uniform(0.05, _LONGEST_SECONDS))
        print(f"  {number + 1}: {sum(len(one.events) for one in customers):,} events", flush=True)
    with running(command, environment) as server:
        stop = Event()
        stop.set()
        for customer in customers:
            customer.visit(server.address, stop)
    return _look(customers, url, rounds)


def _round(customers: list[Customer], server: Server, seconds: float) -> None:
    stop = Event()
    threads = [Thread(target=customer.visit, args=(server.address, stop)) for customer in customers]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    # Workers first, so that none of them is told to finish its work.
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for process in (*map(int, children), server.pid):
        os.kill(process, signal.SIGKILL)
    for thread in threads:
        thread.join()


def _look(customers: list[Customer], url: str, rounds: int) -> Found:
    store = open_store(url)
    try:
        events = Counter(event.event_id for event in store.events())
        searches = Counter(search.query_id for search in store.searches())
    finally:
        store.close()
    acknowledged = [one for customer in customers for one in customer.events]
    answered = [one for customer in customers for one in customer.searches]
    sent = {f"{customer.name}-{number + 1}" for customer in customers for number in range(customer.sent)}
    return Found(
        rounds=rounds,
        searches=len(answered),
        events=len(acknowledged),
        resent=sum(customer.resent for customer in customers),
        lost=sum(one not in events for one in acknowledged) + sum(one not in searches for one in answered),
        doubled=sum(count > 1 for count in (*events.values(), *searches.values())),
        invented=sum(one not in sent for one in events),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, look, print, write; 1 where something was lost, doubled or invented."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--store", choices=[*PLACES], action="append")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    measured = stamp(f"python -m benchmarks.measurement.kill --rounds {options.rounds} --workers {options.workers}")
    results: dict[str, Found] = {}
    with tempfile.TemporaryDirectory(prefix="kbsearch-kill-") as folder:
        index = Path(folder) / "index"
        build([ROOT / "sample_kb"], index, embedder=HashingEmbedder())
        for name in options.store or PLACES:
            print(name, flush=True)
            with PLACES[name]() as url:
                found = survive(index, url, Path(folder) / f"journal-{name}", options.rounds, workers=options.workers)
                results[name] = found
    passed = all(found.lost == found.doubled == found.invented == 0 for found in results.values())
    names = {
        "rounds": "SIGKILL, times", "searches": "searches answered", "events": "events acknowledged",
        "resent": "batches sent again, since no answer came", "lost": "acknowledged and not stored",
        "doubled": "stored more than once", "invented": "stored and never sent",
    }  # fmt: skip
    rows = [[words, *(f"{getattr(found, name):,}" for found in results.values())] for name, words in names.items()]
    text = (
        "# Killed during ingest\n"
        f"Nothing acknowledged may be lost, nothing may be counted twice: {'met' if passed else 'NOT met'}.\n\n"
        + table(["", *results], rows)
        + f"\n\n{measured.line()}"
    )
    print(text)
    found_by_store = {name: asdict(found) for name, found in results.items()}
    write_result("kill", text, {"stores": found_by_store, "passed": passed}, measured, RESULTS)
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
