"""How long a report over 90 days takes: first from raw facts, then again, then after new facts of today.

    python -m benchmarks.measurement.speed --events 10000000 [--store sqlite|postgres]

Facts are generated journey by journey and written through the store; journeys cross midnight as they happen to.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
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
NOW = FIRST + DAYS * DAY
LIMIT_SECONDS = 3.0
_BATCH = 20_000
_LANGUAGES = ("lv", "lt", "en", "ru")
_TYPES = ("article", "faq", "tutorial", "video")
_CATEGORIES = tuple(f"category {number}" for number in range(12))
_DEVICES = ("desktop", "desktop", "desktop", "mobile", "mobile", "tablet")


def journeys(events: int, seed: int = 1) -> Iterator[list[Fact]]:
    """Yield journeys in the order of time until they hold so many facts."""
    rng = random.Random(seed)
    made = number = 0
    while made < events:
        moment = FIRST + (NOW - FIRST) * made // events
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


def fill(store: EventStore, events: int) -> float:
    """Write so many facts; return the seconds it took."""
    started = time.perf_counter()
    batch: list[Fact] = []
    for facts in journeys(events):
        batch += facts
        if len(batch) >= _BATCH:
            store.write(batch)
            batch = []
    store.write(batch)
    return time.perf_counter() - started


def measure(url: str, events: int) -> dict[str, float]:
    """Fill a store and time reports of it, in seconds."""
    store = open_store(url)
    try:
        found = {"filled": fill(store, events)}

        def timed(name: str, splits: Sequence[str], since: int = FIRST, until: int = NOW) -> None:
            started = time.perf_counter()
            report(store, since, until, splits, as_of=NOW, shelf=store)
            found[name] = round(time.perf_counter() - started, 3)
            print(f"  {name}: {found[name]:.2f} s", flush=True)

        timed("first report, from raw facts", SPLITS)
        timed("90 days", ())
        timed("90 days, every split", SPLITS)
        timed("the last 7 days, every split", SPLITS, NOW - 7 * DAY)
        fact = next(facts for facts in journeys(1, seed=2))[0]
        today = timestamp_of(NOW - MINUTE)
        store.write([_at(fact, "late", today)])
        timed("90 days, every split, after a new fact of today", SPLITS)
        timed("from noon to noon, 89 days", SPLITS, FIRST + DAY // 2, NOW - DAY // 2)
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--store", choices=[*PLACES], action="append")
    options = parser.parse_args(arguments)
    measured = stamp(f"python -m benchmarks.measurement.speed --events {options.events}")
    results: dict[str, dict[str, float]] = {}
    for name in options.store or PLACES:
        print(name, flush=True)
        with PLACES[name]() as url:
            results[name] = measure(url, options.events)
    quick = [name for name in next(iter(results.values())) if name not in ("filled", "first report, from raw facts")]
    passed = all(found[name] < LIMIT_SECONDS for found in results.values() for name in quick)
    rows = [[name, *(f"{found[name]:.2f}" for found in results.values())] for name in next(iter(results.values()))]
    text = (
        f"# How fast is a report?\n{options.events:,} facts over {DAYS} days, seconds. "
        f"Wanted: under {LIMIT_SECONDS:.0f} s once a report has been made: {'met' if passed else 'NOT met'}.\n"
        "The first report reads all facts, a day at a time, and keeps the counts of days that are over.\n\n"
        + table(["report", *results], rows)
        + f"\n\n{measured.line()}"
    )
    print(text)
    write_result(
        "report_speed", text, {"events": options.events, "seconds": results, "passed": passed}, measured, RESULTS
    )
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
