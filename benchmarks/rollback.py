"""Going back to the version before while customers search: how long until every answer comes from it.

    python -m benchmarks.rollback

Needs `../shared/kb/alchemy` (6,200 articles in three of its languages). A service with two workers and 50 requests a
second (Poisson arrivals, no cache of answers); then `kbsearch-index rollback` as a process of its own. The clock starts
before that process does. Service, load and command share the machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any

import orjson

from benchmarks.quality_sets import ALCHEMY, natural_queries
from benchmarks.report import RESULTS, WORK, stamp, table, write_result
from indexer.pipeline import build
from kbsearch.bench.load import Shot, closed_loop, get, open_loop, poisson
from kbsearch.bench.server import serving
from kbsearch.manifest import publish
from kbsearch.versions import list_snapshots

RATE = 50
SECONDS = 8.0
AT = 3.0
ROUNDS = 3


def versions(index: Path) -> tuple[str, str, int]:
    """Two versions that differ by one article, and how many bytes one has."""
    more = index.parent / "more.jsonl"
    more.write_text('{"id": "new.en", "lang": "en", "title": "A new article", "body": "Just written."}\n')
    sources = [ALCHEMY / f"{lang}.jsonl.xz" for lang in ("en", "lt", "lv")]
    old = build(sources, index, update=True).version
    new = build([*sources, more], index, update=True).version
    return old, new, next(entry.bytes for entry in list_snapshots(index) if entry.version == old)


def go_back(index: Path, requests: Sequence[bytes], old: str, new: str) -> dict[str, float]:
    """One round: serve old, publish new, go back to old."""
    publish(index, old)
    with serving(index, workers=2, environment={"KBSEARCH_CACHE": "0"}) as server:
        publish(index, new)
        deadline = time.monotonic() + 60
        while any(_version(shot) != new for shot in closed_loop(server.address, requests[:8], 4, 0.5)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the service never came to serve {new}")
        took: list[float] = []
        thread = Thread(target=_roll_back, args=(index, took))
        thread.start()
        shots = open_loop(server.address, requests, poisson(RATE, SECONDS), 64)
        thread.join()
    last_new = max(shot.sent for shot in shots if _version(shot) == new)
    return {
        "requests": len(shots),
        "failed": sum(shot.status != 200 for shot in shots),
        "command_s": took[0],
        "all_answers_from_the_old_version_after_s": last_new - AT,
    }


def _roll_back(index: Path, took: list[float]) -> None:
    time.sleep(AT)
    started = time.monotonic()
    code = "import sys; from indexer.cli import main; sys.exit(main())"
    subprocess.run([sys.executable, "-c", code, "rollback", str(index)], check=True, capture_output=True)
    took.append(time.monotonic() - started)


def _version(shot: Shot) -> str:
    return str(orjson.loads(shot.body).get("snapshot", ""))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write benchmarks/results/rollback.{md,json}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    measured = stamp("python -m benchmarks.rollback")
    index = WORK / "rollback" / "index"
    index.parent.mkdir(parents=True, exist_ok=True)
    old, new, size = versions(index)
    requests = [get("/v1/search", q=row["query"], lang=row["lang"]) for row in natural_queries()]
    rounds = [go_back(index, requests, old, new) for _ in range(options.rounds)]
    middle = {name: round(median(one[name] for one in rounds), 3) for name in rounds[0]}
    figures: dict[str, Any] = {"mebibytes": round(size / 2**20), "median": middle, "rounds": rounds}
    markdown = "\n\n".join(
        [
            "# Going back under load",
            measured.line(),
            (__doc__ or "").split("\n\n", 2)[2].strip().replace("\n", " "),
            f"A version has {figures['mebibytes']} MiB; medians of {options.rounds} rounds.",
            table(("figure", "value"), middle.items()),
            "Required: nothing failed, all answers from the old version within a second.",
        ]
    )
    write_result("rollback", markdown, figures, measured, options.out)
    print(markdown)


if __name__ == "__main__":
    main()
