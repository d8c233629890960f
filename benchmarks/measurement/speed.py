"""How long a report over 90 days takes: first from raw facts, then again, then after new and late facts.

    python -m benchmarks.measurement.speed --events 10000000 [--days 90] [--store sqlite|postgres]

Facts are generated journey by journey and written through the store; journeys cross midnight as they happen to.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.postgres_server import new_database, running_server
from benchmarks.report import RESULTS, stamp, table, write_result
from kbsearch.events.connect import open_store
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import EventStore, Fact
from kbsearch.metrics.moments import DAY, MINUTE, SECOND, start_of, timestamp_of
from kbsearch.metrics.report import SPLITS, report

DAYS = 90
FIRST = start_of("2026-08-01")
LIMIT_SECONDS = 3.0
FILLED, FIRST_TIME = "writing them", "first report, from raw facts"
_BATCH = 20_000
_LANGUAGES = ("lv", "lt", "en", "ru")
_TYPES = ("article", "faq", "tutorial", "video")
_CATEGORIES = tuple(f"category {number}" for number in range(12))
_DEVICES = ("desktop", "desktop", "desktop", "mobile", "mobile", "tablet")


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took, in seconds."""

    wall: float
    cpu: float
    """Of this process, not of a database server; with other work on the machine, the steadier of the two."""


def journeys(events: int, days: int = DAYS, seed: int = 1) -> Iterator[list[Fact]]:
    """Yield journeys in the order of time until they hold so many facts."""
    rng = random.Random(seed)
    made = number = 0
    while made < events:
        moment = FIRST + days * DAY * made // events
        facts = _journey(rng, number, moment)
        number += 1
        made += len(facts)
        yield facts


def _journey(rng: random.Random, number: int, moment: int) -> list[Fact]:
    client = f"{rng.randrange(600_000):032x}"
    session, device = f"s{number:x}", rng.choice(_DEVICES)
    facts: list[Fact] = []

    def add(action: str, query_id: str = "", object_id: str = "", kind: str = "", **attributes: object) -> None:
        nonlocal moment
        moment += rng.randrange(2, 60) * SECOND
        time = timestamp_of(moment)
        position = rng.randrange(1, 8) if action == "click" else None
        values = (f"{number:x}-{len(facts)}", action, query_id, session, client, time, time, object_id, kind, position)
        facts.append(Event(*values, attributes=attributes, device=device, surface="portal"))

    for attempt in range(rng.choice((1, 1, 1, 2, 3))):
        moment += 45 * SECOND
        query_id, topic = f"q{number:x}-{attempt}", rng.randrange(400)
        lang = rng.choice(_LANGUAGES)
        facts.append(
            SearchRecord(
                query_id=query_id,
                user_query=f"question {topic} in {lang}",
                lang=lang,
                detected_lang=lang,
                found=rng.randrange(0, 40),
                decision=rng.choice(("answer", "list", "list", "hand_over")),
                confidence=0.5,
                hit_ids=tuple(f"article-{(topic + place) % 400}.{lang}" for place in range(10)),
                offset=0,
                took_ms=2.0,
                snapshot=f"v{moment // (30 * DAY)}",
                session_id=session,
                client_id=client,
                timestamp=timestamp_of(moment),
                public=True,
                device=device,
                surface="portal",
                top_type=_TYPES[topic % len(_TYPES)],
                top_category=_CATEGORIES[topic % len(_CATEGORIES)],
            )
        )
        for place in range(3):
            add("impression", query_id, f"article-{(topic + place) % 400}.{lang}", "document")
        if rng.random() < 0.6:
            add("click", query_id, f"article-{topic}.{lang}", "document")
    end = rng.random()
    if end < 0.15:
        add("feedback", "", f"article-{topic}.{lang}", "document", helpful=rng.random() < 0.7)
    elif end < 0.2:
        held = rng.random() < 0.05
        add("ticket_started", suggestions_shown=not held, holdout=held)
        if rng.random() < 0.6:
            add("ticket_created")
    elif end < 0.25:
        add("impression", "", "csat", "survey")
        add("feedback", csat=rng.randrange(1, 6))
    return facts


@contextmanager
def sqlite_url() -> Iterator[str]:
    """Yield the URL of a new file."""
    with tempfile.TemporaryDirectory(prefix="kbsearch-speed-") as folder:
        yield f"sqlite:///{Path(folder) / 'events.db'}"


@contextmanager
def postgres_url() -> Iterator[str]:
    """Yield the URL of a new database on a server of its own."""
    with running_server() as server:
        yield new_database(server)


PLACES: dict[str, Callable[[], AbstractContextManager[str]]] = {"sqlite": sqlite_url, "postgres": postgres_url}


def fill(store: EventStore, events: int, days: int) -> None:
    """Write so many facts of so many days."""
    batch: list[Fact] = []
    for facts in journeys(events, days):
        batch += facts
        if len(batch) >= _BATCH:
            store.write(batch)
            batch = []
    store.write(batch)


def measure(url: str, events: int, days: int) -> dict[str, Timing]:
    """Fill a store and time reports of it."""
    store, now = open_store(url), FIRST + days * DAY
    try:
        found: dict[str, Timing] = {}

        def timed(name: str, work: Callable[[], object]) -> None:
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            found[name] = Timing(round(time.perf_counter() - wall, 2), round(time.process_time() - cpu, 2))
            print(f"  {name}: {found[name].wall:.2f} s, {found[name].cpu:.2f} s of processor", flush=True)

        def reported(splits: Sequence[str], since: int = FIRST) -> Callable[[], object]:
            return lambda: report(store, since, now, splits, as_of=now, shelf=store)

        def late(name: str, moment: int) -> None:
            fact = next(journeys(1, seed=2))[0]
            store.write([_at(fact, name, timestamp_of(moment))])

        timed(FILLED, lambda: fill(store, events, days))
        timed(FIRST_TIME, reported(SPLITS))
        timed("all days", reported(()))
        timed("all days, every split", reported(SPLITS))
        timed("the last 7 days, every split", reported(SPLITS, now - 7 * DAY))
        late("of today", now - MINUTE)
        timed("all days, every split, after a new fact of today", reported(SPLITS))
        late("of long ago", FIRST + DAY + DAY // 2)
        timed("all days, every split, after a late fact of the second day", reported(SPLITS))
        return found
    finally:
        store.close()


def _at(fact: Fact, name: str, timestamp: str) -> SearchRecord:
    if not isinstance(fact, SearchRecord):
        raise TypeError("a journey begins with a search")
    return SearchRecord(
        **{**{field: getattr(fact, field) for field in fact.__slots__}, "query_id": name, "timestamp": timestamp}
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where a report took longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--store", choices=[*PLACES], action="append")
    options = parser.parse_args(arguments)
    chosen = options.store or [*PLACES]
    measured = stamp(f"python -m benchmarks.measurement.speed --events {options.events} --days {options.days}")
    results: dict[str, dict[str, Timing]] = {}
    for name in chosen:
        print(name, flush=True)
        with PLACES[name]() as url:
            results[name] = measure(url, options.events, options.days)
    first = results[chosen[0]]
    quick = [name for name in first if name not in (FILLED, FIRST_TIME)]
    passed = all(found[name].wall < LIMIT_SECONDS for found in results.values() for name in quick)
    rows = [
        [name, *(f"{found[name].wall:.2f} ({found[name].cpu:.2f})" for found in results.values())] for name in first
    ]
    text = (
        "# How fast is a report?\n"
        f"{options.events:,} facts over {options.days} days; seconds, in brackets those of processor in this process.\n"
        f"Wanted: under {LIMIT_SECONDS:.0f} s once a report has been made: {'met' if passed else 'NOT met'}.\n"
        "The first report reads all facts, a day at a time, and keeps what each day gives; the service makes it by "
        "itself, every hour.\n\n" + table(["report", *results], rows) + f"\n\n{measured.line()}"
    )
    print(text)
    seconds = {store: {name: asdict(timing) for name, timing in found.items()} for store, found in results.items()}
    name = f"report_speed_{options.days}_days" + ("" if len(results) > 1 else f"_{chosen[0]}")
    figures = {"events": options.events, "days": options.days, "seconds": seconds, "passed": passed}
    write_result(name, text, figures, measured, RESULTS)
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
