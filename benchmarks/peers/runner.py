"""Runs one engine in its own process and environment: reads commands as JSON lines, answers with times and results.

    python runner.py PEER CORPUS FOLDER        (started by benchmarks/peers/__main__.py)

Commands: {"do": "build"}, {"do": "open"}, {"do": "weigh"} and {"do": "ask", "kind": "hybrid", "from": 0, "to": 50}.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
KINDS = ("keyword", "vector", "hybrid", "filtered", "filtered_vector")


def main() -> None:
    """Serve commands until standard input ends."""
    # One query at a time on one core, for all alike.
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "RAYON_NUM_THREADS",
        "NUMBA_NUM_THREADS",
    ):
        os.environ.setdefault(name, "1")
    # Answers have the standard output to themselves: some engines write to it.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, corpus_folder, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]).resolve()
    sys.path.insert(0, str(HERE))
    corpus = _module("corpus").load(corpus_folder)
    before = _memory_mib()
    peer = _module(name).Peer()
    for line in sys.stdin:
        command = json.loads(line)
        started = perf_counter()
        if command["do"] == "build":
            peer.build(folder, corpus)
            answer: dict[str, Any] = {
                "seconds": perf_counter() - started,
                "disk_mib": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20,
            }
        elif command["do"] == "open":
            peer.open(folder, corpus)
            answer = {
                "open_seconds": perf_counter() - started,
                "kinds": [kind for kind in KINDS if hasattr(peer, kind)],
                "version": peer.version,
                "transport": getattr(peer, "transport", ""),
            }
        elif command["do"] == "weigh":
            answer = {"memory_mib": _memory_mib() - before}
        else:
            answer = _ask(peer, corpus, command["kind"], range(command["from"], command["to"]))
        print(json.dumps(answer), file=answers, flush=True)


def _ask(peer: Any, corpus: Any, kind: str, numbers: range) -> dict[str, Any]:
    calls = {
        "keyword": lambda n: peer.keyword(corpus.queries[n]),
        "vector": lambda n: peer.vector(corpus.query_vectors[n]),
        "hybrid": lambda n: peer.hybrid(corpus.queries[n], corpus.query_vectors[n]),
        "filtered": lambda n: peer.filtered(corpus.queries[n], corpus.query_vectors[n], corpus.query_langs[n]),
        "filtered_vector": lambda n: peer.filtered_vector(corpus.query_vectors[n], corpus.query_langs[n]),
    }
    call = calls[kind]
    times, found, inner = [], [], []
    for number in numbers:
        started = perf_counter()
        best = call(number)
        times.append(1000 * (perf_counter() - started))
        found.append([int(passage) for passage in best])
        inner.append(getattr(peer, "retrieval_ms", None))
    return {"ms": times, "found": found, "retrieval_ms": inner}


def _module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"there is no {HERE / name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _memory_mib() -> float:
    """Of this process and of the servers it has started; what is shared counts in parts. NaN where it is not Linux."""
    if not Path("/proc/self/smaps_rollup").exists():
        return math.nan
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
    ours, added = {os.getpid()}, True
    while added:
        added = {child for child, parent in parents.items() if parent in ours} - ours
        ours |= added
    return sum(_proportional_kib(process) for process in ours) / 1024


def _proportional_kib(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
