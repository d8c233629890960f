"""How well duplicates and untied translations are found, by method and threshold → results/ties.md.

python -m benchmarks.ties

Duplicates: copies of real articles in which some words were replaced are added to the articles; found copies are
counted by how much was replaced, and every other pair that is reported is shown as an extra. Translations: the groups
of a help centre in several languages are taken away and proposed anew.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import orjson

from benchmarks.quality_sets import SHARED
from benchmarks.report import RESULTS, ROOT, stamp, table, write_result
from indexer import duplicates
from indexer.loaders import LoadReport, load_sources
from indexer.pipeline import build
from indexer.prepare import prepare
from indexer.translations import document_vectors, propose
from kbsearch.index.corpus import whole
from kbsearch.snapshot import Snapshot, open_snapshot
from kbsearch.types import Document

REPLACED = (0.0, 0.02, 0.05, 0.1, 0.2)
COPIES = 200
MARGINS = (1.0, 1.05, 1.1, 1.15, 1.2, 1.3)
COSINES = (0.98, 0.95, 0.9)


def main() -> None:
    """Measure and write."""
    measured = stamp("python -m benchmarks.ties")
    sets = {"sample_kb": [ROOT / "sample_kb"]}
    if SHARED.is_dir():
        sets["alchemy lv, lt, en"] = [SHARED / "kb" / "alchemy" / f"{lang}.jsonl.xz" for lang in ("lv", "lt", "en")]
    figures: dict[str, Any] = {}
    parts = ["# Duplicates and untied translations", measured.line()]
    for name, sources in sets.items():
        documents = list(load_sources(sources, report=LoadReport()))
        figures[name] = {"duplicates": find_copies(documents), "translations": find_translations(documents)}
        parts += [f"## {name}: {len(documents):,} documents", *described(figures[name])]
        print(parts[-1], flush=True)
    write_result("ties", "\n\n".join(parts), figures, measured, RESULTS)


def find_copies(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """Recall by share of words replaced, and pairs nobody planted, for each method."""
    chance = random.Random(5)
    words = [word for document in documents[:500] for word in document.body.split()]
    planted: dict[tuple[str, str], float] = {}
    copies = []
    for share in REPLACED:
        for document in chance.sample(list(documents), min(COPIES, len(documents))):
            text = [chance.choice(words) if chance.random() < share else word for word in document.body.split(" ")]
            copy = f"{document.id}#copy-{share}"
            planted[document.id, copy] = share
            fields = {name: getattr(document, name) for name in ("title", "lang", "type", "format", "audience")}
            copies.append(Document(id=copy, group=copy, body=" ".join(text), **fields))
    everything = [*documents, *copies]
    corpus = whole(prepare(everything))
    records = [orjson.loads(record) for record in corpus.of_documents("records").rows()]
    started = perf_counter()
    pairs = duplicates.near_duplicates(corpus, records, 0.5)
    took = perf_counter() - started
    results = []
    for limit in (0.5, 0.6, 0.7, 0.8, 0.9):
        found = {(pair.first, pair.second) for pair in pairs if pair.text >= limit}
        results.append(_judged(f"shared runs of words ≥ {limit}", found, records, planted, took))
    folded = {(pair.first, pair.second) for pair in pairs if pair.same}
    results.append(_judged("folded (and the title)", folded, records, planted, took))
    snapshot = _snapshot(everything)
    started = perf_counter()
    vectors = document_vectors(snapshot)
    near = {limit: set[tuple[int, int]]() for limit in COSINES}
    for start in range(0, len(vectors), 1024):
        cosines = vectors[start : start + 1024] @ vectors.T
        for limit, into in near.items():
            rows, others = np.nonzero(cosines >= limit)
            into |= {(a, b) for a, b in zip((rows + start).tolist(), others.tolist(), strict=True) if a < b}
    took = perf_counter() - started
    same = lambda pair: records[pair[0]]["lang"] == records[pair[1]]["lang"]  # noqa: E731
    for limit, found in near.items():
        results.append(_judged(f"cosine ≥ {limit}", set(filter(same, found)), records, planted, took))
    return results


def _judged(
    name: str,
    found: set[tuple[int, int]],
    records: Sequence[Mapping[str, Any]],
    planted: Mapping[tuple[str, str], float],
    seconds: float,
) -> dict[str, Any]:
    """A copy counts as found where it is tied to its original, directly or through other copies of it."""

    def original(number: int) -> str:
        return str(records[number]["id"]).partition("#copy-")[0]

    reached = {records[number]["id"] for pair in found if original(pair[0]) == original(pair[1]) for number in pair}
    recall = {}
    for share in REPLACED:
        copies = [copy for (_, copy), at in planted.items() if at == share]
        recall[f"{share:.0%}"] = sum(copy in reached for copy in copies) / len(copies)
    extra = {pair for pair in found if original(pair[0]) != original(pair[1])}
    apart = {tuple(sorted(map(original, pair))) for pair in extra}
    return {"method": name, "recall": recall, "other_pairs": len(apart), "seconds": round(seconds, 2)}


def find_translations(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """Precision and recall of pairs of translations, by margin."""
    group = {document.id: document.group for document in documents}
    untied = [_without_group(document) for document in documents]
    snapshot = _snapshot(untied)
    members: dict[str, list[str]] = {}
    for identity, name in group.items():
        members.setdefault(name, []).append(identity)
    true = {pair for ids in members.values() for pair in _pairs(ids)}
    results = []
    for margin in MARGINS:
        started = perf_counter()
        proposed: dict[str, list[str]] = {}
        for each in propose(snapshot, margin):
            proposed.setdefault(each.group, []).append(each.id)
        found = {pair for ids in proposed.values() for pair in _pairs(ids)}
        right = len(found & true)
        results.append(
            {
                "margin": margin,
                "pairs": len(found),
                "precision": right / max(1, len(found)),
                "recall": right / max(1, len(true)),
                "seconds": round(perf_counter() - started, 1),
            }
        )
    return results


def described(figures: Mapping[str, Any]) -> list[str]:
    """Two tables."""
    shares = [f"{share:.0%}" for share in REPLACED]
    duplicates_table = table(
        ["copies found, by words replaced", *shares, "other pairs", "seconds"],
        [
            [row["method"], *(f"{row['recall'][share]:.3f}" for share in shares), row["other_pairs"], row["seconds"]]
            for row in figures["duplicates"]
        ],
    )
    translations_table = table(
        ["translations, by margin", "pairs", "precision", "recall", "seconds"],
        [
            [row["margin"], row["pairs"], f"{row['precision']:.3f}", f"{row['recall']:.3f}", row["seconds"]]
            for row in figures["translations"]
        ],
    )
    return [duplicates_table, translations_table]


def _pairs(ids: Sequence[str]) -> set[tuple[str, str]]:
    ordered = sorted(ids)
    return {(a, b) for place, a in enumerate(ordered) for b in ordered[place + 1 :]}


def _without_group(document: Document) -> Document:
    fields = {name: getattr(document, name) for name in ("id", "title", "body", "lang", "type", "format", "audience")}
    return Document(group=document.id, **fields)


def _snapshot(documents: Sequence[Document]) -> Snapshot:
    with tempfile.TemporaryDirectory() as name:
        source = Path(name, "all.jsonl")
        source.write_bytes(b"".join(orjson.dumps(document) + b"\n" for document in documents))
        build([source], Path(name, "index"))
        return open_snapshot(Path(name, "index"))  # memory-mapped: the files live until it is closed


if __name__ == "__main__":
    main()
