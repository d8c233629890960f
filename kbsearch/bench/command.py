"""`kbsearch bench`: options in, the receipt as text, JSON or a page out."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import orjson

from kbsearch.amounts import amount
from kbsearch.bench.compare import check, compare, unlike
from kbsearch.bench.page import as_page
from kbsearch.bench.receipt import Questions, measure
from kbsearch.errors import KbsearchError, LimitError, UsageError
from kbsearch.evaluate import read_queries
from kbsearch.snapshot import open_snapshot
from kbsearch.types import MAX_QUERY

_TITLES = 500
"""Titles that stand in for queries where none are given."""


def run(options: argparse.Namespace) -> str:
    """Measure, write what was asked for, compare. Raises KbsearchError where something became slower."""
    if not 0.1 <= options.seconds <= 600:
        raise LimitError(f"--seconds {options.seconds:g} is out of range; give 0.1 to 600.", "seconds")
    if not 1 <= options.rounds <= 100:
        raise LimitError(f"--rounds {options.rounds} is out of range; give 1 to 100.", "rounds")
    if options.workers < 1:
        raise LimitError(f"--workers {options.workers} cannot serve; give at least 1.", "workers")
    before = _read_receipt(options.against, options.workers) if options.against else None
    questions = _questions(options.index, options.queries)
    receipt = measure(options.index, questions, seconds=options.seconds, rounds=options.rounds, workers=options.workers)
    if before is not None:
        changes = compare(before, receipt)
        receipt["against"] = {
            "same_machine": before.get("machine") == receipt["machine"],
            "unlike": unlike(before, receipt),
            "changes": [
                {"name": change.name, "growth": round(change.growth, 4), "noise": round(change.noise, 4)}
                for change in changes
            ],
        }
        slower = [str(change) for change in changes if change.slower]
    else:
        slower = []
    if options.out:
        options.out.write_bytes(orjson.dumps(receipt, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if options.html:
        options.html.write_text(as_page(receipt), encoding="utf-8")
    if slower:
        beside = ", ".join([str(options.against), *receipt["against"]["unlike"]])
        raise KbsearchError(f"slower than {beside}: {'; '.join(slower)}.")
    return orjson.dumps(receipt).decode() if options.json else _as_text(receipt)


def _questions(index: Path, queries: Path | None) -> Questions:
    found: dict[str, list[str]] = defaultdict(list)
    if queries is not None:
        for query in read_queries(queries):
            found[query.lang].append(query.query)
        return found
    snapshot = open_snapshot(index)
    public = snapshot.documents_with("audience", ["public"]).nonzero()[0].tolist()
    # Drawn, not every so many: where translations take turns, those would be of one language.
    for number in sorted(Random(1).sample(public, min(_TITLES, len(public)))):
        record = snapshot.record(number)
        found[record["lang"]].append(record["title"][:MAX_QUERY])
    if not found:
        raise UsageError(f"{index} holds no public article to ask for; give questions with --queries FILE.", "queries")
    return found


def _read_receipt(path: Path, workers: int) -> dict[str, Any]:
    """Read and check before anything is measured: measuring takes minutes."""
    try:
        receipt = orjson.loads(path.read_bytes())
    except OSError as cause:
        raise UsageError(f"{path} cannot be read ({cause.strerror}); give a receipt of --out.", "against") from cause
    except orjson.JSONDecodeError as cause:
        raise UsageError(f"{path} is no JSON ({cause}); give a receipt of --out.", "against") from cause
    if not isinstance(receipt, dict):
        raise UsageError(f"{path} is no receipt; give one that --out wrote.", "against")
    check(receipt, workers)
    return receipt


def _as_text(receipt: dict[str, Any]) -> str:
    machine, index, warm, cold = (receipt[part] for part in ("machine", "index", "warm", "cold"))
    head = f"{'':22}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}  ms"

    def line(name: str, row: dict[str, Any]) -> str:
        return f"{name:22}" + "".join(f"{row[key]:9.2f}" if key in row else f"{'–':>9}" for key in _COLUMNS)

    lines = [
        f"{index['snapshot']} on {machine['processor']}, {amount(machine['cores'], 'core')}, "
        f"{amount(index['workers'], 'worker')}",
        f"{amount(index['questions'], 'question')} over HTTP, embedding included",
        f"cold: ready after {cold['start_seconds']:.1f} s, first answer in {cold['first_ms']:.1f} ms",
        head,
        line("warm, one at a time", warm),
        *(line(f"  {lang or 'unknown'}", row) for lang, row in receipt["by_lang"].items()),
        *(line(f"{row['clients']:3} clients {row['per_second']:7.0f}/s", row) for row in receipt["clients"]),
        *(line(f"open loop {row['per_second']:7.0f}/s", row) for row in receipt["offered"]),
        "throughput at p99 within {p99_ms:g} ms: {per_second:g} a second".format(**receipt["throughput"]),
    ]
    if receipt["memory_mib"]:
        lines.append(f"memory of all processes: {receipt['memory_mib']['proportional']:.0f} MiB")
    if "against" in receipt:
        lines.append(f"{', '.join(['no slower than before', *receipt['against']['unlike']])}:")
        lines += [f"  {each['name']} {each['growth']:+.0%}" for each in receipt["against"]["changes"]]
    return "\n".join(lines)


_COLUMNS = ("p50", "p95", "p99", "max")
