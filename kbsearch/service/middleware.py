"""What every request passes: measured, given security headers, and CORS below /v1.

Plain ASGI, since starlette's own base class costs a task and a queue a request. One of them wraps `send`: each that
does costs every answer two more calls.
"""

from __future__ import annotations

from time import perf_counter

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kbsearch.service.errors import RETRY_AFTER, Forbidden, error_body, error_response
from kbsearch.service.gate import Gate
from kbsearch.service.meters import Meters
from kbsearch.service.respond import json_response
from kbsearch.service.sent import from_other_site, headers_of

# Articles may show pictures from the company's own servers; everything else comes from here.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https: data:; "
    "media-src 'self' https:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
ASKING = frozenset({"/v1/search", "/v1/suggest", "/v1/deflect", "/v1/chat"})
"""What is refused at the door while the gate is full, before anything is parsed."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"content-security-policy", PAGE_POLICY.encode()),
)
VARY = (b"vary", b"Origin")
_VARIES = "kbsearch.varies"
UNMATCHED = "unmatched"
"""The route, in metrics, of what never came to one."""


def refusal(message: str) -> Response:
    """Answer a search that the gate has refused."""
    return json_response(error_body("overloaded", message), 503, {"Retry-After": RETRY_AFTER[503]})


class Measure:
    """Counts and times requests by route, and adds the security headers."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        scope["kbsearch.started"] = started
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                if scope.get(_VARIES):
                    headers.append(VARY)
                given = [name for name, _ in headers]
                headers += [header for header in SECURITY_HEADERS if header[0] not in given]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            # The route's pattern, not the path, and no made-up method: a label for each would drown Prometheus.
            route = getattr(scope.get("route"), "path", UNMATCHED)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._meters.request(route, method, status, perf_counter() - started)


class Admission:
    """Refuses searches while the gate is full: before they are parsed, which costs as much as some answers."""

    def __init__(self, app: ASGIApp, gate: Gate, meters: Meters) -> None:
        self._app = app
        self._gate = gate
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._gate.full or scope["path"] not in ASKING:
            await self._app(scope, receive, send)
            return
        self._meters.refused.inc()
        await refusal(str(self._gate.refuse()))(scope, receive, send)


class CrossOrigin:
    """CORS for the API only; the page is nobody else's to read.

    CORS itself keeps a page from reading an answer, not from sending what needs no preflight (a POST of text/plain). So
    where origins are named, what a page of any other site sends is refused before it has an effect.

    A request without an Origin gets what starlette's middleware would give it, at a fraction of its cost: the note for
    caches that another one would be answered otherwise, which `Measure` adds to the answer.
    """

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Kbsearch-Key"],
            expose_headers=["Retry-After", "Server-Timing"],
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            origin = headers_of(scope).get(b"origin", b"").decode("latin-1")
            if scope["method"] not in _READING and from_other_site(scope) and not self._open.is_allowed_origin(origin):
                error = Forbidden(f"a page of {origin[:99]!r} may send nothing here; name its site in KBSEARCH_ORIGINS")
                await error_response(error)(scope, receive, send)
                return
            if origin:
                await self._open(scope, receive, send)
                return
            scope[_VARIES] = True
        await self._app(scope, receive, send)
