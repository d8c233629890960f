"""The latency receipt of one index on one machine: what `kbsearch bench` measures, as a plain dictionary.

Everything is asked over HTTP of a server of our own, embedding included; load and server share the machine. Each round
also times a fixed piece of work, the yardstick: figures of two receipts are compared in units of it (compare.py), so
that a busier hour is not taken for slower code.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import orjson

from kbsearch.bench.load import Shot, closed_loop, get, open_loop, poisson
from kbsearch.bench.memory import memory_of
from kbsearch.bench.server import Server, serving
from kbsearch.errors import KbsearchError
from kbsearch.version import __version__

FORMAT = 1
TARGET_MS = 20.0
"""Throughput is stated at this p99."""
CLIENTS = (1, 2, 4, 8, 16)
SHARES = (0.1, 0.25, 0.5, 0.7, 0.85, 1.0)
"""Offered rates of the open loop, as shares of what four clients get that ask again as soon as they are answered."""
MOST_CONNECTIONS = 256
_BUSY_CLIENTS = 4
_UNCACHED = {"KBSEARCH_CACHE": "0"}
_YARDSTICK_BYTES = 1 << 20
_YARDSTICK_TIMES = 20

Questions = Mapping[str, Sequence[str]]
"""Language → what customers ask in it; "" where it is not known."""


def measure(index: Path, questions: Questions, *, seconds: float, rounds: int, workers: int) -> dict[str, Any]:
    """Measure the published snapshot of `index`; every single measurement takes `seconds`.

    Answers are not cached, so that every request is a search. Raises KbsearchError where the server does not start, or
    refuses requests that come one at a time.
    """
    requests = [_request(text, lang) for lang, texts in sorted(questions.items()) for text in texts]
    started = perf_counter()
    with serving(index, workers=workers, environment=_UNCACHED) as server:
        start_seconds = perf_counter() - started
        first = open_loop(server.address, requests[:1], [0.0], 1)
        _must_answer(first)
        # Every page of the index and every branch of the code has been touched once before anything warm is measured.
        closed_loop(server.address, requests, 4, seconds)
        warm = [_round(server, requests, seconds) for _ in range(rounds)]
        by_lang = {
            lang: summarise(closed_loop(server.address, [_request(text, lang) for text in texts], 1, seconds))
            for lang, texts in sorted(questions.items())
        }
        clients = [_closed(server, requests, count, seconds) for count in CLIENTS]
        sustained = 1000 / median(row["busy"] for row in warm)
        offered = [_open(server, requests, share * sustained, seconds) for share in SHARES]
        memory = memory_of(server.pid)
    return {
        "format": FORMAT,
        "kbsearch": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "index": {"snapshot": snapshot_of(first[0]), "workers": workers, "questions": len(requests)},
        "cold": {"start_seconds": round(start_seconds, 3), "first_ms": round(1000 * first[0].seconds, 3)},
        "warm": {
            "rounds": warm,
            **{name: round(median(row[name] for row in warm), 3) for name in ("p50", "p95", "p99", "max", "busy")},
        },
        "by_lang": by_lang,
        "clients": clients,
        "offered": offered,
        "throughput": {"p99_ms": TARGET_MS, "per_second": throughput(offered)},
        "memory_mib": {
            "resident": round(sum(each.resident for each in memory.values()), 1),
            "proportional": round(sum(each.proportional for each in memory.values()), 1),
        }
        if memory
        else None,
    }


def machine() -> dict[str, Any]:
    """What of a machine decides how fast it is; two receipts with the same values may be compared closely."""
    lines = _read("/proc/cpuinfo").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = [line.split()[1] for line in _read("/proc/meminfo").splitlines() if line.startswith("MemTotal")]
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory[0]) / 2**20) if memory else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def summarise(shots: Sequence[Shot]) -> dict[str, float | int]:
    """Count and milliseconds of the answered ones (nearest rank); `refused` counts 503, `failed` all other ends."""
    taken = sorted(1000 * shot.seconds for shot in shots if shot.status == 200)
    refused = sum(shot.status == 503 for shot in shots)
    found: dict[str, float | int] = {"n": len(taken), "refused": refused, "failed": len(shots) - len(taken) - refused}
    if taken:
        for percent in (50, 95, 99):
            # Divided last: shares are not exact, 0.07 * 100 is more than 7.
            found[f"p{percent}"] = round(taken[ceil(percent * len(taken) / 100) - 1], 3)
        found["max"] = round(taken[-1], 3)
    return found


def throughput(offered: Sequence[Mapping[str, Any]]) -> float:
    """The highest offered rate up to which every one was answered in full with a p99 within `TARGET_MS`; 0 if none."""
    best = 0.0
    for row in offered:
        if row["refused"] or row["failed"] or row.get("p99", TARGET_MS + 1) > TARGET_MS:
            break
        best = row["per_second"]
    return best


def yardstick() -> float:
    """Milliseconds that a fixed piece of work takes now: the median of a few hashes of a mebibyte."""
    block = bytes(_YARDSTICK_BYTES)
    taken = []
    for _ in range(_YARDSTICK_TIMES):
        started = perf_counter()
        hashlib.blake2b(block).digest()
        taken.append(1000 * (perf_counter() - started))
    return round(median(taken), 4)


def snapshot_of(shot: Shot) -> str:
    """The snapshot that answered."""
    return str(orjson.loads(shot.body)["snapshot"])


def _round(server: Server, requests: Sequence[bytes], seconds: float) -> dict[str, float | int]:
    before = yardstick()
    shots = closed_loop(server.address, requests, 1, seconds)
    _must_answer(shots)
    busy = closed_loop(server.address, requests, _BUSY_CLIENTS, seconds)
    each = 1000 * max(shot.done for shot in busy) / sum(shot.status == 200 for shot in busy)
    return {**summarise(shots), "busy": round(each, 4), "yardstick_ms": round((before + yardstick()) / 2, 4)}


def _closed(server: Server, requests: Sequence[bytes], clients: int, seconds: float) -> dict[str, Any]:
    shots = closed_loop(server.address, requests, clients, seconds)
    found = summarise(shots)
    return {"clients": clients, "per_second": round(found["n"] / max(shot.done for shot in shots), 1), **found}


def _open(server: Server, requests: Sequence[bytes], rate: float, seconds: float) -> dict[str, Any]:
    shots = open_loop(server.address, requests, poisson(rate, seconds) or [0.0], MOST_CONNECTIONS)
    return {"per_second": round(rate, 1), **summarise(shots)}


def _must_answer(shots: Sequence[Shot]) -> None:
    wrong = [shot for shot in shots if shot.status != 200]
    if wrong:
        raise KbsearchError(
            f"{len(wrong)} of {len(shots)} searches, asked one at a time, ended with status {wrong[0].status}; "
            "see what the service logs: kbsearch serve --index DIR"
        )


def _request(text: str, lang: str) -> bytes:
    return get("/v1/search", q=text, **({"lang": lang} if lang else {}))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
