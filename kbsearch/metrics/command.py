"""`kbsearch metrics`: options in, the report as text or JSON out."""

from __future__ import annotations

import argparse
from dataclasses import replace

import orjson

from kbsearch.errors import UsageError
from kbsearch.events.connect import open_existing_store
from kbsearch.metrics.bounds import read_bound
from kbsearch.metrics.incremental import Costs
from kbsearch.metrics.moments import HOUR
from kbsearch.metrics.present import as_json, as_text
from kbsearch.metrics.report import SPLITS, report

_MOST_HOURS = 168


def run(options: argparse.Namespace) -> str:
    """Read the store and return the report; JSON has every split unless some were chosen.

    :raises UsageError: a bound that cannot be read, an unknown split, or a URL that no store reads.
    """
    costs = Costs()
    if options.ticket_cost is not None:
        costs = replace(costs, ticket=options.ticket_cost)
    if options.contact_cost is not None:
        costs = replace(costs, contact=options.contact_cost)
    bounds = read_bound(options.since, "from"), read_bound(options.until, "to", last=True)
    as_of = read_bound(options.as_of, "as-of")
    if not 0 <= options.window <= _MOST_HOURS:
        raise UsageError(f"--window {options.window} is out of range; give 0 to {_MOST_HOURS} hours.", "window")
    if not 0 < options.holdout < 1:
        raise UsageError(f"--holdout {options.holdout} is no share; give more than 0 and less than 1.", "holdout")
    window = round(options.window * HOUR)
    store = open_existing_store(options.events)
    try:
        splits = options.by or (SPLITS if options.json else ())
        made = report(
            store, *bounds, splits, as_of=as_of, window=window, shelf=store, costs=costs, holdout_share=options.holdout
        )
    finally:
        store.close()
    return orjson.dumps(as_json(made)).decode() if options.json else as_text(made)
