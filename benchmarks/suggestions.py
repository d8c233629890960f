"""Which titles are suggested while a question is typed: `python -m benchmarks.suggestions`.

The questions of sample_kb are typed up to 40, 60, 80 and 100 % of their letters. Counted are those for which anything
is suggested, and those for which the title of a right article is among the first five; milliseconds: those of a call.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from time import perf_counter

from benchmarks.report import RESULTS, stamp, table, write_result
from benchmarks.traffic import SAMPLE
from indexer.pipeline import build
from kbsearch.engine import Engine, open_engine
from kbsearch.evaluate import Judged, read_queries, run_queries

SHARES = (0.4, 0.6, 0.8, 1.0)
SHOWN = 5
LEAST_LETTERS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write benchmarks/results/suggestions.{md,json}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suggestions", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    measured = stamp("python -m benchmarks.suggestions")
    with tempfile.TemporaryDirectory() as folder:
        build([SAMPLE], Path(folder) / "index")
        engine = open_engine(Path(folder) / "index")
        judged = run_queries(engine, read_queries(SAMPLE / "questions.jsonl"))
        asked = [item for item in judged if item.query.answerable]
        languages = sorted({item.query.lang for item in asked})
        figures = {
            f"{share:.0%}": {
                lang: typed_so_far(engine, [item for item in asked if item.query.lang == lang], share)
                for lang in languages
            }
            for share in SHARES
        }
    rows = [
        (share, lang, counted["n"], counted["shown"], counted["right"], f"{counted['ms']:.2f}")
        for share, by_lang in figures.items()
        for lang, counted in by_lang.items()
    ]
    header = ("typed", "language", "n", "anything suggested, %", f"right one among {SHOWN}, %", "median ms")
    markdown = "\n\n".join(["# Suggestions while a question is typed", measured.line(), table(header, rows)])
    write_result("suggestions", markdown, figures, measured, options.out)
    print(markdown)


def typed_so_far(engine: Engine, asked: Sequence[Judged], share: float) -> dict[str, float]:
    """What is suggested when so much of each question has been typed."""
    shown, right, taken = [], [], []
    for item in asked:
        query = item.query.query
        typed = query[: max(LEAST_LETTERS, round(share * len(query)))]
        start = perf_counter()
        suggested = engine.suggest(typed, lang=item.query.lang, limit=SHOWN, audiences=None)
        taken.append(1000 * (perf_counter() - start))
        shown.append(bool(suggested))
        groups = (engine.group_of(line.document_id) for line in suggested)
        right.append(any(item.relevant.get(group or "", 0) > 0 for group in groups))
    return {
        "n": len(asked),
        "shown": round(100 * mean(map(float, shown)), 1),
        "right": round(100 * mean(map(float, right)), 1),
        "ms": round(median(taken), 3),
    }


if __name__ == "__main__":
    main()
