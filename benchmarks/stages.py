"""Where the time of a search goes: each stage's median and share, and how it grows with the number of passages.

    python -m benchmarks.stages

The engine without HTTP, the bundled static model, generated help centres of several sizes (benchmarks/synthetic.py)
that are asked the same queries in turn, several rounds. A stage's time is the median over queries of the median round.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson

from benchmarks.report import RESULTS, stamp, table, write_result
from benchmarks.synthetic import Generator
from indexer.pipeline import build
from kbsearch.engine import Engine, open_engine
from kbsearch.types import SearchRequest

SIZES = (1_000, 10_000, 100_000)
LANGUAGES = ("lv", "lt", "en")
QUERIES = 150
SEED = 7


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
        built: dict[int, float] = {}
        for size in options.sizes:
            report = build([articles(Path(work), size)], Path(work) / f"index-{size}")
            built[size] = report.passages / report.seconds
            engines[size] = open_engine(Path(work) / f"index-{size}")
            print(f"{size} passages: {built[size]:.0f} a second", flush=True)
        found = {size: stages(engines[size], requests, options.rounds) for size in options.sizes}
    markdown = describe(measured.line(), found, built)
    figures = {
        "stages_ms": {str(k): v for k, v in found.items()},
        "passages_per_second": {str(k): v for k, v in built.items()},
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


def describe(line: str, found: dict[int, dict[str, float]], built: dict[int, float]) -> str:
    """The report."""
    sizes = list(found)
    names = [name for name in found[sizes[0]] if name not in ("p50", "p99")]
    rows = [
        (name, *(f"{found[size][name]:.3f} ({found[size][name] / found[size]['p50']:.0%})" for size in sizes))
        for name in names
    ]
    rows += [(f"whole search, {name}", *(f"{found[size][name]:.3f}" for size in sizes)) for name in ("p50", "p99")]
    rows.append(("passages built a second", *(f"{built[size]:,.0f}" for size in sizes)))
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
