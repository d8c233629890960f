"""JSON out: orjson, and no markup on the wire; pages out, compressed.

Outside strings JSON has no `<`, `>` or `&`, so replacing the bytes of a whole document writes exactly those inside
strings as escapes; a page that puts an answer into HTML by mistake still meets no tag.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping

import orjson
from fastapi.responses import Response
from starlette.types import Scope

from kbsearch.service.sent import takes_gzip

_LONG = 1024
"""Bytes that compressing makes fewer packets of."""
_JSON = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


def json_bytes(value: object) -> bytes:
    """Encode a value, with every markup character as a \\u escape."""
    encoded = orjson.dumps(value)
    return encoded.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON that nobody may keep."""
    response = Response(json_bytes(value), status, media_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    if headers:
        response.headers.update(headers)
    return response


def long_json_response(scope: Scope, value: object) -> Response:
    """Answer with JSON that nobody may keep, compressed where it is long and the client takes that. Not for searches,
    which would take half as long again."""
    content = json_bytes(value)
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if len(content) >= _LONG and takes_gzip(scope):
        content = gzip.compress(content, 5)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type="application/json", headers=headers)


def html_response(scope: Scope, page: str, status: int, headers: Mapping[str, str]) -> Response:
    """Answer with a page, compressed where the client takes that."""
    content, encoding = page.encode("utf-8", "replace"), {}
    if takes_gzip(scope):
        content, encoding = gzip.compress(content, 5), {"Content-Encoding": "gzip"}
    return Response(content, status, media_type="text/html; charset=utf-8", headers={**headers, **encoding})


class Prepared(Response):
    """An answer of JSON bytes that nobody may keep, with headers as they are sent; for what is answered most."""

    def __init__(self, body: bytes, *headers: tuple[bytes, bytes]) -> None:
        self.status_code, self.body, self.background = 200, body, None
        self.raw_headers = [*_JSON, (b"content-length", b"%d" % len(body)), *headers]
