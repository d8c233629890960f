"""Search, suggest and documents over HTTP: the contract's shapes, limits and refusals."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_fake import ARTICLES, FakeEngine, article

from kbsearch.service.context import Service
from kbsearch.service.gate import Gate
from kbsearch.service.popular import PopularQueries
from kbsearch.service.sent import parameters_of
from kbsearch.service.shapes import DocumentAnswer, SearchAnswer, SuggestAnswer
from kbsearch.service.wire import SearchBody, to_request

ANSWER_KEYS = {
    "query_id", "q", "detected_lang", "lang_confidence", "found", "took_ms", "snapshot", "decision", "hits", "facets",
    "did_you_mean",
}  # fmt: skip
HIT_KEYS = {
    "id", "group", "type", "lang", "title", "url", "score", "snippet", "highlights", "position", "translations",
    "language_match",
}  # fmt: skip


def error_of(response: Any, status: int) -> dict[str, Any]:
    """Return the error of a refusal, after checking that it has the one shape."""
    assert status == response.status_code, response.text
    assert {"code", "message", "field"} == set(response.json()["error"])
    assert response.headers["content-type"] == "application/json"
    error: dict[str, Any] = response.json()["error"]
    assert error["message"]
    return error


def test_search_has_exactly_the_shape_of_the_contract(client: TestClient) -> None:
    """Keys, types and values of an answer with one hit."""
    answer = client.get("/v1/search", params={"q": "forgot link", "lang": "en"}).json()
    assert set(answer) == ANSWER_KEYS
    assert answer["decision"] == {
        "action": "answer",
        "confidence": 1.0,
        "reasons": ["100% of the words"],
        "calibrated": False,
    }
    (hit,) = answer["hits"]
    assert set(hit) == HIT_KEYS
    assert (
        hit["id"],
        hit["position"],
        hit["translations"],
        hit["language_match"],
    ) == ("reset-password.en", 1, ["lv"], True)
    assert [hit["snippet"][start:end] for start, end in hit["highlights"]] == ["Forgot", "link"]
    assert len(answer["query_id"]) == 32
    assert answer["snapshot"] == "v1"


def test_get_and_post_answer_alike(client: TestClient) -> None:
    """But for the id and the time."""
    got = client.get(
        "/v1/search", params={"q": "password account", "lang": "en", "limit": 2, "filter": "type:article,faq"}
    )
    bodies: list[dict[str, Any]] = [
        {"filter": "type:article,faq", "langs": "en,lv"},
        {"filter": {"type": ["article", "faq"]}, "langs": ["en"]},
    ]
    for extra in bodies:
        posted = client.post("/v1/search", json={"q": "password account", "lang": "en", "limit": 2, **extra})
        for key in ANSWER_KEYS - {"query_id", "took_ms"}:
            assert got.json()[key] == posted.json()[key]
        assert got.json()["query_id"] != posted.json()["query_id"]


def test_positions_are_absolute(client: TestClient) -> None:
    """The first hit of the second page is not number one."""
    answer = client.get("/v1/search", params={"q": "your", "limit": 1, "offset": 1}).json()
    assert [hit["position"] for hit in answer["hits"]] == [2]
    assert answer["found"] == 3


def test_no_markup_is_on_the_wire(client: TestClient) -> None:
    """Snippets are escaped, offsets count in the unescaped text, and everything else has no bare tag either."""
    response = client.get("/v1/search", params={"q": "every <script>alert(1)</script>"})
    assert not set(b"<>&") & set(response.content)
    answer = response.json()
    assert answer["q"] == "every <script>alert(1)</script>"
    (hit,) = answer["hits"]
    assert "&lt;shows&gt; &#x27;every&#x27; step &amp; date" in hit["snippet"]
    plain = html.unescape(hit["snippet"])
    assert [plain[start:end] for start, end in hit["highlights"]] == ["every"]


def test_highlights_count_code_points(make_client: Any) -> None:
    """A character outside the basic plane is one, as in Python, not two, as in JavaScript."""
    engine = FakeEngine(articles=(article("emoji.en", "Emoji", "😀😀 parole"),))
    with make_client(engine=engine) as client:
        (hit,) = client.get("/v1/search", params={"q": "parole"}).json()["hits"]
        assert hit["highlights"] == [[3, 9]]


def test_explain_is_only_there_when_asked_for(client: TestClient) -> None:
    """With times and scores."""
    answer = client.get("/v1/search", params={"q": "password", "explain": "true"}).json()
    assert {"timings_ms", "degraded"} == set(answer) - ANSWER_KEYS
    assert answer["hits"][0]["explain"]["words"] == [{"word": "password", "how": "exact", "matched": "password"}]


@pytest.mark.parametrize(
    ("parameters", "field", "code"),
    [
        ({}, "q", "invalid_value"),
        ({"q": ""}, "q", "invalid_value"),
        ({"q": " \t\u200b "}, "q", "invalid_value"),
        ({"q": "x" * 513}, "q", "limit_exceeded"),
        ({"q": "x", "limit": "101"}, "limit", "limit_exceeded"),
        ({"q": "x", "limit": "0"}, "limit", "limit_exceeded"),
        ({"q": "x", "limit": "ten"}, "limit", "invalid_value"),
        ({"q": "x", "offset": "-1"}, "offset", "limit_exceeded"),
        ({"q": "x", "offset": "991"}, "offset", "limit_exceeded"),
        ({"q": "x", "lang": "not a language"}, "lang", "invalid_value"),
        ({"q": "x", "langs": "lv,!"}, "langs", "invalid_value"),
        ({"q": "x", "langs": "lv," * 67}, "langs", "limit_exceeded"),
        ({"q": "x", "session": "s" * 101}, "session", "limit_exceeded"),
        ({"q": "x", "explain": "perhaps"}, "explain", "invalid_value"),
        ({"q": "x", "filter": "colour:red"}, "filter", "bad_filter"),
        ({"q": "x", "filter": "((("}, "filter", "bad_filter"),
        ({"q": "x", "filter": "f" * 2001}, "filter", "limit_exceeded"),
    ],
)
def test_bad_parameters_are_named(client: TestClient, parameters: dict[str, str], field: str, code: str) -> None:
    """In the URL and in the body, with the same code."""
    error = error_of(client.get("/v1/search", params=parameters), 422)
    assert (field, code) == (error["field"], error["code"])
    error = error_of(client.post("/v1/search", json=parameters), 422)
    assert (field, code) == (error["field"], error["code"])


def test_languages_in_a_list_are_as_many_as_in_a_text(client: TestClient) -> None:
    """They are part of what answers are remembered by, each once."""
    error = error_of(client.post("/v1/search", json={"q": "x", "langs": ["lv"] * 68}), 422)
    assert (error["field"], error["code"]) == ("langs", "limit_exceeded")
    assert to_request(SearchBody(q="x", langs=["lv", "en", "lv-LV"]), frozenset(), ("lv",)).langs == ("lv", "en")


@pytest.mark.parametrize("value", [7, [7], {"type": 7}, {"type": [7]}])
@pytest.mark.parametrize("member", ["langs", "filter"])
def test_a_member_of_the_wrong_kind_is_named_as_it_was_sent(client: TestClient, member: str, value: Any) -> None:
    """Not by the branch of a union that pydantic tried first."""
    assert error_of(client.post("/v1/search", json={"q": "x", member: value}), 422)["field"] == member


def test_a_list_may_be_repeated(client: TestClient) -> None:
    """Each part counts: the last one alone would be a silent cut."""
    hits = client.get("/v1/search?q=password&filter=type:tutorial&filter=lang:en").json()["hits"]
    assert [hit["id"] for hit in hits] == ["change-email.en"]
    scope: dict[str, Any] = {"query_string": b"langs=lv&q=x&filter=&langs=en&filter=type:faq&q=y"}
    assert parameters_of(scope) == {"langs": "lv,en", "q": "y", "filter": "type:faq"}


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/search", {"q": "password"}), ("/v1/deflect", {"subject": "password"})]
)
def test_null_is_as_good_as_left_out(client: TestClient, path: str, body: dict[str, Any]) -> None:
    """Programs with typed objects send every member."""
    (required,) = body
    nulls = dict.fromkeys(("lang", "langs", "limit", "offset", "session", "filter", "explain", "analytics", "body"))
    assert client.post(path, json={**nulls, **body}).json()["hits"] == client.post(path, json=body).json()["hits"]
    assert error_of(client.post(path, json={required: None}), 422)["field"] == required


def test_limits_themselves_are_allowed(client: TestClient) -> None:
    """512 characters, 100 hits, the thousandth hit."""
    parameters = {"q": "ā" * 512, "limit": 100, "offset": 900, "session": "s" * 100}
    assert client.get("/v1/search", params=parameters).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b'{"q": "\\ud800"}', 400, "bad_json"),
        (b"\xff", 400, "bad_json"),
        (b"[" * 100_000, 413, "body_too_large"),
        (b"[]", 422, "invalid_value"),
        (b'{"q": 7}', 422, "invalid_value"),
        (b'{"q": "x", "filter": {"colour": "red"}}', 422, "bad_filter"),
        (b'{"q": "x", "filter": {"type": 7}}', 422, "invalid_value"),
        (b'{"q": "x", "filter": {"tag": [' + b'"",' * 2000 + b'"a"]}}', 422, "limit_exceeded"),
        (b'{"q": "x", "filter": 7}', 422, "invalid_value"),
    ],
)
def test_bad_bodies_are_refused(client: TestClient, body: bytes, status: int, code: str) -> None:
    """Before or after they are read, never with a 500."""
    assert code == error_of(client.post("/v1/search", content=body), status)["code"]


def test_a_body_that_lies_about_its_size_is_stopped(client: TestClient) -> None:
    """A stream has no announced length; it is counted while it comes."""
    response = client.post("/v1/search", content=(b" " * 1024 for _ in range(1000)))
    assert error_of(response, 413)["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/documents/nothing", 404, "not_found"),
        ("GET", "/portal/nothing.js", 404, "not_found"),
        ("DELETE", "/v1/search", 405, "method_not_allowed"),
        ("GET", "/v1/events", 405, "method_not_allowed"),
        ("GET", "/v1/search?q=explode", 500, "internal"),
    ],
)
def test_every_failure_has_one_shape(client: TestClient, method: str, path: str, status: int, code: str) -> None:
    """Also those that FastAPI raises itself, and those nobody expected."""
    error = error_of(client.request(method, path), status)
    assert code == error["code"]
    assert "boom" not in error["message"]


def test_overload_says_when_to_come_back(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More searches than may wait are refused at once."""
    with make_client(threads=1, queue=1) as client:
        monkeypatch.setattr(Gate, "full", property(lambda _gate: True))
        response = client.get("/v1/search", params={"q": "password"})
        assert error_of(response, 503)["code"] == "overloaded"
        assert response.headers["retry-after"] == "1"


def test_suggest_offers_titles(client: TestClient) -> None:
    """The user's language first; nothing typed, nothing offered."""
    answer = client.get("/v1/suggest", params={"q": "your", "lang": "en-GB", "limit": 2}).json()
    SuggestAnswer.model_validate(answer, strict=True)
    assert [line["text"] for line in answer["suggestions"]] == ["Reset your password", "Change your e-mail"]
    assert client.get("/v1/suggest", params={"q": ""}).json()["suggestions"] == []
    assert error_of(client.get("/v1/suggest"), 422)["field"] == "q"
    assert error_of(client.get("/v1/suggest", params={"q": "a", "limit": 21}), 422)["field"] == "limit"


@pytest.mark.parametrize(("networks", "suggested"), [(5, True), (1, False)])
def test_suggest_offers_what_helped_five_others(
    client: TestClient, service: Service, networks: int, suggested: bool
) -> None:
    """Searches and clicks over HTTP, then the refresh that a thread does each minute; one network is one other."""
    for number in range(5):
        caller = TestClient(client.app, client=(f"198.51.{number % networks}.7", 50000))
        answer = caller.get("/v1/search", params={"q": "password link", "session": f"s{number}"}).json()
        click = {
            "action_name": "click",
            "query_id": answer["query_id"],
            "session_id": f"s{number}",
            "event_attributes": {"object": {"object_id": answer["hits"][0]["id"]}, "position": {"ordinal": 1}},
        }
        assert client.get("/v1/suggest", params={"q": "passw li"}).json()["suggestions"] == []
        assert client.post("/v1/events", json=[click]).status_code == 202
    assert service.buffer.flush()
    service.popular.refresh()
    found = client.get("/v1/suggest", params={"q": "PASSW"}).json()["suggestions"]
    line = {"text": "password link", "kind": "query", "lang": "en", "document_id": None}
    assert (line in found) is suggested


def test_popular_queries_survive_a_broken_store(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """The thread logs and goes on."""

    class Broken:
        def salts(self) -> dict[str, bytes]:
            raise OSError("disk")

    popular = PopularQueries(Broken(), refresh_seconds=0.01)  # type: ignore[arg-type]
    popular.start()
    popular.stop()
    assert popular.matching("", "en", 5) == []
    assert "reading popular queries failed; trying again" in caplog.text


def test_a_long_document_is_compressed_for_who_takes_that(make_client: Any) -> None:
    """A short one is not, which would come in one packet anyway."""
    long = article("long.en", "Long", "A word. " * 500)
    with make_client(engine=FakeEngine(articles=(long, *ARTICLES))) as client:
        for document, accepted, encoding in (
            ("long.en", "gzip", "gzip"), ("long.en", "gzip;q=0", None), ("reset-password.en", "gzip", None),
        ):  # fmt: skip
            answer = client.get(f"/v1/documents/{document}", headers={"Accept-Encoding": accepted})
            assert answer.headers.get("content-encoding") == encoding
            assert "Accept-Encoding" in answer.headers["vary"]
            assert answer.json()["id"] == document


@pytest.mark.parametrize("path", ["/metrics", "/v1/documents/reset-password.en", "/portal/portal.css"])
def test_head_is_get_without_the_body(client: TestClient, path: str) -> None:
    """For monitors and caches; a search, which counts, has none."""
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.headers["content-type"]) == (200, got.headers["content-type"])
    assert client.head("/v1/search?q=password").status_code == 405


def test_documents_are_whole(client: TestClient) -> None:
    """With translations; without the list of who else may read it."""
    answer = client.get("/v1/documents/reset-password.en").json()
    DocumentAnswer.model_validate(answer)
    assert answer["translations"] == {"lv": "reset-password.lv"}
    assert "audience" not in answer


def test_ids_with_slashes_are_found(make_client: Any) -> None:
    """Loaders make ids from paths."""
    engine = FakeEngine(articles=(article("help/a b?.en", "Title", "Text"),))
    with make_client(engine=engine) as client:
        assert client.get("/v1/documents/help%2Fa%20b%3F.en").json()["id"] == "help/a b?.en"


def test_the_openapi_twin_is_true(client: TestClient) -> None:
    """Answers are never run through their models; here they are, strictly, and have no member beyond them."""
    answer = client.get("/v1/search", params={"q": "your", "explain": "true"}).json()
    SearchAnswer.model_validate(answer)
    assert set(SearchAnswer.model_fields) - {"answer"} == set(answer)


def test_openapi_names_every_route_of_the_contract(client: TestClient) -> None:
    """With examples, the error shape, and nothing from a CDN."""
    described = client.get("/openapi.json").json()
    routes = {(method, path) for path, item in described["paths"].items() for method in item}
    expected = {
        ("get", "/v1/search"),
        ("post", "/v1/search"),
        ("get", "/v1/suggest"),
        ("post", "/v1/deflect"),
        ("post", "/v1/handover"),
        ("get", "/v1/handover/{ticket_id}"),
        ("post", "/v1/handover/{ticket_id}/status"),
        ("get", "/v1/suggestions"),
        ("post", "/v1/suggestions"),
        ("get", "/v1/documents/{document_id}"),
        ("post", "/v1/events"),
        ("get", "/healthz"),
        ("get", "/readyz"),
        ("get", "/metrics"),
    }
    assert expected <= routes
    search = described["paths"]["/v1/search"]
    names = {parameter["name"] for parameter in search["get"]["parameters"]}
    assert {"q", "lang", "langs", "limit", "offset", "filter", "session", "explain", "analytics"} == names
    assert {"200", "401", "422", "503"} <= set(search["get"]["responses"])
    assert "examples" in search["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "ErrorAnswer" in described["components"]["schemas"]
    assert "HTTPValidationError" not in described["components"]["schemas"]
    assert list(described["paths"]["/metrics"]["get"]["responses"]["200"]["content"]) == ["text/plain"]
    assert client.get("/docs").status_code == 404


def test_every_route_with_a_body_says_what_becomes_of_a_bad_one(client: TestClient) -> None:
    """No JSON, and too much of it: the description names both answers, and the one that is given."""
    described = client.get("/openapi.json").json()["paths"]
    with_body = {path: item["post"] for path, item in described.items() if "requestBody" in item.get("post", {})}
    assert len(with_body) >= 8
    for path, route in with_body.items():
        address = re.sub(r"\{\w+\}", "x", path)
        answer = client.post(address, content=b"{", headers={"content-type": "application/json"})
        assert {"400", "403", "413", str(answer.status_code)} <= set(route["responses"]), path


def test_every_reference_of_the_description_leads_somewhere(client: TestClient) -> None:
    """Of requests and of answers, in paths and in the components that they share."""
    described = client.get("/openapi.json").json()

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                yield from [value] if key == "$ref" and isinstance(value, str) else references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    named = set(references(described))
    assert "#/components/schemas/ContactBody" in named
    assert named <= {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/search", "GET, POST"),
        ("HEAD", "/v1/search", "GET, POST"),
        ("GET", "/v1/chat", "POST"),
        ("PUT", "/suggestions", "GET, HEAD, POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
def test_an_address_says_what_it_takes(client: TestClient, method: str, path: str, allowed: str) -> None:
    """With the 405, of all routes that stand there (RFC 9110, section 15.5.6)."""
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
