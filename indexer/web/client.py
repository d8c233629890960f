"""One site over HTTP, politely: robots.txt, a pause between requests, limits of size, time and redirects, one host."""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import quote, urldefrag, urljoin, urlsplit, urlunsplit

from protego import Protego

from kbsearch.errors import SourceError
from kbsearch.version import __version__

AGENT = "kbsearch-index"
DELAY = 0.2
"""Seconds between two requests, where robots.txt asks for no more."""

MAX_BYTES = 16 * 1024 * 1024
"""Of one answer, unpacked."""
MAX_REDIRECTS = 5
TIMEOUT = 20.0
"""Seconds without any byte."""
LONGEST = 120.0
"""Seconds for one answer, however it drips."""
TRIES = 3
"""Of an answer that says to come again, or of none."""

_LONGEST_DELAY = 30.0
_UNQUOTED = re.compile(r"[^!-~]+")
_PIECE = 64 * 1024
_AGAIN = (429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)


class Refused(Exception):
    """A page that is not there, or not for us: it goes from the index. `status` is 0 where no server said so."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class Failed(Exception):
    """A page that could not be had this time; a copy of it is better than nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came."""

    url: str
    """Where it came from in the end."""
    data: bytes
    type: str
    encoding: str
    """What the server says the text is in, or ""."""
    etag: str
    modified: str
    unchanged: bool = False
    """The server says that the copy is still good; `data` is then empty."""


class Client:
    """Requests to the host of one address."""

    def __init__(self, address: str, delay: float, headers: Mapping[str, str] | None = None) -> None:
        self._host = _host(address)
        if not self._host:
            raise SourceError(f"{address} names no host; write an address such as https://help.example/sitemap.xml.")
        self._delay = delay
        self._headers = {"User-Agent": f"{AGENT}/{__version__}", "Accept-Encoding": "gzip, deflate", **(headers or {})}
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._last = 0.0
        self.robots = self._read_robots(urljoin(address, "/robots.txt"))
        asked = self.robots.crawl_delay(AGENT)
        if asked is not None:
            self._delay = min(max(delay, asked), _LONGEST_DELAY)

    def allowed(self, url: str) -> bool:
        """Whether the address lies on the host and robots.txt lets us read it."""
        return _host(url) == self._host and self.robots.can_fetch(url, AGENT)

    def get(self, url: str, *, etag: str = "", modified: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a page; `etag` and `modified` are those of the copy. Raises Refused and Failed."""
        conditions = {"If-None-Match": etag, "If-Modified-Since": modified}
        wanted = {**self._headers, **{name: value for name, value in conditions.items() if value}, **(headers or {})}
        current = resolve(url)
        seen = {current}
        for _ in range(MAX_REDIRECTS + 1):
            if not self.allowed(current):
                host = _host(current)
                where = "robots.txt forbids it" if host == self._host else f"it leads to {host or 'no address'}"
                raise Refused(f"{where}; left out")
            answer = self._ask(current, wanted)
            if isinstance(answer, Answer):
                return answer
            target = resolve(answer, current)
            if current.startswith("https:") and not target.startswith("https:"):
                raise Refused("it redirects to an unprotected address")
            current = target
            if current in seen:
                raise Refused("it redirects in a circle")
            seen.add(current)
        raise Refused(f"it redirects more than {MAX_REDIRECTS} times")

    def _ask(self, url: str, headers: Mapping[str, str]) -> Answer | str:
        """An answer, or where to look instead."""
        reason = ""
        for attempt in range(TRIES):
            self._wait(attempt * self._delay)
            try:
                with self._opener.open(urllib.request.Request(url, headers=dict(headers)), timeout=TIMEOUT) as stream:
                    return _answer(url, stream)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == 304:
                        return Answer(url, b"", "", "", "", "", unchanged=True)
                    if error.code in _REDIRECTS and error.headers.get("Location"):
                        # `http.client` takes every header for Latin-1; bytes that are not UTF-8 go back as they are.
                        return str(error.headers["Location"]).encode("latin-1").decode("utf-8", "surrogateescape")
                    reason = f"the server says {error.code} {error.reason}"
                    if error.code not in _AGAIN:
                        raise Refused(reason, error.code) from error
                    self._wait(_seconds(error.headers.get("Retry-After")))
            except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
                reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise Failed(reason)

    def _wait(self, longer: float = 0.0) -> None:
        """Keep the pause between requests."""
        ready = self._last + max(self._delay, longer)
        time.sleep(max(0.0, ready - time.monotonic()))
        self._last = time.monotonic()

    def _read_robots(self, url: str) -> Protego:
        """RFC 9309: no file allows everything, a server in trouble nothing."""
        self.robots = Protego.parse("")
        try:
            text = self.get(url).data.decode("utf-8", "replace")
        except Refused:
            text = ""
        except Failed as error:
            raise SourceError(
                f"{url} cannot be read ({error}), so nothing on {self._host} may be; try later."
            ) from error
        return Protego.parse(text)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """`Client.get` follows them itself."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def is_address(text: str) -> bool:
    """Whether a source is on the web."""
    return text.lower().startswith(("http://", "https://"))


def resolve(address: str, base: str = "") -> str:
    """The address as it is asked for (RFC 3987, section 3.1): the host in IDNA, other letters in percent signs.

    What is quoted already stays, and so does what is no address.
    """
    try:
        parts = urlsplit(urldefrag(urljoin(base, address)).url)
        user, at, place = parts.netloc.rpartition("@")
        if not place.isascii():
            host, colon, port = place.partition(":")
            place = f"{host.encode('idna').decode()}{colon}{port}"
    except ValueError:
        return address
    url = urlunsplit(parts._replace(netloc=f"{user}{at}{place}"))
    return _UNQUOTED.sub(lambda found: quote(found[0], errors="surrogateescape"), url)


def _host(url: str) -> str:
    """The host of an address, "" where it is none."""
    try:
        return urlsplit(resolve(url)).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _answer(url: str, stream: Any) -> Answer:
    """Read all of it within the limits."""
    packed = str(stream.headers.get("Content-Encoding", "")).lower().strip()
    if packed not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise ValueError(f"it is packed as {packed}, which nobody asked for")
    unpack = zlib.decompressobj(47) if packed not in ("", "identity") else None
    until = time.monotonic() + LONGEST
    parts, size = [], 0
    while piece := stream.read1(_PIECE):
        part = unpack.decompress(piece, MAX_BYTES + 1) if unpack else piece
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise Refused(f"it is larger than {MAX_BYTES // 1024**2} MiB")
        if time.monotonic() > until:
            raise TimeoutError(f"it took longer than {LONGEST:.0f} s")
    # `read1` does not say that the connection broke before as much had come as the server announced.
    if stream.length or (unpack and not unpack.eof):
        raise ValueError("it is cut short")
    kind = stream.headers.get_content_type()
    encoding = stream.headers.get_content_charset() or ""
    etag, modified = (str(stream.headers.get(name) or "") for name in ("ETag", "Last-Modified"))
    return Answer(url, b"".join(parts), kind, encoding, etag, modified)


def _seconds(after: str | None) -> float:
    """Retry-After, which is a number of seconds or a date, as far as we are ready to wait."""
    if not after:
        return 0.0
    try:
        wanted = float(after) if after.isdecimal() else parsedate_to_datetime(after).timestamp() - time.time()
    except ValueError:
        return 0.0
    return min(max(wanted, 0.0), _LONGEST_DELAY)
