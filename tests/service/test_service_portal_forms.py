"""What the page's forms do: feedback, tickets, suggestions; from this page only, redacted, and with clear limits."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from kbsearch.service import frame
from kbsearch.service.context import Service
from kbsearch.service.forms import MAX_FORM
from kbsearch.service.within import Answer, call

SESSION = "0" * 32
TICKET = {"subject": "Invoice", "message": "It is missing.", "email": "anna@example.org", "session": SESSION}


@pytest.fixture
def filing(client: TestClient) -> TestClient:
    """A client that does not follow where a form leads."""
    client.follow_redirects = False
    return client


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/feedback", {"back": "/", "helpful": "1"}),
        ("/ticket", TICKET),
        ("/suggestions", {"title": "Delivery on Sundays"}),
        ("/suggestions/x", {"email": "anna@example.org"}),
    ],
)
def test_forms_of_other_sites_are_refused(
    filing: TestClient, service: Service, path: str, form: dict[str, str]
) -> None:
    """A page elsewhere cannot speak for a customer; a form without end is not read."""
    for site in ("cross-site", "same-site"):
        assert filing.post(path, data=form, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert filing.post(path, data={**form, "note": "x" * MAX_FORM}).status_code == 413
    assert filing.post(path, data={**form, **{f"f{number}": "" for number in range(100)}}).status_code == 413
    assert service.buffer.flush()
    assert list(service.store.events()) == []


def test_feedback_leads_back_and_says_what_was_said(filing: TestClient, service: Service) -> None:
    """With the search and the place it belongs to, redacted."""
    about = {"back": "/?doc=a.en&lang=en", "session": SESSION, "query": "q1", "object": "a.en", "position": "2"}
    said = {
        "yes": {"helpful": "1"}, "no": {"helpful": "0"},
        "done": {"reason": "unclear", "note": "mail me: anna@example.org"}, "rated": {"csat": "5"},
    }  # fmt: skip
    for word, form in said.items():
        answer = filing.post("/feedback", data={**about, **form})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/?doc=a.en&lang=en&said={word}#said")
    assert service.buffer.flush()
    events = list(service.store.events())
    assert {("feedback", "q1", "a.en", 2, SESSION)} == {
        (e.action_name, e.query_id, e.object_id, e.position, e.session_id) for e in events
    }
    assert [dict(e.attributes) for e in events][:2] == [{"helpful": True}, {"helpful": False}]
    assert "anna@" not in str(events[2].attributes)
    assert events[3].attributes == {"csat": 5}


@pytest.mark.parametrize("position", ["9" * 20, "9" * 5000, "-1", "²", "0", ""])
def test_a_position_that_is_none_is_left_out(filing: TestClient, service: Service, position: str) -> None:
    """The vote counts all the same."""
    assert filing.post("/feedback", data={"back": "/", "helpful": "1", "position": position}).status_code == 303
    assert service.buffer.flush()
    (event,) = service.store.events()
    assert event.position is None


@pytest.mark.parametrize(
    "form",
    [
        {"back": "https://evil.example/", "helpful": "1"},
        {"back": "//evil.example/", "helpful": "1"},
        {"back": "/ticket", "helpful": "1"},
        {"back": "/", "helpful": "2"},
        {"back": "/", "reason": "bored"},
        {"back": "/", "csat": "6"},
        {"back": "/", "reason": "other", "note": "x" * 501},
        {"helpful": "1"},
    ],
)
def test_feedback_that_no_form_sends_is_refused(filing: TestClient, form: dict[str, str]) -> None:
    """Above all, it leads to no other site."""
    assert filing.post("/feedback", data=form).status_code == 422


def test_who_is_asked_for_a_rating_is_counted(client: TestClient, service: Service, monkeypatch: Any) -> None:
    """Without it there is no response rate."""
    monkeypatch.setattr(frame, "asks_csat", lambda _session: True)
    text = client.get("/?doc=reset-password.en&lang=en&query=q1&said=yes").text
    assert re.search(r'data-say="csat">', text)
    assert service.buffer.flush()
    (asked,) = service.store.events()
    assert (asked.action_name, asked.object_id_type, asked.object_id, asked.query_id) == (
        "impression", "survey", "csat", "q1"
    )  # fmt: skip
    assert re.search(r'data-say="csat" hidden>', client.get("/?doc=reset-password.en&lang=en&said=rated").text)


def test_a_ticket_is_handed_over_with_its_trail(filing: TestClient, service: Service) -> None:
    """What was searched, shown and read, each once; a line that is no id is left out."""
    trail = {"queries": "q1\nq2\nq1", "shown": f"reset-password.en\n\n{'x' * 300}", "opened": "reset-password.en"}
    answer = filing.post("/ticket?lang=lv", data={**TICKET, **trail})
    assert answer.status_code == 303
    address = urlsplit(answer.headers["location"])
    assert address.path.startswith("/tickets/")
    assert parse_qs(address.query)["lang"] == ["lv"]
    (ticket,) = service.tickets.listed()
    handover = ticket.handover
    assert (handover.subject, handover.lang, handover.contact.email) == ("Invoice", "lv", "anna@example.org")
    assert handover.query_ids == ("q1", "q2")
    assert [article.id for article in handover.shown] == ["reset-password.en"]
    assert [article.title for article in handover.opened] == ["Reset your password"]
    shown = filing.get(answer.headers["location"])
    assert "Saņemta" in shown.text
    assert "Invoice" in shown.text
    assert filing.get(address.path, params={"key": "guessed"}).status_code == 404


def draft_of(filing: TestClient) -> str:
    """Open the form, and return the name of its draft."""
    return re.findall(r'name="draft" value="(\w+)"', filing.get("/ticket").text)[0]


def test_a_message_is_one_ticket_however_often_a_form_sends_it(filing: TestClient, service: Service) -> None:
    """Whatever was looked at meanwhile, in whichever language; other words, or another form, are another message."""
    draft = draft_of(filing)
    again = {"draft": draft, "queries": "q1\nq2", "shown": "reset-password.en", "session": "1" * 32}
    filed = {
        filing.post(address, data={**TICKET, "draft": draft, **sent}).headers["location"].partition("&lang")[0]
        for address, sent in (("/ticket", {}), ("/ticket", again), ("/ticket?lang=lv", again))
    }
    assert len(filed) == 1
    changes = ({"message": "Still."}, {"subject": "Bill"}, {"email": "b@b.example"}, {"name": "Anna"})
    for changed in (*changes, {"draft": draft_of(filing)}):
        answer = filing.post("/ticket", data={**TICKET, "draft": draft, **changed})
        filed.add(answer.headers["location"])
    assert (len(filed), len(service.tickets.listed())) == (6, 6)


def test_the_longest_message_is_taken_in_every_script(filing: TestClient, service: Service) -> None:
    """Nine bytes a letter in a form, and what led to it."""
    trail = {name: "\n".join(f"{'guide/' * 16}{n}.ka" for n in range(20)) for name in ("queries", "shown", "opened")}
    message = "ა" * 10_000
    assert filing.post("/ticket", data={**TICKET, **trail, "message": message}).status_code == 303
    assert service.tickets.listed()[0].handover.message == message


def test_an_answer_without_a_body_is_an_answer() -> None:
    """Of the API, to a view that asks it."""

    class Silent:
        state = SimpleNamespace(service=SimpleNamespace(settings=SimpleNamespace(prefix="")))

        async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 307, "headers": []})
            await send({"type": "http.response.body"})

    scope = {"type": "http", "method": "GET", "scheme": "http", "server": ("kb.example", 80), "path": "/",
             "query_string": b"", "headers": [], "app": Silent()}  # fmt: skip
    assert asyncio.run(call(Request(scope), "GET", "/v1/handover/")) == Answer(307, {})


@pytest.mark.parametrize("path", ["/tickets/", "/tickets/nobody", "/tickets/a/b"])
def test_no_ticket_is_no_message(filing: TestClient, path: str) -> None:
    """Also where the address was cut off before its end."""
    answer = filing.get(path, params={"lang": "en"})
    assert (answer.status_code, "<title>There is no message at this address" in answer.text) == (404, True)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"subject": " "}, "Please fill in"),
        ({"message": ""}, "Please fill in"),
        ({"email": ""}, "Please fill in"),
        ({"email": "anna"}, "Please check the e-mail address"),
        ({"email": "a,b@x.example"}, "Please check the e-mail address"),
        ({"email": f"a@{'.' * 61_000}@"}, "could not accept this"),
        ({"subject": "x" * 201}, "could not accept this"),
        ({"name": "x" * 201}, "could not accept this"),
    ],
)
def test_a_ticket_that_is_not_whole_stays_a_form(filing: TestClient, changed: dict[str, str], words: str) -> None:
    """With everything that was typed still in it, and the field that is wrong named to everybody."""
    answer = filing.post("/ticket?lang=en", data={**TICKET, "queries": "q1", **changed})
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="q1"' in answer.text
    assert "It is missing." in answer.text or changed.get("message") == ""
    (wrong,) = re.findall(
        r'<(?:input|textarea) id="(\w+)"[^>]* aria-invalid="true" aria-describedby="([^"]*)"', answer.text
    )
    assert wrong == (next(iter(changed)), "subject-hint wrong" if "subject" in changed else "wrong")
    assert re.search(rf'<p class="wrong" id="wrong" role="alert">[^<]*{words}', answer.text)


def test_the_form_begins_with_what_was_searched(client: TestClient) -> None:
    """And names the search."""
    text = client.get("/ticket", params={"lang": "en", "subject": 'a "b" <c>', "query": "q1"}).text
    assert 'value="a &#34;b&#34; &lt;c&gt;"' in text
    assert 'name="queries" value="q1"' in text


def test_articles_first_for_those_without_javascript(client: TestClient, service: Service) -> None:
    """Shown beside what was typed, and put into the trail; nothing is filed."""
    text = client.post("/ticket?lang=en", data={**TICKET, "subject": "Reset password please", "look": "1"}).text
    assert "These may answer it right away" in text
    assert "Reset your password" in text
    assert service.buffer.flush()
    (search,) = service.store.searches()
    assert search.query_id in text
    assert service.tickets.listed() == []
    nothing = {"subject": "quantum flux drive", "message": "Quarks leak."}
    none = client.post("/ticket?lang=en", data={**TICKET, **nothing, "look": "1"}).text
    assert "<p>No article fits this" in none


def test_the_hold_out_is_shown_nothing_and_told_nothing(make_client: Any) -> None:
    """Neither articles nor that there are none."""
    with make_client(holdout=0.999) as client:
        text = client.post("/ticket?lang=en", data={**TICKET, "subject": "Reset password please", "look": "1"}).text
    assert "Reset your password" not in text
    assert "<p>No article fits this" not in text


def test_who_cannot_be_held_out_is_not_compared(make_client: Any) -> None:
    """Without a session nobody is: such a visit was not drawn for the side that is shown articles."""
    with make_client(holdout=0.999) as client:
        assert client.post("/v1/deflect", json={"subject": "reset password", "lang": "en"}).json()["hits"]
        service: Service = client.app.state.service
        assert service.buffer.flush()
        (started,) = (event for event in service.store.events() if event.action_name == "ticket_started")
    assert started.attributes == {"suggestions_shown": True}


def test_deflect_searches_counts_and_holds_out(make_client: Any) -> None:
    """One ticket_started a visit, however long the subject grows; the hold-out is searched for and shown nothing."""
    with make_client(holdout=0.5) as client:
        answers = {}
        for session in (f"{number:032x}" for number in range(16)):
            for subject in ("reset pass", "reset password"):
                asked = {"subject": subject, "body": "forgot", "lang": "en", "session": session}
                answers[session] = client.post("/v1/deflect", json=asked).json()
        service: Service = client.app.state.service
        assert service.buffer.flush()
        events = list(service.store.events())
    held = {session for session, answer in answers.items() if answer["holdout"]}
    assert 0 < len(held) < 16
    assert all(answer["hits"] == [] and answer["found"] == 0 for answer in answers.values() if answer["holdout"])
    assert all(answer["hits"][0]["position"] == 1 for answer in answers.values() if not answer["holdout"])
    started = [event for event in events if event.action_name == "ticket_started"]
    assert sorted(answers) == sorted(event.session_id for event in started)
    assert held == {event.session_id for event in started if event.attributes["holdout"]}
    assert held.isdisjoint(event.session_id for event in events if event.action_name == "impression")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "subject"),
        ({"subject": "x" * 513}, "subject"),
        ({"body": "x" * 20_001}, "body"),
        ({"session": 1}, "session"),
    ],
)
def test_deflect_names_what_is_wrong(client: TestClient, body: dict[str, object], field: str) -> None:
    """422, and the member."""
    answer = client.post("/v1/deflect", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_suggestions_by_api_and_by_form(filing: TestClient, service: Service) -> None:
    """Redacted before they are kept; unread ones are nobody's to see, to vote for or to follow."""
    filed = filing.post("/v1/suggestions", json={"title": "Call me on +371 20000100", "lang": "en"})
    assert (filed.status_code, filed.json()["status"]) == (202, "pending")
    one = filed.json()["id"]
    assert filing.get("/v1/suggestions").json() == {"suggestions": []}
    assert filing.post(f"/v1/suggestions/{one}/vote", json={}).status_code == 422
    assert filing.post(f"/v1/suggestions/{one}/follow", json={"email": "a@b.example"}).status_code == 422
    service.suggestions.decide(one, "open")
    assert [filing.post(f"/v1/suggestions/{one}/vote", json={}).json()["votes"] for _ in range(2)] == [1, 1]
    assert filing.post(f"/suggestions/{one}?lang=lt", data={"email": "a@b.example"}).status_code == 303
    refused = filing.post(f"/suggestions/{one}?lang=en", data={"email": "nobody"})
    assert refused.status_code == 422
    assert re.search(rf'<input id="follow-{one}"[^>]* value="nobody"[^>]* aria-invalid="true"', refused.text)
    assert "Please check the e-mail address" in refused.text
    # Its address stands in the address bar now, and under the language menu: there is a page in its place.
    assert f'href="/suggestions/{one}?lang=lt"' in refused.text
    assert filing.get(f"/suggestions/{one}?lang=lt").headers["location"] == "/suggestions?lang=lt"
    assert filing.get(f"/suggestions/{one}").headers["location"] == "/suggestions"
    assert filing.post(f"/v1/suggestions/{one}/follow", json={"email": "a,b@b.example"}).status_code == 422
    (shown,) = filing.get("/v1/suggestions").json()["suggestions"]
    assert "20000100" not in str(shown)
    assert "a@b.example" not in str(shown) + filing.get("/suggestions").text
    assert service.suggestions.followers(one) == ["a@b.example"]
    follow = f"/v1/suggestions/{one}/follow"
    assert [filing.post(follow, json={"email": f"{n}@b.example"}).status_code for n in range(5)] == [202] * 4 + [429]
    too_many = filing.post(f"/suggestions/{one}?lang=en", data={"email": "more@b.example"})
    assert (too_many.status_code, "or try again later" in too_many.text) == (429, True)
    assert service.buffer.flush()
    assert sorted(event.action_name for event in service.store.events()) == ["suggestion", "vote"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "     "}, "title"),
        ({"title": "\x1b\x07\x9b"}, "title"),
        ({"title": "Delivery", "lang": "\x1b[31mxx"}, "lang"),
        ({"title": "Delivery", "lang": "en\n"}, "lang"),
    ],
)
def test_a_suggestion_is_told_what_is_wrong(filing: TestClient, service: Service, body: Any, field: str) -> None:
    """By member, and nothing is kept."""
    answer = filing.post("/v1/suggestions", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert service.suggestions.listed() == []


def test_a_suggestion_keeps_no_control_characters(filing: TestClient, service: Service) -> None:
    """Nor does the address of who follows it; line breaks of the text stay."""
    answer = filing.post("/v1/suggestions", json={"title": "Sun\x1b[2J\r\nday", "text": "a\x9b\r\nb", "lang": "pt-BR"})
    (kept,) = service.suggestions.listed()
    assert (kept.title, kept.text, kept.lang) == ("Sun[2J day", "a\nb", "pt-BR")
    service.suggestions.decide(kept.id, "open")
    follow = f"/v1/suggestions/{answer.json()['id']}/follow"
    assert filing.post(follow, json={"email": "a\x1b[2J@b.example"}).status_code == 422


def test_a_suggestion_that_is_too_short_is_given_back(filing: TestClient) -> None:
    """With what was typed, and a sentence."""
    answer = filing.post("/suggestions?lang=en", data={"title": "No", "text": "More <b>words</b>"})
    assert answer.status_code == 422
    assert "could not accept this" in answer.text
    assert re.search(r'<input id="title"[^>]* aria-invalid="true" aria-describedby="wrong"', answer.text)
    assert "More &lt;b&gt;words&lt;/b&gt;" in answer.text


def test_who_wants_no_trace_leaves_none(filing: TestClient, service: Service) -> None:
    """DNT and Sec-GPC hold for forms as well; the form itself still works."""
    for header in ("DNT", "Sec-GPC"):
        filing.post("/feedback", data={"back": "/", "helpful": "1"}, headers={header: "1"})
        filing.post("/suggestions", data={"title": "Delivery on Sundays"}, headers={header: "1"})
        filing.get("/?q=password&lang=en", headers={header: "1"})
    assert service.buffer.flush()
    assert (list(service.store.events()), list(service.store.searches())) == ([], [])
    assert len(service.suggestions.listed()) == 2


def test_too_many_tickets_of_one_address_have_to_wait(filing: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with what was sent; status and header say when it will be taken, to programs and to the form."""
    monkeypatch.setattr("kbsearch.handover.store.MOST_AT_ONCE", 1)
    assert filing.post("/ticket", data=TICKET).status_code == 303
    body = {"reason": "customer_request", "subject": "Another", "contact": {"email": TICKET["email"]}}
    for answer in (
        filing.post("/v1/handover", json=body),
        filing.post("/ticket", data={**TICKET, "message": "One more."}),
    ):
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert "One more." in answer.text
