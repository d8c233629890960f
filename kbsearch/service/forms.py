"""Forms of the page: read from `application/x-www-form-urlencoded`, and only from the page itself."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl

from fastapi import Request

from kbsearch.service.body import read_bytes
from kbsearch.service.errors import BodyTooLarge, Forbidden
from kbsearch.service.log import Seldom
from kbsearch.service.sent import from_other_site

MAX_FORM = 160 * 1024
"""Largest form in bytes: a ticket of 10,000 letters of three bytes, each of them nine in a form, and what led to it."""
_MAX_FIELDS = 100
_LOG = logging.getLogger(__name__)
_REFUSALS = Seldom(60.0)


async def read_form(request: Request) -> dict[str, str]:
    """Read a form; of a field that comes twice the last counts.

    :raises Forbidden: the form stands on a page of another site, which cannot speak for a customer.
    :raises BodyTooLarge: it has more than `MAX_FORM` bytes, or more fields than any form.
    :raises ClientGone: the browser went away before its end.
    """
    if from_other_site(request.scope):
        origin = request.headers.get("origin", "")
        # Customers cannot mend it where it is a proxy that hides the service's own name.
        if _REFUSALS.is_due():
            _LOG.warning(
                "a form of the site %r was refused, since the request came to the host %r; if that site is yours, let "
                "the proxy pass Host on",
                origin[:99], request.headers.get("host", "")[:99],
            )  # fmt: skip
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
