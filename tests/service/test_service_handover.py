"""`/v1/handover`: taken, repeated, read, reported on, and what the event log and the metrics hear of it."""

from __future__ import annotations

import json
import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_fake import SECRET

from kbsearch.cli import main
from kbsearch.handover.signing import signed_headers
from kbsearch.metrics.acts import by_client, read_acts
from kbsearch.metrics.demand import ESCALATED
from kbsearch.metrics.journeys import read_journey, split_journeys
from kbsearch.metrics.moments import DAY, day_of, moment_of
from kbsearch.metrics.rollup import DayCounts
from kbsearch.service.context import Service
from kbsearch.service.security import make_key

SIGNING = "handover-secret-of-more-than-32-bytes-01234"
BODY: dict[str, Any] = {
    "reason": "low_confidence",
    "subject": "Invoice is missing",
    "message": "I paid with 4111 1111 1111 1111. Anna",
    "lang": "en",
    "contact": {"name": "Anna Ozola", "email": "anna@example.org", "phone": "+371 20000000"},
    "conversation": [{"role": "customer", "text": "write to anna@example.org", "at": "2026-11-25T12:00:00+02:00"}],
    "queries": ["invoice of anna@example.org"],
    "query_ids": ["q1", "q2"],
    "shown": ["reset-password.en", "nothing.en", "reset-password.en"],
    "opened": ["reset-password.en"],
    "feedback": {"helpful": False},
    "confidence": 0.31,
    "session": "visit-1",
    "idempotency_key": "5f6a0c9e",
}


def parts(client: TestClient) -> Service:
    service: Service = client.app.state.service  # type: ignore[attr-defined]
    return service


def file(client: TestClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/v1/handover", json={**BODY, **changes})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def report(client: TestClient, ticket: str, secret: str = SIGNING, **changes: Any) -> Any:
    """Sign and send a status callback."""
    body = json.dumps({"ticket": ticket, **changes}).encode()
    return client.post(f"/v1/handover/{ticket}/status", content=body, headers=signed_headers(secret, body, time.time()))


def events(client: TestClient) -> list[Any]:
    assert parts(client).buffer.flush()
    return list(parts(client).store.events())


def test_a_hand_over_is_kept_and_can_be_followed(client: TestClient) -> None:
    """By its key, and by nobody else."""
    filed = file(client)
    assert set(filed) == {"id", "key", "status", "url"}
    assert filed["status"] == "open"
    assert filed["url"] == f"/tickets/{filed['id']}?key={filed['key']}"
    status = client.get(f"/v1/handover/{filed['id']}", params={"key": filed["key"]})
    assert status.status_code == 200
    assert set(status.json()) == {"id", "status", "subject", "created_at", "updated_at", "replies"}
    assert status.json()["subject"] == "Invoice is missing"
    assert status.json()["replies"] == []
    other = file(client, idempotency_key="another")
    for ticket, key in [
        (filed["id"], ""),
        (filed["id"], other["key"]),
        ("none", filed["key"]),
        (filed["id"], filed["key"] * 9),
    ]:
        assert client.get(f"/v1/handover/{ticket}", params={"key": key}).status_code == 404
    assert client.get(f"/v1/handover/{filed['id']}").json()["error"]["code"] == "not_found"


def test_what_is_kept_is_redacted_and_says_what_was_seen(client: TestClient) -> None:
    """Articles with title and address; those that this customer may not see by id only."""
    ticket = parts(client).tickets.read(file(client)["id"])
    assert ticket is not None
    handover = ticket.handover
    assert handover.message == "I paid with [card]. [name]"
    assert handover.conversation[0].text == "write to [email]"
    assert handover.conversation[0].at == "2026-11-25T10:00:00.000Z"
    assert handover.queries == ("invoice of [email]",)
    assert [(one.id, bool(one.title)) for one in handover.shown] == [("reset-password.en", True), ("nothing.en", False)]
    assert handover.opened[0].url == "https://brize.example/help/en/reset-password"
    assert handover.redactions == {"card": 1, "email": 2, "name": 1}
    assert handover.contact.email == "anna@example.org"


def test_a_private_article_stays_private(client: TestClient) -> None:
    """Naming it tells nobody its title."""
    named = [document.id for document in _private()]
    assert named
    ticket = parts(client).tickets.read(file(client, shown=named)["id"])
    assert ticket is not None
    assert [one.title for one in ticket.handover.shown] == [""] * len(named)


def _private() -> list[Any]:
    from service_fake import ARTICLES

    return [document for document in ARTICLES if "public" not in document.audience]


def test_the_same_again_gives_the_same_ticket_and_the_same_facts(client: TestClient) -> None:
    """With a key, or without one within the hour; another text under the same key is refused."""
    first = file(client)
    assert file(client) == first
    assert sorted(event.action_name for event in events(client)) == ["handover", "ticket_created"]
    assert client.post("/v1/handover", json={**BODY, "message": "other"}).json()["error"]["field"] == "idempotency_key"
    without = file(client, idempotency_key="")
    assert without["id"] != first["id"]
    assert file(client, idempotency_key="") == without


def test_who_repeats_what_another_wrote_gets_a_ticket_of_his_own(client: TestClient) -> None:
    """Not the key to theirs: a session or key that nobody else knows, or the network, says who it is."""
    anonymous = {"idempotency_key": "", "session": ""}
    there = [TestClient(client.app, client=(address, 50000)) for address in ("198.51.1.7", "198.51.1.9", "198.51.2.7")]
    first, same, other = (file(caller, **anonymous) for caller in there)
    assert first == same
    assert other["id"] != first["id"]
    assert file(there[2], idempotency_key="") == file(there[0], idempotency_key="")
    assert file(there[2]) == file(there[0])


def test_the_log_knows_why_and_not_who(client: TestClient) -> None:
    """Written before the answer; neither contact nor ticket is in it."""
    filed = file(client)
    logged = events(client)
    assert {event.action_name for event in logged} == {"handover", "ticket_created"}
    for event in logged:
        assert event.attributes == {"reason": "low_confidence", "confidence": 0.31}
        assert (event.query_id, event.session_id) == ("q2", "visit-1")
        for secret in ("anna", "Ozola", "20000000", filed["id"], filed["key"]):
            assert secret not in repr(event)
    assert len({event.client_id for event in logged}) == 1


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
def test_who_wants_no_trace_gets_a_human_all_the_same(client: TestClient, header: str) -> None:
    """A ticket without a client, and no event, not even when it is solved."""
    filed = client.post("/v1/handover", json=BODY, headers={header: "1"}).json()
    ticket = parts(client).tickets.read(filed["id"])
    assert ticket is not None
    assert (ticket.client_id, ticket.session_id) == ("", "")
    assert events(client) == []


def test_a_solved_ticket_closes_the_loop(make_client: Any) -> None:
    """Status and reply on the page; one more fact in the log at the moment of the hand-over, however often it is
    reported."""
    with make_client(handover_secret=SIGNING) as client:
        filed = file(client)
        reply = {"at": "2026-11-25T12:00:00Z", "text": "Sent to anna@example.org.", "from": "Ilze"}
        for _ in range(2):
            answer = report(client, filed["id"], status="solved", reply=reply, articles=["reset-password.en"])
            assert answer.status_code == 200, answer.text
        status = client.get(f"/v1/handover/{filed['id']}", params={"key": filed["key"]}).json()
        assert status["status"] == "solved"
        assert status["replies"] == [{"at": "2026-11-25T12:00:00.000Z", "text": "Sent to [email].", "from": "Ilze"}]
        solved = [event for event in events(client) if "status" in event.attributes]
        assert len(solved) == 1
        assert (solved[0].object_id, solved[0].object_id_type) == ("reset-password.en", "article")
        assert moment_of(solved[0].timestamp) == moment_of(status["created_at"]) + 1


def test_an_agents_success_is_not_self_services(make_client: Any) -> None:
    """The journey stays the one escalated journey that it was; a callback days later makes no second one."""
    with make_client(handover_secret=SIGNING) as client:
        query_id = client.get("/v1/search", params={"q": "reset password", "session": "visit-1"}).json()["query_id"]
        filed = file(client, query_ids=[query_id])
        parts(client).buffer.flush()

        def journeys() -> list[Any]:
            found = read_acts(parts(client).store.searches(), events(client))
            runs = [run for acts in by_client(found).values() for run in split_journeys(acts)]
            return [replace_facts(read_journey(run)[0]) for run in runs]

        before = journeys()
        assert len(before) == 1
        assert before[0].handovers
        assert report(client, filed["id"], status="solved", articles=["reset-password.en"]).status_code == 200
        after = journeys()
        assert len(events(client)) == 3
        assert len(after) == 1
        assert after[0].end - before[0].end == 1
        assert after[0]._replace(handovers=(), end=0) == before[0]._replace(handovers=(), end=0)
        assert not after[0].said


def test_gap_reports_learn_that_the_article_exists(make_client: Any) -> None:
    """A search found nothing, an agent did: the failed search knows the agent's article."""
    with make_client(handover_secret=SIGNING) as client:
        asked = client.get("/v1/search", params={"q": "zebra crossing", "session": "visit-1"}).json()
        assert asked["decision"]["action"] == "hand_over"
        filed = file(client, query_ids=[asked["query_id"]])
        report(client, filed["id"], status="solved", articles=["reset-password.en"])
        parts(client).buffer.flush()
        now = moment_of(events(client)[0].timestamp)
        (trace,) = DayCounts(parts(client).store, now + 3 * DAY).traces(day_of(now), day_of(now))
        demand = trace.demand
        assert [demand.texts[text] for text in demand.failed_text] == ["zebra crossing"]
        assert demand.failed_flags[0] & ESCALATED
        assert [demand.articles[article] for article in demand.found_article] == ["reset-password.en"]


def replace_facts(journey: Any) -> Any:
    return journey._replace(facts=0)


@pytest.mark.parametrize("moved", [True, False])
def test_a_callback_needs_the_help_desks_signature(make_client: Any, moved: bool) -> None:
    """Another secret, none, another ticket's: nothing changes."""
    with make_client(handover_secret=SIGNING) as client:
        filed, other = file(client), file(client, idempotency_key="other")
        if moved:
            body = json.dumps({"ticket": other["id"], "status": "solved"}).encode()
            headers = signed_headers(SIGNING, body, time.time())
            answer = client.post(f"/v1/handover/{filed['id']}/status", content=body, headers=headers)
            assert (answer.status_code, answer.json()["error"]["field"]) == (422, "ticket")
        else:
            assert report(client, filed["id"], secret=SIGNING[::-1], status="solved").status_code == 401
            plain = client.post(f"/v1/handover/{filed['id']}/status", json={"ticket": filed["id"], "status": "solved"})
            assert plain.status_code == 403
        status = client.get(f"/v1/handover/{filed['id']}", params={"key": filed["key"]}).json()
        assert status["status"] == "open"


def test_a_help_desk_with_one_address_names_the_ticket_in_the_body(make_client: Any) -> None:
    """Signed the same way."""
    with make_client(handover_secret=SIGNING) as client:
        filed = file(client)
        body = json.dumps({"ticket": filed["id"], "status": "solved"}).encode()
        headers = signed_headers(SIGNING, body, time.time())
        assert client.post("/v1/handover/status", content=body).status_code == 403
        assert client.post("/v1/handover/status", content=body, headers=headers).json()["status"] == "solved"
        body = json.dumps({"ticket": "none", "status": "solved"}).encode()
        headers = signed_headers(SIGNING, body, time.time())
        assert client.post("/v1/handover/status", content=body, headers=headers).status_code == 404


def test_a_help_desk_that_cannot_sign_uses_a_key(client: TestClient) -> None:
    """One for the audience `helpdesk`; a customer's key opens nothing."""
    filed = file(client)
    for audience, expected in [("customer", 403), ("helpdesk", 200)]:
        key = make_key(SECRET, [audience], [], timedelta(days=1), "zammad")
        answer = client.post(
            f"/v1/handover/{filed['id']}/status",
            json={"ticket": filed["id"], "status": "pending"},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code == expected
    assert answer.json()["status"] == "pending"


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"status": "done"}, 422, "status"),
        ({"reply": {"at": "noon", "text": "x"}}, 422, "reply.at"),
        ({"reply": {"at": "", "text": "x"}}, 422, "reply.at"),
        ({"reply": {"at": "2026-11-25T12:00:00", "text": "x"}}, 422, "reply.at"),
        ({"version": "1.0"}, 422, "version"),
    ],
)
def test_a_bad_callback_is_told_what_is_wrong(make_client: Any, changes: Any, status: int, field: str) -> None:
    """By member; a document that is sent back is no callback."""
    with make_client(handover_secret=SIGNING) as client:
        answer = report(client, file(client)["id"], **changes)
        assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
        assert report(client, "none", status="open").status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"reason": "because"}, 422, "reason"),
        ({"subject": "  ", "message": "", "conversation": [], "queries": []}, 422, "subject"),
        ({"subject": "x" * 201}, 422, "subject"),
        ({"contact": {"email": "anna"}}, 422, "contact.email"),
        ({"contact": {"name": "Anna"}}, 422, "contact.email"),
        ({"contact": {"email": "a@b.lv\nBcc: c@d.lv"}}, 422, "contact.email"),
        ({"contact": {"email": "a@b.lv, c@d.lv"}}, 422, "contact.email"),
        ({"contact": {"email": "a\x9b2J@b.lv"}}, 422, "contact.email"),
        ({"contact": None}, 422, "contact"),
        ({"conversation": [{"role": "robot", "text": "x"}]}, 422, "conversation.0.role"),
        ({"conversation": [{"role": "customer", "text": "x", "at": "noon"}]}, 422, "conversation.0.at"),
        ({"conversation": [{"role": "customer", "text": "x"}] * 101}, 422, "conversation"),
        ({"confidence": 1.5}, 422, "confidence"),
        ({"lang": "lv<script>"}, 422, "lang"),
        ({"message": "x" * 300_000}, 413, None),
    ],
)
def test_a_bad_hand_over_is_told_what_is_wrong(client: TestClient, changes: Any, status: int, field: str) -> None:
    """By member, and nothing is kept."""
    answer = client.post("/v1/handover", json={**BODY, **changes})
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
    assert (field or "") in answer.json()["error"]["message"]
    assert parts(client).tickets.listed() == []
    assert events(client) == []


def test_what_the_ticket_form_sends_fits(client: TestClient) -> None:
    """The body that routes/tickets.py makes, with nothing but the form's fields."""
    form = {
        "reason": "customer_request", "subject": "Help", "message": "Please", "lang": "lv",
        "contact": {"email": "anna@example.org"}, "conversation": [], "query_ids": [], "shown": [], "opened": [],
        "session": "0123456789abcdef0123456789abcdef",
    }  # fmt: skip
    assert client.post("/v1/handover", json=form).status_code == 201


def test_without_an_index_a_customer_gets_a_human(make_client: Any) -> None:
    """Searching needs one, asking for help does not."""
    with make_client(published=False, engine=None) as client:
        assert client.get("/readyz").status_code == 503
        assert file(client)["status"] == "open"


@pytest.mark.slow
def test_no_request_waits_for_the_help_desk(make_client: Any) -> None:
    """A target that takes the call and never answers: the customer has the ticket meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(10)
        target = f"webhook+http://127.0.0.1:{silent.getsockname()[1]}/"
        with make_client(handover_secret=SIGNING, handover_target=target) as client:
            filed = file(client)
            called, _ = silent.accept()
            with called:
                assert called.recv(4) == b"POST"
                assert [one.state for one in parts(client).tickets.outbox.listed()] == ["waiting"]
                assert file(client, idempotency_key="second")["id"] != filed["id"]
                assert client.get("/healthz").status_code == 200


def test_metrics_count_tickets_and_what_waits(make_client: Any, tmp_path: Path) -> None:
    """By reason, by target and result, and how many are undelivered."""
    with make_client(handover_secret=SIGNING, handover_target="webhook+http://127.0.0.1:9/") as client:
        file(client)
        file(client)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            text = client.get("/metrics").text
            if 'kbsearch_handovers_undelivered{state="waiting"} 1.0' in text:
                break
            time.sleep(0.05)
        assert 'kbsearch_handovers_total{reason="low_confidence"} 1.0' in text
        assert 'kbsearch_handover_deliveries_total{result="failed",target="webhook"} 1.0' in text
        assert 'kbsearch_handovers_undelivered{state="waiting"} 1.0' in text
        assert 'kbsearch_handovers_undelivered{state="dead"} 0.0' in text


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_target_that_is_none_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workers: str
) -> None:
    """Exit code 2 and one sentence, before anything is opened or forked."""
    monkeypatch.setenv("KBSEARCH_HANDOVER_TARGET", "pigeon://roof.example/")
    assert main(["serve", "--index", str(tmp_path), "--workers", workers]) == 2
    assert "'pigeon://roof.example/' is no target" in capsys.readouterr().err


def test_the_api_describes_itself(client: TestClient) -> None:
    """All three calls with their bodies, and the closed list of reasons."""
    from kbsearch.handover.ticket import REASONS

    paths = client.get("/openapi.json").json()["paths"]
    schema = paths["/v1/handover"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["reason"]["enum"] == list(REASONS)
    assert "/v1/handover/{ticket_id}" in paths
    for address in ("/v1/handover/{ticket_id}/status", "/v1/handover/status"):
        assert "403" in paths[address]["post"]["responses"]


def test_a_client_can_be_erased(client: TestClient) -> None:
    """The store's function finds tickets under the hashes that the event log uses."""
    filed = file(client)
    client_ids = {event.client_id for event in events(client)}
    assert parts(client).tickets.erase(client_ids=client_ids) == 1
    assert client.get(f"/v1/handover/{filed['id']}", params={"key": filed["key"]}).status_code == 404
