"""`kbsearch metrics`: options in, the report as text or JSON out. `kbsearch report` reads the same options."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from kbsearch.errors import UsageError
from kbsearch.events.connect import open_existing_store
from kbsearch.events.store import EventStore
from kbsearch.metrics.bounds import read_bound, read_period
from kbsearch.metrics.costs import Costs
from kbsearch.metrics.incremental import HOLDOUT_SHARE
from kbsearch.metrics.insight import insight
from kbsearch.metrics.library import Library
from kbsearch.metrics.moments import HOUR
from kbsearch.metrics.present import as_json, as_text
from kbsearch.metrics.present_insight import insight_json, insight_text
from kbsearch.metrics.report import SPLITS, report

_MOST_HOURS = 168


def run(options: argparse.Namespace, library: Library | None) -> str:
    """Read the store and return the report; JSON has every split unless some were chosen.

    With a library the gap list is added; JSON has flow and articles as well.

    :raises UsageError: a bound that cannot be read, an unknown split, or a URL that no store reads.
    """
    with reading(options) as (store, given):
        splits = options.by or (SPLITS if options.json else ())
        made = report(store, splits=splits, shelf=store, **given)
        more = insight(store, made, library, shelf=store) if library else None
    if options.json:
        return orjson.dumps({**as_json(made), **(insight_json(more) if more else {})}).decode()
    return as_text(made) + (insight_text(more) if more else "")


@contextmanager
def reading(options: argparse.Namespace) -> Iterator[tuple[EventStore, dict[str, Any]]]:
    """Open the store that options name, and give it with what they say of the report, by the names `report` has.

    :raises UsageError: a bound that cannot be read, a value out of range, or a URL that no store reads.
    """
    usual = Costs()
    costs = Costs(
        _cost(options.ticket_cost, "ticket-cost", usual.ticket),
        _cost(options.contact_cost, "contact-cost", usual.contact),
    )
    if not 0 <= options.window <= _MOST_HOURS:
        raise UsageError(f"--window {options.window} is out of range; give 0 to {_MOST_HOURS} hours.", "window")
    since, until = read_period(options.since, options.until)
    given: dict[str, Any] = {
        "since": since,
        "until": until,
        "as_of": read_bound(options.as_of, "as-of"),
        "window": round(options.window * HOUR),
        "costs": costs,
        "holdout_share": _holdout(options.holdout),
    }
    store = open_existing_store(options.events)
    try:
        yield store, given
    finally:
        store.close()


def _holdout(given: float | None) -> float:
    """Return the share that was held out."""
    name, share = _given(given, "holdout")
    if share is None or (share == 0 and given is None):
        return HOLDOUT_SHARE  # the service's 0 switches the experiment off
    if not 0 < share < 1:
        raise UsageError(f"{name} {share} is no share; give more than 0 and less than 1.", "holdout")
    return share


def _cost(given: float | None, option: str, usual: float) -> float:
    name, cost = _given(given, option)
    if cost is None:
        return usual
    if not 0 <= cost < math.inf:
        raise UsageError(f"{name} {cost} is no cost; give dollars, 0 or more.", option)
    return cost


def _given(given: float | None, option: str) -> tuple[str, float | None]:
    """Return a number and where it comes from: an option, else the setting of the service in this environment."""
    if given is not None:
        return f"--{option}", given
    name = f"KBSEARCH_{option.upper().replace('-', '_')}"
    text = os.environ.get(name)
    try:
        return name, float(text) if text else None
    except ValueError:
        raise UsageError(f"{name} must be a number, got {text!r}", option) from None
