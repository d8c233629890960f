"""Keys: what a good one shows, and that everything else is refused and never falls back to the public."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient
from service_fake import SECRET

from kbsearch.errors import UsageError
from kbsearch.service.keys import key_from_environment
from kbsearch.service.security import held_by, make_key

HOUR = timedelta(hours=1)


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """Return a key with some claims changed; None removes one."""
    claims = {
        "iss": "kbsearch",
        "sub": "portal",
        "exp": datetime.now(UTC) + HOUR,
        "audiences": ["agent"],
        **changes,
    }
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


def unsigned() -> str:
    """Return a key with `alg: none`."""
    parts = (
        {"alg": "none", "typ": "JWT"},
        {"iss": "kbsearch", "sub": "x", "exp": 9_999_999_999, "audiences": ["agent"]},
    )
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def tampered() -> str:
    """Return a good key whose audiences were changed after signing."""
    head, _, signature = make_key(SECRET, ["customer"], [], HOUR, "x").split(".")
    claims = {"iss": "kbsearch", "sub": "x", "exp": 9_999_999_999, "audiences": ["agent"]}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


BAD_KEYS = {
    "empty": "",
    "garbage": "garbage",
    "three parts": "a.b.c",
    "huge": "a" * 5000,
    "forged": signed("another-secret-of-more-than-32-bytes-012345"),
    "tampered": tampered(),
    "alg none": unsigned(),
    "other algorithm": signed(SECRET * 2, "HS512"),
    "expired": signed(exp=datetime.now(UTC) - timedelta(seconds=5)),
    "never expires": signed(exp=None),
    "no issuer": signed(iss=None),
    "other issuer": signed(iss="someone"),
    "no subject": signed(sub=None),
    "no audiences": signed(audiences=None),
    "audiences no list": signed(audiences="agent"),
    "audiences no names": signed(audiences=[1]),
    "origins no list": signed(origins="https://shop.example"),
    "not yet valid": signed(nbf=datetime.now(UTC) + HOUR),
}
CALLS = [
    ("GET", "/v1/search?q=refund", None),
    ("POST", "/v1/search", {"q": "refund"}),
    ("GET", "/v1/suggest?q=refund", None),
    ("GET", "/v1/documents/reset-password.en", None),
    ("POST", "/v1/events", [{"action_name": "handover"}]),
    ("GET", "/v1/suggestions", None),
    ("POST", "/v1/suggestions", {"title": "Delivery on Sundays"}),
    ("POST", "/v1/suggestions/x/vote", {}),
    ("POST", "/v1/suggestions/x/follow", {"email": "a@example.org"}),
]


def bearer(key: str) -> dict[str, str]:
    """Return the usual header."""
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_bad_key_is_refused_everywhere(client: TestClient, name: str) -> None:
    """401 in the one shape, in either header, on every route."""
    key = BAD_KEYS[name]
    for method, path, body in CALLS:
        for headers in (bearer(key), {"X-Kbsearch-Key": key}):
            response = client.request(method, path, json=body, headers=headers)
            assert response.status_code == 401, (path, response.text)
            assert response.json()["error"]["code"] == "unauthorized"
            assert response.headers["www-authenticate"] == "Bearer"
            assert "Refund limits" not in response.text


@pytest.mark.parametrize("value", ["Bearer", "Token abc", "abc", "Digest a=b", ""])
def test_a_malformed_header_is_refused(client: TestClient, value: str) -> None:
    """Whoever sends the header means to be known."""
    assert client.get("/v1/search?q=refund", headers={"Authorization": value}).status_code == 401


def test_basic_authorization_is_the_proxys(client: TestClient) -> None:
    """A site behind a password prompt sends it along; it is no key, and shows the public."""
    response = client.get("/v1/search?q=refund", headers={"Authorization": "Basic dXNlcjpwYXNz"})
    assert (response.status_code, response.json()["found"]) == (200, 0)


def test_a_good_key_shows_its_audiences_and_the_public(client: TestClient) -> None:
    """In search, suggestions and articles."""
    headers = bearer(make_key(SECRET, ["agent"], [], HOUR, "desk"))
    assert client.get("/v1/search?q=refund", headers=headers).json()["found"] == 1
    assert client.get("/v1/search?q=your", headers=headers).json()["found"] == 3
    assert client.get("/v1/documents/refund-limits.en", headers=headers).json()["title"] == "Refund limits"
    assert len(client.get("/v1/suggest?q=refund", headers=headers).json()["suggestions"]) == 1
    assert (
        client.get("/v1/search?q=refund", headers={"X-Kbsearch-Key": headers["Authorization"][7:]}).status_code == 200
    )


def test_without_a_key_only_the_public_is_there(client: TestClient) -> None:
    """An article one may not see and an article that does not exist answer the same."""
    assert client.get("/v1/search?q=refund").json()["found"] == 0
    assert client.get("/v1/suggest?q=refund").json()["suggestions"] == []
    hidden, unknown = client.get("/v1/documents/refund-limits.en"), client.get("/v1/documents/unknown")
    assert (404, hidden.content) == (hidden.status_code, unknown.content)


def test_a_key_for_others_shows_no_more(client: TestClient) -> None:
    """Customers do not see what agents see."""
    headers = bearer(make_key(SECRET, ["customer"], [], HOUR, "shop"))
    assert client.get("/v1/documents/refund-limits.en", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 200),
        ("https://SHOP.example", 200),
        (None, 200),
        ("https://evil.example", 401),
        ("https://shop.example.evil.example", 401),
        ("http://shop.example", 401),
        ("https://shop.example:8443", 401),
        ("null", 401),
        ("", 401),
    ],
)
def test_a_key_keeps_to_its_origins(client: TestClient, origin: str | None, status: int) -> None:
    """A browser always names the origin of a cross-origin call; a server need not."""
    headers = bearer(make_key(SECRET, ["agent"], ["https://shop.example/"], HOUR, "shop"))
    if origin is not None:
        headers["Origin"] = origin
    assert status == client.get("/v1/search?q=refund", headers=headers).status_code


def test_no_secret_accepts_no_key(make_client: Any) -> None:
    """Not even one signed with an empty secret."""
    with make_client(secret="") as client:
        for key in (make_key(SECRET, ["agent"], [], HOUR, "x"), unsigned()):
            assert client.get("/v1/search?q=refund", headers=bearer(key)).status_code == 401
        assert client.get("/v1/search?q=password").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("short", ["agent"], [], HOUR, "x"), "secret"),
        ((SECRET, ["agent", ""], [], HOUR, "x"), "audience"),
        ((SECRET, [" "], [], HOUR, "x"), "audience"),
        ((SECRET, ["agent"], [], timedelta(0), "x"), "ttl"),
        ((SECRET, ["agent"], [], HOUR, ""), "subject"),
        ((SECRET, ["agent"], ["shop.example"], HOUR, "x"), "origin"),
        ((SECRET, ["agent"], ["https://shop.example/cart"], HOUR, "x"), "origin"),
        ((SECRET, ["agent"], ["https://shop.example", ""], HOUR, "x"), "origin"),
    ],
)
def test_a_key_that_could_never_work_is_not_made(arguments: Any, field: str) -> None:
    """A sentence instead."""
    with pytest.raises(UsageError) as caught:
        make_key(*arguments)
    assert field == caught.value.field


def test_the_command_makes_keys_from_the_environment(client: TestClient) -> None:
    """And says what is missing."""
    key = key_from_environment(["agent"], [], 1, "desk", {"KBSEARCH_SECRET": SECRET})
    assert client.get("/v1/search?q=refund", headers=bearer(key)).json()["found"] == 1
    with pytest.raises(UsageError, match="openssl rand"):
        key_from_environment(["agent"], [], 1, "desk", {})
    with pytest.raises(UsageError, match="days"):
        key_from_environment(["agent"], [], float("inf"), "desk", {"KBSEARCH_SECRET": SECRET})


def test_what_a_key_holds_can_be_read() -> None:
    """By a program that made it and has to know when to make the next one."""
    said = held_by(make_key(SECRET, ["agent"], ["https://shop.example/"], HOUR, "crm"))
    issued, expires = (datetime.fromisoformat(str(said.pop(name))) for name in ("issued_at", "expires_at"))
    assert said == {"subject": "crm", "audiences": ["agent", "public"], "origins": ["https://shop.example"]}
    assert expires - issued == HOUR
