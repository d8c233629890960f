"""What is logged while something keeps failing."""

from __future__ import annotations

import logging

import pytest

from kbsearch.events.outage import Outage


def test_an_outage_is_told_once_a_minute_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    """With the traceback once, and anew in the next outage."""
    time = 0.0
    outage = Outage("the store", lambda: time)
    outage.over()
    for half_seconds in range(5 * 60):
        time = half_seconds / 2
        outage.failed(OSError("disk is full"), "3 facts; trying again")
    time = 150.0
    outage.over()
    outage.over()
    outage.failed(OSError("disk is full"), "1 facts; trying again")
    assert [(record.levelno, record.message, bool(record.exc_info)) for record in caplog.records] == [
        (logging.ERROR, "the store refused 3 facts; trying again", True),
        (logging.ERROR, "the store refused 3 facts; trying again; 121 times in 60 s: disk is full", False),
        (logging.ERROR, "the store refused 3 facts; trying again; 241 times in 120 s: disk is full", False),
        (logging.WARNING, "the store works again; it had refused 300 times in 150 s", False),
        (logging.ERROR, "the store refused 1 facts; trying again", True),
    ]
