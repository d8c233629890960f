"""A call of the service to its own API, without the network: what a form does without JavaScript, the API does."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from fastapi import Request
from starlette.types import Message

from kbsearch.service.context import service_of, wants_privacy

_PASSED = (b"user-agent",)
_SAME = ("type", "asgi", "http_version", "scheme", "server", "client", "app")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered."""

    status: int
    body: dict[str, object]


async def call(request: Request, method: str, path: str, *, query: str = "", body: object = None) -> Answer:
    """Call the API as the same client; errors come back as the API's own answers."""
    # As the browser has it; what it came with has lost the prefix on its way.
    address = request.url.replace(path=service_of(request).settings.prefix + request.url.path)
    content = b"" if body is None else orjson.dumps(body)
    scope = {
        **{name: request.scope[name] for name in _SAME if name in request.scope},
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [
            *(header for header in request.scope["headers"] if header[0] in _PASSED),
            # The address of the form may say so as well.
            *([(b"dnt", b"1")] if wants_privacy(request) else []),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"sec-fetch-site", b"same-origin"),
            (b"referer", str(address).encode("ascii", "ignore")),
        ],
    }
    status = 500
    received = bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        received.extend(message.get("body", b""))

    await request.app(scope, receive, send)
    parsed = orjson.loads(received) if received else {}
    return Answer(status, parsed if isinstance(parsed, dict) else {})
