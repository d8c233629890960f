"""`kbsearch events`: hand out or remove what is stored, all of it or one person's."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from kbsearch.amounts import amount
from kbsearch.command import example, named_path
from kbsearch.disk import replacing
from kbsearch.errors import UsageError
from kbsearch.events.connect import open_existing_store
from kbsearch.events.erasure import Receipt, erase, facts_of, pseudonyms
from kbsearch.events.ids import now
from kbsearch.events.lines import to_line
from kbsearch.events.store import Fact

EraseTickets = Callable[[str, Path | None, Mapping[str, str]], int | None]
"""Takes the event store's URL, an index and whose facts were erased when; see `kbsearch/handover/erasure.py`."""


def add_parser(commands: Any, erase_tickets: EraseTickets) -> None:
    """Add the command and its two verbs to the commands of `kbsearch`."""
    erasing = 'kbsearch events erase --events sqlite:///var/index/events.db --client "visitor-1"'
    parser = commands.add_parser(
        "events", help="hand out or remove what is stored of customers", epilog=example(erasing)
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=type(parser))
    sub = verbs.add_parser(
        "erase", help="remove one person's facts and tickets, with a receipt", epilog=example(erasing)
    )
    sub.add_argument("--events", metavar="URL", required=True, help="event store, such as sqlite:///PATH")
    sub.add_argument("--client", metavar="ID", required=True, help="client, session or user id that the page sent")
    sub.add_argument("--index", type=named_path, metavar="DIR", help="where tickets are, if the event store is no file")
    sub.add_argument("--json", action="store_true", help="print the receipt as JSON")
    sub.set_defaults(run=partial(run_erase, erase_tickets=erase_tickets))
    sub = verbs.add_parser(
        "export",
        help="write facts as JSON Lines, all or one person's",
        epilog=example("kbsearch events export --events sqlite:///var/index/events.db --out facts.jsonl"),
    )
    sub.add_argument("--events", metavar="URL", required=True, help="event store, such as sqlite:///PATH")
    sub.add_argument("--out", metavar="FILE", type=named_path, required=True, help="replaced when all of it is written")
    sub.add_argument("--client", metavar="ID", help="only what is stored of this person")
    sub.add_argument("--json", action="store_true", help="print what was written as JSON")
    sub.set_defaults(run=run_export)


def run_erase(options: argparse.Namespace, erase_tickets: EraseTickets) -> str:
    """Remove facts, and tickets, to which only the facts lead; return the receipt.

    :raises UsageError: an empty id, or a URL that no store reads.
    """
    _check_client(options.client)
    store = open_existing_store(options.events)
    try:
        receipt = erase(store, options.client, now())
        erased = {client: at for client, at in store.erased().items() if at == receipt.erased_at}
    finally:
        store.close()
    receipt = replace(receipt, tickets=erase_tickets(options.events, options.index, erased))
    return orjson.dumps(asdict(receipt)).decode() if options.json else _words(receipt)


def run_export(options: argparse.Namespace) -> str:
    """Write facts beside the file's place, put them there, and say how many.

    :raises UsageError: an empty id, or a URL that no store reads.
    """
    if options.client is not None:
        _check_client(options.client)
    store = open_existing_store(options.events)
    try:
        facts: Iterable[Fact]
        if options.client is not None:
            facts = facts_of(store, pseudonyms(store, options.client))
        else:
            facts = chain(store.searches(), store.events())
        written = _write(options.out, facts)
    finally:
        store.close()
    if options.json:
        return orjson.dumps({"facts": written, "out": str(options.out)}).decode()
    return f"Wrote {amount(written, 'fact')} to {options.out}."


def _check_client(client: str) -> None:
    """Let no unset variable of a script stand for everybody."""
    if not client:
        raise UsageError("--client is empty; give the id that the page sent", "client")


def _write(path: Path, facts: Iterable[Fact]) -> int:
    """Write lines for the owner's eyes only; the file appears whole or not at all."""
    written = 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with replacing(path) as unfinished, open(os.open(unfinished, flags, 0o600), "wb") as file:
        for fact in facts:
            file.write(to_line(fact))
            written += 1
        file.flush()
        os.fsync(file.fileno())
    return written


def _words(receipt: Receipt) -> str:
    span = f", from {receipt.first} to {receipt.last}" if receipt.first else ""
    actions = ", ".join(f"{count:,} {name}" for name, count in receipt.by_action.items())
    return "\n".join([
        f"Erased at {receipt.erased_at} of {receipt.client!r}, known under {amount(receipt.pseudonyms, 'pseudonym')}:",
        f"  {amount(receipt.searches, 'search', 'searches')} and {amount(receipt.events, 'event')}{span}",
        *([f"  events by action: {actions}"] if actions else []),
        _tickets(receipt.tickets),
        "What remains:",
        *(f"  - {sentence}" for sentence in receipt.remains),
    ])  # fmt: skip


def _tickets(count: int | None) -> str:
    if count is not None:
        return f"  {amount(count, 'ticket')}"
    return "  tickets: those that a service keeps go within the hour that it runs; at once with --index DIR"
