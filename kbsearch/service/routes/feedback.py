"""`/feedback`: “was this helpful” without JavaScript; with it, portal.js sends the same events to /v1/events."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from kbsearch.errors import UsageError
from kbsearch.events.schema import MAX_ID, MAX_OBJECT_ID
from kbsearch.service.address import number
from kbsearch.service.context import service_of
from kbsearch.service.forms import read_form
from kbsearch.service.frame import REASONS, session_of
from kbsearch.service.portal_events import keep, make_event

router = APIRouter(include_in_schema=False)

MAX_NOTE = 500


@router.post("/feedback")
async def feedback(request: Request) -> Response:
    """Keep a vote, a reason or a rating, and go back to where it was given.

    :raises UsageError: a field that no form of the page sends.
    """
    form = await read_form(request)
    service = service_of(request)
    back = form.get("back", "")
    home = f"{service.settings.prefix}/"
    if back != home and not back.startswith(f"{home}?"):
        raise UsageError(f"back must be an address of this page, got {back[:60]!r}", "back")
    said, facts = _facts(form)
    event = make_event(
        service,
        request,
        "feedback",
        session=session_of(form.get("session")),
        query_id=form.get("query", "")[:MAX_ID],
        object_id=form.get("object", "")[:MAX_OBJECT_ID],
        object_id_type=form.get("kind", "")[:MAX_ID],
        position=number(form.get("position", "")) or None,
        attributes=facts,
    )
    keep(service, request, [event])
    joiner = "&" if "?" in back else "?"
    return RedirectResponse(f"{back}{joiner}said={said}#said", 303)


def _facts(form: dict[str, str]) -> tuple[str, dict[str, object]]:
    """Return what the page says next, and what was said."""
    if form.get("helpful") in ("1", "0"):
        helpful = form["helpful"] == "1"
        return ("yes" if helpful else "no"), {"helpful": helpful}
    if form.get("reason") in REASONS:
        note = form.get("note", "")
        if len(note) > MAX_NOTE:
            raise UsageError(f"note has {len(note)} characters; at most {MAX_NOTE} are allowed", "note")
        return "done", {"reason": form["reason"], **({"note": note} if note else {})}
    if form.get("csat") in ("1", "2", "3", "4", "5"):
        return "rated", {"csat": int(form["csat"])}
    raise UsageError("say helpful=1 or 0, a reason, or csat=1 to 5", "helpful")
