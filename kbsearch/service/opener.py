"""How a service opens snapshots: the model stays while snapshots change, and is given up on while it is too slow."""

from __future__ import annotations

from pathlib import Path

from kbsearch.embed.guard import GuardedEmbedder
from kbsearch.embed.protocol import Embedder
from kbsearch.embed.registry import is_bundled, is_quick, load_embedder
from kbsearch.engine import Engine, open_engine
from kbsearch.errors import SnapshotMismatch


class EngineOpener:
    """Opens what is published. Reading a model takes longer than all the rest, and holds the interpreter meanwhile."""

    def __init__(self, budget: float) -> None:
        """Take the seconds that a query's vector may take."""
        self._budget = budget
        self._embedder: Embedder | None = None

    def __call__(self, directory: Path) -> Engine:
        """Open the published version, verified and warm. Raises SnapshotError kinds and ModelError."""
        kept = self._embedder
        try:
            return open_engine(directory, load=self._load)
        except SnapshotMismatch:
            if kept is None:
                raise
            # The snapshot may have been built with newer files of the model, which lie on disk by now.
            self._embedder = None
            return open_engine(directory, load=self._load)

    def _load(self, name: str) -> Embedder:
        if self._embedder is None or self._embedder.info.name != name:
            self._embedder = load_embedder(name)
            if not is_quick(self._embedder):
                self._embedder = GuardedEmbedder(self._embedder, self._budget, may_hang=not is_bundled(self._embedder))
        return self._embedder
