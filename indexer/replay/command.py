"""`kbsearch-index replay`, and what `build` and `update` do with --gate."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import orjson

from indexer.replay.gate import LOG, Terms, replay
from indexer.replay.options import BUDGET, FIRST, read_share
from indexer.replay.page import as_page
from indexer.replay.present import as_json, as_text, verdict
from indexer.replay.report import Report, share_text
from kbsearch.errors import KbsearchError, ReplayFailed, SnapshotError, SnapshotMissing, UsageError
from kbsearch.evaluate import read_queries
from kbsearch.events.connect import open_existing_store
from kbsearch.manifest import CURRENT, published_version
from kbsearch.metrics.bounds import read_bound
from kbsearch.versions import only_writer, record, refuse, release


def run(options: argparse.Namespace) -> str:
    """Compare two versions and print the report. Raises ReplayFailed where the candidate breaks too much."""
    candidate = _directory(options.candidate, options.directory)
    against = _directory(options.against, options.directory or candidate.parent)
    report = _replay(candidate, against, options.events, options)
    printed = orjson.dumps(as_json(report)).decode() if options.json else as_text(report)
    if report.over:
        raise ReplayFailed(verdict(report), printed)
    return printed


def check_gate(options: argparse.Namespace) -> None:
    """Raise what would keep the gate from deciding, before a version is built for it."""
    if options.no_publish:
        raise UsageError(
            "--no-publish leaves --gate and --queries nothing to decide; leave it out, or leave them out and compare "
            f"afterwards: kbsearch-index replay {options.out} --candidate VERSION",
            field="no_publish",
        )
    with _terms(options.gate, options):
        for path in options.queries:
            read_queries(path)


def publish_through_gate(root: Path, version: str, how: str, options: argparse.Namespace) -> Report | None:
    """Publish a version that is there, unless it breaks too much; None where nothing was published before.

    Raises ReplayFailed naming the next command, and KbsearchError kinds where the gate cannot decide. Then the version
    counts as refused, and what was published still is.
    """
    try:
        published = _published(root)
        if published is None:
            report = None
        else:
            report = _replay(root / version, root / published, options.gate, options)
            _refuse_losses(report, root, options)
            how = f"{how} through the gate"
        with only_writer(root, how):
            # Replaying takes its time, and nobody waits for it: an update, a rollback.
            if (now := _published(root)) != published:
                raise SnapshotError(
                    f"{root} had {published or 'no version'} published when the gate began with {version}, and has "
                    f"{now or 'none'} now, so {version} is not published; run the command again."
                )
            release(root, version, how)
    except KbsearchError as error:
        refuse(root, version, str(error))
        raise
    return report


def _published(root: Path) -> str | None:
    try:
        return published_version(root)
    except SnapshotMissing:
        return None


def _refuse_losses(report: Report, root: Path, options: argparse.Namespace) -> None:
    if report.over:
        raise ReplayFailed(
            f"{verdict(report)} {report.against} stays published; correct the sources and run the command again, or "
            f"publish it all the same: kbsearch-index publish {root} {report.candidate}",
            orjson.dumps({"version": report.candidate, "published": False, "replay": as_json(report)}).decode()
            if options.json
            else as_text(report),
        )


@contextmanager
def _terms(events: str | None, options: argparse.Namespace) -> Iterator[Terms]:
    """What is replayed, with the store open while the block runs. Raises UsageError and StoreError.

    Looks as well whether what comes out can be written: a version takes long to build and to ask.
    """
    option = "--gate" if "gate" in options else "--events"
    budget = BUDGET if options.max_broken is None else read_share(options.max_broken)
    first = FIRST if options.first is None else options.first
    if first < 1:
        raise UsageError(f"--first {first} names no result; give at least 1.", "first")
    if events is None and not options.queries:
        raise UsageError("there is nothing to ask; give the event store with --events, or --queries FILE.", "events")
    if options.html is not None:
        _check_page(options.html)
    with ExitStack() as stack:
        store = open_existing_store(events, option) if events is not None else None
        if store is not None:
            stack.callback(store.close)
        yield Terms(
            facts=store,
            queries=tuple(options.queries),
            since=read_bound(options.since, "from"),
            until=read_bound(options.until, "to", last=True),
            first=first,
            budget=budget,
        )


def _replay(candidate: Path, against: Path, events: str | None, options: argparse.Namespace) -> Report:
    with _terms(events, options) as terms:
        report = replay(candidate, against, terms)
    if options.html is not None:
        _write_page(options.html, report)
    # A directory that may only be read can be compared all the same.
    if os.access(candidate.parent, os.W_OK):
        record(candidate.parent, candidate.name, {"measured": _measured(report), "against": against.name})
    return report


def _check_page(path: Path) -> None:
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--html {path} cannot be written; name a file in a folder that is there.", "html")


def _write_page(path: Path, report: Report) -> None:
    try:
        path.write_text(as_page(report), encoding="utf-8")
    except OSError as cause:
        raise UsageError(
            f"--html {path} cannot be written ({cause.strerror}); name a file that can.", "html"
        ) from cause


def _measured(report: Report) -> dict[str, str]:
    """What the list of versions says of it: what it breaks, and how many of the judged questions it serves."""
    broken = {f"broken in {part.name}": share_text(part.total) for part in report.sections if part.total.held}
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
