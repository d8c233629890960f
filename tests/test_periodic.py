"""What is done every so often: it goes on after every failure, and stops when told."""

from __future__ import annotations

import time
from threading import Event

import pytest

from kbsearch.periodic import Periodic


def test_it_goes_on_whatever_fails(caplog: pytest.LogCaptureFixture) -> None:
    """Each failure is logged with its traceback."""
    failures: list[Exception] = [OSError("disk"), ValueError("a fault of ours")]
    done = Event()

    def call() -> None:
        if failures:
            raise failures.pop(0)
        done.set()

    periodic = Periodic("counting sheep", call, 0.001)
    periodic.start()
    assert done.wait(10)
    periodic.stop()
    assert "counting sheep failed; trying again" in caplog.text
    assert "ValueError: a fault of ours" in caplog.text


def test_it_stops_before_its_first_call_and_between_two() -> None:
    """Without waiting for the next."""
    calls: list[float] = []
    called = Event()

    def call() -> None:
        calls.append(time.monotonic())
        called.set()

    early, late = Periodic("early", call, 3600, first_seconds=3600), Periodic("late", call, 3600)
    early.start()
    early.stop()
    assert calls == []
    late.start()
    assert called.wait(10)
    late.stop()
    assert len(calls) == 1
