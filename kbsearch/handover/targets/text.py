"""A hand-over as an agent reads it, where there is room for text only. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def as_text(document: Mapping[str, Any]) -> str:
    """Return message, conversation and what the customer saw, the message first."""
    return "\n".join(_lines(document)).strip() + "\n"


def name_of(document: Mapping[str, Any]) -> str:
    """Return what to call the customer: the name, else what stands before the @."""
    contact = document["contact"]
    return str(contact.get("name") or contact["email"].partition("@")[0])


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    contact = document["contact"]
    yield document["message"]
    yield from ("", "----------")
    yield "Contact: " + ", ".join(contact[field] for field in ("name", "email", "phone") if contact.get(field))
    yield f"Reason: {document['reason']}"
    if document["lang"]:
        yield f"Language: {document['lang']}"
    if document["confidence"] is not None:
        yield f"Confidence of the answer: {document['confidence']:.2f}"
    if document["conversation"]:
        yield from ("", "Conversation")
        yield from (f"{turn['role']}: {turn['text']}" for turn in document["conversation"])
    if document["queries"]:
        yield from ("", "Searched for")
        yield from (f"- {query}" for query in document["queries"])
    for name, articles in (("Opened", document["articles"]["opened"]), ("Was shown", document["articles"]["shown"])):
        if articles:
            yield from ("", name)
            yield from (f"- {' '.join(filter(None, (one['title'] or one['id'], one['url'])))}" for one in articles)
    if document["feedback"]:
        yield from ("", "Feedback")
        yield from (f"- {name}: {value}" for name, value in document["feedback"].items())
    yield from ("", f"kbsearch ticket {document['id']}")
