"""What is sent and refused: with a sentence that its sender gets to read, about a body's size or a value in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

import kbsearch.service.body
from kbsearch.service.body import read_bytes
from kbsearch.service.errors import BodyTooLarge

LIMIT = 1000


def refuse(sizes: Iterable[int], *headers: tuple[bytes, bytes], ends: bool = True) -> int:
    """How many pieces of a body of such pieces had been read when it was refused; one that does not end stalls."""
    pieces, read = list(sizes), 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        if read == len(pieces):
            await asyncio.sleep(60)
        read += 1
        more = not ends or read < len(pieces)
        return {"type": "http.request", "body": b" " * pieces[read - 1], "more_body": more}

    request = Request({"type": "http", "method": "POST", "headers": list(headers)}, receive)
    with pytest.raises(BodyTooLarge, match="the body has more than 1000 bytes"):
        asyncio.run(read_bytes(request, LIMIT))
    return read


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"3000000")]])
def test_the_rest_of_what_is_refused_is_read(headers: list[tuple[bytes, bytes]]) -> None:
    """A client that still sends when the connection is closed gets a broken pipe in place of the answer."""
    assert refuse([100_000] * 30, *headers) == 30


def test_reading_on_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """By size and by time; and who asks first is answered before anything is sent."""
    assert refuse([1024 * 1024] * 30) < 20
    monkeypatch.setattr(kbsearch.service.body, "DROPPED_SECONDS", 0.01)
    assert refuse([100_000] * 3, ends=False) == 3
    assert refuse([], (b"content-length", b"3000000"), (b"expect", b"100-continue")) == 0


def message_of(answer: Any) -> str:
    """The sentence of a 422."""
    assert answer.status_code == 422, answer.text
    message: str = answer.json()["error"]["message"]
    return message


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        ("/v1/search", {"q": "x", "limit": "abc"}, "limit must be a whole number, got 'abc'"),
        ("/v1/search", {"q": "x", "limit": True}, "limit must be a whole number, got True"),
        ("/v1/search", {"q": "x", "offset": False}, "offset must be a whole number, got False"),
        ("/v1/search", {"q": "x", "lang": "x!"}, "lang must be a language code such as lv, en or pt-br, got 'x!'"),
        ("/v1/search", {"q": "x", "explain": "maybe"}, "explain must be true or false, got 'maybe'"),
        ("/v1/search", {"q": ["x"]}, "q must be text, got a list"),
        ("/v1/search", [], "the body must be a JSON object, got a list"),
        ("/v1/suggestions", {"title": "ab"}, "title needs at least 3 characters, got 'ab'"),
        ("/v1/deflect", {"subject": "x", "lang": "en_US"}, "lang must be a language code"),
        ("/v1/chat", {"message": "x", "lang": "en_US"}, "lang must be a language code"),
        ("/v1/chat", {"message": "x", "conversation": {"last": "so"}}, "conversation.last must be"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be(client: TestClient, path: str, given: Any, said: str) -> None:
    """In our words, not those of a library."""
    assert message_of(client.post(path, json=given)).startswith(said)


def test_a_wrong_value_in_an_address_is_named_as_well(client: TestClient) -> None:
    """Whoever reads the parameters."""
    assert "got 'x!'" in message_of(client.get("/v1/suggest?q=a&lang=x!"))
    assert message_of(client.get("/v1/suggest?q=a&limit=x")) == "limit must be a whole number, got 'x'"
