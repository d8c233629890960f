"""`kbsearch handover`: the built-in ticket store and the outbox, for whoever runs the service."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import orjson

from kbsearch.amounts import amount
from kbsearch.errors import UsageError
from kbsearch.events.connect import open_existing_store, url_in_use
from kbsearch.events.erasure import pseudonyms
from kbsearch.events.identity import digests_of
from kbsearch.events.ids import now
from kbsearch.events.redact import redact
from kbsearch.handover.document import document_of
from kbsearch.handover.facts import outcome_events
from kbsearch.handover.outbox import DEAD, Delivery
from kbsearch.handover.store import TicketStore, tickets_path
from kbsearch.handover.targets.text import as_text
from kbsearch.handover.ticket import Reply, Ticket


def run(options: argparse.Namespace) -> str:
    """Do what was asked and return what to print.

    :raises UsageError: there is no ticket store, or no such ticket.
    """
    events = url_in_use(options.events, options.index)
    path = tickets_path(options.index, events)
    if not path.is_file():
        raise UsageError(f"there is no ticket store at {str(path)!r}; check --index and --events", "index")
    store = TicketStore(path)
    try:
        return _ACTIONS[options.action](store, options, events)
    finally:
        store.close()


def _list(store: TicketStore, options: argparse.Namespace, _events: str) -> str:
    if options.limit < 1:
        raise UsageError(f"--limit {options.limit} is out of range; give 1 or more.", "limit")
    tickets = store.listed(options.status, options.limit)
    if options.json:
        return orjson.dumps([_facts(ticket) for ticket in tickets]).decode()
    return "\n".join(
        f"{one.id}  {one.status:7}  {one.updated_at}  [{one.handover.lang}] {one.handover.subject}" for one in tickets
    ) or ("No tickets." if not options.status else f"No tickets that are {options.status}.")


def _show(store: TicketStore, options: argparse.Namespace, _events: str) -> str:
    ticket = _find(store, options.ticket)
    deliveries = store.outbox.listed(ticket=ticket.id)
    if options.json:
        replies = [asdict(reply) for reply in ticket.replies]
        sent = [asdict(one) for one in deliveries]
        whole = {**_facts(ticket), "document": document_of(ticket), "replies": replies, "deliveries": sent}
        return orjson.dumps(whole).decode()
    lines = [f"{ticket.handover.subject}  ({ticket.status})", "", as_text(document_of(ticket))]
    lines += [f"{reply.at} {reply.sender}: {reply.text}" for reply in ticket.replies]
    return "\n".join([*lines, *map(_line, deliveries)])


def _dead(store: TicketStore, options: argparse.Namespace, _events: str) -> str:
    found = store.outbox.listed(state=DEAD)
    if options.json:
        return orjson.dumps([asdict(one) for one in found]).decode()
    return "\n".join(map(_line, found)) or "No dead letters."


def _retry(store: TicketStore, options: argparse.Namespace, _events: str) -> str:
    if options.ticket:
        _find(store, options.ticket)
    count = store.outbox.retry(now(), options.ticket)
    if options.json:
        return orjson.dumps({"retried": count}).decode()
    are = "is" if count == 1 else "are"
    return f"{amount(count, 'delivery', 'deliveries')} {are} tried again by the service within seconds, if it runs."


def _status(store: TicketStore, options: argparse.Namespace, events: str) -> str:
    reply = Reply(now(), redact(options.reply), "") if options.reply else None
    ticket, _ = store.change(options.ticket, now(), status=options.status, reply=reply, articles=options.article)
    facts = outcome_events(ticket, now())
    if facts:
        log = open_existing_store(events)
        try:
            log.write(facts)
        finally:
            log.close()
    return orjson.dumps(_facts(ticket)).decode() if options.json else f"{ticket.id} is {ticket.status} now."


def _erase(store: TicketStore, options: argparse.Namespace, events: str) -> str:
    if options.email:
        count = store.erase(email=options.email)
    else:
        log = open_existing_store(events)
        try:
            # The second finds tickets of a session that left no facts.
            clients = pseudonyms(log, options.client) | digests_of(options.client, log.salts().values())
        finally:
            log.close()
        count = store.erase(client_ids=clients, session_ids={options.client})
    if options.json:
        return orjson.dumps({"erased": count}).decode()
    path = tickets_path(options.index, events)
    return f"{amount(count, 'ticket')} erased in {path}; what a help desk was sent has to be erased there."


_ACTIONS = {"list": _list, "show": _show, "dead": _dead, "retry": _retry, "status": _status, "erase": _erase}


def _find(store: TicketStore, ticket_id: str) -> Ticket:
    ticket = store.read(ticket_id)
    if ticket is None:
        raise UsageError(f"there is no ticket {ticket_id!r}; see: kbsearch handover list", "ticket")
    return ticket


def _facts(ticket: Ticket) -> dict[str, object]:
    return {
        "id": ticket.id,
        "status": ticket.status,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "reason": ticket.handover.reason,
        "lang": ticket.handover.lang,
        "subject": ticket.handover.subject,
        "articles": list(ticket.articles),
    }


def _line(delivery: Delivery) -> str:
    said = f": {delivery.error}" if delivery.error else ""
    return f"{delivery.ticket}  {delivery.state:9}  {amount(delivery.attempts, 'attempt'):>11}  {delivery.target}{said}"
