"""Forms of the page: read from `application/x-www-form-urlencoded`, and only from the page itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from urllib.parse import parse_qsl

from fastapi import Request

from kbsearch.service.body import read_bytes
from kbsearch.service.errors import BodyTooLarge, Forbidden
from kbsearch.service.sent import from_other_site

MAX_FORM = 160 * 1024
"""Largest form in bytes: a ticket of 10,000 letters of three bytes, each of them nine in a form, and what led to it."""
_MAX_FIELDS = 100
_LOG = logging.getLogger(__name__)
_SAY_SECONDS = 60.0


class Refusals:
    """Logs for the operator that forms are refused as another site's, which customers cannot mend where it is a proxy
    that hides the service's own name: at most once a minute, since anybody can send such a form."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._say_at = clock()

    def note(self, origin: str, host: str) -> None:
        """Log one, where it is time to."""
        if self._clock() >= self._say_at:
            self._say_at = self._clock() + _SAY_SECONDS
            _LOG.warning(
                "a form of the site %r was refused, since the request came to the host %r; if that site is yours, let "
                "the proxy pass Host on",
                origin[:99], host[:99],
            )  # fmt: skip


_REFUSALS = Refusals()


async def read_form(request: Request) -> dict[str, str]:
    """Read a form; of a field that comes twice the last counts.

    :raises Forbidden: the form stands on a page of another site, which cannot speak for a customer.
    :raises BodyTooLarge: it has more than `MAX_FORM` bytes, or more fields than any form.
    :raises ClientGone: the browser went away before its end.
    """
    if from_other_site(request.scope):
        origin = request.headers.get("origin", "")
        _REFUSALS.note(origin, request.headers.get("host", ""))
        raise Forbidden(
            f"this form belongs to another site, {origin[:99]!r}; if it is yours, let the proxy pass Host on"
        )
    body = (await read_bytes(request, MAX_FORM)).decode("utf-8", "replace")
    try:
        fields = parse_qsl(body, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise BodyTooLarge(f"the form has more than {_MAX_FIELDS} fields; send those of the page") from None
    # Browsers send line ends as CR LF, and count them as one character.
    return {name: value.replace("\r\n", "\n").strip() for name, value in fields}
