"""The publish gate on a real help centre: does it find what was planted, and nothing where nothing was?

    python -m benchmarks.gate

Needs `../shared/kb/alchemy` (25,000 articles in 12 languages). 20,000 searches that helped are made up from titles and
bodies (a word left out, a typo, without diacritics, words of a sentence; popularity as 1/rank) and written to an event
store as the service writes them. A rebuilt version of the same articles must break none of them; a candidate with ten
planted losses must be refused and all ten named. The worse model is the bundled one with its rows shuffled.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from safetensors.numpy import load_file, save_file

from benchmarks.corrupt import with_typo
from benchmarks.gate_log import BEGIN, Visit, write
from benchmarks.gate_losses import Row, Targets, plant
from benchmarks.quality_sets import ALCHEMY
from benchmarks.report import RESULTS, WORK, stamp, table, write_result
from indexer.loaders import LoadReport, load_sources
from indexer.pipeline import build
from indexer.replay.gate import Terms, replay
from indexer.replay.page import as_page
from indexer.replay.report import Report, share_text
from kbsearch.embed.registry import models_directory
from kbsearch.events.sqlite import SqliteStore
from kbsearch.metrics.moments import DAY, moment_of
from kbsearch.text.normalise import fold

SEARCHES = 20_000
SEED = 8
WEIGHTS = {"lv": 30, "lt": 25, "en": 20}
"""Traffic by language; the others share alike what is left of 100."""
SYNONYM = ("teams", "outlook mailbox; sharepoint site; onedrive folder; licence; exchange; domain")
ANSWERED = 0.3
CLIENTS = 6_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write benchmarks/results/gate.{md,json}; 1 where the gate missed something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=SEARCHES)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    measured = stamp("python -m benchmarks.gate")
    folder = WORK / "gate"
    rows = _rows()
    visits = list(_visits(rows, options.searches))
    store = _store(folder, visits)
    index = folder / "index"
    published = build([_source(folder / "published", rows, {})], index, update=True).version
    # From another folder, so that it is a version of its own.
    unchanged = build([_source(folder / "unchanged", rows, {})], index, publishing=False, update=True).version
    terms = Terms(store, since=moment_of(BEGIN.isoformat()), until=moment_of(BEGIN.isoformat()) + 28 * DAY)
    same, same_seconds = _timed(index, unchanged, published, terms)
    worse = os.path.relpath(_worse_model(folder / "shuffled"))
    popular = _popular(visits, rows)
    ruled = max(str(rows[popular[4]]["title"]).split(), key=len).strip(".,:()")
    planted, editing = plant(rows, Targets(popular, "fi", ("sv", "de"), *SYNONYM, worse, ruled))
    spoilt = build(
        [_source(folder / "spoilt", rows, editing)], index, model=worse, publishing=False, update=True
    ).version
    report, seconds = _timed(index, spoilt, published, terms)
    store.close()
    (folder / "report.html").write_text(as_page(report), encoding="utf-8")
    found = [(item.what, next((total for total in report.causes if item.named(total.cause)), None)) for item in planted]
    named = sum(total is not None for _, total in found)
    passed = not same.causes and not same.over and bool(report.over) and named == len(planted)
    figures: dict[str, Any] = {
        "passed": passed,
        "unchanged": _figures(same, same_seconds),
        "spoilt": _figures(report, seconds),
        "planted": [{"what": what, "searches": total.searches if total else 0} for what, total in found],
        "different_queries": len({(visit.query.casefold(), visit.lang) for visit in visits}),
        "peak_mebibytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    markdown = "\n\n".join(
        [
            "# The publish gate on a real help centre",
            measured.line(),
            (__doc__ or "").split("\n\n", 2)[2].strip().replace("\n", " "),
            f"Required: nothing broken in the unchanged candidate, the spoilt one refused, ten of ten losses named: "
            f"{'met' if passed else 'NOT met'}.",
            table(
                ("", "unchanged", "spoilt"),
                [
                    (name.replace("_", " "), figures["unchanged"][name], figures["spoilt"][name])
                    for name in figures["unchanged"]
                ],
            ),
            f"These are {figures['different_queries']:,} different queries, each asked of both "
            f"versions. Peak memory of the whole run {figures['peak_mebibytes']} MiB.",
            "## The ten losses, all planted into one candidate",
            table(
                ("planted", "broken searches", "the report says"),
                [
                    (what, total.searches if total else 0, total.cause.sentence if total else "NOT NAMED")
                    for what, total in found
                ],
            ),
        ]
    )
    write_result("gate", markdown, figures, measured, options.out)
    print(markdown)
    return 0 if passed else 1


def _figures(report: Report, seconds: tuple[float, float]) -> dict[str, Any]:
    (part,) = report.sections
    took = report.latency
    return {
        "searches_in_the_log": report.searches,
        "successes_served_by_the_published_version": part.total.held,
        "broken": part.total.broken,
        "broken_share": share_text(part.total),
        "new_wins": part.total.won,
        "changed_decisions": sum(flip.searches for flip in report.flips),
        "refused": "yes" if report.over else "no",
        "median_ms_published": took.median_before if took else None,
        "median_ms_candidate": took.median_after if took else None,
        "seconds": round(seconds[0], 1),
        "processor_seconds": round(seconds[1], 1),
    }


def _timed(index: Path, candidate: str, published: str, terms: Terms) -> tuple[Report, tuple[float, float]]:
    """The report, and the seconds that it took: on the clock, and of the processor."""
    started, used = time.perf_counter(), time.process_time()
    report = replay(index / candidate, index / published, terms)
    return report, (time.perf_counter() - started, time.process_time() - used)


def _worse_model(target: Path) -> Path:
    """The bundled model with its rows shuffled, as after an export with another tokenizer: it knows nothing."""
    source = models_directory() / "kbsearch-static"
    shutil.copytree(source, target, dirs_exist_ok=True)
    arrays = load_file(source / "model.safetensors")
    order = np.random.default_rng(SEED).permutation(len(arrays["embeddings"]))
    save_file({name: array[order] for name, array in arrays.items()}, target / "model.safetensors")
    return target


def _rows() -> dict[str, Row]:
    sources = sorted(ALCHEMY.glob("*.jsonl.xz"))
    documents = load_sources(sources, report=LoadReport(), strict=True)
    return {
        document.id: {
            name: getattr(document, name) for name in ("id", "group", "lang", "title", "body", "format", "audience")
        }
        for document in documents
    }


def _source(source: Path, rows: dict[str, Row], editing: Mapping[str, str]) -> Path:
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    (source / "articles.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows.values()))
    for name, text in editing.items():
        (source / name).write_text(text, encoding="utf-8")
    return source


def _store(folder: Path, visits: Sequence[Visit]) -> SqliteStore:
    path = folder / "events.db"
    for left in folder.glob("events.db*"):
        left.unlink()
    store = SqliteStore(path)
    write(store, visits)
    return store


def _visits(rows: dict[str, Row], count: int) -> Iterator[Visit]:
    draw = random.Random(SEED)
    by_lang: dict[str, list[Row]] = {}
    for row in rows.values():
        by_lang.setdefault(row["lang"], []).append(row)
    rest = (100 - sum(WEIGHTS.values())) / (len(by_lang) - len(WEIGHTS))
    groups = sorted({row["group"] for row in rows.values()})
    draw.shuffle(groups)
    popularity = {group: 1 / (rank + 1) for rank, group in enumerate(groups)}
    shares = {lang: [popularity[row["group"]] for row in mine] for lang, mine in by_lang.items()}
    langs = sorted(by_lang)
    for _ in range(count):
        lang = draw.choices(langs, [WEIGHTS.get(lang, rest) for lang in langs])[0]
        row = draw.choices(by_lang[lang], shares[lang])[0]
        client = f"client-{draw.randrange(CLIENTS)}-{draw.randrange(10**6)}"
        yield Visit(_query(row, draw), lang, row["id"], answered=draw.random() < ANSWERED, client=client)


def _query(row: Row, draw: random.Random) -> str:
    """As somebody types who wants this article; few ways for each, so that many ask the same."""
    title = str(row["title"])
    words = title.split()
    way = random.Random(f"{row['id']} {draw.randrange(3)}")
    match way.choice(("title", "fewer", "fewer", "typo", "folded", "body", "body")):
        case "fewer" if len(words) > 2:
            left_out = way.randrange(len(words))
            return " ".join(words[:left_out] + words[left_out + 1 :])
        case "typo":
            return with_typo(title)
        case "folded":
            return fold(title)
        case "body":
            body = str(row["body"]).split()
            start = way.randrange(max(1, len(body) - 6))
            return " ".join(body[start : start + 6]) or title
        case _:
            return title


def _popular(visits: Sequence[Visit], rows: dict[str, Row]) -> list[str]:
    """The most visited documents in English, of different groups that stand in Latvian as well."""
    counts: dict[str, int] = {}
    for visit in visits:
        if visit.lang == "en":
            counts[visit.document] = counts.get(visit.document, 0) + 1
    groups_in_latvian = {row["group"] for row in rows.values() if row["lang"] == "lv"}
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    return [name for name in ordered if rows[name]["group"] in groups_in_latvian]


if __name__ == "__main__":
    raise SystemExit(main())
