"""Ranking quality of an engine on a file of judged queries (docs/evaluation.md).

Metrics come from ir-measures (trec_eval's definitions); the only module that imports it. With `"match": "group"` any
translation of a relevant document counts, each group once. Questions marked `"answerable": false` take no part in the
ranking figures; they measure the decision.
"""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import ir_measures
import numpy as np
import orjson
from ir_measures import RR, Qrel, R, ScoredDoc, nDCG

from kbsearch.engine import Engine
from kbsearch.errors import SourceError
from kbsearch.types import Action, Mode, SearchOutcome, SearchRequest

DEPTH = 10
# Enough for any scale. A grade of 2³² ends the process in ir-measures, and one of 10¹¹ comes out as 0.
HIGHEST_GRADE = 1000
MEASURES = {"ndcg@10": nDCG @ 10, "mrr@10": RR @ 10, "recall@1": R @ 1, "recall@5": R @ 5, "recall@10": R @ 10}


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """One line of an evaluation file."""

    id: str
    query: str
    lang: str
    relevant: dict[str, int]
    answerable: bool
    by_group: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A query's outcome beside what was expected of it."""

    query: JudgedQuery
    outcome: SearchOutcome
    ranking: tuple[str, ...]
    """Document ids, or groups where the query matches by group."""
    relevant: dict[str, int]
    milliseconds: float


def read_queries(path: Path) -> list[JudgedQuery]:
    """Read an evaluation file. Raises SourceError naming the line that cannot be used."""
    queries: list[JudgedQuery] = []
    ids: set[str] = set()
    try:
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError as cause:
        raise SourceError(f"{path} cannot be read ({cause.strerror}); give a file of judged queries.") from cause
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            query = _judged_query(orjson.loads(line))
        except ValueError as cause:  # JSON's own among them
            raise SourceError(
                f"{path}:{number} is no judged query ({cause}); see the evaluation format in docs/evaluation.md."
            ) from cause
        if not query.query.strip():
            raise SourceError(f"{path}:{number} has an empty query; write what a customer would type.")
        if query.id in ids:
            raise SourceError(f"{path}:{number} has the id {query.id!r} of an earlier query; give each its own.")
        ids.add(query.id)
        if query.answerable and not any(grade > 0 for grade in query.relevant.values()):
            raise SourceError(f'{path}:{number} has no relevant document; add one, or mark it "answerable": false.')
        queries.append(query)
    if not queries:
        raise SourceError(f"{path} holds no query; give a file of judged queries.")
    return queries


def _judged_query(fields: Any) -> JudgedQuery:
    """Null is the same as leaving a field out; a value of the wrong kind is an error, because it would be misread."""
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")
    given = {name: value for name, value in fields.items() if value is not None}
    for name in ("id", "query"):
        if name not in given:
            raise ValueError(f"{name} is missing")
    relevant = _grades(given.get("relevant", {}))
    answerable = given.get("answerable", True)
    if not isinstance(answerable, bool):
        raise ValueError(f"answerable is {answerable!r}, not true or false")
    if given.get("match", "group") != "group":
        raise ValueError(f'match is {given["match"]!r}; "group" is the only one')
    for name in ("query", "lang"):
        if not isinstance(given.get(name, ""), str):
            raise ValueError(f"{name} is {given[name]!r}, not text")
    if relevant and not answerable:
        raise ValueError('"answerable" is false, and yet "relevant" is not empty')
    return JudgedQuery(
        id=str(given["id"]),
        query=given["query"],
        lang=given.get("lang", ""),
        relevant=relevant,
        answerable=answerable,
        by_group="match" in given,
        kind=str(given.get("kind", "")),
    )


def _grades(relevant: Any) -> dict[str, int]:
    if not isinstance(relevant, dict):
        raise ValueError(f"relevant is {relevant!r}, not an object of grades")
    for key, grade in relevant.items():
        if not isinstance(grade, int) or not 0 <= grade <= HIGHEST_GRADE:
            raise ValueError(f"the grade {grade!r} of {key!r} is no whole number from 0 to {HIGHEST_GRADE}")
    return relevant


def run_queries(engine: Engine, queries: Iterable[JudgedQuery], mode: Mode = "hybrid") -> list[Judged]:
    """Search for every query, to depth 10, seeing all documents (docs/evaluation.md)."""
    judged = []
    for query in queries:
        request = SearchRequest(q=query.query, lang=query.lang, limit=DEPTH, audiences=None, mode=mode)
        started = perf_counter()
        outcome = engine.search(request)
        milliseconds = (perf_counter() - started) * 1000
        if query.by_group:
            ranking = tuple(hit.group for hit in outcome.hits)
            relevant: dict[str, int] = {}
            for key, grade in query.relevant.items():
                group = engine.group_of(key) or key
                relevant[group] = max(grade, relevant.get(group, 0))
        else:
            ranking = tuple(hit.id for hit in outcome.hits)
            relevant = query.relevant
        judged.append(Judged(query, outcome, ranking, relevant, milliseconds))
    return judged


def per_query(judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """Every measure of every answerable query: measure → query id → value."""
    answerable = [item for item in judged if item.query.answerable]
    qrels = [Qrel(item.query.id, key, grade) for item in answerable for key, grade in item.relevant.items()]
    run = [ScoredDoc(item.query.id, key, float(-rank)) for item in answerable for rank, key in enumerate(item.ranking)]
    values: dict[str, dict[str, float]] = {name: {item.query.id: 0.0 for item in answerable} for name in MEASURES}
    names = {measure: name for name, measure in MEASURES.items()}
    for metric in ir_measures.iter_calc(list(names), qrels, run):
        values[names[metric.measure]][metric.query_id] = metric.value
    return values


def summarise(judged: Sequence[Judged]) -> dict[str, Any]:
    """The report of `kbsearch eval --json`."""
    values = per_query(judged)
    by_lang: dict[str, list[Judged]] = defaultdict(list)
    for item in judged:
        by_lang[item.query.lang or "unknown"].append(item)
    milliseconds = np.asarray([item.milliseconds for item in judged])
    p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99))
    return {
        **_figures(judged, values),
        "by_lang": {lang: _figures(items, values) for lang, items in sorted(by_lang.items())},
        "decision": _decision(judged),
        "latency_ms": {"p50": round(float(p50), 3), "p95": round(float(p95), 3), "p99": round(float(p99), 3)},
    }


def _figures(judged: Sequence[Judged], values: dict[str, dict[str, float]]) -> dict[str, Any]:
    ids = [item.query.id for item in judged if item.query.answerable]
    means = {
        name: round(float(np.mean([of_query[id_] for id_ in ids])), 4) if ids else None
        for name, of_query in values.items()
    }
    return {"n": len(ids), **means}


def _decision(judged: Sequence[Judged]) -> dict[str, Any]:
    """Shares are None where there is nothing to divide by."""
    answered = [item for item in judged if item.outcome.decision.action is Action.ANSWER]
    right = [item for item in answered if item.ranking and item.relevant.get(item.ranking[0], 0) > 0]
    unanswerable = [item for item in judged if not item.query.answerable]
    abstained = [item for item in unanswerable if item.outcome.decision.action is not Action.ANSWER]
    handed_over = [item for item in unanswerable if item.outcome.decision.action is Action.HAND_OVER]
    answerable = len(judged) - len(unanswerable)
    answered_answerable = sum(item.query.answerable for item in answered)
    return {
        "answered": _share(answered_answerable, answerable),
        "answer_precision": _share(len(right), len(answered)),
        "abstained_on_unanswerable": _share(len(abstained), len(unanswerable)),
        "handed_over_on_unanswerable": _share(len(handed_over), len(unanswerable)),
        "unanswerable": len(unanswerable),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
