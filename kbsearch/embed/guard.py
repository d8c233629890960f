"""An embedder with a time budget and a circuit breaker, so that a slow or broken model costs meaning, not answers.

A query's vector is awaited for `budget` seconds. After `FAILURES` queries in a row without one the circuit opens:
queries are refused at once, and one every `RETRY_SECONDS` tries whether the model is back (half open). The engine
answers refused queries by words alone and says so (`SearchOutcome.degraded`).

Awaiting takes a thread of its own, and two threads that wait for each other take as long as a small model. One that
cannot hang and usually takes less than `QUICK` is asked by the caller's own thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic

from kbsearch.embed.protocol import Embedder, ModelInfo, Vectors
from kbsearch.errors import ModelUnavailable

logger = logging.getLogger(__name__)

FAILURES = 3
RETRY_SECONDS = 5.0
QUICK = 0.004
"""Seconds that an event loop may spend on a query's vector."""
THREADS = 4
"""Queries that are embedded at the same time; a model that hangs holds no more than these."""
_SMOOTHING = 0.05


class GuardedEmbedder:
    """Passes queries on while the model answers in time. Safe to use from several threads."""

    def __init__(
        self, embedder: Embedder, budget: float, clock: Callable[[], float] = monotonic, *, may_hang: bool = True
    ) -> None:
        """Take the seconds to wait; `may_hang` is False for a model of ours that is computed in this process."""
        self._embedder = embedder
        self._budget = budget
        self._may_hang = may_hang
        # Seconds, smoothed; a model is slow until it has been quick for some time.
        self._usual = budget
        self._clock = clock
        self._lock = Lock()
        self._pending = 0
        self._failures = 0
        self._retry_at = 0.0

    @property
    def info(self) -> ModelInfo:
        return self._embedder.info

    @property
    def open(self) -> bool:
        """Whether queries are refused."""
        return self._failures >= FAILURES

    @property
    def quick(self) -> bool:
        """Whether queries are embedded in the caller's thread, and in a moment."""
        return not self._may_hang and self._usual < QUICK

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension). Raises ModelUnavailable: too slow, or given up for now."""
        future = self._submit(texts)
        try:
            vectors = future.result(self._budget)
        except TimeoutError:
            self._failed(f"gave no vector within {self._budget:g} s")
            raise ModelUnavailable(f"model {self.info.name!r} gave no vector within {self._budget:g} s") from None
        except Exception as error:  # whatever a model raises
            self._failed(f"failed: {error}")
            raise ModelUnavailable(f"model {self.info.name!r} failed: {error}") from error
        with self._lock:
            if self._failures >= FAILURES:
                logger.warning("model %r answers again", self.info.name)
            self._failures = 0
        return vectors

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension); without a budget, since nobody waits."""
        return self._embedder.encode_passages(texts)

    def _submit(self, texts: Sequence[str]) -> Future[Vectors]:
        with self._lock:
            now = self._clock()
            if self._pending >= THREADS or (self._failures >= FAILURES and now < self._retry_at):
                raise ModelUnavailable(f"model {self.info.name!r} is not asked for now: it was too slow, or failed")
            # While this one tries, the others are refused.
            self._retry_at = now + RETRY_SECONDS
            self._pending += 1
        future: Future[Vectors] = Future()
        if self.quick:
            self._fulfil(future, texts)
            return future
        # A thread of its own, which nobody waits for at the end: a pool with a query that hangs could not be closed.
        thread = Thread(target=self._fulfil, args=(future, texts), name="kbsearch-embed", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread left
            self._no_longer_pending()
            future.set_exception(error)
        return future

    def _fulfil(self, future: Future[Vectors], texts: Sequence[str]) -> None:
        try:
            future.set_result(self._encode(texts))
        except BaseException as error:  # it is raised where the vector is awaited
            future.set_exception(error)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        started = self._clock()
        try:
            vectors = self._embedder.encode_queries(texts)
        finally:
            # Before the vector is heard of: who has it may ask again at once.
            self._no_longer_pending()
        self._usual += _SMOOTHING * (self._clock() - started - self._usual)
        return vectors

    def _no_longer_pending(self) -> None:
        with self._lock:
            self._pending -= 1

    def _failed(self, reason: str) -> None:
        with self._lock:
            self._failures += 1
            if self._failures == FAILURES:
                logger.error("model %r %s; answering by words alone", self.info.name, reason)
