"""Calls to a target over HTTP; the only module that imports httpx2.

Redirects are not followed: who is called, only the operator says. Every wait is bounded, so that a call ends well
before the lease on its delivery.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import orjson

from kbsearch.errors import DeliveryError
from kbsearch.version import __version__

_TIMEOUT = httpx2.Timeout(10.0, connect=5.0)
_LONGEST = 30.0
"""Seconds in which an answer must be complete."""
_LARGEST = 1024 * 1024
"""Bytes of an answer that are read."""
_SHOWN = 200


class Http:
    """One server, called by one thread."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None) -> None:
        """Take what every call sends; `auth` is user and password."""
        self._url = url
        self._headers = {"User-Agent": f"kbsearch/{__version__}", "Accept": "application/json", **(headers or {})}
        self._auth = auth
        self._trust = httpx2.create_ssl_context() if url.startswith("https:") else False

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return what lies at a path, decoded.

        :raises DeliveryError: as for `post`.
        """
        return self._call("GET", path, query=query)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Any:
        """Send JSON (bytes as they are) and return the answer, decoded; None where it is not JSON.

        :raises DeliveryError: no answer in time, or one that is not 2xx.
        """
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return self._call("POST", path, content, {"Content-Type": "application/json", **(headers or {})})

    def _call(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        deadline = time.monotonic() + _LONGEST
        received = bytearray()
        # A connection for each call: hours may lie between two, and one that was kept may be gone.
        client = httpx2.Client(timeout=_TIMEOUT, headers=self._headers, auth=self._auth, verify=self._trust)
        try:
            with (
                client,
                client.stream(method, self._url + path, content=content, headers=headers, params=query) as answer,
            ):
                for chunk in answer.iter_bytes():
                    received += chunk
                    if len(received) > _LARGEST or time.monotonic() > deadline:
                        raise DeliveryError(f"the answer of {self._url} is too large or too slow")
        except httpx2.HTTPError as error:
            raise DeliveryError(f"{self._url} did not answer: {type(error).__name__} {error}".rstrip()) from error
        if not answer.is_success:
            told = bytes(received[:_SHOWN]).decode("utf-8", "replace")
            raise DeliveryError(f"{self._url} answered {answer.status_code}: {told}", _retry_after(answer.headers))
        try:
            return orjson.loads(bytes(received))
        except orjson.JSONDecodeError:
            return None


def member(answer: object, *path: str) -> str:
    """Return a number or text inside an answer; "" where there is none."""
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return str(answer) if isinstance(answer, str | int) else ""


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that an answer asks to wait (RFC 9110, section 10.2.3); 0 where it does not say."""
    given = headers.get("retry-after", "")
    if given.isascii() and given.isdigit() and len(given) < 10:
        return float(given)
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
