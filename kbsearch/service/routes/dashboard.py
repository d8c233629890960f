"""`/dashboard`: how well self-service works, as a page, for holders of an admin key.

The key is typed into a form and kept in a cookie that scripts cannot read and other sites cannot send, until the
browser is closed: it stays out of addresses, and so out of logs and histories. A key in the header works as well.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from kbsearch.errors import KeyRejected, UsageError
from kbsearch.metrics.board import Board, board
from kbsearch.metrics.bounds import read_bound, read_period
from kbsearch.metrics.incremental import HOLDOUT_SHARE
from kbsearch.metrics.moments import DAY, day_after, day_of
from kbsearch.service.context import Service, service_of
from kbsearch.service.dashboard.render import load_files, render_note, render_page
from kbsearch.service.errors import Forbidden, NotFound
from kbsearch.service.forms import read_form
from kbsearch.service.knowledge import Knowledge
from kbsearch.service.respond import html_response
from kbsearch.service.routes.metrics import ADMIN, ONE_AT_A_TIME, costs_of
from kbsearch.service.security import KEY_HEADER, audiences_of
from kbsearch.service.static import KEPT, file_response

router = APIRouter(include_in_schema=False)

COOKIE = "kbsearch_admin"
_PATH = "/dashboard"
_PERIOD = ("from", "to")
# With no-referrer a browser would send the form with no origin either, as if it stood on another site.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}
_PRESETS = (7, 28, 90)
_USUAL = 28


@router.get(_PATH)
async def dashboard(request: Request) -> Response:
    """Show the period that the address names, or ask for a key."""
    service = service_of(request)
    presented = request.cookies.get(COOKIE)
    try:
        audiences = _admin(service, presented) if presented else service.audiences(request)
        if ADMIN not in audiences:
            return _ask(service, "", 401 if request.headers.get(KEY_HEADER) else 200)
    except (KeyRejected, Forbidden) as error:
        answer = _ask(service, f"The key is no longer good: {error}.", 401)
        answer.delete_cookie(COOKIE, path=_home(service))
        return answer
    today = datetime.now(UTC).date().isoformat()
    until = request.query_params.get("to", "") or today
    knowledge = Knowledge(service.holder.engine(), audiences)
    try:
        since = request.query_params.get("from", "") or _usual_start(until)
        bounds = read_period(since, until)
        made = await to_thread.run_sync(lambda: _make(service, knowledge, *bounds), limiter=ONE_AT_A_TIME)
    except UsageError as error:
        return _html(request, render_note("problem.html", str(error), service.settings.prefix), 422)
    presets = [
        {
            "name": f"{days} days",
            "href": f"{_home(service)}?from={day_after(today, 1 - days)}&to={today}",
            "current": (since, until) == (day_after(today, 1 - days), today),
        }
        for days in _PRESETS
    ]
    address = {"presets": presets, "root": service.settings.prefix}
    return _html(request, render_page(made, service.settings.title or "Help centre", address))


@router.post(_PATH)
async def enter(request: Request) -> Response:
    """Take a key from the form, and lead to the page of the period that the address names."""
    service = service_of(request)
    key = (await read_form(request)).get("key", "")
    try:
        _admin(service, key)
    except (KeyRejected, Forbidden) as error:
        status = 403 if isinstance(error, Forbidden) else 401
        return _ask(service, f"This key does not open the report: {error}.", status)
    # Only what the page reads, and only behind its own path: the page judges it, and nothing leads elsewhere.
    period = urlencode({name: value for name in _PERIOD if (value := request.query_params.get(name))})
    home = _home(service)
    answer = RedirectResponse(f"{home}?{period}" if period else home, 303, headers=_HEADERS)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, key, path=home, httponly=True, samesite="lax", secure=secure)
    return answer


@router.post(f"{_PATH}/leave")
async def leave(request: Request) -> Response:
    """Forget the key."""
    home = _home(service_of(request))
    await read_form(request)
    answer = RedirectResponse(home, 303, headers=_HEADERS)
    answer.delete_cookie(COOKIE, path=home)
    return answer


@router.api_route(f"{_PATH}/{{name}}", methods=["GET", "HEAD"])
async def static(request: Request, name: str) -> Response:
    """Send a file of the page."""
    file = load_files().static.get(name)
    if file is None:
        raise NotFound(f"there is nothing at {request.url.path}")
    return file_response(request.scope, file, KEPT)


def _usual_start(until: str) -> str:
    """The first day of the period that is shown where only its end is given; no fact is older than 1970."""
    end = read_bound(until, "to") or 0
    return day_of(max(0, end - (_USUAL - 1) * DAY))


def _admin(service: Service, key: str) -> frozenset[str]:
    """Return what an admin key may see.

    :raises KeyRejected: it is not good.
    :raises Forbidden: it has not the audience `admin`.
    """
    audiences = audiences_of({KEY_HEADER: key}, service.settings.secret)
    if ADMIN not in audiences:
        raise Forbidden(f"it does not have the audience {ADMIN}; make one with: kbsearch key --audience {ADMIN}")
    return audiences


def _make(service: Service, knowledge: Knowledge, since: int | None, until: int | None) -> Board:
    share = service.settings.holdout or HOLDOUT_SHARE
    given = {"since": since, "until": until, "costs": costs_of(service), "holdout_share": share}
    return board(service.store, knowledge, shelf=service.store, **given)


def _home(service: Service) -> str:
    """Where browsers find the page, and send the cookie."""
    return service.settings.prefix + _PATH


def _ask(service: Service, message: str, status: int) -> Response:
    page = render_note("key.html", message, service.settings.prefix)
    return Response(page, status, media_type="text/html; charset=utf-8", headers=_HEADERS)


def _html(request: Request, page: str, status: int = 200) -> Response:
    return html_response(request.scope, page, status, {**_HEADERS, "Vary": "Accept-Encoding"})
