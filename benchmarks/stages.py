"""Where the time of a search goes: each stage's median and share, and how it grows with the number of passages.

    python -m benchmarks.stages
    python -m benchmarks.stages --sizes 10000 100000 1000000

The engine without HTTP, the bundled static model, generated help centres of several sizes (benchmarks/synthetic.py)
that are asked the same queries in turn, several rounds. A stage's time is the median over queries of the median round.
Each is built, and opened to see what serving takes of memory, in a process of its own; the peak of a build is that of
its main process, beside which others cut and analyse, in some 400 MiB each.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson

from benchmarks.indexing import run
from benchmarks.report import RESULTS, stamp, table, write_result
from benchmarks.synthetic import Generator
from kbsearch.engine import Engine, open_engine
from kbsearch.types import SearchRequest

SIZES = (1_000, 10_000, 100_000)
LANGUAGES = ("lv", "lt", "en")
QUERIES = 150
SEED = 7
SERVE = """
import os, sys
from pathlib import Path
from benchmarks.stages import QUERIES, queries
from kbsearch.bench.memory import memory_of
from kbsearch.engine import open_engine
engine = open_engine(Path(sys.argv[1]))
for request in queries(QUERIES):
    engine.search(request)
print(memory_of(os.getpid())[os.getpid()].resident)
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Build, ask, write results/stages.{md,json}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="PASSAGES")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    measured = stamp(f"python -m benchmarks.stages --sizes {' '.join(map(str, options.sizes))}")
    requests = list(queries(QUERIES))
    with tempfile.TemporaryDirectory() as work:
        engines: dict[int, Engine] = {}
        built: dict[int, dict[str, float]] = {}
        for size in options.sizes:
            index = Path(work) / f"index-{size}"
            made = run("build", articles(Path(work), size), index, "kbsearch-static")
            built[size] = {
                "passages built a second": made["passages"] / made["seconds"],
                "passages built a second of the processors": made["passages"] / made["processor_seconds"],
                "MiB of the build, at its peak": made["peak_mebibytes"],
                "MiB of a process that has answered the queries": while_serving(index),
            }
            engines[size] = open_engine(index)
        found = {size: stages(engines[size], requests, options.rounds) for size in options.sizes}
    markdown = describe(measured.line(), found, built)
    figures = {
        "stages_ms": {str(k): v for k, v in found.items()},
        "builds": {str(k): v for k, v in built.items()},
    }
    write_result("stages", markdown, figures, measured, options.out)
    print(markdown)


def articles(folder: Path, size: int) -> Path:
    """A source of so many articles of one passage each, the languages in turn."""
    generators = [Generator(lang, SEED) for lang in LANGUAGES]
    path = folder / f"{size}.jsonl"
    streams = zip(*(generator.passages(-(-size // len(generators))) for generator in generators), strict=True)
    drawn = (passage for group in streams for passage in group)
    with path.open("wb") as file:
        for number, passage in zip(range(size), drawn, strict=False):
            row = {
                "id": str(number),
                "lang": passage.lang,
                "title": passage.title,
                "body": passage.text,
                "format": "text",
            }
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return path


def queries(count: int) -> list[SearchRequest]:
    """What customers ask; the same for every size."""
    generators = [Generator(lang, SEED) for lang in LANGUAGES]
    drawn = [generators[number % len(generators)].query() for number in range(count)]
    return [SearchRequest(q=query.text, lang=query.lang) for query in drawn]


def while_serving(index: Path) -> float:
    """Mebibytes that a process holds once it has opened an index and answered the queries, files it maps included."""
    return float(subprocess.run([sys.executable, "-c", SERVE, str(index)], stdout=subprocess.PIPE, check=True).stdout)


def stages(engine: Engine, requests: Sequence[SearchRequest], rounds: int) -> dict[str, float]:
    """Stage → milliseconds, and the whole."""
    taken: list[list[dict[str, float]]] = []
    for turn in range(rounds + 1):  # the first round only warms up
        laps = [dict(engine.search(request).timings_ms) for request in requests]
        if turn:
            taken.append(laps)
    names = list(taken[0][0])
    times = np.array([[[lap.get(name, 0.0) for name in names] for lap in laps] for laps in taken])
    by_query = np.median(times, axis=0)
    found = {name: round(float(np.median(by_query[:, place])), 4) for place, name in enumerate(names)}
    totals = np.median(times.sum(axis=2), axis=0)
    return found | {"p50": round(float(np.median(totals)), 4), "p99": round(float(np.percentile(totals, 99)), 4)}


def describe(line: str, found: dict[int, dict[str, float]], built: dict[int, dict[str, float]]) -> str:
    """The report."""
    sizes = list(found)
    names = [name for name in found[sizes[0]] if name not in ("p50", "p99")]
    rows = [
        (name, *(f"{found[size][name]:.3f} ({found[size][name] / found[size]['p50']:.0%})" for size in sizes))
        for name in names
    ]
    rows += [(f"whole search, {name}", *(f"{found[size][name]:.3f}" for size in sizes)) for name in ("p50", "p99")]
    rows += [(name, *(f"{built[size][name]:,.0f}" for size in sizes)) for name in built[sizes[0]]]
    return "\n\n".join(
        [
            "# Where the time of a search goes",
            line,
            (__doc__ or "").split("\n\n", 2)[2].strip().replace("\n", " "),
            table(("milliseconds (share of the median)", *(f"{size:,} passages" for size in sizes)), rows),
            f"From {sizes[0]:,} to {sizes[-1]:,} passages ({sizes[-1] / sizes[0]:.0f} times) the median grows "
            f"{found[sizes[-1]]['p50'] / found[sizes[0]]['p50']:.1f} times.",
        ]
    )


if __name__ == "__main__":
    main()
