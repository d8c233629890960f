"""Write a trained static model as a sentence-transformers folder with int8 rows; step 5 of the recipe.

The vector of a text is the L2-normalised mean of ``embeddings[id] * weights[id]`` over its token ids.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from data import DEFAULT_WORK, REPOSITORY
from numpy.typing import NDArray
from safetensors.numpy import save_file
from train_static import load

# The names that every release of sentence-transformers since 3.2 resolves.
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"},
    {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
]
SETTINGS = {
    "__version__": {"sentence_transformers": "6.2.0"},
    "model_type": "SentenceTransformer",
    "prompts": {"query": "", "document": ""},
    "default_prompt_name": None,
    "similarity_fn_name": "cosine",
}


def quantise(rows: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 rows and the scale of each; the largest entry of a row becomes ±127."""
    scale = np.maximum(np.abs(rows).max(axis=1), 1e-12) / 127
    return np.rint(rows / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def write(folder: Path, rows: NDArray[np.float32], tokenizer: Path) -> None:
    """Replace the model's files in ``folder`` by a rename; the model card there is kept."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "1_Normalize").mkdir(parents=True)
    embeddings, weights = quantise(rows)
    save_file({"embeddings": embeddings, "weights": weights}, partial / "model.safetensors")
    (partial / "model.safetensors").chmod(0o644)  # safetensors leaves it to its owner alone
    shutil.copyfile(tokenizer, partial / "tokenizer.json")
    (partial / "modules.json").write_text(json.dumps(MODULES, indent=2) + "\n")
    (partial / "config_sentence_transformers.json").write_text(json.dumps(SETTINGS, indent=2) + "\n")
    (partial / "1_Normalize" / "config.json").write_text("{}\n")
    if (folder / "README.md").exists():
        shutil.copyfile(folder / "README.md", partial / "README.md")
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_WORK / "static.npz")
    parser.add_argument("--tokenizer", type=Path, default=DEFAULT_WORK / "tokenizer.json")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "models" / "kbsearch-static")
    args = parser.parse_args()

    rows = load(args.checkpoint, "cpu")[0].rows.numpy()
    write(args.out, rows, args.tokenizer)
    size = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file())
    print(f"{rows.shape[0]} rows of {rows.shape[1]} in {args.out}, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
