"""What each part of understanding and ranking is worth: it is taken away, and the same questions are asked again.

    python -m benchmarks.ablations [--only NAME …]

Each difference is that of the same questions with and without the part, with a 95 % interval (bootstrap over pairs).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any
from unittest.mock import patch

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.corrupt import folded, glued, in_other_keys, latinised, mistyped, parted, polite, with_digraphs
from benchmarks.quality_indexes import RememberingEmbedder, open_index
from benchmarks.quality_sets import EvalSet, available_sets
from benchmarks.report import RESULTS, stamp, table, write_result
from kbsearch import fuse, retrieve, understand
from kbsearch.embed.registry import load_embedder
from kbsearch.engine import Engine
from kbsearch.evaluate import JudgedQuery, per_query, run_queries
from kbsearch.lexicon import Lexicon
from kbsearch.text.synonyms import Thesaurus

CORRUPTED = {
    "without diacritics": folded,
    "with digraphs": with_digraphs,
    "in Latin letters": latinised,
    "with the keys of the other alphabet": in_other_keys,
    "a space missing": glued,
    "a space too many": parted,
    "one typo": mistyped,
    "between a greeting and thanks": polite,
}
MEASURES = ("recall@1", "recall@10")
RESAMPLES = 2_000
RRF = 60
SEED = 7

Values = Mapping[str, Mapping[str, float]]

loop: Any = njit
"""Compiles, and leaves the types as they are written."""


@loop
def _ranks(scores: fuse.Scores) -> fuse.Scores:
    order = np.argsort(-scores, kind="mergesort")
    ranks = np.empty(len(scores), dtype=np.float32)
    ranks[order] = np.arange(1, len(scores) + 1)
    return ranks


@loop
def _reciprocal_ranks(
    lexical: fuse.Scores, dense: fuse.Scores, _: fuse.Scores, __: fuse.Scores, dense_weight: float
) -> fuse.Scores:
    """RRF (Cormack et al., 2009) of the two legs, scaled into 0..1."""
    legs = np.where(lexical > 0, RRF / (RRF + _ranks(lexical)), 0.0)
    if dense_weight > 0:
        legs = (legs + np.where(dense > 0, RRF / (RRF + _ranks(dense)), 0.0)) / 2
    return legs.astype(np.float32)


@loop
def _of_passage(passage: fuse.Scores, _: fuse.Scores) -> fuse.Scores:
    closeness: fuse.Scores = fuse.similarity(passage)
    return closeness


@loop
def _by_words(lexical: fuse.Scores, _: fuse.Scores, _foreign: NDArray[np.bool_]) -> fuse.Scores:
    return lexical


@loop
def _unordered(*_: Any) -> fuse.Scores:
    return np.zeros(len(_[-1]), dtype=np.float32)


def _compiled(function: Any, **changed: Any) -> Any:
    """The loop compiled again with other names in its module: what is compiled does not see a patch."""
    plain = function.py_func
    return loop(FunctionType(plain.__code__, {**plain.__globals__, **changed}, plain.__name__))


@cache
def _untitled() -> Any:
    return _compiled(fuse.fuse, TITLE_WEIGHT=0.0)


@cache
def _find(name: str, loop: Any) -> Any:
    return _compiled(retrieve._find, _judge=_compiled(retrieve._judge, **{name: loop}))


def _judging(name: str, loop: Any) -> Any:
    return patch.object(retrieve, "_find", _find(name, loop))


VARIANTS: Mapping[str, Callable[[], Any]] = {
    "reciprocal ranks (RRF) instead": lambda: _judging("fuse", _reciprocal_ranks),
    "meaning weighs 0.5": lambda: patch.object(fuse, "DENSE_WEIGHT", 0.5),
    "meaning weighs 0.57": lambda: patch.object(fuse, "DENSE_WEIGHT", 0.57),
    "meaning weighs 0.75": lambda: patch.object(fuse, "DENSE_WEIGHT", 0.75),
    "codes have a meaning": lambda: patch.object(retrieve, "dense_weight", lambda *_: fuse.DENSE_WEIGHT),
    "without the title's words": lambda: _judging("fuse", _untitled()),
    "without the order of the words": lambda: _judging("adjacency", _unordered),
    "without the title's meaning": lambda: _judging("meaning", _of_passage),
    "nothing expected of other languages": lambda: _judging("expected_share", _by_words),
    "without synonyms": lambda: patch.object(Thesaurus, "expand", lambda *_: {}),
    "without corrections": lambda: patch.object(Lexicon, "correct", lambda *_, **__: None),
    "without the interface language": lambda: patch.object(understand, "INTERFACE_PRIOR", 1.0),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write benchmarks/results/ablations.{md,json}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablations", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="sets whose names begin so: sample_kb, alchemy, …")
    parser.add_argument("--model", metavar="NAME", help="embedding model (default: the bundled default)")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    command = "python -m benchmarks.ablations" + (f" --only {' '.join(options.only)}" if options.only else "")
    measured = stamp(command + (f" --model {options.model}" if options.model else ""))
    embedder = RememberingEmbedder(load_embedder(options.model))
    parts, figures = [], {}
    for item in available_sets(options.only):
        _, engine = open_index(item, embedder)
        rows, spoilt = ablate(engine, item), corrupt(engine, item)
        figures[item.name] = {"variants": rows, "corrupted": spoilt}
        parts += [f"## {item.title}", describe("part", rows), describe("typed", spoilt)]
        print(f"{item.name} done", flush=True)
    head = "Cells: recall in per cent, and its difference from the row above all others in points (95 % interval)."
    write_result(
        "ablations",
        "\n\n".join(["# What each part is worth", measured.line(), f"Model: `{embedder.info.name}`. {head}", *parts]),
        figures,
        measured,
        options.out,
    )


def ablate(engine: Engine, item: EvalSet) -> dict[str, Any]:
    """Language → variant → its figures beside those of the default."""
    queries = [query for query in item.queries if query.answerable]
    default = per_query(run_queries(engine, queries))
    variants: dict[str, Values] = {"as it is": default}
    for mode in ("lexical", "dense"):
        variants[f"{mode} leg alone"] = per_query(run_queries(engine, queries, mode))
    for name, without in VARIANTS.items():
        with without():
            variants[name] = per_query(run_queries(engine, queries))
    return {
        lang: {name: compare(own, own, default, values) for name, values in variants.items()}
        for lang, own in by_language(queries)
    }


def corrupt(engine: Engine, item: EvalSet) -> dict[str, Any]:
    """Language → way of typing → its figures beside those of the same questions typed well."""
    found: dict[str, Any] = {}
    for lang, own in by_language([query for query in item.queries if query.answerable]):
        for name, spoil in CORRUPTED.items():
            pairs = spoil(own)
            if pairs:
                well, badly = ([pair[place] for pair in pairs] for place in (0, 1))
                values = [per_query(run_queries(engine, queries)) for queries in (well, badly)]
                found.setdefault(lang, {})[name] = compare(well, badly, *values)
    return found


def by_language(queries: Sequence[JudgedQuery]) -> list[tuple[str, list[JudgedQuery]]]:
    languages = sorted({query.lang for query in queries})
    return [(lang, [query for query in queries if query.lang == lang]) for lang in languages]


def compare(
    before: Sequence[JudgedQuery], after: Sequence[JudgedQuery], first: Values, second: Values
) -> dict[str, Any]:
    draws = np.random.default_rng(SEED).integers(0, len(before), (RESAMPLES, len(before)))
    figures: dict[str, Any] = {"n": len(before)}
    for name in MEASURES:
        old = np.asarray([first[name][query.id] for query in before])
        new = np.asarray([second[name][query.id] for query in after])
        means = (new - old)[draws].mean(axis=1)
        low, high = np.percentile(means, (2.5, 97.5))
        figures[name] = {
            "value": round(100 * float(new.mean()), 2),
            "difference": round(100 * float((new - old).mean()), 2),
            "interval": [round(100 * float(low), 2), round(100 * float(high), 2)],
        }
    return figures


def describe(first: str, by_language: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (f"{lang} · {name}", figures["n"], *(_cell(figures[measure]) for measure in MEASURES))
        for lang, of_language in by_language.items()
        for name, figures in of_language.items()
    ]
    return table((f"language · {first}", "n", *MEASURES), rows) if rows else ""


def _cell(figure: Mapping[str, Any]) -> str:
    low, high = figure["interval"]
    if low == high == 0.0:
        return f"{figure['value']:.1f}"
    return f"{figure['value']:.1f} ({figure['difference']:+.1f}: {low:+.1f} to {high:+.1f})"


if __name__ == "__main__":
    main()
