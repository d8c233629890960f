"""Any sentence-transformers directory, through torch: the only module that imports sentence_transformers.

Pooling, normalisation, maximum length and prompts come from the model's own files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kbsearch.embed.directory import hash_files, read_prompts
from kbsearch.embed.protocol import ModelInfo, Vectors
from kbsearch.errors import ModelError

WEIGHTS = (".safetensors", ".bin")


class SentenceTransformerEmbedder:
    """A model loaded through sentence-transformers, on the CPU."""

    def __init__(self, directory: Path, name: str, revision: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer

            self._model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
            # In the half precision that a model may be stored in, a text's vector depends on its company, and has no
            # unit length.
            self._model.float()
        except ImportError as cause:
            raise ModelError(f"Model {name!r} needs torch, which is not installed; run: pip install torch") from cause
        except Exception as cause:  # the library raises whatever its parts raise
            raise ModelError(
                f"Model {name!r} cannot be loaded ({cause}); give the path of a sentence-transformers directory, "
                "a hub name that this machine can reach, or leave --model out for the bundled one."
            ) from cause
        dimension = self._model.get_embedding_dimension()
        if not dimension:
            raise ModelError(f"Model {name!r} does not say how wide its vectors are; use another model.")
        self._query_prompt, self._passage_prompt = read_prompts(directory)
        weights = [path for path in directory.rglob("*") if path.suffix in WEIGHTS and path.is_file()]
        self._info = ModelInfo(
            name=name,
            dimension=int(dimension),
            revision=revision,
            files_sha256=hash_files(directory, *weights),
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), with the model's query prompt."""
        return self._encode(self._query_prompt, texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), with the model's document prompt."""
        return self._encode(self._passage_prompt, texts)

    def _encode(self, prompt: str, texts: Sequence[str]) -> Vectors:
        encoded = self._model.encode(list(texts), prompt=prompt, normalize_embeddings=True, show_progress_bar=False)
        vectors = np.ascontiguousarray(encoded, dtype=np.float32).reshape(len(texts), self._info.dimension)
        # A prompt alone has a direction; an empty text has none.
        vectors[[not text.strip() for text in texts]] = 0.0
        return vectors
