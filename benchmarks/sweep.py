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
from kbsearch.fuse import fuse, similarity
from kbsearch.retrieve import Candidates, retrieve
from kbsearch.snapshot import Snapshot
from kbsearch.text.language import LanguageDetector
from kbsearch.types import Action, Decision, SearchOutcome
from kbsearch.understand import understand
from kbsearch.visibility import Visible

DENSE_WEIGHTS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
COSINE_FLOORS = (0.0, 0.1, 0.2, 0.3)
LANGUAGE_BONUSES = (0.0, 0.02, 0.05, 0.1)
SHOWN = 25

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
    cosines: NDArray[np.float32] | None
    welcome: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """The questions of one set in one language, with the better leg's recall@10."""

    name: str
    retrieved: list[Retrieved]
    better_leg: float
    languages: int
    """Of the index: in an index of one language the bonus for it changes nothing."""


def print_sweep(sets: Sequence[EvalSet], embedder: Embedder) -> None:
    """Print the best rows by the mean of recall@1 and recall@10 over all sets and languages."""
    parts = [part for item in sets for part in _prepare(item, embedder)]
    families = sorted({_family(part) for part in parts})
    rows = []
    known: dict[tuple[str, float, float, float], tuple[float, float]] = {}
    for weight, floor, bonus in product(DENSE_WEIGHTS, COSINE_FLOORS, LANGUAGE_BONUSES):
        figures = {}
        for part in parts:
            key = (part.name, weight, floor, bonus if part.languages > 1 else 0.0)
            figures[part.name] = known[key] = known.get(key) or _evaluate(part, *key[1:])
        worst = min((100 * (figures[part.name][1] - part.better_leg), part.name) for part in parts)
        cells = [_mean(figures[part.name] for part in parts if _family(part) == family) for family in families]
        score = 100 * float(np.mean(list(figures.values())))
        rows.append((score, (weight, floor, bonus, f"{score:.2f}", *cells, f"{worst[0]:+.1f} {worst[1]}")))
    rows.sort(key=lambda row: -row[0])
    header = ("DENSE_WEIGHT", "COSINE_FLOOR", "LANGUAGE_BONUS", "mean", *families, "worst hybrid − better leg, R@10")
    print(f"Cells: mean recall@1 / recall@10 over the languages; the best {SHOWN} of {len(rows)} rows.\n")
    print(table(header, [cells for _, cells in rows[:SHOWN]]))


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
        yield Part(f"{item.name}·{lang}", retrieved, better, len(snapshot.languages))


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
    cosines = None if vector is None else snapshot.dense.vectors(candidates.passages) @ vector
    welcome = grouping.welcome_languages(snapshot, query.lang, read.languages)
    own_names = names[query.by_group]
    numbers = {key: snapshot.number_of(key) for key in query.relevant}
    relevant = {
        key if number is None else own_names[number]: query.relevant[key] for key, number in numbers.items()
    }
    return Retrieved(query, relevant, own_names, snapshot, candidates, cosines, welcome)


def _evaluate(part: Part, weight: float, floor: float, bonus: float) -> tuple[float, float]:
    """Mean recall@1 and recall@10."""
    default = grouping.LANGUAGE_BONUS
    grouping.LANGUAGE_BONUS = bonus
    try:
        judged = [_judge(retrieved, weight, floor) for retrieved in part.retrieved]
    finally:
        grouping.LANGUAGE_BONUS = default
    values = per_query(judged)
    first, ten = (float(np.mean(list(values[name].values()))) for name in ("recall@1", "recall@10"))
    return first, ten


def _judge(retrieved: Retrieved, weight: float, floor: float) -> Judged:
    candidates = retrieved.candidates
    if retrieved.cosines is not None:
        closeness = similarity(retrieved.cosines, floor)
        candidates = replace(candidates, similarity=closeness, scores=fuse(candidates.lexical, closeness, weight))
    groups = grouping.group_results(retrieved.snapshot, candidates, retrieved.welcome, _EVERYTHING)
    ranking = tuple(retrieved.names[number] for number in groups.documents[:DEPTH])
    return Judged(retrieved.query, _NOT_SHOWN, ranking, retrieved.relevant, 0.0)


def _family(part: Part) -> str:
    """Sets shown as one column: sample_kb by language, the others together."""
    name = part.name.partition("·")[0]
    if name == "sample_kb":
        return part.name
    return name if name.startswith("help_centre") else name.partition("_")[0]
