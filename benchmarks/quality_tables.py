"""The quality report's tables. Takes figures, gives Markdown; knows no engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.quality_sets import EvalSet
from benchmarks.report import Stamp, table
from kbsearch.types import Mode

MODES: tuple[Mode, ...] = ("lexical", "dense", "hybrid")
# What the first issue allows hybrid to lose against the better leg, in points of recall@10.
ALLOWED_LOSS = 1.0
_MEASURES = ("recall@1", "recall@10", "ndcg@10", "mrr@10")
# ../shared/eval/README.md: the best recall@1 and recall@10 of three kinds of terms with rank_bm25.BM25Plus.
_BASELINES = {
    "en": (77.9, 95.3), "lv": (72.7, 92.4), "lt": (70.3, 91.0), "et": (72.1, 92.9),
    "ru": (72.2, 93.1), "pl": (72.5, 92.3), "de": (73.2, 93.4),
}  # fmt: skip

Reports = Mapping[Mode, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SetResult:
    """One set's figures by mode, as `kbsearch eval` gives them; and by kind of question."""

    item: EvalSet
    passages: int
    modes: Reports
    kinds: Mapping[str, Reports]
    """"lang · kind" → mode → figures; empty for sets of one kind."""


def describe(
    measured: Stamp,
    model: str,
    results: Sequence[SetResult],
    answers: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
) -> str:
    """The whole report."""
    parts = ["# Ranking quality", measured.line(), f"Model: `{model}`."]
    parts += [
        *notes,
        "Cells: recall@1 / recall@10 / nDCG@10 / MRR@10 in per cent. *Hybrid − better leg*: points of recall@10; "
        f"**bold** where hybrid loses more than {ALLOWED_LOSS:.0f} point.",
        "## Hybrid against the better leg",
        _verdict(results),
    ]
    own = [result for result in results if result.item.name.startswith("alchemy_")]
    across = [result for result in results if result.item.name.startswith("cross_")]
    for result in results:
        if result in own or result in across:
            continue
        parts += [f"## {_heading(result)}", _by_language(result)]
        if result.kinds:
            parts += ["By kind of question:", _rows_table("language · kind", result.kinds.items()), *_decision(result)]
    if own:
        parts += ["## Development sets: title → body, one language", _baseline_table(own)]
    if across:
        rows = ((result.item.title.partition(":")[0], result.modes) for result in across)
        parts += ["## Development sets: title → body, across languages", _rows_table("asked → indexed", rows)]
    if answers:
        parts += ["## Real help centre: hand-written queries, their first three hits", _answers_table(answers)]
    return "\n\n".join(parts)


def loss(reports: Reports, measure: str = "recall@10") -> float:
    """Hybrid's figure minus the better leg's, in points."""
    better = max(reports["lexical"][measure], reports["dense"][measure])
    return float(round(100 * (reports["hybrid"][measure] - better), 2))


def by_language(result: SetResult) -> Iterator[tuple[str, Reports]]:
    """Each language's figures in all modes."""
    for lang in result.modes["hybrid"]["by_lang"]:
        yield lang, {mode: result.modes[mode]["by_lang"][lang] for mode in MODES}


def _heading(result: SetResult) -> str:
    return f"{result.item.title[0].upper()}{result.item.title[1:]} ({result.passages:,} passages)"


def _verdict(results: Sequence[SetResult]) -> str:
    losses = [(loss(reports), result.item.name, lang) for result in results for lang, reports in by_language(result)]
    bad = [f"{name} {lang} {points:+.2f}" for points, name, lang in sorted(losses) if points < -ALLOWED_LOSS]
    worst = min(losses)
    summary = f"Worst of {len(losses)} pairs of set and language: {worst[0]:+.2f} points ({worst[1]}, {worst[2]})."
    behind = [
        f"{result.item.name} {lang} {points:+.2f}"
        for result in results
        for lang, reports in by_language(result)
        if (points := loss(reports, "recall@1")) < 0
    ]
    first = f"At recall@1 hybrid is behind a leg in: {', '.join(behind) or 'none'}."
    return f"{summary} Beyond the allowed loss: {', '.join(bad) or 'none'}. {first}"


def _by_language(result: SetResult) -> str:
    rows = list(by_language(result))
    return _rows_table("language", [*rows, ("all", result.modes)] if len(rows) > 1 else rows)


def _rows_table(first: str, rows: Iterator[tuple[str, Reports]] | Any) -> str:
    header = (first, "n", *MODES, "hybrid − better leg")
    cells = [
        (name, reports["hybrid"]["n"], *(_cell(reports[mode]) for mode in MODES), _points(loss(reports)))
        for name, reports in rows
    ]
    return table(header, cells)


def _baseline_table(results: Sequence[SetResult]) -> str:
    header = ("language", "n", "best baseline R@1 / R@10", *MODES, "lexical − baseline", "hybrid − better leg")
    rows = []
    for result in results:
        lang, reports = next(by_language(result))
        baseline = _BASELINES[lang]
        gains = [100 * reports["lexical"][name] - known for name, known in zip(_MEASURES, baseline, strict=False)]
        rows.append(
            (
                lang,
                reports["hybrid"]["n"],
                f"{baseline[0]} / {baseline[1]}",
                *(_cell(reports[mode]) for mode in MODES),
                f"{gains[0]:+.1f} / {gains[1]:+.1f}",
                _points(loss(reports)),
            )
        )
    return table(header, rows)


def _decision(result: SetResult) -> Iterator[str]:
    names = ("answered", "answer_precision", "abstained_on_unanswerable", "handed_over_on_unanswerable")
    decisions = {mode: result.modes[mode]["decision"] for mode in MODES}
    yield f"Decision, with {decisions['hybrid']['unanswerable']} unanswerable questions:"
    yield table(("mode", *names), [(mode, *(_share(decisions[mode][name]) for name in names)) for mode in MODES])


def _answers_table(answers: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for answer in answers:
        numbered = enumerate(answer["hits"], start=1)
        hits = " · ".join(f"{place}. {hit['title']} ({hit['lang']})" for place, hit in numbered)
        rows.append((f"{answer['lang']}: {answer['query']}", hits.replace("|", "\\|") or "nothing found"))
    return table(("query", "first hits"), rows).replace("|---|---:|", "|---|---|")


def _cell(report: Mapping[str, Any]) -> str:
    return " / ".join(f"{100 * report[name]:.1f}" for name in _MEASURES)


def _points(points: float) -> str:
    return f"**{points:+.1f}**" if points < -ALLOWED_LOSS else f"{points:+.1f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
