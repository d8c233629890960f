"""How long any report over 90 days takes: from raw facts, then again, then after new and after late facts.

    python -m benchmarks.measurement.speed --events 10000000 [--days 90] [--store sqlite|postgres] [--folder DIR]

Facts are those of `invented.py`, written through the store. With a folder, filled stores stay there and are used again:
what was timed once, filling and the first report, keeps its time and its commit.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import orjson

from kbsearch.threads import one_thread_each

# As every command of kbsearch does, before a library is loaded that asks.
one_thread_each()

# ruff: noqa: E402
from benchmarks.measurement.invented import DAYS, FIRST, journeys
from benchmarks.postgres_server import new_database, running_server
from benchmarks.report import RESULTS, Stamp, stamp, table, write_result
from benchmarks.traffic import SAMPLE
from indexer.pipeline import build
from kbsearch.events.connect import open_store
from kbsearch.events.store import EventStore, Fact
from kbsearch.metrics.board import board
from kbsearch.metrics.insight import insight
from kbsearch.metrics.keep import derive
from kbsearch.metrics.library import Library
from kbsearch.metrics.moments import DAY, HOUR
from kbsearch.metrics.report import SPLITS, Report, report
from kbsearch.service.knowledge import open_knowledge

LIMIT_SECONDS = 3.0
FILLED, FIRST_TIME = "writing them", "reading all of them, the first time"
_BATCH = 20_000
_POSTGRES = ("-c", "shared_buffers=1GB", "-c", "max_wal_size=8GB")


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took, in seconds."""

    wall: float
    cpu: float
    """Of this process, not of a database server; with other work on the machine, the steadier of the two."""
    load: float
    """Average number of running processes on the machine when it began."""


@contextmanager
def sqlite_url(folder: Path | None = None) -> Iterator[str]:
    """Yield the URL of a file: a new one, or that of a folder."""
    with tempfile.TemporaryDirectory(prefix="kbsearch-speed-") as new:
        yield f"sqlite:///{(folder or Path(new)) / 'events.db'}"


@contextmanager
def postgres_url(folder: Path | None = None) -> Iterator[str]:
    """Yield the URL of a database on a server of its own: a new one, or that of a folder."""
    there = folder is not None and (folder / "data").exists()
    with running_server(*_POSTGRES, keep=folder) as server:
        yield f"{server}/events_0" if there else new_database(server)


PLACES: dict[str, Callable[..., AbstractContextManager[str]]] = {"sqlite": sqlite_url, "postgres": postgres_url}


def fill(store: EventStore, facts: Iterator[list[Fact]]) -> None:
    """Write facts, many at once."""
    batch: list[Fact] = []
    for some in facts:
        batch += some
        if len(batch) >= _BATCH:
            store.write(batch)
            batch = []
    store.write(batch)


class Clock:
    """Times work; what is timed once is remembered beside the store."""

    def __init__(self, notes: Path | None) -> None:
        self.found: dict[str, Timing] = {}
        self._notes = notes
        self._once: dict[str, dict[str, float] | None] = (
            orjson.loads(notes.read_bytes()) if notes and notes.exists() else {}
        )

    def timed(self, name: str, work: Callable[[], object]) -> None:
        """Do it, and note how long it took."""
        gc.collect()
        load, wall, cpu = os.getloadavg()[0], time.perf_counter(), time.process_time()
        work()
        self.found[name] = Timing(
            round(time.perf_counter() - wall, 2), round(time.process_time() - cpu, 2), round(load, 1)
        )
        print(f"  {name}: {self.found[name]}", flush=True)

    def once(self, name: str, work: Callable[[], object]) -> None:
        """Do it unless it was done before; the notes may say null where it was done without being timed."""
        if name in self._once:
            noted = self._once[name]
            if noted:
                self.found[name] = Timing(**noted)
            return
        self.timed(name, work)
        self._once[name] = asdict(self.found[name])
        if self._notes:
            self._notes.write_bytes(orjson.dumps(self._once))


def measure(url: str, events: int, days: int, library: Library, notes: Path | None) -> dict[str, Timing]:
    """Fill a store and time reports of it."""
    clock, store, now = Clock(notes), open_store(url), FIRST + days * DAY
    seed = time.time_ns() // 1_000_000_000

    def reported(splits: Sequence[str] = SPLITS, since: int = FIRST) -> Report:
        return report(store, since, now, splits, as_of=now, shelf=store)

    def content(made: Report) -> object:
        return insight(store, made, library, shelf=store)

    def add(count: int, span: int, first: int, seed: int) -> None:
        fill(store, journeys(count, span, first, seed))

    try:
        clock.once(FILLED, lambda: fill(store, journeys(events, days * DAY)))
        clock.once(FIRST_TIME, lambda: derive(store, now))
        made = reported()
        clock.timed("every figure", lambda: reported(()))
        clock.timed("every figure, every split and day", reported)
        clock.timed("the last 7 days, every split and day", lambda: reported(SPLITS, now - 7 * DAY))
        clock.timed("gap list, outcome flow, article table", lambda: content(made))
        clock.timed(
            "dashboard: all of it", lambda: board(store, library, since=FIRST, until=now, as_of=now, shelf=store)
        )
        hour = events // days // 24
        for when, span, first in (
            (f"{hour:,} new facts of the last hour", HOUR, now - HOUR),
            ("a late visit on the second day", HOUR, FIRST + DAY + DAY // 2),
        ):
            add(hour if "hour" in when else 1, span, first, seed)
            clock.timed(f"after {when}: every figure, every split and day", reported)
            made = reported()
            clock.timed(f"after {when}: gap list, flow, articles", partial(content, made))
            seed += 1
        return clock.found
    finally:
        store.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where a report took longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--store", choices=[*PLACES], action="append")
    parser.add_argument("--folder", type=Path, help="where filled stores stay; needs a few GB for each")
    options = parser.parse_args(arguments)
    chosen = options.store or [*PLACES]
    command = f"python -m benchmarks.measurement.speed --events {options.events} --days {options.days}"
    command += "".join(f" --store {name}" for name in options.store or ())
    measured = stamp(command + (f" --folder {options.folder}" if options.folder else ""))
    results: dict[str, dict[str, Timing]] = {}
    with tempfile.TemporaryDirectory(prefix="kbsearch-speed-") as folder:
        build([SAMPLE], Path(folder) / "index")
        library = open_knowledge(Path(folder) / "index")
        library.encode(["warm"])
        for name in chosen:
            print(name, flush=True)
            kept = options.folder / name if options.folder else None
            if kept:
                kept.mkdir(parents=True, exist_ok=True)
            notes = options.folder / f"{name}.json" if options.folder else None
            with PLACES[name](kept) as url:
                results[name] = measure(url, options.events, options.days, library, notes)
    return _write(results, options.events, options.days, measured)


def _write(results: dict[str, dict[str, Timing]], events: int, days: int, measured: Stamp) -> int:
    names = list(dict.fromkeys(name for found in results.values() for name in found))
    quick = [name for name in names if name not in (FILLED, FIRST_TIME)]
    passed, by_cpu = (
        all(getattr(found[name], clock) < LIMIT_SECONDS for found in results.values() for name in quick)
        for clock in ("wall", "cpu")
    )
    header = ["report", *(f"{name}: {what}" for name in results for what in ("wall", "processor", "load"))]
    rows = [[name, *(cell for found in results.values() for cell in _cells(found.get(name)))] for name in names]
    text = (
        "# How fast is a report?\n"
        f"{events:,} facts over {days} days; seconds by the clock and of the processor in this process, and how many "
        "processes the machine ran when it began (2 cores).\n"
        f"Wanted: any report under {LIMIT_SECONDS:.0f} s once one has been made: {'met' if passed else 'NOT met'} by "
        f"the clock, {'met' if by_cpu else 'NOT met'} by seconds of the processor.\n"
        "The first time all facts are read, a day at a time, and what each day gives is kept; the service does so by "
        "itself, every hour.\n\n" + table(header, rows) + f"\n\n{measured.line()}"
    )
    print(text)
    seconds = {store: {name: asdict(timing) for name, timing in found.items()} for store, found in results.items()}
    name = f"report_speed_{days}_days" + ("" if len(results) > 1 else f"_{next(iter(results))}")
    figures = {"events": events, "days": days, "seconds": seconds, "passed": passed, "passed_by_cpu": by_cpu}
    write_result(name, text, figures, measured, RESULTS)
    return 0 if passed else 1


def _cells(timing: Timing | None) -> tuple[str, str, str]:
    if timing is None:
        return "–", "–", "–"
    return f"{timing.wall:.2f}", f"{timing.cpu:.2f}", f"{timing.load:.1f}"


if __name__ == "__main__":
    raise SystemExit(main())
