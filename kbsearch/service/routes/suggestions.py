"""`/suggestions` and `/v1/suggestions`: what customers wish for, filed, voted for and followed.

Nobody else sees a suggestion before somebody of the company has read it (`kbsearch suggestions`). A vote counts once a
network, so that nobody is several people.
"""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from kbsearch.errors import KbsearchError, StoreError, UsageError
from kbsearch.events.ids import new_id, now
from kbsearch.events.redact import redact
from kbsearch.service import shapes
from kbsearch.service.body import read_as, read_json
from kbsearch.service.context import client_of, service_of
from kbsearch.service.errors import error_code
from kbsearch.service.forms import read_form
from kbsearch.service.frame import address, bare_state, frame_values, html_page, page_language, session_of
from kbsearch.service.portal_events import keep, make_event
from kbsearch.service.render import load_portal
from kbsearch.service.respond import json_response
from kbsearch.service.wire import MAX_EMAIL, MAX_SESSION, Lang, is_email
from kbsearch.suggestions.store import MAX_TEXT, MAX_TITLE, MIN_TITLE, PENDING, Suggestion
from kbsearch.text.normalise import drop_controls

router = APIRouter(tags=["suggestions"])

_MAX_BODY = 64 * 1024


class SuggestionBody(BaseModel):
    """A new suggestion; personal data in it is replaced before it is kept."""

    title: str = Field(min_length=MIN_TITLE, max_length=MAX_TITLE, examples=["Delivery on Sundays"])
    text: str = Field("", max_length=MAX_TEXT)
    lang: Lang = ""
    session: str = Field("", max_length=MAX_SESSION)


class VoteBody(BaseModel):
    """A vote."""

    session: str = Field("", max_length=MAX_SESSION)


class FollowBody(BaseModel):
    """Where to send word; shown to nobody."""

    email: str = Field(max_length=MAX_EMAIL, examples=["anna@example.org"])


class SuggestionShape(BaseModel):
    """A suggestion that has been read."""

    id: str
    title: str
    text: str
    lang: str
    status: str = Field(examples=["open"])
    created_at: str
    votes: int


class SuggestionsAnswer(BaseModel):
    """Most votes first."""

    suggestions: list[SuggestionShape]


_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": shapes.ErrorAnswer, "description": "The key is not good."},
    422: {"model": shapes.ErrorAnswer},
    503: {"model": shapes.ErrorAnswer},
}
_BODY_ERRORS: dict[int | str, dict[str, Any]] = {
    **_ERRORS,
    **shapes.REFUSED_POST,
    413: {"model": shapes.ErrorAnswer, "description": "The body is larger than 64 KiB."},
}


@router.get("/v1/suggestions", responses={200: {"model": SuggestionsAnswer}, **_ERRORS}, summary="List suggestions")
async def list_them(request: Request) -> Response:
    """Return what customers suggested and the company has read."""
    _check_key(request)
    found = await to_thread.run_sync(service_of(request).suggestions.shown)
    return json_response({"suggestions": found})


@router.post(
    "/v1/suggestions", status_code=202, responses=_BODY_ERRORS, summary="File a suggestion",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": SuggestionBody.model_json_schema()}}}},
)  # fmt: skip
async def file_one(request: Request) -> Response:
    """Keep a suggestion until somebody has read it."""
    _check_key(request)
    given = read_as(SuggestionBody, await read_json(request, _MAX_BODY))
    return json_response({"id": await _file(request, given), "status": PENDING}, 202)


@router.post(
    "/v1/suggestions/{suggestion}/vote", responses=_BODY_ERRORS, summary="Vote for a suggestion",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": VoteBody.model_json_schema()}}}},
)  # fmt: skip
async def vote_for(request: Request, suggestion: str) -> Response:
    """Count a vote, once a network."""
    _check_key(request)
    given = read_as(VoteBody, await read_json(request, _MAX_BODY))
    return json_response({"id": suggestion, "votes": await _vote(request, suggestion, given.session)})


@router.post(
    "/v1/suggestions/{suggestion}/follow", status_code=202, summary="Follow a suggestion",
    responses={
        **_BODY_ERRORS,
        429: {"model": shapes.ErrorAnswer, "description": "Too many followers from this network; see Retry-After."},
    },
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": FollowBody.model_json_schema()}}}},
)  # fmt: skip
async def follow(request: Request, suggestion: str) -> Response:
    """Remember an e-mail address to write to when something changes."""
    _check_key(request)
    await _follow(request, suggestion, read_as(FollowBody, await read_json(request, _MAX_BODY)).email)
    return json_response({"id": suggestion}, 202)


@router.api_route("/suggestions", methods=["GET", "HEAD"], include_in_schema=False)
async def page(request: Request) -> Response:
    """Show what others suggest, and the form."""
    done = request.query_params.get("done", "")
    return await _page(request, done if done in ("filed", "voted", "followed") else "")


@router.post("/suggestions", include_in_schema=False)
async def file_form(request: Request) -> Response:
    """File a suggestion from the page's form."""
    sent = await read_form(request)
    try:
        given = read_as(
            SuggestionBody, {**sent, "lang": page_language(request), "session": session_of(sent.get("session"))}
        )
        await _file(request, given)
    except (UsageError, StoreError) as error:
        return await _page(request, "", error, sent)
    return _back(request, "filed")


@router.api_route("/suggestions/{suggestion}", methods=["GET", "HEAD"], include_in_schema=False)
async def one_of_them(request: Request, suggestion: str) -> Response:
    """Lead to the page that has its forms: their address stands in the address bar once one was refused."""
    return _to_page(request, {})


@router.post("/suggestions/{suggestion}", include_in_schema=False)
async def act_form(request: Request, suggestion: str) -> Response:
    """Vote for a suggestion or follow it, from the page's forms."""
    sent = await read_form(request)
    try:
        if "email" in sent:
            await _follow(request, suggestion, sent["email"])
            return _back(request, "followed")
        await _vote(request, suggestion, session_of(sent.get("session")))
    except (UsageError, StoreError) as error:
        return await _page(request, "", error, sent, suggestion)
    return _back(request, "voted")


def _check_key(request: Request) -> None:
    """Refuse a key that is not good, as every call does, though none is needed here."""
    service_of(request).audiences(request)


async def _file(request: Request, given: SuggestionBody) -> str:
    service = service_of(request)
    network, _agent = client_of(request)
    title = " ".join(drop_controls(given.title).split())
    if len(title) < MIN_TITLE:
        raise UsageError(f"title {given.title!r} says too little; write at least {MIN_TITLE} characters", "title")
    suggestion = Suggestion(
        id=new_id(), title=redact(title), text=redact(drop_controls(given.text).strip()), lang=given.lang,
        status=PENDING, created_at=now(), votes=0,
    )  # fmt: skip
    filed_by = service.hasher.voucher("suggestions", network)
    await to_thread.run_sync(service.suggestions.file, suggestion, filed_by)
    keep(service, request, [make_event(
        service, request, "suggestion", session=given.session, object_id=suggestion.id, object_id_type="suggestion"
    )])  # fmt: skip
    return suggestion.id


async def _vote(request: Request, suggestion: str, session: str) -> int:
    service = service_of(request)
    network, _agent = client_of(request)
    voter = service.hasher.voucher(f"vote:{suggestion}", network)
    votes = await to_thread.run_sync(service.suggestions.vote, suggestion, voter)
    keep(service, request, [make_event(
        service, request, "vote", session=session, object_id=suggestion, object_id_type="suggestion",
        event_id=f"vote-{suggestion}-{voter}",
    )])  # fmt: skip
    return votes


async def _follow(request: Request, suggestion: str, email: str) -> None:
    if not is_email(email):
        raise UsageError("email must be an address such as anna@example.org", "email")
    service = service_of(request)
    address, _agent = client_of(request)
    network = service.hasher.voucher(f"follow:{suggestion}", address)
    await to_thread.run_sync(service.suggestions.follow, suggestion, email, network)


async def _page(
    request: Request,
    done: str,
    error: KbsearchError | None = None,
    given: dict[str, str] | None = None,
    followed: str = "",
) -> Response:
    service = service_of(request)
    values = frame_values(service, request, bare_state(request))
    texts = load_portal().messages[str(values["lang"])]
    status = error_code(error)[0] if error else 200
    field = getattr(error, "field", None)
    wrong = f"follow-{followed}" if field == "email" else field if field in ("title", "text") else ""
    problem = "failed" if status >= 500 else "email_bad" if (status, field) == (422, "email") else "form_bad"
    values.update(
        view="suggestions", wrong=wrong, done=done, given=given or {}, longest={"title": MAX_TITLE, "text": MAX_TEXT},
        form_problem=texts[problem] if error else "",
        page_title=f"{texts['suggest_short']} – {values['site_title']}",
        suggestions=await to_thread.run_sync(service.suggestions.shown),
    )  # fmt: skip
    return html_page(request, values, status)


def _to_page(request: Request, given: dict[str, str], fragment: str = "") -> Response:
    state = bare_state(request)
    if state.lang:
        given = {**given, "lang": state.lang}
    return RedirectResponse(address(f"{state.root}/suggestions", given) + fragment, 303)


def _back(request: Request, done: str) -> Response:
    return _to_page(request, {"done": done}, "#done")
