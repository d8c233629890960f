"""`kbsearch-index replay`, and what `build` and `update` do with --gate."""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from pathlib import Path

import orjson

from indexer.replay.gate import LOG, Terms, replay
from indexer.replay.options import read_share
from indexer.replay.page import as_page
from indexer.replay.present import as_json, as_text, verdict
from indexer.replay.report import Report
from kbsearch.errors import ReplayFailed, SnapshotMissing, UsageError
from kbsearch.events.connect import open_existing_store
from kbsearch.manifest import CURRENT, published_version
from kbsearch.metrics.bounds import read_bound
from kbsearch.versions import record, refuse, release


def run(options: argparse.Namespace) -> str:
    """Compare two versions and print the report. Raises ReplayFailed where the candidate breaks too much."""
    candidate = _directory(options.candidate, options.directory)
    against = _directory(options.against, options.directory or candidate.parent)
    report = _replay(candidate, against, options.events, options)
    printed = orjson.dumps(as_json(report)).decode() if options.json else as_text(report)
    if report.over:
        raise ReplayFailed(verdict(report), printed)
    return printed


def publish_through_gate(root: Path, version: str, how: str, options: argparse.Namespace) -> Report | None:
    """Publish a version that is there, unless it breaks too much; None where nothing was published before.

    Raises ReplayFailed naming the next command; then what was published before still is.
    """
    try:
        published = published_version(root)
    except SnapshotMissing:
        release(root, version, how)
        return None
    report = _replay(root / version, root / published, options.gate, options)
    if report.over:
        refuse(root, version, "; ".join(report.over))
        raise ReplayFailed(
            f"{verdict(report)} {published} stays published; correct the sources and run the command again, or publish "
            f"it all the same: kbsearch-index publish {root} {version}",
            orjson.dumps({"version": version, "published": False, "replay": as_json(report)}).decode()
            if options.json
            else as_text(report),
        )
    release(root, version, f"{how} through the gate")
    return report


def _replay(candidate: Path, against: Path, events: str | None, options: argparse.Namespace) -> Report:
    budget = read_share(options.max_broken)
    if options.first < 1:
        raise UsageError(f"--first {options.first} names no result; give at least 1.", "first")
    if events is None and not options.queries:
        raise UsageError("there is nothing to ask; give the event store with --events, or --queries FILE.", "events")
    with ExitStack() as stack:
        store = open_existing_store(events) if events is not None else None
        if store is not None:
            stack.callback(store.close)
        terms = Terms(
            facts=store,
            queries=tuple(options.queries),
            since=read_bound(options.since, "from"),
            until=read_bound(options.until, "to", last=True),
            first=options.first,
            budget=budget,
        )
        report = replay(candidate, against, terms)
    if options.html is not None:
        options.html.write_text(as_page(report), encoding="utf-8")
    # A directory that may only be read can be compared all the same.
    if os.access(candidate.parent, os.W_OK):
        record(candidate.parent, candidate.name, {"measured": _measured(report), "against": against.name})
    return report


def _measured(report: Report) -> dict[str, str]:
    """What the list of versions says of it: what it breaks, and how many of the judged questions it serves."""
    broken = {f"broken in {part.name}": f"{part.total.share:.2%}" for part in report.sections}
    served = {
        f"found in {part.name}": f"{part.total.served / part.total.asked:.1%}"
        for part in report.sections
        if part.name != LOG
    }
    return broken | served


def _directory(name: str, root: Path | None) -> Path:
    """The directory of a version that is given by its name (or CURRENT) in `root`, or by its path."""
    if root is not None and "/" not in name:
        return root / (published_version(root) if name == CURRENT else name)
    path = Path(name)
    if root is None and path.parent == Path():
        raise UsageError(
            f"{name!r} is no path; give DIR before it, or the path of the version: DIR/{name}", "candidate"
        )
    return path
