"""JSON out: orjson, and no markup on the wire.

Outside strings JSON has no `<`, `>` or `&`, so replacing the bytes of a whole document writes exactly those inside
strings as escapes; a page that puts an answer into HTML by mistake still meets no tag.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from fastapi.responses import Response


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
