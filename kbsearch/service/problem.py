"""A failure as a page, for who reads pages: what happened, in the language of the page, and where to go from there."""

from __future__ import annotations

from fastapi import Request, Response

from kbsearch.service.context import service_of
from kbsearch.service.frame import bare_state, frame_values, html_page
from kbsearch.service.middleware import SECURITY_HEADERS

_OWN_HEADERS = {"content-length", "content-type", "cache-control"}
_NO_PAGE = (404, 405)


def problem_page(request: Request, answered: Response) -> Response:
    """Return the page that says what an answer in JSON says to programs, with its status and headers."""
    values = frame_values(service_of(request), request, bare_state(request))
    status = answered.status_code
    problem = "no_page" if status in _NO_PAGE else "failed" if status >= 500 else "form_bad"
    # The start alone is for search engines, and greets.
    values.update(view="results", problem=values["m"][problem])  # type: ignore[index]
    page = html_page(request, values, status)
    page.headers.update({name: value for name, value in answered.headers.items() if name not in _OWN_HEADERS})
    # What nobody foresaw is answered outside of the middleware that adds them.
    for header, value in SECURITY_HEADERS:
        page.headers.setdefault(header.decode(), value.decode())
    return page
