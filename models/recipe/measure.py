"""Print size on disk and time per query of a model folder, as the product encodes it; last step of the recipe.

The queries are the questions of ``sample_kb``, one after the other on one core, each of them several times in turn: a
cache of whole queries would have to hold them all.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from data import REPOSITORY

from kbsearch.embed.registry import load_embedder

ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    args = parser.parse_args()

    lines = (REPOSITORY / "sample_kb" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [json.loads(line)["query"] for line in lines]
    embedder = load_embedder(str(args.model))
    times = np.empty((ROUNDS, len(queries)))
    for rounds in times:
        for place, query in enumerate(queries):
            began = time.perf_counter()
            embedder.encode_queries([query])
            rounds[place] = time.perf_counter() - began
    # The best round of a query: others were disturbed by whatever else ran on the machine.
    p50, p95 = np.percentile(times[1:].min(axis=0), [50, 95]) * 1e6
    size = sum(path.stat().st_size for path in args.model.rglob("*") if path.is_file())
    print(json.dumps({"megabytes": round(size / 1e6, 1), "query_us": {"p50": round(p50, 1), "p95": round(p95, 1)}}))


if __name__ == "__main__":
    main()
