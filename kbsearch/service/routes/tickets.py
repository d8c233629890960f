"""`/ticket` and `/tickets/{id}`: write to a human, and see what became of it. Whole without JavaScript."""

from __future__ import annotations

import hashlib
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from kbsearch.errors import KbsearchError
from kbsearch.events.ids import new_id
from kbsearch.events.schema import MAX_ID, MAX_OBJECT_ID
from kbsearch.service.address import PageState
from kbsearch.service.context import service_of
from kbsearch.service.forms import read_form
from kbsearch.service.frame import bare_state, frame_values, html_page, session_of
from kbsearch.service.page import Values, hit_values
from kbsearch.service.render import load_portal
from kbsearch.service.routes.deflect import MAX_MESSAGE, DeflectBody, answers_for
from kbsearch.service.security import PUBLIC
from kbsearch.service.wire import MAX_EMAIL, is_email
from kbsearch.service.within import Answer, call
from kbsearch.types import MAX_QUERY

router = APIRouter(include_in_schema=False)

FIELDS = {"subject": 200, "message": 10_000, "name": 200, "email": MAX_EMAIL}
"""Fields of the form and the most characters that each may have."""
_DRAFT = "draft"
"""Names one form that was opened, so that a message that is sent from it twice is one ticket."""
TRAIL = {"queries": MAX_ID, "shown": MAX_OBJECT_ID, "opened": MAX_OBJECT_ID}
"""What led to the form, an id a line: searches, articles shown and opened on it; longer lines are left out."""
_MAX_TRAIL = 20


@router.api_route("/ticket", methods=["GET", "HEAD"])
async def form(request: Request) -> Response:
    """Show the form, begun with what was searched for."""
    asked = request.query_params
    given = {name: asked.get(name, "")[:longest] for name, longest in FIELDS.items()}
    given |= {"queries": asked.get("query", "")[:MAX_ID], "shown": "", "opened": "", _DRAFT: new_id()}
    return html_page(request, _form_values(request, given))


@router.post("/ticket")
async def file(request: Request) -> Response:
    """File a ticket and lead to its page; or, asked to look first, show articles beside what was written."""
    sent = await read_form(request)
    given = {name: sent.get(name, "") for name in (*FIELDS, *TRAIL, _DRAFT)}
    values = _form_values(request, given)
    values["session"] = session_of(sent.get("session"))
    if "look" in sent:
        await _look(request, values, given)
        return html_page(request, values)
    problem, values["wrong"] = _problem(given)
    if problem:
        values["form_problem"] = values["m"][problem]  # type: ignore[index]
        return html_page(request, values, 422)
    contact = {name: given[name] for name in ("name", "email") if given[name]}
    body = {
        "reason": "customer_request",
        "subject": given["subject"],
        "message": given["message"],
        "lang": values["lang"],
        "contact": contact,
        "conversation": [],
        "query_ids": _trail(given, "queries"),
        "shown": _trail(given, "shown"),
        "opened": _trail(given, "opened"),
        "session": values["session"],
        "idempotency_key": _idempotency_key(given),
    }
    answer = await call(request, "POST", "/v1/handover", body=body)
    if answer.status != 201:
        values["form_problem"] = values["m"]["ticket_failed"]  # type: ignore[index]
        return html_page(request, values, answer.status)
    lang = {"lang": values["explicit_lang"]} if values["explicit_lang"] else {}
    address = f"{values['root']}/tickets/{quote(str(answer.body['id']), safe='')}"
    return RedirectResponse(f"{address}?{urlencode({'key': answer.body['key'], **lang})}", 303)


@router.api_route("/tickets/{ticket:path}", methods=["GET", "HEAD"])
async def status(request: Request, ticket: str) -> Response:
    """Show what became of a ticket to who has its link."""
    values = frame_values(service_of(request), request, bare_state(request))
    query = urlencode({"key": request.query_params.get("key", "")})
    address = f"/v1/handover/{quote(ticket, safe='')}"
    answer = await call(request, "GET", address, query=query) if ticket else Answer(404, {})
    values.update(view="status", ticket=answer.body if answer.status == 200 else None)
    texts = load_portal().messages[str(values["lang"])]
    values["page_title"] = f"{texts['status_title']} – {values['site_title']}"
    if answer.status != 200:
        values["problem"] = texts["failed" if answer.status >= 500 else "status_missing"]
    return html_page(request, values, answer.status)


def _form_values(request: Request, given: dict[str, str]) -> Values:
    service = service_of(request)
    values = frame_values(service, request, bare_state(request))
    texts = load_portal().messages[str(values["lang"])]
    values.update(
        view="ticket", given=given, longest=FIELDS, form_problem="", wrong="", looked=False, found=(),
        page_title=f"{texts['ticket_title']} – {values['site_title']}", helped="",
    )  # fmt: skip
    figure = service.helped.figure()
    if figure:
        often = texts["helped_often"].replace("{n}", str(figure[0]))
        values["helped"] = often.replace("{percent}", str(figure[1]))
    return values


async def _look(request: Request, values: Values, given: dict[str, str]) -> None:
    """Add the articles that may answer; none where the search cannot be asked."""
    body = DeflectBody(
        subject=given["subject"][:MAX_QUERY], body=given["message"][:MAX_MESSAGE], lang=str(values["lang"]),
        session=str(values["session"]), query=next(iter(_trail(given, "queries")), ""), analytics=True,
    )  # fmt: skip
    try:
        answered, held_out = await answers_for(service_of(request), request, body, PUBLIC)
    except KbsearchError:
        return
    values["looked"] = not held_out
    state = PageState(lang=str(values["explicit_lang"]), root=str(values["root"]))
    names = load_portal().names
    values["found"] = [hit_values(hit, answered.query_id, state, names) for hit in answered.outcome.hits]
    given["queries"] += f"\n{answered.query_id}"
    given["shown"] = "\n".join([given["shown"], *(hit.id for hit in answered.outcome.hits)])


def _problem(given: dict[str, str]) -> tuple[str, str]:
    """Return the text that says what is wrong with a form, and with which field; "" and "" where nothing is."""
    for name, longest in FIELDS.items():
        if not given[name] and name != "name":
            return "ticket_incomplete", name
        if len(given[name]) > longest:
            return "form_bad", name
    return ("", "") if is_email(given["email"]) else ("email_bad", "email")


def _trail(given: dict[str, str], name: str) -> list[str]:
    """Return the ids of a field of the trail, each once."""
    lines = dict.fromkeys(line.strip() for line in given[name].splitlines())
    return [line for line in lines if 0 < len(line) <= TRAIL[name]][-_MAX_TRAIL:]


def _idempotency_key(given: dict[str, str]) -> str:
    """Return the same for the same words from the same form; "" where a form names no draft.

    Words that were changed are another message, and the lost one may have been filed.
    """
    words = "\0".join(given[name] for name in (_DRAFT, *FIELDS))
    return hashlib.sha256(words.encode()).hexdigest() if given[_DRAFT] else ""
