"""Bodies that are too large: refused so that their sender can read why, and within reason."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from fastapi import Request

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
