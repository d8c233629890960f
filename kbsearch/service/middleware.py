"""What every request passes: measured, given security headers, and CORS below /v1.

Plain ASGI, since starlette's own base class costs a task and a queue a request.
"""

from __future__ import annotations

from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kbsearch.service.meters import Meters

# Articles may show pictures from the company's own servers; everything else comes from here.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' https: data:; media-src 'self' https:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Content-Security-Policy": PAGE_POLICY,
}


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
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            # The route's pattern, not the path, and no made-up method: a label for each would drown Prometheus.
            route = getattr(scope.get("route"), "path", "unmatched")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._meters.requests.labels(route, method, str(status)).inc()
            self._meters.latency.labels(route).observe(perf_counter() - started)


class CrossOrigin:
    """CORS for the API only; the page is nobody else's to read."""

    def __init__(self, app: ASGIApp, origins: str) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=[origin.strip() for origin in origins.split(",") if origin.strip()],
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Kbsearch-Key"],
            expose_headers=["Retry-After"],
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = scope["type"] == "http" and scope["path"].startswith("/v1/")
        await (self._open if below else self._app)(scope, receive, send)
