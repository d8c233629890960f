"""kbsearch beside other engines on one generated corpus, in one run, taking turns.

    python -m benchmarks.peers --passages 100000
    python -m benchmarks.peers --corpus help_centre      → results/peers-help_centre.md
    python -m benchmarks.peers --peers kbsearch_ lucene_ → results/peers-100000-some.md, beside the whole comparison
    … --passages 1000000 --part vector --peers …         → results/peers-1000000-vector.md: all need 38 GiB

Each engine runs in a process and an environment of its own (var/peers/) and times single queries inside it, on one
thread. Blocks of queries are asked of the engines in turn, over several rounds; a query's time is its median round.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
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
from benchmarks.peers.help_centre import help_centre
from benchmarks.report import RESULTS, ROOT, Stamp, stamp, table, write_result

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = ROOT / "var" / "peers"
US = "kbsearch_"
PEERS = (
    US, "qdrant_edge_", "lancedb_", "bm25s_", "tantivy_", "sqlite_fts5", "hnswlib_", "usearch_", "faiss_",
    "rank_bm25_", "xapian_", "postgres_", "infinity_", "milvus_lite_", "chroma_", "typesense_", "txtai_",
    "lucene_",
)  # fmt: skip
KINDS = {
    "keyword": "Keyword",
    "vector": "Vector",
    "hybrid": "Hybrid",
    "filtered": "Hybrid, filtered by language",
    "filtered_vector": "Vector, filtered by language",
}
BLOCK = 50
RIGHT_IN = ("lv", "lt", "en")
SLOW_MS = 50.0  # whose median is above is asked in one round only: more would take half an hour


class Running:
    """One engine in its process."""

    def __init__(self, name: str, corpus: Path, folder: Path) -> None:
        """Build in one process, unless that was done before, and open in another: memory is that of asking."""
        self.name = name
        python = sys.executable if name == US else str(ENVIRONMENTS / name / "bin" / "python")
        self._command = [python, str(HERE / "runner.py"), name, str(corpus), str(folder)]
        marker = folder / "built.json"
        self.built: dict[str, Any] = {"kept": marker.is_file()}
        if not marker.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self._start()
            marker.write_text(json.dumps(self.ask({"do": "build"})))
            self.stop()
        self._start()
        self.built |= json.loads(marker.read_text()) | self.ask({"do": "open"})

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
        """End the process, which ends a server that it has started."""
        try:
            self._process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Install what is missing, build, ask in turn, write results/peers-N.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--corpus", choices=("generated", "help_centre"), default="generated")
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--part", default="some", metavar="NAME", help="what to call some of the engines")
    parser.add_argument("--install-only", action="store_true", help="make the environments, measure nothing")
    parser.add_argument("--work", type=Path, help="keep the corpus and the indexes here, and take those found")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    for name in options.peers:
        install(name)
    if options.install_only:
        return
    made_up = options.corpus == "generated"
    sizes = f" --passages {options.passages} --width {options.width}" if made_up else ""
    some = "" if tuple(options.peers) == PEERS else f" --part {options.part} --peers {' '.join(options.peers)}"
    measured = stamp(f"python -m benchmarks.peers --corpus {options.corpus}{sizes} --rounds {options.rounds}{some}")
    running: list[Running] = []
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o755)  # a server that refuses to run as root has to get in
        work = options.work or Path(temporary)
        if not (work / "corpus").exists():
            write(work / "corpus", generate(options.passages, options.width) if made_up else help_centre())
        corpus = load(work / "corpus")
        try:
            for name in options.peers:
                running.append(Running(name, work / "corpus", work / name))
                print(name, running[-1].built, flush=True)
            figures = {each.name: {"built": each.built} for each in running}
            for kind in KINDS:
                for name, found in compare(running, kind, corpus, options.rounds).items():
                    figures[name][kind] = found
                    print(kind, name, found, flush=True)
            for each in running:  # only now: some read what they need when it is asked for
                figures[each.name]["built"] |= each.ask({"do": "weigh"})
        finally:
            for each in running:
                each.stop()
    markdown = describe(measured, corpus, options.rounds, figures)
    name = f"peers-{options.passages if made_up else options.corpus}" + (f"-{options.part}" if some else "")
    write_result(name, markdown, {"engines": figures}, measured, options.out)
    print(markdown)


def install(name: str) -> None:
    """Make an engine's environment, unless it is there with the same packages."""
    if name == US:
        return
    tree = ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))
    constants = {getattr(node.targets[0], "id", ""): node.value for node in tree.body if isinstance(node, ast.Assign)}
    wanted, debian = (
        list(ast.literal_eval(constants[kind])) if kind in constants else [] for kind in ("REQUIRES", "DEBIAN")
    )
    folder = ENVIRONMENTS / name
    marker = folder / "installed.json"
    if marker.is_file() and json.loads(marker.read_text()) == debian + wanted:
        return
    if debian:
        install_debian(name, debian)
        # A module of Debian's is made for Debian's Python.
        make = ["/usr/bin/python3", "-m", "venv", "--system-site-packages"]
    else:
        make = [sys.executable, "-m", "venv"]
    subprocess.run([*make, "--clear", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    marker.write_text(json.dumps(debian + wanted))


def install_debian(name: str, packages: Sequence[str]) -> None:
    """Install what is missing of them. Raises SystemExit, which says what to do, where that cannot be done here."""
    instead = f"or leave {name} out with --peers"
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        raise SystemExit(f"{name} needs {' and '.join(packages)}, packages of Debian, which this is not: {instead}")
    asked = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages]
    known = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
    missing = [package for package in packages if f"{package} installed" not in known]
    if not missing:
        return
    if os.geteuid() != 0:
        raise SystemExit(f"{name} needs packages of Debian; run: sudo apt-get install {' '.join(missing)}; {instead}")
    subprocess.run(["apt-get", "update", "--quiet"], check=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *missing]
    subprocess.run(command, check=True, env=quiet)


def compare(running: Sequence[Running], kind: str, corpus: Corpus, rounds: int) -> dict[str, dict[str, Any]]:
    """Times and agreement of every engine that can do it."""
    able = [each for each in running if kind in each.built["kinds"]]
    count = len(corpus.queries)
    times = {each.name: np.full((rounds, count), np.nan) for each in able}
    inner = {each.name: np.full((rounds, count), np.nan) for each in able}
    found: dict[str, list[list[int]]] = defaultdict(list)
    for turn in range(rounds + 1):  # the first round only warms up
        asked = [each for each in able if turn < 2 or np.nanmedian(times[each.name]) < SLOW_MS]
        for start in range(0, count, BLOCK):
            for each in asked:
                answer = each.ask({"do": "ask", "kind": kind, "from": start, "to": min(start + BLOCK, count)})
                if turn == 0:
                    found[each.name] += answer["found"]
                    continue
                place = slice(start, start + len(answer["ms"]))
                times[each.name][turn - 1, place] = answer["ms"]
                inner[each.name][turn - 1, place] = [np.nan if ms is None else ms for ms in answer["retrieval_ms"]]
    truths = {"vector": corpus.exact, "filtered_vector": corpus.exact_filtered}
    figures: dict[str, dict[str, Any]] = {}
    for each in able:
        by_query = np.nanmedian(times[each.name], axis=0)
        figures[each.name] = {"p50": _at(by_query, 50), "p99": _at(by_query, 99)}
        if not np.isnan(inner[each.name]).all():
            retrieval = np.nanmedian(inner[each.name], axis=0)
            figures[each.name] |= {"retrieval_p50": _at(retrieval, 50), "retrieval_p99": _at(retrieval, 99)}
        if kind in truths:
            figures[each.name]["recall"] = recall(found[each.name], truths[kind].tolist())
        if any(corpus.right):
            figures[each.name]["right"] = answered(found[each.name], corpus)
    return figures


def answered(found: Sequence[Sequence[int]], corpus: Corpus) -> dict[str, list[float]]:
    """Language, or "all" → share of the queries whose right passage is first, and is among the first ten."""
    places: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for best, right, lang in zip(found, corpus.right, corpus.query_langs, strict=True):
        hit = (best[0] in right if best else False, not set(best).isdisjoint(right))
        places[lang].append(hit)
        places["all"].append(hit)
    return {lang: [round(mean(column), 4) for column in zip(*hits, strict=True)] for lang, hits in places.items()}


def recall(found: Sequence[Sequence[int]], truths: Sequence[Sequence[int]]) -> float:
    """Mean share of the exact best that were found."""
    return round(mean(len(set(best) & set(exact)) / len(exact) for best, exact in zip(found, truths, strict=True)), 4)


def describe(measured: Stamp, corpus: Corpus, rounds: int, figures: dict[str, Any]) -> str:
    """The report."""
    judged = any(corpus.right)
    what = "Articles of a real help centre" if judged else "Generated passages"
    languages = len(set(corpus.langs))
    parts = [
        f"# kbsearch beside other engines, {len(corpus.texts):,} passages",
        measured.line(),
        f"{what} in {languages} languages with vectors of {corpus.vectors.shape[1]} dimensions; "
        f"{len(corpus.queries)} queries, the vector given to "
        f"all, one thread, ten results; p50 and p99 over queries of the median of {rounds} rounds in which the engines "
        f"take turns (one round where the median is above {SLOW_MS:.0f} ms). Milliseconds are those of a shared "
        "machine; the ratios are the result. Set-up of each engine: its file in `benchmarks/peers/`.",
        *(["Right: the article whose title is asked, or a translation of it; first / among the first ten."] * judged),
    ]
    for kind, title in KINDS.items():
        able = {name: row[kind] for name, row in figures.items() if kind in row}
        if not able:
            continue
        rows = []
        ours = able.get(US, {})
        base = ours.get("retrieval_p50")
        for name, row in sorted(able.items(), key=lambda item: item[1]["p50"]):
            built = figures[name]["built"]
            over = f", over {built['transport']}" if built["transport"] else ""
            label = "kbsearch, whole search" if name == US else f"{name.strip('_')} {built['version']}{over}"
            right = [_percents(row["right"][lang]) for lang in (*RIGHT_IN, "all")] if judged else []
            rows.append((label, row["p50"], row["p99"], _ratio(row["p50"], base), row.get("recall", ""), *right))
            if "retrieval_p50" in row:
                alone = ("kbsearch, retrieval alone", row["retrieval_p50"], row["retrieval_p99"], _ratio(base, base))
                rows.append((*alone, "", *("" for _ in right)))
        header = ("engine", "p50 ms", "p99 ms", "p50, kbsearch retrieval = 1", "recall@10 of exact")
        of_right = [f"right, {lang}" for lang in (*RIGHT_IN, f"all {languages}")] if judged else []
        parts += [f"## {title}", table((*header, *of_right), rows)]
    built = [
        (
            name.strip("_"),
            f"{row['built']['seconds']:.1f}" + (" (in an earlier run)" if row["built"]["kept"] else ""),
            f"{row['built']['open_seconds']:.1f}",
            f"{row['built']['disk_mib']:.0f}",
            f"{row['built']['memory_mib']:.0f}",
        )
        for name, row in figures.items()
    ]
    header = ("engine", "seconds to build", "seconds to open", "MiB on disk", "MiB in memory after all queries")
    parts += ["## Building", table(header, built)]
    return "\n\n".join(parts)


def _percents(shares: Sequence[float]) -> str:
    return " / ".join(f"{100 * share:.0f}" for share in shares)


def _at(values: Any, percentile: int) -> float:
    return round(float(np.percentile(values, percentile)), 4)


def _ratio(value: float, base: float | None) -> str:
    return f"{value / base:.2f} ×" if base else ""


if __name__ == "__main__":
    main()
