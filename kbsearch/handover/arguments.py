"""The arguments of `kbsearch handover`, apart from what does it: every command builds its parser, few need the rest."""

from __future__ import annotations

import argparse

from kbsearch.command import example, named_path
from kbsearch.handover.ticket import STATUSES


def add_actions(parser: argparse.ArgumentParser) -> None:
    """Add what can be done to the command's parser."""
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--index", type=named_path, required=True, metavar="DIR", help="directory of snapshots")
    place.add_argument(
        "--events", default="", metavar="URL", help="default: KBSEARCH_EVENTS, else sqlite:///DIR/events.db"
    )
    place.add_argument("--json", action="store_true", help="print JSON")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, text: str, line: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = actions.add_parser(
            name,
            help=text,
            parents=[place],
            epilog=example(f"kbsearch handover {line} --index var/index"),
        )
        return made

    listing = "as kbsearch handover list prints it"
    listed = add("list", "tickets, latest change first", "list --status open")
    listed.add_argument("--status", choices=STATUSES, default="", help="only these")
    listed.add_argument("--limit", type=int, default=100, metavar="N", help="most tickets to print (default 100)")
    add("show", "one ticket as an agent gets it, and its deliveries", "show ID").add_argument(
        "ticket", metavar="ID", help=listing
    )
    add("dead", "deliveries that were given up", "dead")
    retry = add("retry", "deliver now what was given up or waits", "retry")
    retry.add_argument("ticket", nargs="?", default="", metavar="ID", help="only this ticket's")
    status = add("status", "say what became of a ticket, where no help desk does", "status ID solved")
    status.add_argument("ticket", metavar="ID", help=listing)
    status.add_argument("status", choices=STATUSES, help="what became of it")
    status.add_argument("--reply", default="", metavar="TEXT", help="what the customer reads on the status page")
    status.add_argument("--article", action="append", default=[], metavar="ID", help="answered it; repeat for several")
    erase = add("erase", "remove the tickets of a customer", "erase anna@example.org")
    whose = erase.add_mutually_exclusive_group(required=True)
    whose.add_argument("email", nargs="?", default="", metavar="EMAIL", help="address in the tickets")
    whose.add_argument("--client", default="", metavar="ID", help="client or session id that the page sent")
