"""`/` and its files: the search page, whole without JavaScript."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from kbsearch.errors import KbsearchError
from kbsearch.metrics.journeys import SURVEY
from kbsearch.service.address import PAGE_SIZE, PageState, read_state
from kbsearch.service.context import service_of
from kbsearch.service.errors import NotFound, error_code
from kbsearch.service.frame import NOTHING, SAID, frame_values, html_page, ticket_address
from kbsearch.service.page import Values, article_values, last_offset, results_values, shown_hits
from kbsearch.service.portal_events import keep, make_event, results_events
from kbsearch.service.render import LANGUAGES, load_portal
from kbsearch.service.security import PUBLIC
from kbsearch.service.static import KEPT, file_response
from kbsearch.service.wire import known_language
from kbsearch.types import MAX_QUERY, SearchRequest

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """Show the search box, the results of a query or an article, as the address says."""
    service = service_of(request)
    state = read_state(request.query_params, LANGUAGES, service.settings.prefix)
    values = frame_values(service, request, state)
    texts = load_portal().messages[str(values["lang"])]
    values["view"] = "results" if state.q or state.doc else "home"
    said = request.query_params.get("said", "")
    values["said"] = said if said in SAID else ""
    # Where a form or a link leads back to a view, it has been counted already, under the id that the address names.
    values["again"] = said in (*SAID, NOTHING)
    status = 200
    try:
        if len(state.q) > MAX_QUERY:
            status, values["problem"] = 422, texts["too_long"].replace("{limit}", str(MAX_QUERY))
        elif state.doc:
            await _show_article(request, state, values)
        elif state.q:
            last = await _show_results(request, state, values)
            if last:
                return RedirectResponse(last, 303)
    except KbsearchError as error:
        status, _code = error_code(error)
        failed = "failed" if state.doc else "error"
        values["problem"] = texts[{404: "not_found", 422: "bad_request"}.get(status, failed)]
    if request.method == "GET" and values["asks_csat"] and values["said"] in ("yes", "done"):
        await _note_survey(request, state, values)
    return html_page(request, values, status)


@router.api_route("/portal/{name}", methods=["GET", "HEAD"])
async def static(request: Request, name: str) -> Response:
    """Send a file of the page."""
    file = load_portal().static.get(name)
    if file is None:
        raise NotFound(f"there is nothing at {request.url.path}")
    return file_response(request.scope, file, KEPT)


async def _note_survey(request: Request, state: PageState, values: Values) -> None:
    """Note that somebody is asked how satisfied he is: without it there is no response rate."""
    service = service_of(request)
    session = str(values["session"])
    asked = make_event(
        service, request, "impression", session=session, query_id=state.query, object_id="csat", object_id_type=SURVEY
    )
    keep(service, request, [asked])


async def _show_results(request: Request, state: PageState, values: Values) -> str:
    """Search, and add what was found; where the address is beyond the end, return that of the last page instead."""
    service = service_of(request)
    engine = service.holder.engine()
    query = SearchRequest(
        q=state.q,
        lang=known_language(str(values["lang"]), engine.languages_for(PUBLIC)),
        limit=PAGE_SIZE,
        offset=state.offset,
        filters=state.filters(),
        audiences=PUBLIC,
    )
    session = str(values["session"])
    counted = request.method == "GET" and not values["again"]
    answered = await service.search(engine, query, request, session=session, analytics=counted)
    query_id = state.query if values["again"] and state.query else answered.query_id
    if state.offset and not answered.outcome.hits and last_offset(answered.outcome) < state.offset:
        return f"{state.href(offset=last_offset(answered.outcome), query=query_id)}&said={NOTHING}"
    portal = load_portal()
    texts = portal.messages[str(values["lang"])]
    values.update(results_values(answered.outcome, query_id, state, texts, portal.names))
    title = f"{state.q} – {values['list_title']}" if state.offset else state.q
    values.update(
        query_id=query_id,
        here=state.href(query=query_id),
        ticket_href=ticket_address(values, state.q, query_id),
        page_title=f"{title} – {values['site_title']}",
    )
    if counted:
        shown = shown_hits(answered.outcome)
        keep(service, request, results_events(service, request, session, query_id, answered.outcome, shown))
    return ""


async def _show_article(request: Request, state: PageState, values: Values) -> None:
    service = service_of(request)
    engine = service.holder.engine()
    document = await service.gate.run(lambda: engine.document(state.doc, audiences=PUBLIC))
    translation = document.translations.get(state.translation) if document else None
    if translation is not None:
        document = await service.gate.run(lambda: engine.document(translation, audiences=PUBLIC))
    if document is None:
        raise NotFound("there is no such article")
    back = state.href(doc="", translation="", query="", position=0)
    if state.q and state.query:
        back = f"{state.href(doc='', translation='', position=0)}&said={NOTHING}"
    values.update(
        view="article",
        article=article_values(document, state, load_portal().names),
        query_id=state.query,
        ticket_href=ticket_address(values, state.q or document.title, state.query),
        back_href=back,
        page_title=f"{document.title} – {values['site_title']}",
    )
    if request.method == "GET" and not values["again"]:
        viewed = make_event(
            service,
            request,
            "view",
            session=str(values["session"]),
            query_id=state.query,
            object_id=document.id,
            object_id_type=document.type,
            category=document.category[0] if document.category else "",
            position=state.position or None,
        )
        keep(service, request, [viewed])
