"""`/explain`: why these results, for the people who write the articles. Needs a key with the audience `admin`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from kbsearch.errors import KbsearchError
from kbsearch.service.body import read_as
from kbsearch.service.context import service_of
from kbsearch.service.errors import Forbidden, error_code
from kbsearch.service.forms import read_form
from kbsearch.service.render import load_portal
from kbsearch.service.routes.metrics import ADMIN, check_admin
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
    service = service_of(request)
    try:
        check_admin(service, request)
        return await _explained(request, q, lang, service.audiences(request))
    except KbsearchError as error:
        return _page(request, q, lang, None, error)


@router.post("/explain")
async def explain_post(request: Request) -> Response:
    """Explain the query of the form, which carries the key: it stays out of addresses, and so out of logs."""
    fields = await read_form(request)
    q, lang = fields.get("q", ""), fields.get("lang", "")
    try:
        audiences = audiences_of({KEY_HEADER: fields.get("key", "")}, service_of(request).settings.secret)
        if ADMIN not in audiences:
            raise Forbidden(
                f"this needs a key with the audience {ADMIN}; make one with: kbsearch key --audience {ADMIN}"
            )
        return await _explained(request, q, lang, audiences)
    except KbsearchError as error:
        return _page(request, q, lang, None, error)


async def _explained(request: Request, q: str, lang: str, audiences: frozenset[str]) -> Response:
    """Search as this caller, without a trace in the event log: an editor's test is no customer's search."""
    service = service_of(request)
    engine = service.holder.engine()
    given = read_as(SearchQuery, {"q": q, "lang": lang, "explain": True})
    query = to_request(given, audiences, engine.languages_for(audiences))
    outcome = await service.gate.run(lambda: engine.search(query), "search", inline=not engine.may_wait)
    return _page(request, q, lang, outcome)


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
