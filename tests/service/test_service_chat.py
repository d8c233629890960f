"""`/v1/chat` over HTTP: what is said, what is recorded, what is refused at the door."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_fake import ARTICLES, AnsweringEngine, article

from kbsearch.metrics.moments import DAY
from kbsearch.metrics.report import report
from kbsearch.service.chat_wire import ChatAnswer
from kbsearch.service.context import Service

MARKUP = "<img src=x onerror=alert(1)>"
PASSWORDS = tuple(article(f"password-{n}.en", f"Password {n}", f"About the password, part {n}.") for n in range(4))


@pytest.fixture
def client(make_client: Any) -> Iterator[TestClient]:
    """A client of a service whose engine answers with passages."""
    hostile = article("hostile.en", f"Zebra {MARKUP}", f"zebra {MARKUP}")
    with make_client(engine=AnsweringEngine(articles=(*ARTICLES, *PASSWORDS, hostile))) as started:
        yield started


def say(client: TestClient, message: str, before: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One turn, checked against the published shape."""
    body = {
        "message": message,
        "conversation": before and before["conversation"],
        "lang": "en",
        "session": "s1",
        **more,
    }
    response = client.post("/v1/chat", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    ChatAnswer.model_validate(answer, strict=True)
    return answer


def facts(service: Service) -> list[tuple[str, str, str, int | None]]:
    """Action, query, article and position of every event, as they came."""
    assert service.buffer.flush()
    return [(e.action_name, e.query_id, e.object_id, e.position) for e in service.store.events()]


def test_a_chat_from_question_to_human(client: TestClient, service: Service) -> None:
    """Answer, a no, other titles, a second no, a human; every event names the one search and the true position."""
    first = say(client, "reset your password")
    assert (first["kind"], first["source"]["id"], first["choices"]) == ("answer", "reset-password.en", [])
    assert first["text"] == "Choose Forgot password; the link is valid 30 minutes."
    assert first["decision"]["action"] == "answer"
    second = say(client, "No, thanks", first)
    assert (second["kind"], second["source"], len(second["choices"])) == ("choices", None, 3)
    assert second["query_id"] == first["query_id"]
    assert second["text"].startswith("Sorry that it did not help")
    third = say(client, "none of these", second)
    assert (third["kind"], third["reason"], third["query_id"]) == ("human", "low_confidence", None)
    (search,) = service.store.searches() if service.buffer.flush() else ()
    assert search.query_id == first["query_id"]
    places = {name: place for place, name in enumerate(search.hit_ids, 1)}
    chosen = [choice["id"] for choice in second["choices"]]
    assert sorted(facts(service)) == sorted(
        [
            ("impression", search.query_id, "reset-password.en", 1),
            ("answer_shown", search.query_id, "reset-password.en", 1),
            ("feedback", search.query_id, "reset-password.en", 1),
            *(("impression", search.query_id, name, places[name]) for name in chosen),
            ("handover", search.query_id, "", None),
        ]
    )
    (vote,) = [event for event in service.store.events() if event.action_name == "feedback"]
    assert vote.attributes == {"helpful": False}


def test_a_human_who_is_called_is_a_hand_over_once(client: TestClient, service: Service) -> None:
    """However often it is said, and where a ticket follows: one journey, which is escalated."""
    offered = say(client, "quantum submarine")
    called = say(client, "yes", offered)
    again = say(client, "gribu cilvēku", say(client, "yes", called))
    assert [answer["kind"] for answer in (offered, called, again)] == ["offer_human", "human", "human"]
    ticket = {"subject": "Submarine", "message": "Where?", "lang": "en", "session": "s1"}
    assert client.post("/v1/handover", json={**ticket, "contact": {"email": "a@example.org"}}).status_code == 201
    assert service.buffer.flush()
    chat, filed = [event for event in service.store.events() if event.action_name == "handover"]
    assert (chat.attributes, chat.query_id) == ({"reason": "missing_knowledge"}, offered["query_id"])
    assert filed.attributes == {"reason": "customer_request"}
    found = report(service.store, as_of=time.time_ns() // 1_000_000 + 2 * DAY).outcomes
    assert (found["escalated"], found["journeys"]) == (1, 1)
    say(client, "gribu cilvēku", session="s2", analytics=False)
    assert service.buffer.flush()
    assert {event.session_id for event in service.store.events()} == {"s1"}


def test_nothing_found_is_recorded_as_such(client: TestClient, service: Service) -> None:
    answer = say(client, "quantum submarine")
    assert (answer["kind"], answer["choices"], answer["reason"]) == ("offer_human", [], "missing_knowledge")
    assert facts(service) == [("answer_abstained", answer["query_id"], "", None)]


@pytest.mark.parametrize(("lang", "message", "begins"), [
    ("lv", "gribu cilvēku", "Protams"), ("lt-LT", "operator please", "Žinoma"),
    ("", "соедините с оператором", "Конечно"),
    ("fr", "agent", "Of course"), ("", "gribu operatoru", "Protams"),
])  # fmt: skip
def test_a_human_is_called_in_the_language_of_the_page(
    client: TestClient, service: Service, lang: str, message: str, begins: str
) -> None:
    """Else in that of the words; nothing is searched for."""
    answer = say(client, message, lang=lang)
    assert (answer["kind"], answer["reason"]) == ("human", "customer_request")
    assert answer["text"].startswith(begins)
    assert facts(service) == [("handover", "", "", None)]
    assert list(service.store.searches()) == []


@pytest.mark.parametrize(("message", "lang"), [
    ("unustasin parooli", "et"), ("kus on minu pakk", "et"), ("Passwort vergessen", "de"), ("забыл пароль", "ru"),
    ("zapomniałem hasła", "pl"), ("aizmirsu paroli", "lv"), ("reset your password", "en"),
])  # fmt: skip
def test_a_question_is_answered_in_its_language(client: TestClient, message: str, lang: str) -> None:
    """Where the page names none; also in one that the collection lacks."""
    assert say(client, message, lang="")["lang"] == lang


@pytest.mark.parametrize("message", ["nē, nepalīdzēja", "yes", "thanks for your help", "Man ir jautājums"])
def test_what_asks_nothing_is_not_searched_for(client: TestClient, service: Service, message: str) -> None:
    """Said first, or with a conversation that is not the state."""
    assert say(client, message)["kind"] == "answer"
    answer = client.post("/v1/chat", json={"message": message, "conversation": "c1"}).json()
    assert (answer["kind"], answer["choices"]) == ("answer", [])
    assert facts(service) == []
    assert list(service.store.searches()) == []


def test_small_talk_is_no_answer_shown(client: TestClient, service: Service) -> None:
    answer = say(client, "thank you")
    assert (answer["kind"], answer["source"], answer["query_id"]) == ("answer", None, None)
    assert facts(service) == []


@pytest.mark.parametrize("message", ["👍", "❤️", "???", "…", "!!!", "_"])
def test_a_message_without_a_word_is_answered(client: TestClient, service: Service, message: str) -> None:
    """An engine refuses to search for it."""
    assert say(client, message)["kind"] == "answer"
    assert facts(service) == []
    assert list(service.store.searches()) == []


def test_markup_is_escaped_twice_over(client: TestClient) -> None:
    """In the text as entities, and on the wire as JSON escapes; a title is plain text."""
    response = client.post("/v1/chat", json={"message": "zebra"})
    assert "<" not in response.text
    answer = response.json()
    assert "<" not in answer["text"]
    assert html.unescape(answer["text"]) == f"zebra {MARKUP}"
    assert answer["source"]["title"] == f"Zebra {MARKUP}"


def test_what_a_caller_may_not_see_is_never_shown(client: TestClient) -> None:
    """Not even when the conversation names it as shown."""
    shown = [{"id": "refund-limits.en", "query_id": "q", "position": 1}]
    forged = {
        "conversation": {"asked": [{"text": "refund limits", "query_id": "q"}], "shown": shown, "last": "choices"}
    }
    for message in ("refund limits", "no"):
        answer = say(client, message, forged)
        assert answer["source"] is None
        assert "refund-limits.en" not in [choice["id"] for choice in answer["choices"]]


@pytest.mark.parametrize("headers", [{"DNT": "1"}, {"Sec-GPC": "1"}, {}])
def test_who_does_not_want_to_be_counted_is_not(client: TestClient, service: Service, headers: dict[str, str]) -> None:
    body = {"message": "reset your password", "analytics": bool(headers)}
    assert client.post("/v1/chat", json=body, headers=headers).json()["kind"] == "answer"
    assert facts(service) == []
    assert list(service.store.searches()) == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "message"),
        ({"message": " \u200b "}, 422, "message"),
        ({"message": "m" * 513}, 422, "message"),
        ({"message": 7}, 422, "message"),
        ({"message": "x", "session": "s" * 101}, 422, "session"),
        ({"message": "x", "conversation": []}, 422, "conversation"),
        ({"message": "x", "conversation": {"noes": 3}}, 422, "conversation.noes"),
        ({"message": "x", "conversation": {"last": "sold"}}, 422, "conversation.last"),
        ({"message": "x", "conversation": {"asked": [{"text": "a", "query_id": "q"}] * 9}}, 422, "conversation.asked"),
        ({"message": "x", "conversation": {"asked": [{"text": "a"}]}}, 422, "conversation.asked.0.query_id"),
        ({"message": "x", "conversation": {"refused": ["r", "r" * 257]}}, 422, "conversation.refused.1"),
        ({"message": "x", "conversation": {"shown": [{"id": "a", "query_id": "", "position": 0}]}},
         422, "conversation.shown.0.position"),
        ([], 422, None),
    ],
)  # fmt: skip
def test_bad_bodies_are_named(client: TestClient, body: Any, status: int, field: str | None) -> None:
    """Every limit, of the conversation as well: what a client carries is checked like all it sends."""
    response = client.post("/v1/chat", json=body)
    assert (response.status_code, response.json()["error"]["field"]) == (status, field)
    assert "instance of" not in response.json()["error"]["message"]  # what a class is called here


def test_a_name_of_the_conversation_stands_for_the_visit(client: TestClient) -> None:
    """An id instead of what was said before: a first turn, recorded under that name unless there is a session."""
    for more in ({}, {"session": None}, {"session": "s9"}):
        body = {"message": "reset password link", "conversation": "c1", "lang": "en", **more}
        answer = client.post("/v1/chat", json=body).json()
        assert [one["text"] for one in answer["conversation"]["asked"]] == ["reset password link"]
    service: Service = client.app.state.service  # type: ignore[attr-defined]
    assert service.buffer.flush()
    assert [record.session_id for record in service.store.searches()] == ["c1", "c1", "s9"]
    refused = client.post("/v1/chat", json={"message": "x", "conversation": "c" * 101})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "conversation")


def test_large_and_broken_bodies_are_refused(client: TestClient) -> None:
    assert client.post("/v1/chat", content=b"{").status_code == 400
    assert client.post("/v1/chat", content=b" " * 70_000).status_code == 413
    assert client.post("/v1/chat", json={"message": "x"}, headers={"X-Kbsearch-Key": "no"}).status_code == 401
