"""`kbsearch-index`: build, update, replay, publish, verify, list, roll back and prune snapshots."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson

from indexer.propose import add_propose_command
from indexer.replay.options import add_options, add_terms, refuse_terms
from indexer.share import stay_within
from indexer.watch import add_watch_command
from kbsearch.amounts import amount
from kbsearch.command import Outcome, command_parser, example, named_path, one_line, run_command
from kbsearch.errors import SnapshotDamaged, SnapshotError, SnapshotMissing, UsageError
from kbsearch.manifest import CURRENT, published_version, verify_snapshot
from kbsearch.threads import one_thread_for_products
from kbsearch.versions import SnapshotEntry, list_snapshots, prune, publish_existing, rollback

LONGEST_DELAY = 3600
"""Seconds between two requests to a website."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 (failed) or 2 (wrong use)."""
    return run_command(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    program_example = example("kbsearch-index build sample_kb --out var/index")
    parser, commands = command_parser("kbsearch-index", __doc__ or "", program_example)
    sub = commands.add_parser(
        "build",
        help="index sources into a new snapshot and publish it",
        epilog=example("kbsearch-index build sample_kb --out var/index"),
    )
    _add_build_options(sub, "bundled model, directory, or hub name (default: the bundled default)")
    sub.set_defaults(run=_build, update=False)
    sub = commands.add_parser(
        "update",
        help="the same, doing again only what changed",
        epilog=example("kbsearch-index update sample_kb --out var/index"),
    )
    _add_build_options(sub, "bundled model, directory, or hub name (default: that of the published version)")
    sub.set_defaults(run=_build, update=True)
    sub = commands.add_parser(
        "replay",
        help="which successful searches of the log a version would break",
        epilog=example(
            "kbsearch-index replay var/index --candidate 20261122T031500Z-1f3a --against CURRENT "
            "--events sqlite:///var/index/events.db"
        ),
    )
    add_options(sub)
    sub.set_defaults(run=_replay)
    sub = commands.add_parser(
        "publish",
        help="publish a version that is there",
        epilog=example("kbsearch-index publish var/index 20261122T031500Z-1f3a"),
    )
    sub.add_argument("directory", type=named_path, metavar="DIR", help="directory of snapshots")
    sub.add_argument("version", metavar="VERSION", help="as kbsearch-index list prints it")
    sub.add_argument("--json", action="store_true", help="print the result as JSON")
    sub.set_defaults(run=_publish)
    sub = commands.add_parser(
        "verify",
        help="check every checksum of every version, and that one of them is published",
        epilog=example("kbsearch-index verify var/index"),
    )
    sub.add_argument("directory", type=named_path, metavar="DIR", help="directory of snapshots")
    sub.add_argument("--json", action="store_true", help="print the result as JSON")
    sub.set_defaults(run=_verify)
    sub = commands.add_parser("list", help="versions, newest first", epilog=example("kbsearch-index list var/index"))
    sub.add_argument("directory", type=named_path, metavar="DIR", help="directory of snapshots")
    sub.add_argument("--json", action="store_true", help="print the list as JSON")
    sub.set_defaults(run=_list)
    sub = commands.add_parser(
        "rollback",
        help="publish an older version",
        epilog=example("kbsearch-index rollback var/index 20261122T031500Z-1f3a"),
    )
    sub.add_argument("directory", type=named_path, metavar="DIR", help="directory of snapshots")
    sub.add_argument("version", nargs="?", metavar="VERSION", help="default: the one before the published one")
    sub.add_argument("--json", action="store_true", help="print the result as JSON")
    sub.set_defaults(run=_rollback)
    sub = commands.add_parser(
        "prune", help="remove old versions", epilog=example("kbsearch-index prune var/index --keep 3")
    )
    sub.add_argument("directory", type=named_path, metavar="DIR", help="directory of snapshots")
    sub.add_argument("--keep", type=int, default=3, metavar="N", help="newest versions to keep (default 3)")
    sub.add_argument("--json", action="store_true", help="print the result as JSON")
    sub.set_defaults(run=_prune)
    add_propose_command(commands)
    add_watch_command(commands, source)
    return parser


def _add_build_options(sub: argparse.ArgumentParser, model: str) -> None:
    sub.add_argument(
        "sources", nargs="+", type=source, metavar="SOURCE", help="file, folder or web address; see docs/sources.md"
    )
    sub.add_argument("--out", type=named_path, required=True, metavar="DIR", help="directory of snapshots")
    sub.add_argument("--model", help=model)
    sub.add_argument("--strict", action="store_true", help="stop at the first bad line instead of skipping it")
    sub.add_argument(
        "--delay", type=float, default=0.2, metavar="SECONDS", help="between two requests to a website (default 0.2)"
    )
    sub.add_argument("--no-publish", action="store_true", help="write the version, but leave the published one")
    sub.add_argument("--json", action="store_true", help="print the report as JSON")
    sub.add_argument(
        "--cpu-share", type=float, metavar="SHARE", help="of this machine's cores, at lowest priority (default: all)"
    )
    sub.add_argument("--gate", metavar="URL", help="publish only if a replay of this log breaks little enough")
    add_terms(sub)


def source(text: str) -> Path | str:
    """A path, or an address on the web."""
    return text if text.lower().startswith(("http://", "https://")) else named_path(text)


def _build(options: argparse.Namespace) -> Outcome:
    if not 0 <= options.delay <= LONGEST_DELAY:
        raise UsageError(f"--delay {options.delay} is no pause; give 0 to {LONGEST_DELAY} seconds.", field="delay")
    cores = None if options.cpu_share is None else stay_within(options.cpu_share)
    # Before the library is loaded that reads it.
    one_thread_for_products()
    from indexer.pipeline import build

    # An empty address, mostly an unset variable of a script, must not come to mean that there is no gate.
    gated = options.gate is not None or bool(options.queries)
    if gated:
        from indexer.replay.command import check_gate

        check_gate(options)
    else:
        refuse_terms(options)
    report = build(
        options.sources,
        options.out,
        model=options.model,
        strict=options.strict,
        update=options.update,
        publishing=not (options.no_publish or gated),
        cores=cores,
        delay=options.delay,
    )
    for line in report.complaints():
        print(one_line(line), file=sys.stderr)
    replayed: Any = None
    if gated and not report.unchanged:
        from indexer.replay.command import publish_through_gate
        from indexer.replay.present import as_json, verdict

        replayed = publish_through_gate(options.out, report.version, options.command, options)
        report = replace(report, published=True)
    if options.json:
        return orjson.dumps(asdict(report) | ({"replay": as_json(replayed)} if replayed else {})).decode()
    if report.unchanged:
        return f"Nothing changed; {report.version} stays published in {options.out} ({report.seconds:.1f} s)."
    return (
        f"{'Published' if report.published else 'Wrote'} {report.version} in {options.out}: "
        f"{amount(report.documents, 'document')} ({report.documents_analysed:,} analysed), "
        f"{amount(report.passages, 'passage')} ({report.passages_embedded:,} embedded), "
        f"{amount(report.problem_count, 'line')} skipped, {report.seconds:.1f} s, peak {report.peak_mebibytes:.0f} MiB."
        + (f" {verdict(replayed)}" if replayed else "")
    )


def _replay(options: argparse.Namespace) -> Outcome:
    from indexer.replay.command import run

    return run(options)


def _publish(options: argparse.Namespace) -> Outcome:
    publish_existing(options.directory, options.version)
    return _published(options.version, options)


def _verify(options: argparse.Namespace) -> Outcome:
    names: list[str] = []
    faults: dict[str, str] = {}
    entries = list_snapshots(options.directory)
    for entry in entries:
        try:
            verify_snapshot(options.directory / entry.version)
            names.append(entry.version)
        except SnapshotMissing:  # removed meanwhile
            continue
        except SnapshotError as fault:
            faults[entry.version] = str(fault)
    if faults:
        said = list(faults.values())
        if names and any(entry.published and entry.version in faults for entry in entries):
            said.append(f"Until then, serve a whole one: kbsearch-index rollback {options.directory}")
        raise SnapshotError(" ".join(said), _verified(names, faults, options) if names or options.json else "")
    if not names:
        raise SnapshotMissing(
            f"{options.directory} holds no snapshot; run: kbsearch-index build SOURCE --out {options.directory}"
        )
    _check_current(options.directory, names)
    return _verified(names, faults, options)


def _check_current(root: Path, names: Sequence[str]) -> None:
    published = published_version(root)
    if published not in names:
        raise SnapshotMissing(
            f"{root / CURRENT} names {published!r}, which is not there; run: kbsearch-index rollback {root}"
        )


def _verified(names: Sequence[str], faults: Mapping[str, str], options: argparse.Namespace) -> Outcome:
    if options.json:
        return orjson.dumps({"verified": names, "faults": faults}).decode()
    return f"{amount(len(names), 'version')} verified: {', '.join(names)}."


def _list(options: argparse.Namespace) -> Outcome:
    entries = list_snapshots(options.directory)
    if options.json:
        rows = [
            {
                "version": entry.version,
                "published": entry.published,
                "bytes": entry.bytes,
                **({"fault": entry.fault} if entry.fault else _told(entry.manifest)),
                "history": list(entry.history),
            }
            for entry in entries
        ]
        text = orjson.dumps(rows).decode()
    elif entries:
        text = "\n".join(map(_line, entries))
    else:
        text = f"{options.directory} holds no snapshot; run: kbsearch-index build SOURCE --out {options.directory}"
    faults = [entry.fault for entry in entries if entry.fault]
    whole = text if options.json or len(faults) < len(entries) else ""
    if (options.directory / CURRENT).exists():  # where nothing was published yet there is none
        try:
            _check_current(options.directory, [entry.version for entry in entries])
        except SnapshotError as fault:
            faults.append(str(fault))
    if faults:
        raise SnapshotDamaged(" ".join(faults), whole)
    return text


def _told(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{key: manifest[key] for key in ("created_at", "documents", "passages", "languages", "sources")},
        "model": manifest["model"]["name"],
        "dense_recall_at_10": manifest["dense"]["recall_at_10"],
    }


def _line(entry: SnapshotEntry) -> str:
    """One version: size, model, sources, what was measured, and who published it last; or that it is damaged."""
    manifest = entry.manifest
    name = f"{'*' if entry.published else ' '} {entry.version}"
    size = f"{entry.bytes / 2**20:8.1f} MiB"
    if entry.fault:
        words = [f"{name}  {'damaged':>17}", size]
    else:
        words = [
            f"{name}  {manifest['documents']:>7} documents",
            size,
            manifest["model"]["name"],
            f"from {', '.join(manifest['sources'])}",
        ]
    measured = {name: value for fact in entry.history for name, value in fact.get("measured", {}).items()}
    words += [f"{name} {value}" for name, value in measured.items()]
    published = [fact for fact in entry.history if "published" in fact]
    if published:
        words.append("{published} by {by} at {at}".format(**published[-1]))
    elif any("refused" in fact for fact in entry.history):
        words.append("refused")
    return "  ".join(words)


def _rollback(options: argparse.Namespace) -> Outcome:
    return _published(rollback(options.directory, options.version), options)


def _published(version: str, options: argparse.Namespace) -> Outcome:
    return orjson.dumps({"published": version}).decode() if options.json else f"Published {version}."


def _prune(options: argparse.Namespace) -> Outcome:
    if options.keep < 1:
        raise UsageError(f"--keep {options.keep} would keep nothing; give at least 1.", field="keep")
    removed = prune(options.directory, options.keep)
    if options.json:
        return orjson.dumps({"removed": removed}).decode()
    return f"Removed {amount(len(removed), 'version')}{': ' if removed else ''}{', '.join(removed)}."


if __name__ == "__main__":
    raise SystemExit(main())
