"""The fusion's parameters tried on the evaluation sets, to choose defaults by. Used by `quality --sweep`.

What the legs find does not depend on these parameters, so each question is retrieved once and only fused and grouped
again for every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_indexes import open_index
from benchmarks.quality_sets import EvalSet
from benchmarks.report import table
from kbsearch import grouping
from kbsearch.embed.protocol import Embedder
from kbsearch.evaluate import DEPTH, Judged, JudgedQuery, per_query, run_queries
from kbsearch.fuse import fuse
from kbsearch.retrieve import Candidates, retrieve
from kbsearch.snapshot import Snapshot
from kbsearch.text.language import LanguageDetector
from kbsearch.types import Action, Decision, SearchOutcome
from kbsearch.understand import understand
from kbsearch.visibility import Visible

DENSE_WEIGHTS = (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8)
RELATIVE_FLOORS = (0.0, 0.25, 0.5)

_EVERYTHING = Visible(None, None)
_NOT_SHOWN = SearchOutcome("", "", 0.0, 0, (), {}, Decision(Action.LIST, 0.0, (), False), None, "", False, {})


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What both legs found for one question, before fusion."""

    query: JudgedQuery
    relevant: dict[str, int]
    names: Sequence[str]
    """What a document counts as: its group, or its id, by its number."""
    snapshot: Snapshot
    candidates: Candidates
    welcome: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """The questions of one set in one language, with the better leg's recall@10."""

    name: str
    retrieved: list[Retrieved]
    better_leg: float


def print_sweep(sets: Sequence[EvalSet], embedder: Embedder) -> None:
    """Print all rows, best first by the mean of recall@1 and recall@10 over all sets and languages."""
    parts = [part for item in sets for part in _prepare(item, embedder)]
    families = sorted({_family(part) for part in parts})
    rows = []
    for weight, floor in product(DENSE_WEIGHTS, RELATIVE_FLOORS):
        figures = {part.name: _evaluate(part, weight, floor) for part in parts}
        worst = min((100 * (figures[part.name][1] - part.better_leg), part.name) for part in parts)
        cells = [_mean(figures[part.name] for part in parts if _family(part) == family) for family in families]
        score = 100 * float(np.mean(list(figures.values())))
        rows.append((score, (weight, floor, f"{score:.2f}", *cells, f"{worst[0]:+.1f} {worst[1]}")))
    rows.sort(key=lambda row: -row[0])
    header = ("DENSE_WEIGHT", "RELATIVE_FLOOR", "mean", *families, "worst hybrid − better leg, R@10")
    print("Cells: mean recall@1 / recall@10 over the languages.\n")
    print(table(header, [cells for _, cells in rows]))


def _mean(figures: Iterable[tuple[float, float]]) -> str:
    first, ten = 100 * np.mean(list(figures), axis=0)
    return f"{first:.1f} / {ten:.1f}"


def _prepare(item: EvalSet, embedder: Embedder) -> Iterator[Part]:
    snapshot, engine = open_index(item, embedder)
    detector = LanguageDetector(snapshot.languages)
    queries = [query for query in item.queries if query.answerable]
    records = [snapshot.record(number) for number in range(snapshot.document_count)]
    names = {by_group: [record["group" if by_group else "id"] for record in records] for by_group in (True, False)}
    legs = [per_query(run_queries(engine, queries, mode))["recall@10"] for mode in ("lexical", "dense")]
    for lang in sorted({query.lang for query in queries}):
        own = [query for query in queries if query.lang == lang]
        better = max(float(np.mean([leg[query.id] for query in own])) for leg in legs)
        retrieved = [_retrieve(query, names, snapshot, detector, embedder) for query in own]
        yield Part(f"{item.name}·{lang}", retrieved, better)


def _retrieve(
    query: JudgedQuery,
    names: Mapping[bool, Sequence[str]],
    snapshot: Snapshot,
    detector: LanguageDetector,
    embedder: Embedder,
) -> Retrieved:
    """The engine's steps up to fusion."""
    read = understand(query.query, query.lang, detector, snapshot.lexical, snapshot.spelling)
    encoded = embedder.encode_queries([read.text])[0]
    vector = encoded if encoded.any() else None
    candidates = retrieve(snapshot, read, vector, _EVERYTHING, "hybrid", DEPTH)
    welcome = grouping.welcome_languages(snapshot, query.lang, read.languages)
    own_names = names[query.by_group]
    numbers = {key: snapshot.number_of(key) for key in query.relevant}
    relevant = {key if number is None else own_names[number]: query.relevant[key] for key, number in numbers.items()}
    return Retrieved(query, relevant, own_names, snapshot, candidates, welcome)


def _evaluate(part: Part, weight: float, floor: float) -> tuple[float, float]:
    """Mean recall@1 and recall@10."""
    default = grouping.RELATIVE_FLOOR
    grouping.RELATIVE_FLOOR = floor
    try:
        judged = [_judge(retrieved, weight) for retrieved in part.retrieved]
    finally:
        grouping.RELATIVE_FLOOR = default
    values = per_query(judged)
    first, ten = (float(np.mean(list(values[name].values()))) for name in ("recall@1", "recall@10"))
    return first, ten


def _judge(retrieved: Retrieved, weight: float) -> Judged:
    candidates = retrieved.candidates
    if candidates.similarity.any():
        candidates = replace(candidates, scores=fuse(candidates.lexical, candidates.similarity, weight))
    groups = grouping.group_results(retrieved.snapshot, candidates, retrieved.welcome, _EVERYTHING)
    ranking = tuple(retrieved.names[number] for number in groups.documents[:DEPTH])
    return Judged(retrieved.query, _NOT_SHOWN, ranking, retrieved.relevant, 0.0)


def _family(part: Part) -> str:
    """Sets shown as one column: sample_kb by language, the others together."""
    name = part.name.partition("·")[0]
    if name == "sample_kb":
        return part.name
    return name if name.startswith("help_centre") else name.partition("_")[0]
