"""What every embedder can do. Implemented by static.py, onnx.py, sentence_transformer.py and hashing.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model made the vectors; written into the manifest and compared when a snapshot is opened."""

    name: str
    dimension: int
    revision: str
    files_sha256: str
    """Hash over the model's files (names and contents), so that a silently replaced model is noticed."""


class Embedder(Protocol):
    """Rows are float32, L2-normalised, in the order of the texts; an empty text gives a zero row."""

    @property
    def info(self) -> ModelInfo: ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension)."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension)."""
        ...
