"""kbsearch beside other engines on one generated corpus, in one run, taking turns.

    python -m benchmarks.peers --passages 100000

Each engine runs in a process and an environment of its own (var/peers/) and times single queries inside it, on one
thread. Blocks of queries are asked of the engines in turn, over several rounds; a query's time is its median round.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.peers.corpus import Corpus, load, write
from benchmarks.peers.generate import generate
from benchmarks.report import RESULTS, ROOT, Stamp, stamp, table, write_result

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = ROOT / "var" / "peers"
US = "kbsearch_"
PEERS = (
    US, "qdrant_edge_", "lancedb_", "bm25s_", "tantivy_", "sqlite_fts5", "hnswlib_", "usearch_", "faiss_",
)  # fmt: skip
KINDS = ("keyword", "vector", "hybrid", "filtered")
BLOCK = 50


class Running:
    """One engine in its process."""

    def __init__(self, name: str, corpus: Path, folder: Path) -> None:
        self.name = name
        python = sys.executable if name == US else str(ENVIRONMENTS / name / "bin" / "python")
        command = [python, str(HERE / "runner.py"), name, str(corpus), str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.built: dict[str, Any] = self.ask({"do": "build"})

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """One command, one answer. Raises SystemExit where the engine has ended."""
        if self._process.stdin is None or self._process.stdout is None:
            raise SystemExit(f"{self.name} has no pipes")
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with code {self._process.wait()}; what it said stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Install what is missing, build, ask in turn, write results/peers-N.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--install-only", action="store_true", help="make the environments, measure nothing")
    parser.add_argument("--work", type=Path, help="keep the corpus and kbsearch's index here, and take those found")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    for name in options.peers:
        install(name)
    if options.install_only:
        return
    measured = stamp(f"python -m benchmarks.peers --passages {options.passages} --width {options.width}")
    running: list[Running] = []
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        if not (work / "corpus").exists():
            write(work / "corpus", generate(options.passages, options.width))
        corpus = load(work / "corpus")
        try:
            for name in options.peers:
                kept = (work / name).exists()
                running.append(Running(name, work / "corpus", work / name))
                running[-1].built["kept"] = kept
                print(name, running[-1].built, flush=True)
            figures = {each.name: {"built": each.built} for each in running}
            for kind in KINDS:
                for name, found in compare(running, kind, corpus, options.rounds).items():
                    figures[name][kind] = found
                    print(kind, name, found, flush=True)
        finally:
            for each in running:
                each.stop()
    markdown = describe(measured, options.passages, options.width, options.rounds, figures)
    write_result(f"peers-{options.passages}", markdown, {"engines": figures}, measured, options.out)
    print(markdown)


def install(name: str) -> None:
    """Make an engine's environment, unless it is there with the same packages."""
    if name == US:
        return
    tree = ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))
    wanted = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "REQUIRES"
    )
    folder = ENVIRONMENTS / name
    marker = folder / "installed.json"
    if marker.is_file() and json.loads(marker.read_text()) == list(wanted):
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    marker.write_text(json.dumps(wanted))


def compare(running: Sequence[Running], kind: str, corpus: Corpus, rounds: int) -> dict[str, dict[str, float]]:
    """Times and agreement of every engine that can do it."""
    able = [each for each in running if kind in each.built["kinds"]]
    count = len(corpus.queries)
    times = {each.name: np.empty((rounds, count)) for each in able}
    inner = {each.name: np.full((rounds, count), np.nan) for each in able}
    found: dict[str, list[list[int]]] = defaultdict(list)
    for turn in range(rounds + 1):  # the first round only warms up
        for start in range(0, count, BLOCK):
            for each in able:
                answer = each.ask({"do": "ask", "kind": kind, "from": start, "to": min(start + BLOCK, count)})
                if turn == 0:
                    found[each.name] += answer["found"]
                    continue
                place = slice(start, start + len(answer["ms"]))
                times[each.name][turn - 1, place] = answer["ms"]
                inner[each.name][turn - 1, place] = [np.nan if ms is None else ms for ms in answer["retrieval_ms"]]
    figures = {}
    for each in able:
        by_query = np.median(times[each.name], axis=0)
        figures[each.name] = {"p50": _at(by_query, 50), "p99": _at(by_query, 99)}
        if not np.isnan(inner[each.name]).any():
            retrieval = np.median(inner[each.name], axis=0)
            figures[each.name] |= {"retrieval_p50": _at(retrieval, 50), "retrieval_p99": _at(retrieval, 99)}
        if kind == "vector":
            overlap = [
                len(set(best) & set(exact)) / len(exact)
                for best, exact in zip(found[each.name], corpus.exact.tolist(), strict=True)
            ]
            figures[each.name]["recall"] = round(mean(overlap), 4)
    return figures


def describe(measured: Stamp, passages: int, width: int, rounds: int, figures: dict[str, Any]) -> str:
    """The report."""
    parts = [
        f"# kbsearch beside other engines, {passages:,} passages",
        measured.line(),
        f"Generated passages in three languages with vectors of {width} dimensions; 200 queries, the vector given to "
        f"all, one thread, ten results; p50 and p99 over queries of the median of {rounds} rounds in which the engines "
        "take turns. Milliseconds are those of a shared machine; the ratios are the result. Set-up of each engine: its "
        "file in `benchmarks/peers/`.",
    ]
    for kind in KINDS:
        able = {name: row[kind] for name, row in figures.items() if kind in row}
        if not able:
            continue
        rows = []
        ours = able.get(US, {})
        base = ours.get("retrieval_p50")
        for name, row in sorted(able.items(), key=lambda item: item[1]["p50"]):
            label = "kbsearch, whole search" if name == US else f"{name.strip('_')} {figures[name]['built']['version']}"
            rows.append((label, row["p50"], row["p99"], _ratio(row["p50"], base), row.get("recall", "")))
            if "retrieval_p50" in row:
                rows.append(
                    ("kbsearch, retrieval alone", row["retrieval_p50"], row["retrieval_p99"], _ratio(base, base), "")
                )
        titles = {"filtered": "Hybrid, filtered by language"}
        parts += [
            f"## {titles.get(kind, kind.capitalize())}",
            table(("engine", "p50 ms", "p99 ms", "p50, kbsearch retrieval = 1", "recall@10 of exact"), rows),
        ]
    built = [
        (
            name.strip("_"),
            f"{row['built']['seconds']:.1f}" + (" (opening a kept index)" if row["built"].get("kept") else ""),
            f"{row['built']['disk_mib']:.0f}",
            f"{row['built']['memory_mib']:.0f}",
        )
        for name, row in figures.items()
    ]
    parts += ["## Building", table(("engine", "seconds", "MiB on disk", "MiB in memory afterwards"), built)]
    return "\n\n".join(parts)


def _at(values: Any, percentile: int) -> float:
    return round(float(np.percentile(values, percentile)), 4)


def _ratio(value: float, base: float | None) -> str:
    return f"{value / base:.2f} ×" if base else ""


if __name__ == "__main__":
    main()
