"""A video's transcript: what is said when, from `[01:23] text` in the document's text. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_TIME = re.compile(r"\[((?:\d{1,2}:)?\d{1,2}:[0-5]\d)\]\s*")
_FILES = (".mp4", ".webm", ".ogv", ".m4v")


@dataclass(frozen=True, slots=True)
class Line:
    """What is said from one moment on."""

    time: str
    """As written: `1:05`."""
    seconds: int
    text: str
    href: str
    """The video from there on; "" where the document has no address."""


@dataclass(frozen=True, slots=True)
class Video:
    """What a page shows of a video."""

    intro: str
    file: str
    """Address for a <video> element, where the document points at a file; else ""."""
    href: str
    lines: tuple[Line, ...]
    outro: str
    """What stands below the transcript."""


def read_video(text: str, url: str) -> Video:
    """Read text and address of a document of type video.

    >>> read_video("How to. [00:00] Open. [1:05] Rinse.", "https://v.example/a.mp4").lines[1]
    Line(time='1:05', seconds=65, text='Rinse.', href='https://v.example/a.mp4#t=65')
    """
    address = _safe(url)
    intro, *rest = _TIME.split(text)
    intro = _without_heading(intro) if rest else intro
    outro = ""
    if rest:
        rest[-1], _, outro = rest[-1].strip().partition("\n")
    lines = []
    for time, said in zip(rest[::2], rest[1::2], strict=True):
        seconds = 0
        for part in time.split(":"):
            seconds = seconds * 60 + int(part)
        lines.append(Line(time, seconds, said.strip(), _at(address, seconds)))
    file = address if urlsplit(address).path.lower().endswith(_FILES) else ""
    return Video(intro.strip(), file, address, tuple(lines), outro.strip())


def _safe(url: str) -> str:
    """Return an address that opens in a browser without doing anything else, else ""; a source may hold anything."""
    try:
        return url if urlsplit(url).scheme in ("https", "http") else ""
    except ValueError:
        return ""


def _without_heading(intro: str) -> str:
    """Leave out the heading of the transcript, which the page gives one itself: a last line that ends no sentence."""
    above, _, last = intro.strip().rpartition("\n")
    return intro if last.endswith((".", "!", "?", "…")) else above


def _at(address: str, seconds: int) -> str:
    """Return an address that begins at a moment: `t` as YouTube reads it, a media fragment for everything else."""
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.netloc.removeprefix("www.") in ("youtube.com", "youtu.be"):
        query = [(name, value) for name, value in parse_qsl(parts.query) if name != "t"]
        return urlunsplit(parts._replace(query=urlencode([*query, ("t", f"{seconds}s")])))
    return urlunsplit(parts._replace(fragment=f"t={seconds}"))
