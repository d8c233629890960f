"""A clock that the tests of versions share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kbsearch import snapshot_writer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each version is a minute younger than the one before it."""
    ticks = iter(range(10**6))

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2026, 11, 22, 3, 15, tzinfo=UTC) + timedelta(minutes=next(ticks))

    monkeypatch.setattr(snapshot_writer, "datetime", Clock)
