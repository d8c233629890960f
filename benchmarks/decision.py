"""What is answered, and how much of it wrongly, on questions that took no part in calibration.

    python -m benchmarks.decision

The questions of `sample_kb` are divided by topic, so that a translation or a paraphrase of a question stands in the
same part; each part is asked after the others have calibrated, and the outcomes are counted together. Ten parts come
near to what an owner gets, who calibrates on all questions; fewer parts show what more questions would be worth.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality_indexes import RememberingEmbedder, open_index
from benchmarks.quality_sets import available_sets
from benchmarks.report import RESULTS, stamp, table, write_result
from kbsearch.calibrate import fit, sample_of, topic_of
from kbsearch.decide import decide
from kbsearch.embed.registry import load_embedder
from kbsearch.evaluate import Judged, run_queries
from kbsearch.metrics.intervals import wilson
from kbsearch.text.tags import primary
from kbsearch.types import Action

ERRORS = (0.02, 0.05, 0.1, 0.2)
DEFAULT_ERROR = 0.05
SPLITS = 5
PARTS = 10
FEWER_PARTS = (2, 5)
SEED = 5

Row = tuple[Judged, Action]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write benchmarks/results/decision.{md,json}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decision", description=__doc__)
    parser.add_argument("--model", metavar="NAME", help="embedding model (default: the bundled default)")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    measured = stamp("python -m benchmarks.decision" + (f" --model {options.model}" if options.model else ""))
    embedder = RememberingEmbedder(load_embedder(options.model))
    (item,) = available_sets(["sample_kb"])
    _, engine = open_index(item, embedder)
    judged = run_queries(engine, item.queries)
    languages = sorted({entry.query.lang for entry in judged})
    figures: dict[str, Any] = {}
    for error in ERRORS:
        rows = divided(judged, error, PARTS)
        figures[f"{error}"] = {
            lang: _count([row for row in rows if lang in ("all", row[0].query.lang)]) for lang in ("all", *languages)
        }
    kinds = sorted({entry.query.kind for entry in judged})
    by_share = {f"{1 - 1 / parts:.0%}": _count(divided(judged, DEFAULT_ERROR, parts)) for parts in FEWER_PARTS}
    by_share[f"{1 - 1 / PARTS:.0%}"] = figures[f"{DEFAULT_ERROR}"]["all"]
    rows = divided(judged, DEFAULT_ERROR, PARTS)
    by_kind = {kind: _count([row for row in rows if row[0].query.kind == kind]) for kind in kinds}
    # Each as often as the divided ones are, so that counts mean the same.
    plain = _count([(entry, entry.outcome.decision.action) for entry in judged] * SPLITS)
    header = (
        "accepted error",
        "language",
        "answered",
        "wrong among answers (95 %)",
        "unanswerable not answered",
        "handed over",
        "handed over although listed",
    )
    lines = [
        (f"{float(error):.0%}", lang, *_cells(counts))
        for error, by_lang in figures.items()
        for lang, counts in by_lang.items()
    ]
    markdown = "\n\n".join(
        [
            "# Decision on questions not used for calibration",
            measured.line(),
            f"Model: `{embedder.info.name}`. {len(judged)} questions of `sample_kb`, divided by topic {SPLITS} times "
            f"into {PARTS} parts, each asked after the others have calibrated; intervals count each question once.",
            "The rows by accepted error are the risk–coverage curve.",
            table(header, lines),
            "Without calibration:",
            table(header[2:], [_cells(plain)]),
            f"By the share of the questions that calibrated, at {DEFAULT_ERROR:.0%}:",
            table(("calibrated by", *header[2:]), [(share, *_cells(counts)) for share, counts in by_share.items()]),
            f"By kind of question, at {DEFAULT_ERROR:.0%}:",
            table(("kind", *header[2:]), [(kind, *_cells(counts)) for kind, counts in by_kind.items()]),
        ]
    )
    results = {"by_error": figures, "by_share_calibrated": by_share, "by_kind": by_kind, "uncalibrated": plain}
    write_result("decision", markdown, results, measured, options.out)
    print(markdown)


def divided(judged: Sequence[Judged], error: float, parts: int) -> list[Row]:
    """Every question, once for each of SPLITS divisions, with what is done to it after the other parts calibrated."""
    topics = sorted({topic_of(item) for item in judged})
    rows: list[Row] = []
    for seed in range(SEED, SEED + SPLITS):
        order = np.random.default_rng(seed).permutation(topics).tolist()
        part = {topic: place % parts for place, topic in enumerate(order)}
        for number in range(parts):
            calibration = fit(sample_of([item for item in judged if part[topic_of(item)] != number]), error)
            for item in judged:
                if part[topic_of(item)] == number:
                    decision = decide(item.outcome.evidence, primary(item.query.lang), calibration)
                    rows.append((item, decision.action))
    return rows


def _count(rows: Sequence[Row]) -> dict[str, int]:
    answered = [item for item, action in rows if action is Action.ANSWER]
    right = [item for item in answered if item.ranking and item.relevant.get(item.ranking[0], 0) > 0]
    unanswerable = [(item, action) for item, action in rows if not item.query.answerable]
    listed = [action for item, action in rows if any(item.relevant.get(name, 0) > 0 for name in item.ranking)]
    return {
        "answerable": len(rows) - len(unanswerable),
        "answered_answerable": sum(item.query.answerable for item in answered),
        "answered": len(answered),
        "wrong": len(answered) - len(right),
        "unanswerable": len(unanswerable),
        "not_answered": sum(action is not Action.ANSWER for _, action in unanswerable),
        "handed_over": sum(action is Action.HAND_OVER for _, action in unanswerable),
        "listed": len(listed),
        "listed_handed_over": sum(action is Action.HAND_OVER for action in listed),
    }


def _cells(counts: dict[str, int]) -> tuple[str, ...]:
    wrong = "–"
    if counts["answered"]:
        low, high = wilson(round(counts["wrong"] / SPLITS), max(1, round(counts["answered"] / SPLITS)))
        wrong = f"{counts['wrong'] / counts['answered']:.1%} ({low:.1%}–{high:.1%})"
    return (
        _share(counts["answered_answerable"], counts["answerable"]),
        wrong,
        _share(counts["not_answered"], counts["unanswerable"]),
        _share(counts["handed_over"], counts["unanswerable"]),
        _share(counts["listed_handed_over"], counts["listed"]),
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} of {whole // SPLITS}" if whole else "–"


if __name__ == "__main__":
    main()
