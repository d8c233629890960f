"""A build that leaves the machine to those who search: lowest priority, few cores, and pauses while embedding."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kbsearch.errors import UsageError

# Every command's parser loads this module; going back to a version must not wait for numpy.
if TYPE_CHECKING:
    from kbsearch.embed.protocol import Embedder, ModelInfo, Vectors

_NICENESS = 10


def stay_within(share: float) -> float:
    """Keep this process, and those it starts, to a share of the cores that it may use; return how many that is.

    Whole cores are left alone by affinity; what is left of a core, by the pauses of `Sparing`. Called before the
    libraries are loaded that start a thread a core. Raises UsageError.
    """
    if not 0.0 < share <= 1.0:
        raise UsageError(f"--cpu-share {share} is no share; give more than 0 and at most 1.", field="cpu_share")
    cores = sorted(os.sched_getaffinity(0))
    allowed = share * len(cores)
    os.nice(_NICENESS)
    os.sched_setaffinity(0, cores[: math.ceil(allowed)])
    return allowed


class Sparing:
    """An embedder that pauses after each batch until it has used no more than so many cores on average."""

    def __init__(
        self,
        embedder: Embedder,
        cores: float,
        clock: Callable[[], float] = time.perf_counter,
        used: Callable[[], float] = time.process_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`used`: seconds of processor time that this process took so far, all threads together."""
        self._embedder = embedder
        self._cores = cores
        self._clock = clock
        self._used = used
        self._sleep = sleep

    @property
    def info(self) -> ModelInfo:
        return self._embedder.info

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """A build asks for a few only."""
        return self._embedder.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """The same vectors, later. Batches stay whole: a model may round otherwise in smaller ones."""
        began, spent = self._clock(), self._used()
        vectors = self._embedder.encode_passages(texts)
        owed = (self._used() - spent) / self._cores - (self._clock() - began)
        if owed > 0.0:
            self._sleep(owed)
        return vectors
