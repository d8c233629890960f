"""Ranking quality of each leg and of both together, on every evaluation set that is here: the steering wheel.

python -m benchmarks.quality            all sets → results/quality.md
python -m benchmarks.ablations          what each part of it is worth
python -m benchmarks.decision           what is answered, and how much of it wrongly
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality_indexes import RememberingEmbedder, open_index
from benchmarks.quality_sets import SHARED, EvalSet, available_sets, natural_queries
from benchmarks.quality_tables import MODES, SetResult, describe
from benchmarks.report import RESULTS, ROOT, stamp, write_result
from kbsearch.embed.protocol import Embedder
from kbsearch.embed.registry import load_embedder
from kbsearch.engine import Engine
from kbsearch.evaluate import Judged, run_queries, summarise
from kbsearch.types import Mode, SearchRequest


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="sets whose names begin so: sample_kb, alchemy, …")
    parser.add_argument("--model", metavar="NAME", help="embedding model (default: the bundled default)")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    embedder = RememberingEmbedder(load_embedder(options.model))
    sets = available_sets(options.only)
    if not sets:
        raise SystemExit(f"No set's name begins with {' or '.join(options.only)}.")
    command = "python -m benchmarks.quality" + (f" --only {' '.join(options.only)}" if options.only else "")
    measured = stamp(command + (f" --model {options.model}" if options.model else ""))
    notes = [] if SHARED.is_dir() else [f"{SHARED} is not here: sample_kb only."]
    results, answers = [], []
    for item in sets:
        result, engine = evaluate(item, embedder)
        results.append(result)
        print(_line(result), flush=True)
        if item.name == "help_centre":
            answers = answer_natural_queries(engine)
    markdown = describe(measured, embedder.info.name, results, answers, notes)
    figures = {
        "model": embedder.info.name,
        "sets": {
            result.item.name: {"passages": result.passages, "modes": result.modes, "kinds": result.kinds}
            for result in results
        },
        "natural_queries": answers,
    }
    write_result("quality", markdown, figures, measured, options.out)
    shown = options.out.resolve()
    print(f"written: {shown.relative_to(ROOT) if shown.is_relative_to(ROOT) else shown}/quality.md")


def evaluate(item: EvalSet, embedder: Embedder) -> tuple[SetResult, Engine]:
    """Every question in every mode."""
    snapshot, engine = open_index(item, embedder)
    judged = {mode: run_queries(engine, item.queries, mode) for mode in MODES}
    asked = [query for query in item.queries if query.answerable]
    pairs = sorted({("all", query.kind) for query in asked}) + sorted({(query.lang, query.kind) for query in asked})
    several = len({kind for _, kind in pairs}) > 1
    return SetResult(
        item=item,
        passages=len(snapshot.passage_document),
        modes={mode: summarise(run) for mode, run in judged.items()},
        kinds={f"{lang} · {kind}": _of_kind(judged, lang, kind) for lang, kind in pairs} if several else {},
    ), engine


def answer_natural_queries(engine: Engine) -> list[dict[str, Any]]:
    """The first three titles for each hand-written query."""
    answers = []
    for query in natural_queries():
        request = SearchRequest(q=query["query"], lang=query["lang"], limit=3, audiences=None)
        outcome = engine.search(request)
        hits = [{"lang": hit.lang, "title": hit.title, "score": hit.score} for hit in outcome.hits]
        answers.append({**query, "action": outcome.decision.action, "hits": hits})
    return answers


def _of_kind(judged: dict[Mode, list[Judged]], lang: str, kind: str) -> dict[Mode, dict[str, Any]]:
    return {
        mode: summarise([item for item in run if item.query.kind == kind and lang in ("all", item.query.lang)])
        for mode, run in judged.items()
    }


def _line(result: SetResult) -> str:
    reports = result.modes.items()
    figures = ", ".join(f"{mode} {report['recall@1']:.3f}/{report['recall@10']:.3f}" for mode, report in reports)
    return f"{result.item.name}: recall@1/@10 {figures}"


if __name__ == "__main__":
    main()
