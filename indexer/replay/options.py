"""The options of `replay`, which `build` and `update` share. Loads nothing else: every command's parser needs them."""

from __future__ import annotations

import argparse

from kbsearch.command import named_path
from kbsearch.errors import UsageError
from kbsearch.manifest import CURRENT

DAYS = 28
"""Of the log, where nothing else is said: whole weeks, and what customers ask now."""
FIRST = 5
"""Results that customers look at without scrolling."""
BUDGET = 0.005
"""Share of successful searches that may break."""


def add_options(sub: argparse.ArgumentParser) -> None:
    """The options of `replay`."""
    sub.add_argument("directory", type=named_path, nargs="?", metavar="DIR", help="directory of snapshots")
    sub.add_argument("--candidate", required=True, metavar="VERSION", help="name in DIR, or path, of the version")
    sub.add_argument("--against", default=CURRENT, metavar="VERSION", help="default: the published one")
    sub.add_argument("--events", metavar="URL", help="event store, such as sqlite:///PATH")
    sub.add_argument("--json", action="store_true", help="print the report as JSON")
    add_terms(sub)


def add_terms(sub: argparse.ArgumentParser) -> None:
    """What is replayed and how much may break; shared by `replay`, `build` and `update`."""
    sub.add_argument("--max-broken", metavar="SHARE", help="of successful searches (default 0.5%%)")
    sub.add_argument(
        "--queries",
        type=named_path,
        action="append",
        default=[],
        metavar="FILE",
        help="judged questions; repeat for several",
    )
    sub.add_argument("--from", dest="since", default="", metavar="TIME", help=f"of the log (default: {DAYS} days ago)")
    sub.add_argument("--to", dest="until", default="", metavar="TIME", help="of the log (default: now)")
    sub.add_argument("--first", type=int, metavar="K", help=f"results that count as found (default {FIRST})")
    sub.add_argument("--html", type=named_path, metavar="FILE", help="write a page for editors")


def refuse_terms(options: argparse.Namespace) -> None:
    """Raise UsageError where something is said of a replay, and nothing is there to replay."""
    given = {
        "--max-broken": options.max_broken,
        "--from": options.since,
        "--to": options.until,
        "--first": options.first,
        "--html": options.html,
    }
    for name, value in given.items():
        if value is not None and value != "":
            raise UsageError(
                f"{name} {value} says how the gate decides, and there is none; add --gate URL or --queries FILE, or "
                f"leave {name} out.",
                name.removeprefix("--"),
            )


def read_share(text: str) -> float:
    """A share as people write it: 0.5%, or 0.005. Raises UsageError."""
    number = text.strip()
    try:
        share = float(number.removesuffix("%")) / (100.0 if number.endswith("%") else 1.0)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise UsageError(f"--max-broken {text!r} is no share; write 0.5% or 0.005.", "max_broken")
    return share
