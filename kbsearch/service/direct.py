"""The routes that are asked most, without FastAPI's way to them: routing, dependencies and validation of its own take
ten times as long as finding a route in a dictionary. Their place in the OpenAPI description is FastAPI's as before, and
so is every request that is not exactly one of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from kbsearch.errors import KbsearchError
from kbsearch.service.errors import error_response


class Direct:
    """Calls the endpoint of a route, which takes the request and nothing else and gives a response."""

    def __init__(self, app: ASGIApp, routes: Iterable[APIRoute]) -> None:
        self._app = app
        self._routes = {(method, route.path): route for route in routes for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        try:
            response = await route.endpoint(Request(scope, receive, send))
        except KbsearchError as error:
            response = error_response(error)
        await response(scope, receive, send)
