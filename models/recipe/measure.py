"""Print size on disk and time per query of a static model folder, by the documented formula in numpy."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

QUERY = "kā nomainīt paroli savam kontam, ja esmu to aizmirsis"
REPEATS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    args = parser.parse_args()

    weights = load_file(args.model / "model.safetensors")
    rows, scales = weights["embeddings"], weights["weights"]
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        ids = tokenizer.encode(QUERY, add_special_tokens=False).ids
        vector = scales[ids] @ rows[ids].astype(np.float32)
        vector /= np.linalg.norm(vector)
        times.append(time.perf_counter() - began)
    size = sum(path.stat().st_size for path in args.model.rglob("*") if path.is_file())
    p50, p95 = np.percentile(times, [50, 95]) * 1e6
    print(json.dumps({"megabytes": round(size / 1e6, 1), "query_us": {"p50": round(p50, 1), "p95": round(p95, 1)}}))


if __name__ == "__main__":
    main()
