"""The open contract: documents fit docs/handover.schema.json, signatures fit what docs/handover.md says."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from handover_facts import CLEAN, SIGNING, ticket
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from kbsearch.errors import KeyRejected
from kbsearch.events.redact import PLACEHOLDERS
from kbsearch.handover.backoff import FIRST, LONGEST, MOST_ATTEMPTS
from kbsearch.handover.clean import cleaned, cleaned_id
from kbsearch.handover.document import VERSION, document_of, read_handover, write_handover
from kbsearch.handover.facts import outcome_events
from kbsearch.handover.signing import TOLERANCE, check_signature, signature, signed_headers
from kbsearch.handover.targets.text import as_text
from kbsearch.handover.ticket import REASONS, ROLES, Article, Contact, Handover, Turn

SCHEMA_PATH = Path(__file__).parents[2] / "docs" / "handover.schema.json"
SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

TEXT = st.text(max_size=60)
IDS = st.lists(TEXT, max_size=3).map(tuple)
ARTICLES = st.lists(st.builds(Article, TEXT, TEXT, TEXT), max_size=3).map(tuple)
HANDOVERS = st.builds(
    Handover,
    reason=st.sampled_from(REASONS),
    subject=st.text(min_size=1, max_size=60),
    message=TEXT,
    lang=st.sampled_from(["", "lv", "lv-LV"]),
    contact=st.builds(Contact, st.just("anna@example.org"), TEXT, TEXT),
    conversation=st.lists(
        st.builds(Turn, st.sampled_from(ROLES), TEXT, st.sampled_from(["", "2026-11-25T10:00:00.000Z"])), max_size=3
    ).map(tuple),
    queries=IDS,
    query_ids=IDS,
    shown=ARTICLES,
    opened=ARTICLES,
    feedback=st.fixed_dictionaries({}, optional={"helpful": st.booleans(), "note": TEXT}),
    confidence=st.none() | st.floats(0, 1),
)


def test_the_schema_is_one_and_closed_lists_are_the_codes() -> None:
    """Valid 2020-12; reasons, roles, kinds of redaction and the version are the same in both places."""
    Draft202012Validator.check_schema(SCHEMA)
    properties = SCHEMA["properties"]
    assert properties["reason"]["enum"] == list(REASONS)
    assert properties["conversation"]["items"]["properties"]["role"]["enum"] == list(ROLES)
    kinds = [mark.strip("[]").replace(" ", "_") for mark in PLACEHOLDERS]
    assert properties["redactions"]["propertyNames"]["enum"] == kinds
    assert SCHEMA["$id"] == f"urn:kbsearch:handover:{VERSION}"
    assert sorted(SCHEMA["required"]) == sorted(properties)


@settings(deadline=None)
@given(HANDOVERS)
def test_every_hand_over_fits_the_schema_and_survives_the_store(handover: Handover) -> None:
    """Whatever customers write; and as JSON it is what it was."""
    clean = cleaned(handover)
    document = json.loads(json.dumps(document_of(ticket(handover=clean))))
    assert list(VALIDATOR.iter_errors(document)) == []
    assert read_handover(write_handover(clean)) == clean
    assert as_text(document).strip().endswith("kbsearch ticket t1")


def test_articles_named_by_numbers_keep_their_names() -> None:
    """As in the event log: what the help desk gets, and what it says that it answered with; an address is none."""
    shown = (Article("26123456"), Article("anna@example.org"))
    clean = cleaned(replace(CLEAN, shown=shown, opened=shown[:1]))
    assert [one.id for one in (*clean.shown, *clean.opened)] == ["26123456", "[email]", "26123456"]
    assert [cleaned_id(article.id) for article in shown] == ["26123456", "[email]"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reason", "because"),
        ("version", "2.0"),
        ("confidence", 1.1),
        ("contact", {"name": "Anna"}),
        ("created_at", "yesterday"),
        ("redactions", {"card": 0}),
    ],
)
def test_the_schema_refuses_what_is_wrong(name: str, value: object) -> None:
    """It would be no contract otherwise."""
    document = document_of(ticket())
    assert list(VALIDATOR.iter_errors(json.loads(json.dumps(document)))) == []
    assert list(VALIDATOR.iter_errors(json.loads(json.dumps({**document, name: value}))))


def test_a_document_does_not_change_with_the_ticket() -> None:
    """So that every attempt sends the same bytes."""
    later = ticket(status="solved", updated_at="2027-01-01T00:00:00.000Z", articles=("a",))
    assert document_of(later) == document_of(ticket())


def test_an_agent_reads_the_whole_story() -> None:
    """The message first, then what was said, searched and seen."""
    text = as_text(document_of(ticket()))
    assert text == (
        "I paid with [card] and got no invoice. [name]\n"
        "\n----------\n"
        "Contact: Anna Ozola, Anna@Example.org, +371 20000000\n"
        "Reason: low_confidence\nLanguage: lv\nConfidence of the answer: 0.31\n"
        "\nConversation\ncustomer: where is my invoice\nassistant: Here are two articles.\n"
        "\nSearched for\n- rēķins\n- where is my invoice\n"
        "\nOpened\n- Kur ir rēķins https://brize.example/lv/invoice\n"
        "\nWas shown\n- Kur ir rēķins https://brize.example/lv/invoice\n- secret.en\n"
        "\nFeedback\n- helpful: False\n- note: wrote to [email] before\n"
        "\nkbsearch ticket t1\n"
    )


def test_a_signature_is_hmac_sha256_over_timestamp_and_body() -> None:
    """As docs/handover.md tells receivers, by another road than the code."""
    expected = hmac.new(SIGNING.encode(), b"1732500000.{}", hashlib.sha256).hexdigest()
    assert signature(SIGNING, "1732500000", b"{}") == "v1=" + expected
    headers = signed_headers(SIGNING, b"{}", 1732500000.9)
    assert headers == {"x-kbsearch-timestamp": "1732500000", "x-kbsearch-signature": "v1=" + expected}
    for now in (1732500000, 1732500000 - TOLERANCE, 1732500000 + TOLERANCE):
        check_signature(SIGNING, headers, b"{}", now)


@pytest.mark.parametrize(
    ("changes", "body", "now", "match"),
    [
        ({}, b"{ }", 0, "does not fit"),
        ({"x-kbsearch-timestamp": "1732500001"}, b"{}", 0, "does not fit"),
        ({"x-kbsearch-signature": ""}, b"{}", 0, "does not fit"),
        ({"x-kbsearch-signature": "v1=ā"}, b"{}", 0, "does not fit"),
        ({"x-kbsearch-timestamp": "soon"}, b"{}", 0, "seconds since 1970"),
        ({"x-kbsearch-timestamp": ""}, b"{}", 0, "seconds since 1970"),
        ({"x-kbsearch-timestamp": "١"}, b"{}", 0, "seconds since 1970"),
        ({}, b"{}", TOLERANCE + 1, "check both clocks"),
        ({}, b"{}", -TOLERANCE - 1, "check both clocks"),
    ],
)
def test_other_signatures_are_refused(changes: dict[str, str], body: bytes, now: int, match: str) -> None:
    """Another body, another moment, another secret, none at all."""
    headers = {**signed_headers(SIGNING, b"{}", 1732500000), **changes}
    with pytest.raises(KeyRejected, match=match):
        check_signature(SIGNING, headers, body, 1732500000 + now)
    with pytest.raises(KeyRejected):
        check_signature(SIGNING + "x", signed_headers(SIGNING, b"{}", 0), b"{}", 0)


def test_the_log_hears_of_a_solved_ticket_what_metrics_need() -> None:
    """Nothing that tells the ticket or the person; nothing at all where the customer wanted no trace."""
    solved = ticket(status="solved", articles=("invoice.lv",))
    (event,) = outcome_events(solved, "2026-11-26T08:00:00.000Z")
    assert (event.action_name, event.query_id, event.client_id, event.session_id) == ("handover", "q2", "c1", "s1")
    assert (event.timestamp, event.received_at) == ("2026-11-25T10:00:00.001Z", "2026-11-26T08:00:00.000Z")
    assert event.attributes == {"reason": "low_confidence", "status": "solved"}
    assert (event.object_id, event.object_id_type) == ("invoice.lv", "article")
    assert f"{solved.id!r}" not in repr(event)
    assert CLEAN.contact.email not in repr(event)
    two = outcome_events(replace(solved, articles=("a", "b")), "2026-11-26T08:00:00.000Z")
    assert [one.object_id for one in two] == ["a", "b"]
    assert len({one.event_id for one in two}) == 2
    assert [one.object_id for one in outcome_events(replace(solved, articles=()), "2026")] == [""]
    assert outcome_events(replace(solved, client_id=""), "2026-11-26T08:00:00.000Z") == []
    assert outcome_events(ticket(), "2026-11-26T08:00:00.000Z") == []


def test_the_receivers_code_in_the_documentation_works() -> None:
    """As it is printed, on headers as they are sent."""
    page = (SCHEMA_PATH.parent / "handover.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], found)
    headers = signed_headers(SIGNING, b"{}", time.time())
    timestamp, sent = headers["x-kbsearch-timestamp"], headers["x-kbsearch-signature"]
    assert found["is_genuine"](SIGNING, timestamp, sent, b"{}")
    assert not found["is_genuine"](SIGNING, timestamp, sent, b"{ }")
    assert not found["is_genuine"](SIGNING, str(int(timestamp) - 900), sent, b"{}")


def test_the_documentation_names_what_the_code_has() -> None:
    """Every reason, and how often and how long a delivery is tried."""
    page = (SCHEMA_PATH.parent / "handover.md").read_text(encoding="utf-8")
    assert all(f"`{reason}`" in page for reason in REASONS)
    assert f"After {MOST_ATTEMPTS} attempts, about three days" in page
    assert f"after {FIRST:.0f} seconds, then twice as long each time up to {LONGEST / 3600:.0f} hours" in page
