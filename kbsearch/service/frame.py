"""What every view of the page has, and the page as an answer."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

from fastapi import Request, Response

from kbsearch.events.ids import new_id
from kbsearch.service.address import PageState, preferred_language
from kbsearch.service.context import Service, service_of
from kbsearch.service.errors import RETRY_AFTER, methods_at
from kbsearch.service.page import Values
from kbsearch.service.render import LANGUAGES, SCRIPT_TEXTS, load_portal
from kbsearch.service.respond import html_response
from kbsearch.types import MAX_QUERY

_POPULAR = 6
_SESSION = re.compile(r"[0-9a-f]{32}")
REASONS = ("incorrect", "not_what_i_asked", "unclear", "incomplete", "other")
"""Why an article was no help; the closed list of `feedback` events."""
SAID = ("yes", "no", "done", "rated")
"""What was said last, in the address that a feedback form leads back to: a vote, a reason, a rating."""
NOTHING = "nothing"
"""What the way back from an article says in that place: nothing was judged, and the results have been counted."""


def page_language(request: Request) -> str:
    """Return the language of the page: what the address says, else what the browser asks for."""
    lang = request.query_params.get("lang", "").lower()
    return lang if lang in LANGUAGES else preferred_language(request.headers.get("accept-language", ""), LANGUAGES)


def session_of(given: str | None) -> str:
    """Return the visit that a page or a form names, or a new one."""
    return given if given and _SESSION.fullmatch(given) else new_id()


def asks_csat(session: str) -> bool:
    """Tell whether a visit is asked how satisfied it is: every fourth, so that nobody is asked at each step."""
    return session[-1] in "048c"


def bare_state(request: Request) -> PageState:
    """Return where the search box and its links start from on a view that shows no search: the page's language."""
    lang = request.query_params.get("lang", "").lower()
    return PageState(lang=lang if lang in LANGUAGES else "", root=service_of(request).settings.prefix)


def frame_values(service: Service, request: Request, state: PageState) -> Values:
    """Return what every view of the page has; `state` is what the search box and its links start from."""
    portal = load_portal()
    lang = page_language(request)
    texts = portal.messages[lang]
    root = service.settings.prefix
    home = PageState(lang=state.lang, root=root)
    site_title = service.settings.title or texts["site_title"]
    chosen = {"lang": state.lang} if state.lang else {}
    # Where a form was sent there may be no page to come back to.
    is_page = request.method in ("GET", "HEAD") or "GET" in methods_at(request)
    # portal.js names its visit, so that it stays one while it loads views.
    session = session_of(request.headers.get("x-kbsearch-session"))
    return {
        "lang": lang,
        "root": root,
        "m": texts,
        "messages_json": portal.as_json({key: texts[key] for key in SCRIPT_TEXTS}),
        "session": session,
        "asks_csat": asks_csat(session),
        "contact": service.settings.contact,
        "site_title": site_title,
        "page_title": site_title,
        "explicit_lang": state.lang,
        "home_href": home.href(),
        "ticket_href": address(f"{root}/ticket", chosen),
        "suggestions_href": address(f"{root}/suggestions", chosen),
        "languages": [
            {
                "code": code,
                "name": portal.messages[code]["language_name"],
                "href": _in_language(request, state, code) if is_page else home.href(lang=code),
            }
            for code in LANGUAGES
        ],
        "popular": [
            {"text": line.text, "lang": line.lang, "href": home.href(q=line.text)}
            for line in service.popular.matching("", lang, _POPULAR)
        ],
        "reasons": REASONS,
        "q": state.q,
        "most": MAX_QUERY,
        "query_id": "",
        "view": "home",
        "problem": None,
        "retry_href": "",
        "said": "",
        "here": state.href(),
    }


def ticket_address(values: Values, subject: str, query_id: str) -> str:
    """Return the address of the ticket form, begun with what was searched for."""
    given = {"lang": str(values["explicit_lang"]), "subject": subject, "query": query_id}
    return address(f"{values['root']}/ticket", {name: value for name, value in given.items() if value})


def html_page(request: Request, values: Values, status: int = 200) -> Response:
    """Render the page and send it, compressed where the browser takes that; nobody may keep it."""
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language, Accept-Encoding"}
    if values["problem"]:
        values["page_title"] = f"{str(values['problem']).rstrip('.')} – {values['site_title']}"
    if status >= 500 and request.method != "POST":
        values["retry_href"] = f"{_path(request, str(values['root']))}?{request.url.query}"
    if status in RETRY_AFTER:
        headers["Retry-After"] = RETRY_AFTER[status]
    return html_response(request.scope, load_portal().render(values), status, headers)


def _in_language(request: Request, state: PageState, code: str) -> str:
    if request.scope["path"] == "/":
        return state.href(lang=code)
    return address(_path(request, state.root), {**dict(request.query_params), "lang": code})


def _path(request: Request, root: str) -> str:
    """Return the path that was asked for: on this host, also where it begins as the name of another one would."""
    return f"{root}/{quote(request.scope['path'].lstrip('/'))}"


def address(path: str, parameters: dict[str, str]) -> str:
    """Return a path with what stands behind its `?`, where anything does."""
    return f"{path}?{urlencode(parameters)}" if parameters else path
