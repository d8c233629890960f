"""The service at its limits: more asked than can be done, a snapshot published meanwhile, several workers' memory.

    python -m benchmarks.load

`sample_kb` with the static model, no cache of answers, an open loop (Poisson arrivals fixed in advance; a request's
time counts from when it was due). The rate that can be sustained is what four clients get that ask again as soon as
they are answered. Under overload the server has one core and the load another (sched_setaffinity), so that neither
takes the other's time; whatever else the machine does is in the times of both. `load_late_p99_ms` says how late the
load itself sent what was answered: where that is a large part of `flood_p99_ms`, the machine was too busy to measure.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from threading import Timer
from typing import Any

import orjson

from benchmarks.demo import build_demo
from benchmarks.report import RESULTS, ROOT, stamp, table, write_result
from indexer.pipeline import build
from kbsearch.bench.load import Shot, closed_loop, get, open_loop, poisson
from kbsearch.bench.memory import memory_of
from kbsearch.bench.server import serving
from kbsearch.snapshot import publish, published_version

UNCACHED = {"KBSEARCH_CACHE": "0"}
FACTOR = 5
SECONDS = 4.0
CORES = sorted(os.sched_getaffinity(0))


def quantile(shots: Sequence[Shot], share: float) -> float:
    """Milliseconds below which this share of the answered requests stayed."""
    taken = sorted(1000 * shot.seconds for shot in shots if shot.status == 200)
    return taken[min(len(taken) - 1, int(share * len(taken)))]


@contextmanager
def on_core(number: int) -> Iterator[None]:
    """Keep this process, and those that it starts meanwhile, on one of its cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CORES[number % len(CORES)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def overload(index: Path, requests: Sequence[bytes]) -> dict[str, float]:
    """One round of calm, flood and calm again; server and load on a core each."""
    with on_core(0), serving(index, environment=UNCACHED) as server, on_core(1):
        closed_loop(server.address, requests, 4, 2.0)
        rate = len(closed_loop(server.address, requests, 4, 2.0)) / 2.0
        calm = open_loop(server.address, requests, poisson(rate / 10, SECONDS), 64)
        flood = open_loop(server.address, requests, poisson(FACTOR * rate, SECONDS), 512)
        after = open_loop(server.address, requests, poisson(rate / 10, SECONDS), 64)
    # The first half second is the burst that the queue takes whole.
    pressed = [shot for shot in flood if shot.due > 0.5]
    bound = 2 * quantile(calm, 0.99)
    late = [shot.due for shot in after if 1000 * shot.seconds > bound or shot.status != 200]
    answered = sum(shot.status == 200 for shot in pressed)
    return {
        "sustained_per_s": rate,
        "offered_per_s": len(pressed) / (SECONDS - 0.5),
        "answered_per_s": answered / (SECONDS - 0.5),
        "calm_p50_ms": quantile(calm, 0.5),
        "calm_p99_ms": quantile(calm, 0.99),
        "flood_p50_ms": quantile(pressed, 0.5),
        "flood_p99_ms": quantile(pressed, 0.99),
        "load_late_p99_ms": quantile([replace(shot, done=shot.sent) for shot in pressed], 0.99),
        "ratio_p99": quantile(pressed, 0.99) / quantile(calm, 0.99),
        "late_after_1_s": sum(due > 1.0 for due in late) / len(after),
        "late_after_2_s": sum(due > 2.0 for due in late) / len(after),
    }


def swap(index: Path, requests: Sequence[bytes], old: str, new: str) -> dict[str, float]:
    """One publication under load, two workers."""
    at = 2.0
    publish(index, old)
    with serving(index, workers=2, environment=UNCACHED) as server:
        closed_loop(server.address, requests, 4, 2.0)
        timer = Timer(at, publish, (index, new))
        timer.start()
        shots = open_loop(server.address, requests, poisson(100, 6.0), 64)
        timer.join()
    around = [shot for shot in shots if at - 0.5 < shot.due < at + 2.5]
    before = [shot for shot in shots if shot.due < at - 0.5]
    last_old = max(shot.sent for shot in shots if orjson.loads(shot.body).get("snapshot") == old)
    return {
        "failed": sum(shot.status != 200 for shot in shots),
        "all_swapped_after_s": last_old - at,
        "p99_before_ms": quantile(before, 0.99),
        "p99_during_ms": quantile(around, 0.99),
        "longest_during_ms": max(1000 * shot.seconds for shot in around),
    }


def memory(index: Path, requests: Sequence[bytes]) -> dict[int, float]:
    """Workers → mebibytes of all processes together, shared pages counted once."""
    taken = {}
    for workers in (1, 2, 4):
        with serving(index, workers=workers, environment=UNCACHED) as server:
            closed_loop(server.address, requests, 2 * workers, 4.0)
            taken[workers] = sum(found.proportional for found in memory_of(server.pid).values())
    return taken


def middle(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {name: round(median(one[name] for one in rounds), 3) for name in rounds[0]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write benchmarks/results/load.{md,json}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    measured = stamp("python -m benchmarks.load")
    lines = (ROOT / "sample_kb" / "questions.jsonl").read_bytes().splitlines()
    requests = [get("/v1/search", q=row["query"], lang=row["lang"]) for row in map(orjson.loads, lines)]
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        more = Path(folder) / "more.jsonl"
        more.write_text('{"id": "new.en", "lang": "en", "title": "A new article", "body": "Just written."}\n')
        build_demo(index, "kbsearch-static")
        old = published_version(index)
        build([ROOT / "sample_kb", more], index, model="kbsearch-static")
        new = published_version(index)
        flooded = middle([overload(index, requests) for _ in range(options.rounds)])
        swapped = middle([swap(index, requests, old, new) for _ in range(options.rounds)])
        taken = memory(index, requests)
    alone = taken[1]
    figures: dict[str, Any] = {
        "overload": flooded,
        "swap": swapped,
        "memory_mib": {str(n): mib for n, mib in taken.items()},
    }
    markdown = "\n\n".join(
        [
            "# The service at its limits",
            measured.line(),
            (__doc__ or "").split("\n\n", 2)[2].strip().replace("\n", " "),
            f"## {FACTOR} times what it can sustain\n\nMedians of {options.rounds} rounds.",
            table(("figure", "value"), flooded.items()),
            "Required: `ratio_p99` at most 3, nothing late after 2 s. Late: more than twice the calm p99.",
            "## A snapshot published under load\n\nTwo workers, 100 requests a second.",
            table(("figure", "value"), swapped.items()),
            "Required: nothing failed, all workers on the new snapshot within 2 s.",
            "## Memory of several workers\n\nProportional set size of all processes, in MiB.",
            table(
                ("workers", "MiB", "more than one alone, a worker"),
                [(n, f"{mib:.0f}", f"{(mib - alone) / alone / n:.1%}" if n > 1 else "") for n, mib in taken.items()],
            ),
            "Required: at most 15 % a worker.",
        ]
    )
    write_result("load", markdown, figures, measured, options.out)
    print(markdown)


if __name__ == "__main__":
    main()
