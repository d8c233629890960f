"""Any sentence-transformers model, by name or path: the only module that imports sentence_transformers.

Pooling, normalisation, maximum length and prompts come from the model's own files. Models of the E5 family state their
prefixes only on their card, so those are written down here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kbsearch.embed.protocol import ModelInfo, Vectors
from kbsearch.errors import ModelError

# Card of intfloat/multilingual-e5-*: every text starts with "query: " or "passage: ".
E5_PROMPTS = {"query": "query: ", "document": "passage: "}

HUB_SECONDS = 10.0


class SentenceTransformerEmbedder:
    """A model loaded through sentence-transformers, on the CPU."""

    def __init__(self, name_or_path: str) -> None:
        directory = Path(name_or_path)
        try:
            self._model = _load_directory(directory) if directory.is_dir() else _load_from_hub(name_or_path)
        except ImportError as cause:
            raise ModelError(
                f"Model {name_or_path!r} needs torch, which is not installed; run: pip install torch"
            ) from cause
        except Exception as cause:  # the library raises whatever its parts raise
            raise ModelError(
                f"Model {name_or_path!r} cannot be loaded ({cause}); give the path of a sentence-transformers "
                "directory, a hub name that this machine can reach, or leave --model out for the bundled one."
            ) from cause
        if "e5" in directory.name.lower() and not any((self._model.prompts or {}).values()):
            self._model.prompts = dict(E5_PROMPTS)
        dimension = self._model.get_embedding_dimension()
        if not dimension:
            raise ModelError(f"Model {name_or_path!r} does not say how wide its vectors are; use another model.")
        self._info = ModelInfo(
            name=name_or_path,
            dimension=int(dimension),
            revision=str(getattr(self._model.model_card_data, "base_model_revision", None) or "unknown"),
            files_sha256=_hash_directory(directory) if directory.is_dir() else "",
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), with the model's query prompt."""
        encoded = self._model.encode_query(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.ascontiguousarray(encoded, dtype=np.float32)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), with the model's document prompt."""
        encoded = self._model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.ascontiguousarray(encoded, dtype=np.float32)


def _load_directory(directory: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    has_onnx = (directory / "onnx").is_dir() or (directory / "model.onnx").is_file()
    return SentenceTransformer(str(directory), device="cpu", backend="onnx" if has_onnx else "torch")


def _load_from_hub(name: str) -> Any:
    """What was downloaded before needs no network; anything else is looked up once before it is downloaded.

    Without that, the library tries each of a dozen files again and again, more than a minute, before it gives up.
    """
    from huggingface_hub import HfApi
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(name, device="cpu", local_files_only=True)
    except Exception:  # whatever it raises, it means that the model is not here
        HfApi().model_info(name, timeout=HUB_SECONDS)
        return SentenceTransformer(name, device="cpu")


def _hash_directory(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            digest.update(path.relative_to(directory).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
