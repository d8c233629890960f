"""What HTTP costs: `/v1/search` beside an empty FastAPI endpoint, in one run, one worker each, no cache of answers.

    python -m benchmarks.http

Both servers run under uvicorn with the same event loop and parser. Latency: one connection, the two asked in turn.
Throughput: sixteen connections that ask again as soon as they are answered, the two in turn, several rounds; from the
same rounds, the processor time of the server's process for each answer, which other programs on the machine change
least. Queries are those of `sample_kb`, each a different one; the index is calibrated as that of `make demo`, so that
two in five are answered; the static model, and beside it the mini model.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import orjson

from benchmarks.demo import build_demo
from benchmarks.report import RESULTS, ROOT, stamp, table, write_result
from kbsearch.bench.load import closed_loop, get, open_loop
from kbsearch.bench.server import Server, running, serving

CLIENTS = 16
MOST_RATIO = 2.5
MOST_ABOVE_MS = 1.5
LEAST_SHARE = 0.4

EMPTY = """
import sys
import uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def empty() -> dict[str, str]:
    return {}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
"""


def latency(servers: Sequence[Server], requests: Sequence[Sequence[bytes]], count: int) -> list[float]:
    """Median milliseconds of each server: one request at a time, servers in turn."""
    taken: list[list[float]] = [[] for _ in servers]
    for start in range(0, count, 50):
        for server, asked, times in zip(servers, requests, taken, strict=True):
            part = [asked[number % len(asked)] for number in range(start, start + 50)]
            # One arrival at once for each: a single connection sends the next when it has been answered.
            shots = open_loop(server.address, part, [0.0] * len(part), 1)
            times += [1000 * (shot.done - shot.sent) for shot in shots[5:]]
    return [median(times) for times in taken]


def throughput(
    servers: Sequence[Server], requests: Sequence[Sequence[bytes]], rounds: int, seconds: float
) -> tuple[list[float], list[float]]:
    """Median answers a second of each server, in turn, and its milliseconds of processor time for each answer."""
    rates: list[list[float]] = [[] for _ in servers]
    spent: list[list[float]] = [[] for _ in servers]
    for _ in range(rounds):
        for server, asked, found, cpu in zip(servers, requests, rates, spent, strict=True):
            before = cpu_seconds(server.pid)
            shots = closed_loop(server.address, asked, CLIENTS, seconds)
            cpu.append(1000 * (cpu_seconds(server.pid) - before) / len(shots))
            found.append(sum(shot.status == 200 for shot in shots) / max(shot.done for shot in shots))
    return [median(found) for found in rates], [median(cpu) for cpu in spent]


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has had so far (proc(5): user and system, the 14th and 15th field of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write benchmarks/results/http.{md,json}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    measured = stamp("python -m benchmarks.http")
    lines = (ROOT / "sample_kb" / "questions.jsonl").read_bytes().splitlines()
    asked = [get("/v1/search", q=row["query"], lang=row["lang"]) for row in map(orjson.loads, lines)]
    with tempfile.TemporaryDirectory() as folder:
        static, mini = Path(folder) / "static", Path(folder) / "mini"
        build_demo(static, "kbsearch-static")
        build_demo(mini, "kbsearch-mini")
        command = [sys.executable, "-c", EMPTY]
        uncached = {"KBSEARCH_CACHE": "0"}
        with (
            running(command, os.environ, ready="/") as empty,
            serving(static, environment=uncached) as search,
            serving(mini, environment=uncached) as with_mini,
            serving(static) as cached,
        ):
            servers, requests = (empty, search, with_mini, cached), ([get("/")], asked, asked, asked)
            for server, of_server in zip(servers, requests, strict=True):
                closed_loop(server.address, of_server, 1, 2.0)
            medians = latency(servers, requests, options.requests)
            rates, spent = throughput(servers, requests, options.rounds, options.seconds)
    names = ("empty endpoint", "/v1/search", "/v1/search, mini model", "/v1/search, answers cached")
    rows = [
        (
            name,
            f"{ms:.3f}",
            f"{ms / medians[0]:.2f}",
            f"{ms - medians[0]:.3f}",
            f"{rate:.0f}",
            f"{rate / rates[0]:.2f}",
            f"{cpu:.3f}",
            f"{cpu / spent[0]:.2f}",
        )
        for name, ms, rate, cpu in zip(names, medians, rates, spent, strict=True)
    ]
    figures = {
        name: {
            "median_ms": round(ms, 4),
            "ratio": round(ms / medians[0], 3),
            "above_ms": round(ms - medians[0], 4),
            "rate": round(rate, 1),
            "share": round(rate / rates[0], 3),
            "cpu_ms": round(cpu, 4),
            "cpu_ratio": round(cpu / spent[0], 3),
        }
        for name, ms, rate, cpu in zip(names, medians, rates, spent, strict=True)
    }
    markdown = "\n\n".join(
        [
            "# What HTTP costs",
            measured.line(),
            (__doc__ or "").split("\n\n", 2)[2].strip().replace("\n", " "),
            table(
                (
                    "server",
                    "median ms",
                    "× empty",
                    "ms above empty",
                    f"answers/s, {CLIENTS} connections",
                    "share of empty",
                    "processor ms an answer",
                    "× empty",
                ),
                rows,
            ),
            f"Required: at most {MOST_RATIO} × the empty endpoint's median, at least {LEAST_SHARE:.0%} of its answers; "
            f"with the mini model a median at most {MOST_ABOVE_MS} ms above it.",
        ]
    )
    write_result("http", markdown, figures, measured, options.out)
    print(markdown)


if __name__ == "__main__":
    main()
