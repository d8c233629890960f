"""A model that is slow or broken costs meaning, not answers; one of ours that is quick costs no thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from kbsearch.embed.guard import FAILURES, QUICK, RETRY_SECONDS, THREADS, GuardedEmbedder
from kbsearch.embed.protocol import ModelInfo, Vectors
from kbsearch.errors import ModelUnavailable


class Model:
    """Does what it is told, takes as long as it is told by a clock of its own, and notes in which thread."""

    def __init__(self) -> None:
        self.info = ModelInfo("model", 2, "1", "")
        self.now = 0.0
        self.seconds = 0.001
        self.act: Callable[[], object] = lambda: None
        self.threads: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        self.threads.append(threading.current_thread().name)
        self.now += self.seconds
        self.act()
        return np.full((len(texts), 2), len(texts[0]), np.float32)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self.encode_queries(texts)

    def clock(self) -> float:
        return self.now


def here() -> str:
    return threading.current_thread().name


def ask(guard: GuardedEmbedder, times: int = 1) -> None:
    for _ in range(times):
        assert guard.encode_queries(["four"]).tolist() == [[4.0, 4.0]]


def test_a_model_of_ours_comes_to_be_asked_without_a_thread() -> None:
    """Once it has been quick for some time, and no longer when it is slow."""
    model = Model()
    guard = GuardedEmbedder(model, 0.5, model.clock, may_hang=False)
    ask(guard)
    assert model.threads == ["kbsearch-embed"]
    assert not guard.quick
    ask(guard, 200)
    assert guard.quick
    assert model.threads[-1] == here()
    model.seconds = 3 * QUICK
    ask(guard, 100)
    assert not guard.quick
    assert model.threads[-1] == "kbsearch-embed"


def test_a_model_that_may_hang_is_always_awaited() -> None:
    """However quick it was so far."""
    model = Model()
    guard = GuardedEmbedder(model, 0.5, model.clock)
    ask(guard, 200)
    assert not guard.quick
    assert set(model.threads) == {"kbsearch-embed"}


def test_a_model_that_hangs_is_given_up_and_tried_again() -> None:
    """Each query waits for the budget, the next ones for nothing; one now and then tries."""
    model, release = Model(), threading.Event()
    model.act = release.wait
    guard = GuardedEmbedder(model, 0.01, model.clock)
    for _ in range(FAILURES):
        with pytest.raises(ModelUnavailable, match=r"gave no vector within 0\.01 s"):
            guard.encode_queries(["four"])
    assert guard.open
    asked = len(model.threads)
    with pytest.raises(ModelUnavailable, match="not asked for now"):
        guard.encode_queries(["four"])
    assert len(model.threads) == asked
    release.set()
    model.now += RETRY_SECONDS + 1
    ask(guard)
    assert not guard.open


@pytest.mark.parametrize("may_hang", [True, False])
def test_a_broken_model_is_unavailable(may_hang: bool) -> None:
    """In either thread, and it opens the circuit."""
    model = Model()
    guard = GuardedEmbedder(model, 0.5, model.clock, may_hang=may_hang)
    ask(guard, 200)

    def fail() -> None:
        raise ValueError("no such token")

    model.act = fail
    for _ in range(FAILURES):
        with pytest.raises(ModelUnavailable, match="no such token"):
            guard.encode_queries(["four"])
    assert guard.open


def test_a_system_without_threads_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a model that fails is: once there are threads again, there are vectors."""
    model = Model()
    guard = GuardedEmbedder(model, 0.5, model.clock)

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        for _ in range(2 * THREADS):
            with pytest.raises(ModelUnavailable):
                guard.encode_queries(["four"])
            model.now += RETRY_SECONDS + 1
    assert guard.open
    ask(guard)
    assert not guard.open


def test_who_has_a_vector_may_ask_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However soon: that query is pending no more."""
    model, asked = Model(), 0
    guard = GuardedEmbedder(model, 0.5, model.clock, may_hang=False)
    ask(guard, 200)

    class Awaited(Future[Any]):
        def set_result(self, result: Any) -> None:
            nonlocal asked
            super().set_result(result)
            if asked < THREADS:
                asked += 1
                ask(guard)

    monkeypatch.setattr("kbsearch.embed.guard.Future", Awaited)
    ask(guard)
    assert asked == THREADS


def test_no_more_queries_than_threads_wait_for_a_model() -> None:
    """One more is refused at once, and tells nothing of the model."""
    model, release, began = Model(), threading.Event(), threading.Semaphore(0)
    model.act = lambda: (began.release(), release.wait())
    guard = GuardedEmbedder(model, 60.0, model.clock)
    asking = [threading.Thread(target=ask, args=(guard,)) for _ in range(THREADS)]
    for thread in asking:
        thread.start()
        began.acquire()
    with pytest.raises(ModelUnavailable, match="not asked for now"):
        guard.encode_queries(["four"])
    release.set()
    for thread in asking:
        thread.join()
    assert not guard.open
    ask(guard)
