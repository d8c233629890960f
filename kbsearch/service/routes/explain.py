"""`/explain`: why these results, for the people who write the articles. Needs a key with the audience `admin`."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from kbsearch.errors import KbsearchError
from kbsearch.service.body import read_as
from kbsearch.service.context import service_of
from kbsearch.service.errors import error_code
from kbsearch.service.forms import read_form
from kbsearch.service.render import load_portal
from kbsearch.service.routes.metrics import check_admin
from kbsearch.service.security import KEY_HEADER, audiences_of
from kbsearch.service.wire import SearchQuery, to_request
from kbsearch.types import SearchOutcome

router = APIRouter(include_in_schema=False)

# With no-referrer a browser would send the form with no origin either, as if it stood on another site.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}


@router.get("/explain")
async def explain_get(request: Request, q: str = "", lang: str = "") -> Response:
    """Show the form; with an admin key in the header and a query, the explanation as well."""
    if not q.strip():
        return _page(request, "", "", None)
    return await _explained(request, q, lang, request.headers)


@router.post("/explain")
async def explain_post(request: Request) -> Response:
    """Explain the query of the form, which carries the key: it stays out of addresses, and so out of logs."""
    fields = await read_form(request)
    return await _explained(request, fields.get("q", ""), fields.get("lang", ""), {KEY_HEADER: fields.get("key", "")})


async def _explained(request: Request, q: str, lang: str, headers: Mapping[str, str]) -> Response:
    """Search as whoever these headers name, without a trace in the event log: an editor's test is no customer's
    search."""
    service = service_of(request)
    try:
        audiences = audiences_of(headers, service.settings.secret)
        check_admin(audiences)
        engine = service.holder.engine()
        given = read_as(SearchQuery, {"q": q, "lang": lang, "explain": True})
        query = to_request(given, audiences, engine.languages_for(audiences))
        outcome = await service.gate.run(lambda: engine.search(query), "search", inline=not engine.may_wait)
        return _page(request, q, lang, outcome)
    except KbsearchError as error:
        return _page(request, q, lang, None, error)


def _page(
    request: Request, q: str, lang: str, outcome: SearchOutcome | None, error: KbsearchError | None = None
) -> Response:
    portal = load_portal()
    page = portal.environment.get_template("explain.html").render(
        q=q, lang=lang, outcome=outcome, problem=str(error) if error else "", version=portal.version,
        root=service_of(request).settings.prefix,
    )  # fmt: skip
    status = error_code(error)[0] if error else 200
    return Response(page, status, media_type="text/html; charset=utf-8", headers=_HEADERS)
