"""Answers given before, for the same question by somebody who may see the same, on the same snapshot.

Exact: the whole request is the key, audiences included, so that nothing passes from one audience to another. Bounded:
the answer that was longest unused goes first. Used from the event loop only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from kbsearch.types import SearchOutcome, SearchRequest


@dataclass(slots=True)
class Kept:
    """An outcome, and its answer on the wire once it has been written."""

    outcome: SearchOutcome
    body: bytes = b""
    """JSON without the members that differ from call to call."""


class AnswerCache:
    """Keeps up to `size` answers of one snapshot; 0 keeps none."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._snapshot = ""
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()

    def get(self, snapshot: str, request: SearchRequest) -> Kept | None:
        """Return what was answered, None where it must be asked."""
        if snapshot != self._snapshot:
            self._kept.clear()
            self._snapshot = snapshot
        if request.explain:
            return None
        key = _key(request)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def put(self, request: SearchRequest, outcome: SearchOutcome) -> Kept:
        """Keep an outcome; not one that would be better a moment later, nor one that tells its own times."""
        kept = Kept(outcome)
        # A request that began before a swap may end after it.
        stale = outcome.snapshot != self._snapshot
        if stale or outcome.degraded or request.explain:
            return kept
        self._kept[_key(request)] = kept
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return kept


def _key(request: SearchRequest) -> Hashable:
    filters = tuple(sorted((name, tuple(values)) for name, values in request.filters.items()))
    return (
        request.q,
        request.body,
        request.lang,
        request.langs,
        request.limit,
        request.offset,
        filters,
        request.audiences,
        request.mode,
    )
