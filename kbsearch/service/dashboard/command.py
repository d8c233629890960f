"""`kbsearch report`: the dashboard of a period as one HTML file."""

from __future__ import annotations

import argparse

import orjson

from kbsearch.amounts import amount
from kbsearch.disk import replacing
from kbsearch.metrics.board import board
from kbsearch.metrics.command import reading
from kbsearch.service.dashboard.render import render_report
from kbsearch.service.knowledge import open_knowledge


def run(options: argparse.Namespace) -> str:
    """Write the report and say where it is.

    :raises UsageError: an option that cannot be read.
    :raises KbsearchError: no store, no snapshot.
    """
    library = open_knowledge(options.index)
    with reading(options) as (store, given):
        made = board(store, library, shelf=store, **given)
    with replacing(options.out) as draft:
        draft.write_bytes(render_report(made, options.title).encode())
    journeys, health = made.report.outcomes["journeys"], made.report.health.verdict
    if options.json:
        return orjson.dumps({"path": str(options.out), "journeys": journeys, "data_health": health}).decode()
    return f"{options.out}: {amount(journeys, 'journey')}, data health: {health}"
