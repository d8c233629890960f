"""How often articles helped: no form waits for the figure, too few visits give none, and a sick store costs nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from kbsearch.errors import StoreError
from kbsearch.metrics.figures import Figure
from kbsearch.service import helped
from kbsearch.service.helped import FEWEST, Helped

FIGURE = Figure("ticket_form_deflection", 1, "share", 0.424, 120, 51, 120, (0.3, 0.5))


def read_twice(monkeypatch: pytest.MonkeyPatch, found: Figure | Exception) -> list[Any]:
    """Ask as two forms do, one before the metrics were read and one after."""

    def report(*_store: object, **_shelf: object) -> object:
        if isinstance(found, Exception):
            raise found
        return SimpleNamespace(metrics={found.id: found})

    async def ask() -> list[Any]:
        figure = Helped(None)  # type: ignore[arg-type]
        first = figure.figure()
        assert figure._reading is not None
        await figure._reading
        return [first, figure.figure()]

    monkeypatch.setattr(helped, "report", report)
    # A loop of its own thread: Playwright keeps one running in this.
    with start_blocking_portal() as portal:
        return portal.call(ask)


def test_a_form_says_what_the_last_reading_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole percent of so many."""
    assert read_twice(monkeypatch, FIGURE) == [None, (120, 42)]


@pytest.mark.parametrize(
    "figure",
    [
        replace(FIGURE, n=FEWEST - 1),
        replace(FIGURE, value=None),
        replace(FIGURE, unreliable="clicks do not arrive"),
        StoreError("the disk is full"),
    ],
)
def test_a_figure_that_says_too_little_is_not_said(monkeypatch: pytest.MonkeyPatch, figure: Any) -> None:
    """Nor one that cannot be read."""
    assert read_twice(monkeypatch, figure) == [None, None]
