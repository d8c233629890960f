"""Personal data out of a hand-over before its first write; the contact stays, since it is whom to answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kbsearch.events.redact import PLACEHOLDERS, redact
from kbsearch.handover.ticket import Handover


def cleaned(given: Handover) -> Handover:
    """Redact every text and count what was replaced; the contact's own name is replaced wherever it is repeated."""
    names = (given.contact.name,)

    def clean(text: str) -> str:
        return redact(text, names)

    result = replace(
        given,
        subject=clean(given.subject),
        message=clean(given.message),
        conversation=tuple(replace(turn, text=clean(turn.text)) for turn in given.conversation),
        queries=tuple(map(clean, given.queries)),
        query_ids=tuple(map(redact, given.query_ids)),
        shown=tuple(replace(article, id=cleaned_id(article.id)) for article in given.shown),
        opened=tuple(replace(article, id=cleaned_id(article.id)) for article in given.opened),
        feedback={name: clean(said) if isinstance(said, str) else said for name, said in given.feedback.items()},
    )
    before, after = list(_texts(given)), list(_texts(result))
    counts = {
        mark.strip("[]").replace(" ", "_"): sum(text.count(mark) for text in after) - sum(t.count(mark) for t in before)
        for mark in PLACEHOLDERS
    }
    return replace(result, redactions={kind: count for kind, count in counts.items() if count > 0})


def cleaned_id(article: str) -> str:
    """Redact an id that is an e-mail address. Numbers stay, as in the event log: articles are named by them."""
    return redact(article) if "@" in article else article


def _texts(handover: Handover) -> Iterable[str]:
    yield from (handover.subject, handover.message, *handover.queries)
    yield from (turn.text for turn in handover.conversation)
    yield from (value for value in handover.feedback.values() if isinstance(value, str))
