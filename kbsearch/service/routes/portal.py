"""`/` and its files: the search page, whole without JavaScript."""

from __future__ import annotations

import gzip

from fastapi import APIRouter, Request, Response

from kbsearch.errors import KbsearchError
from kbsearch.events.ids import new_id
from kbsearch.events.schema import Event
from kbsearch.service.address import PAGE_SIZE, PageState, preferred_language, read_state
from kbsearch.service.context import Service, client_of, service_of, wants_privacy
from kbsearch.service.errors import NotFound, error_code
from kbsearch.service.page import Values, article_values, results_values
from kbsearch.service.render import LANGUAGES, load_portal
from kbsearch.service.security import PUBLIC
from kbsearch.service.wire import MAX_QUERY, known_language
from kbsearch.types import SearchRequest

router = APIRouter(include_in_schema=False)

_POPULAR = 6
# The address of a static file holds a hash of all of them.
_KEEP = "public, max-age=31536000, immutable"


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """Show the search box, the results of a query or an article, as the address says."""
    state = read_state(request.query_params, LANGUAGES)
    lang = state.lang or preferred_language(request.headers.get("accept-language", ""), LANGUAGES)
    texts = load_portal().messages[lang]
    values = _frame(service_of(request), state, lang)
    status = 200
    try:
        if len(state.q) > MAX_QUERY:
            status, values["problem"] = 422, texts["too_long"].replace("{limit}", str(MAX_QUERY))
            values["q"] = state.q[:MAX_QUERY]
        elif state.doc:
            await _show_article(request, state, values)
        elif state.q:
            await _show_results(request, state, lang, values)
    except KbsearchError as error:
        status, _code = error_code(error)
        values["problem"] = texts.get({404: "not_found", 422: "bad_request"}.get(status, "error"))
    return _html(request, load_portal().render(values), status)


@router.get("/portal/{name}")
async def static(request: Request, name: str) -> Response:
    """Send a file of the page."""
    file = load_portal().static.get(name)
    if file is None:
        raise NotFound(f"there is nothing at {request.url.path}")
    headers = {"Cache-Control": _KEEP, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)


async def _show_results(request: Request, state: PageState, lang: str, values: Values) -> None:
    service = service_of(request)
    engine = service.holder.engine()
    query = SearchRequest(
        q=state.q,
        lang=known_language(lang, engine.languages),
        limit=PAGE_SIZE,
        offset=state.offset,
        filters=state.filters(),
        audiences=PUBLIC,
    )
    session = str(values["session"])
    answered = await service.search(engine, query, request, session=session, analytics=True)
    portal = load_portal()
    values.update(results_values(answered.outcome, answered.query_id, state, portal.messages[lang], portal.names))
    values.update(view="results", query_id=answered.query_id, page_title=f"{state.q} – {values['site_title']}")


async def _show_article(request: Request, state: PageState, values: Values) -> None:
    service = service_of(request)
    engine = service.holder.engine()
    document = await service.gate.run(lambda: engine.document(state.doc, audiences=PUBLIC))
    translation = document.translations.get(state.translation) if document else None
    if translation is not None:
        document = await service.gate.run(lambda: engine.document(translation, audiences=PUBLIC))
    if document is None:
        raise NotFound("there is no such article")
    values.update(
        view="article",
        article=article_values(document, state, load_portal().names),
        query_id=state.query,
        back_href=state.href(doc="", translation="", query="", position=0),
        page_title=f"{document.title} – {values['site_title']}",
    )
    # A page built by portal.js reports its own view; this one was opened without it, or in a new tab.
    if request.method == "GET" and not wants_privacy(request):
        service.buffer.put(_view(service, request, state, document.id, str(values["session"])))


def _view(service: Service, request: Request, state: PageState, document_id: str, session: str) -> Event:
    address, agent = client_of(request)
    receipt = service.receipt(request)
    return Event(
        event_id=new_id(),
        action_name="view",
        query_id=state.query,
        session_id=session,
        client_id=service.hasher.client_id(session=session, address=address, agent=agent),
        timestamp=receipt.received_at,
        received_at=receipt.received_at,
        object_id=document_id,
        object_id_type="document",
        position=state.position or None,
    )


def _frame(service: Service, state: PageState, lang: str) -> Values:
    """Return what every view of the page has."""
    portal = load_portal()
    texts = portal.messages[lang]
    home = PageState(lang=state.lang)
    site_title = service.settings.title or texts["site_title"]
    return {
        "lang": lang,
        "m": texts,
        "messages_json": portal.as_json(texts),
        "names_json": portal.as_json(portal.names),
        "session": new_id(),
        "contact": service.settings.contact,
        "site_title": site_title,
        "page_title": site_title,
        "explicit_lang": state.lang,
        "home_href": home.href(),
        "languages": [
            {"code": code, "name": portal.messages[code]["language_name"], "href": state.href(lang=code)}
            for code in LANGUAGES
        ],
        "popular": [
            {"text": line.text, "lang": line.lang, "href": home.href(q=line.text)}
            for line in service.popular.matching("", lang, _POPULAR)
        ],
        "q": state.q,
        "query_id": "",
        "view": "results" if state.q or state.doc else "home",
        "problem": None,
        "article": None,
        "hits": None,
        "action": "",
        "answer": None,
        "found": 0,
        "facets": [],
        "clear_href": None,
        "did_you_mean": None,
        "more_href": None,
        "back_href": home.href(),
    }


def _html(request: Request, text: str, status: int) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language, Accept-Encoding"}
    content = text.encode("utf-8", "replace")
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = gzip.compress(content, 5), "gzip"
    return Response(content, status, media_type="text/html; charset=utf-8", headers=headers)
