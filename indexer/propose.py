"""`kbsearch-index propose`: untied translations in a published version, as a groups.csv for the editor."""

from __future__ import annotations

import argparse
from typing import Any

import orjson

from kbsearch.amounts import amount
from kbsearch.command import Outcome, example, named_path
from kbsearch.errors import UsageError


def add_propose_command(commands: Any) -> None:
    """Add it to the parser."""
    sub = commands.add_parser(
        "propose",
        help="articles that look like translations of each other, as a groups.csv to edit",
        epilog=example("kbsearch-index propose var/index --to groups.csv"),
    )
    sub.add_argument("directory", type=named_path, metavar="DIR", help="directory of snapshots")
    sub.add_argument("--to", type=named_path, metavar="FILE", help="where to write (default: print)")
    sub.add_argument("--json", action="store_true", help="print the result as JSON")
    sub.set_defaults(run=_propose)


def _propose(options: argparse.Namespace) -> Outcome:
    from indexer.translations import as_csv, propose
    from kbsearch.snapshot import open_snapshot

    if options.to is not None and options.to.exists():
        raise UsageError(
            f"--to {options.to} is there already and may hold what an editor accepted; name a new file, and add its "
            "rows to that one.",
            field="to",
        )
    proposals = propose(open_snapshot(options.directory))
    if options.to is None:
        return orjson.dumps(proposals).decode() if options.json else as_csv(proposals).rstrip("\n")
    if proposals:
        options.to.parent.mkdir(parents=True, exist_ok=True)
        options.to.write_text(as_csv(proposals), encoding="utf-8")
    groups = len({proposal.group for proposal in proposals})
    if options.json:
        path = str(options.to) if proposals else None
        return orjson.dumps({"path": path, "groups": groups, "articles": len(proposals)}).decode()
    if not proposals:
        return f"No articles in {options.directory} look like untied translations; {options.to} is not written."
    return (
        f"Wrote {options.to}: {amount(groups, 'group')} of {amount(len(proposals), 'article')}. "
        "Delete the rows that are wrong, put the file beside the articles under the name groups.csv (its rows into the "
        "one that is there already), and run: kbsearch-index update SOURCE... --out DIR"
    )
