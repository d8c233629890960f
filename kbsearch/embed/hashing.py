"""A deterministic embedder for tests: words and character trigrams hashed to signed dimensions.

The same text always gives the same vector, and texts that share words are closer (feature hashing,
Weinberger et al. 2009). It understands nothing; it is not meant for real search.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from kbsearch.embed.protocol import ModelInfo, Vectors

DIMENSION = 128


class HashingEmbedder:
    """Vectors that depend on nothing but the text."""

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(name="hashing", dimension=DIMENSION, revision="1", files_sha256="")

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), 128)."""
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), 128)."""
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                padded = f" {word} "
                for feature in (word, *(padded[i : i + 3] for i in range(len(padded) - 2))):
                    code = zlib.crc32(feature.encode())
                    row[code % DIMENSION] += 1.0 if code & 0x8000_0000 else -1.0
            norm = float(np.linalg.norm(row))
            if norm > 0.0:
                row /= norm
        return vectors
