"""Every failure in one shape: `{"error": {"code", "message", "field"}}`, whoever raised it.

One table maps the error tree to status and code; FastAPI's own 404, 405 and 422 are brought into the same shape. Who
reads pages gets a page of the same status (`problem.py`), but below /v1.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPMethod
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from kbsearch.errors import (
    EventError,
    FilterError,
    KbsearchError,
    KeyRejected,
    LimitError,
    SnapshotError,
    StoreError,
    TooMany,
    UsageError,
)
from kbsearch.service.respond import json_response


class NotReady(KbsearchError):
    """No snapshot is open yet."""


class Overloaded(KbsearchError):
    """More searches wait than the service will ever catch up with; or more events."""


class BodyTooLarge(KbsearchError):
    """A request body beyond its limit."""


class ClientGone(KbsearchError):
    """A client that went away before it had sent all; nobody reads the answer, but it is counted as the client's."""


class BadJson(KbsearchError):
    """A request body that is not JSON."""


class Forbidden(KbsearchError):
    """A good key that does not open this, or something sent from another site's page."""


class NotFound(KbsearchError):
    """Nothing there, or nothing that this caller may see; the same answer for both."""


# Looked up along the class hierarchy, most special first.
_STATUS: Mapping[type[Exception], tuple[int, str]] = {
    FilterError: (422, "bad_filter"),
    TooMany: (429, "limit_exceeded"),
    LimitError: (422, "limit_exceeded"),
    UsageError: (422, "invalid_value"),
    EventError: (422, "invalid_event"),
    KeyRejected: (401, "unauthorized"),
    Forbidden: (403, "forbidden"),
    NotFound: (404, "not_found"),
    BadJson: (400, "bad_json"),
    BodyTooLarge: (413, "body_too_large"),
    ClientGone: (499, "client_gone"),
    Overloaded: (503, "overloaded"),
    NotReady: (503, "not_ready"),
    SnapshotError: (503, "not_ready"),
    StoreError: (503, "store_unavailable"),
    KbsearchError: (500, "internal"),
}
_HTTP_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
RETRY_AFTER: Mapping[int, str] = {429: "3600", 503: "1"}
"""Seconds, on every answer of this status."""
_EXTRA_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    **{status: {"Retry-After": seconds} for status, seconds in RETRY_AFTER.items()},
}
_MUST_BE = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "dict": "a JSON object",
    "model": "a JSON object",
}
"""What a value has to be, by the first word of what pydantic calls the problem."""
_LONGEST_VALUE = 60
_LIMIT_ERRORS = {
    "less_than_equal": ("at most", "le"),
    "greater_than_equal": ("at least", "ge"),
}


def add_error_handlers(app: FastAPI, page: Callable[[Request, Response], Response], prefix: str) -> None:
    """Make every failure of the application, which browsers find below `prefix`, answer in the one shape; `page` says
    the same to who reads pages."""

    def answering(
        answer: Callable[[Request, Exception], Response],
    ) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def respond(request: Request, error: Exception) -> Response:
            answered = answer(request, error)
            return page(request, answered) if answered.status_code >= 400 and _reads_pages(request) else answered

        return respond

    app.add_exception_handler(KbsearchError, answering(_on_known))
    app.add_exception_handler(RequestValidationError, answering(_on_validation))
    app.add_exception_handler(HTTPException, answering(partial(_on_http, prefix)))
    app.add_exception_handler(Exception, answering(_on_unknown))


def error_body(code: str, message: str, field: str | None = None) -> dict[str, dict[str, str | None]]:
    """Return the wire form of one error."""
    return {"error": {"code": code, "message": message, "field": field}}


def error_code(error: Exception) -> tuple[int, str]:
    """Return the HTTP status and the code of an error."""
    for kind in type(error).__mro__:
        if kind in _STATUS:
            return _STATUS[kind]
    return 500, "internal"


def validation_error(problem: Mapping[str, Any], field: str | None) -> UsageError:
    """Turn a problem that pydantic found into a sentence about a field."""
    kind, context, value = problem["type"], problem.get("ctx") or {}, problem.get("input")
    name = field or "the body"
    if kind == "missing":
        return UsageError(f"{name} is missing", field)
    if kind in _LIMIT_ERRORS:
        words, bound = _LIMIT_ERRORS[kind]
        return LimitError(f"{name} must be {words} {context.get(bound)}, got {value}", field)
    if kind == "string_too_long":
        size = len(value) if isinstance(value, str) else "more"
        return LimitError(f"{name} has {size} characters; at most {context['max_length']} are allowed", field)
    cause = context.get("error")
    if isinstance(cause, UsageError):
        return type(cause)(str(cause), cause.field or field)
    return UsageError(f"{name} {_wrong(kind, context, problem['msg'])}, got {_short(value)}", field)


def _wrong(kind: str, context: Mapping[str, Any], said: str) -> str:
    if kind == "string_too_short":
        return f"needs at least {context['min_length']} characters"
    if kind == "string_pattern_mismatch":  # languages alone have one
        return "must be a language code such as lv, en or pt-br"
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if kind == "too_long":
        return f"may have at most {context['max_length']} entries"
    must = _MUST_BE.get(kind.partition("_")[0])
    return f"must be {must}" if must else f"is wrong ({said})"


def _short(value: object) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def field_of(problem: Mapping[str, Any], given: Any) -> str | None:
    """Return where in a body a problem is, as `contact.email` or `conversation.0.text`; None for the whole of it."""
    names = []
    for part in problem["loc"]:
        is_there = part in given if isinstance(given, dict) else isinstance(given, list) and isinstance(part, int)
        # What is not there is missing, or no member but a branch of a union that pydantic tried.
        if not is_there and problem["type"] != "missing":
            break
        names.append(str(part))
        given = given[part] if is_there else None
    return ".".join(names) or None


def error_response(error: KbsearchError) -> Response:
    """Answer with an error of the tree."""
    status, code = error_code(error)
    return _respond(status, code, str(error), getattr(error, "field", None))


def _respond(status: int, code: str, message: str, field: str | None) -> Response:
    return json_response(error_body(code, message, field), status, _EXTRA_HEADERS.get(status))


def _reads_pages(request: Request) -> bool:
    """Tell a browser that is led to an address from a program, and from the page's own script."""
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get("accept", "")


def _on_known(request: Request, error: Exception) -> Response:
    return error_response(error) if isinstance(error, KbsearchError) else _on_unknown(request, error)


def _on_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return _on_unknown(request, error)
    problem = error.errors()[0]
    # FastAPI names first where a parameter stands, then the parameter.
    return error_response(validation_error(problem, str(problem["loc"][1])))


def _on_http(prefix: str, request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _on_unknown(request, error)
    path = request.scope["path"]
    bare = f"/{path.strip('/')}"  # with one slash before it, it names no other host
    if error.status_code == 404 and path.endswith("/") and _is_taken({**request.scope, "path": bare}):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{prefix}{quote(bare)}{query}")
    code = _HTTP_CODES.get(error.status_code, "http_error")
    messages = {
        404: f"there is nothing at {request.url.path}",
        405: f"{request.url.path} does not take {request.method}",
    }
    message = messages.get(error.status_code, str(error.detail))
    headers = {**_EXTRA_HEADERS.get(error.status_code, {}), **(error.headers or {})}
    if error.status_code == 405:
        headers["Allow"] = ", ".join(methods_at(request))
    return json_response(error_body(code, message), error.status_code, headers)


def methods_at(request: Request) -> list[str]:
    """Return what an address takes: starlette names the methods of the first route that matches, not of all, and a
    router that was included names none."""
    return [method for method in HTTPMethod if _is_taken({**request.scope, "method": method})]


def _is_taken(scope: Scope) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in scope["app"].router.routes)


def _on_unknown(_request: Request, _error: Exception) -> Response:
    return _respond(500, "internal", "the service failed on this request; the log says why", None)
