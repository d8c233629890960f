"""kbsearch's lexical leg beside rank_bm25 and bm25s (numba): the same 100,000 passages, terms and queries.

    python -m benchmarks.lexical

First checks that the scores are those of rank_bm25, then times one query at a time, the engines taking turns.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import bm25s  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Plus

from benchmarks.bags import index_bags
from benchmarks.report import RESULTS, Stamp, stamp, table, write_result
from benchmarks.synthetic import GeneratedPassage, Generator
from kbsearch.index.lexical import DELTA, K1, B, LexicalIndex
from kbsearch.text.analyze import passage_terms, query_terms

LANGUAGES = ("lv", "lt", "en")
SEED = 7
DEPTH = 10
ROUNDS = 3
# rank_bm25 needs seconds a query.
CHECKED, WITH_RANK_BM25 = 8, 24
TOLERANCE = 1e-4
GOAL = 300

Search = Callable[[list[str]], object]
Times = dict[str, NDArray[np.float64]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Generate, check, time, write results/lexical.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lexical", description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    measured = stamp(f"python -m benchmarks.lexical --passages {options.passages} --queries {options.queries}")
    passages, queries = generate(options.passages, options.queries)
    with tempfile.TemporaryDirectory() as folder:
        print(f"{len(passages)} passages, {len(queries)} queries; building three indexes", flush=True)
        ours = index_bags(passages, Path(folder) / "lexical")
        oracle = BM25Plus(passages, k1=K1, b=B, delta=DELTA)
        rival = build_bm25s(passages)
        largest = check(ours, oracle, queries[:CHECKED])
        print(f"scores agree with rank_bm25: largest difference {largest:.1e}", flush=True)
        numbers = range(len(passages))
        engines: dict[str, Search] = {
            "rank_bm25": lambda terms: oracle.get_top_n(terms, numbers, DEPTH),
            "bm25s (numba)": lambda terms: rival.retrieve([terms], k=DEPTH, show_progress=False, n_threads=0),
            "kbsearch": lambda terms: ours.search(terms, DEPTH),
        }
        together = measure(engines, queries[:WITH_RANK_BM25], ROUNDS)
        del engines["rank_bm25"]
        # Without rank_bm25 in between, which empties the processor's caches, the compiled ones show their own pace.
        compiled = measure(engines, queries, 10 * ROUNDS)
    markdown = describe(measured, ours, passages, queries, largest, together, compiled)
    figures = {
        "passages": len(passages),
        "queries": len(queries),
        "largest_difference": largest,
        "interleaved_ms": {name: summary(times) for name, times in together.items()},
        "compiled_only_ms": {name: summary(times) for name, times in compiled.items()},
        "ratio_of_medians": ratio(together, "rank_bm25"),
    }
    write_result("lexical", markdown, figures, measured, options.out)
    print(markdown)


def generate(passage_count: int, query_count: int) -> tuple[list[list[str]], list[list[str]]]:
    """Terms of passages and of queries, the languages in turn as in one shared index."""
    generators = [Generator(lang, SEED) for lang in LANGUAGES]
    share = -(-passage_count // len(generators))
    streams = zip(*(generator.passages(share) for generator in generators), strict=True)
    passages = [_terms(passage) for group in streams for passage in group][:passage_count]
    drawn = [generators[number % len(generators)].query() for number in range(query_count)]
    return passages, [query_terms(query.text, (query.lang,)) for query in drawn]


def build_bm25s(passages: list[list[str]]) -> Any:
    """bm25s as its README has it for speed: the numba backend, single queries on one thread."""
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    index = bm25s.BM25(method="bm25+", k1=K1, b=B, delta=DELTA, backend="numba")
    index.index(passages, show_progress=False)
    return index


def check(ours: LexicalIndex, oracle: BM25Plus, queries: list[list[str]]) -> float:
    """The largest difference between our ten best scores and rank_bm25's, by rank and by passage; too large: exit."""
    largest = 0.0
    for terms in queries:
        expected = oracle.get_scores(terms)
        hits = ours.search(terms, DEPTH)
        found = hits.scores.astype(np.float64) + hits.baseline
        by_passage = np.abs(found - expected[hits.passages]).max()
        by_rank = np.abs(found - np.sort(expected)[::-1][: len(found)]).max()
        largest = max(largest, float(by_passage), float(by_rank))
    if largest > TOLERANCE:
        raise SystemExit(f"The scores differ from rank_bm25's by {largest}, more than {TOLERANCE}: nothing was timed.")
    return largest


def measure(engines: dict[str, Search], queries: list[list[str]], rounds: int) -> Times:
    """Each query's median milliseconds over the rounds; the engines take turns query by query."""
    for search in engines.values():
        search(queries[0])  # compilation and first page faults are not the subject
    times = {name: np.empty((rounds, len(queries))) for name in engines}
    for round_number in range(rounds):
        for place, terms in enumerate(queries):
            for name, search in engines.items():
                started = perf_counter()
                search(terms)
                times[name][round_number, place] = (perf_counter() - started) * 1000
    return {name: np.median(values, axis=0) for name, values in times.items()}


def summary(times: NDArray[np.float64]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {"p50": round(float(np.median(times)), 4), "p95": round(float(np.percentile(times, 95)), 4)}


def ratio(times: Times, slow: str) -> float:
    """How many times the median of `slow` is kbsearch's."""
    return round(float(np.median(times[slow]) / np.median(times["kbsearch"])), 2)


def describe(
    measured: Stamp,
    ours: LexicalIndex,
    passages: list[list[str]],
    queries: list[list[str]],
    largest: float,
    together: Times,
    compiled: Times,
) -> str:
    """The report."""
    terms = float(np.mean([len(query) for query in queries]))
    reached = ratio(together, "rank_bm25")
    verdict = "reached" if reached >= GOAL else "NOT reached"
    return "\n\n".join(
        [
            "# The lexical leg beside rank_bm25 and bm25s",
            measured.line(),
            f"{len(passages):,} generated passages in {', '.join(LANGUAGES)} ({ours.statistics.average_length:.0f} "
            f"index terms each, {ours.statistics.terms:,} different), {len(queries)} queries of {terms:.0f} index "
            "terms on average; all engines get the same lists of terms and give their ten best. "
            f"The ten best scores of {min(CHECKED, len(queries))} queries differ from those of `rank_bm25.BM25Plus` by "
            f"at most {largest:.1e}.",
            f"One query at a time, the engines taking turns, {len(together['kbsearch'])} queries, each query's median "
            f"of {ROUNDS} rounds. The milliseconds are those of a shared machine; the ratios are the result.",
            _times_table(together),
            f"Goal: {GOAL} times faster than rank_bm25 at the median: **{verdict}** ({reached:.0f} times).",
            f"The compiled ones alone, taking turns, {len(queries)} queries, median of {10 * ROUNDS} rounds:",
            _times_table(compiled),
        ]
    )


def _times_table(times: Times) -> str:
    rows = [
        (name, f"{values['p50']:.3f}", f"{values['p95']:.3f}", f"{ratio(times, name):.1f} ×")
        for name, values in ((name, summary(of_engine)) for name, of_engine in times.items())
    ]
    return table(("engine", "p50 ms", "p95 ms", "median, kbsearch = 1"), rows)


def _terms(passage: GeneratedPassage) -> list[str]:
    return passage_terms(passage.title, "", passage.text, passage.lang)


if __name__ == "__main__":
    main()
