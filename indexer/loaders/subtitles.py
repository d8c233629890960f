"""Subtitles (WebVTT, SubRip) as the transcript of a video: `[1:05] what is said`, a paragraph every few sentences.

`hub-setup.lv.vtt` is the Latvian one of the group `hub-setup`. A WebVTT file may say more in its header or in a NOTE:
lines such as `title: …`, `url: …`, by the names of the article format.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from indexer.loaders.fields import FieldError, make_document, parse_lang
from indexer.loaders.report import Found, Item, Problem, SourceFile
from indexer.loaders.whole import Unreadable, read_text

EXTENSIONS = (".vtt", ".srt")

PARAGRAPH_SECONDS = 12
"""A cue lasts two to four; a paragraph ends with the first sentence that ends after so many."""
LONGEST_SECONDS = 30
"""Where no sentence ends, as in automatic subtitles."""

_CUE = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})(?:[.,]\d{1,3})?\s*-->\s*(?:\d{1,3}:)?\d{1,2}:\d{2}(?!\d)")
_TAG = re.compile(r"</?[a-zA-Z0-9][^<>]*>|<>|\{\\[^{}]*\}")
_FIELD = re.compile(r"(title|url|lang|group|id|category|tags|audience|updated_at)\s*:\s*(\S.*)", re.IGNORECASE)
_LISTS = ("category", "tags", "audience")
_ENDS = (".", "!", "?", "…", '."', "!”", ".”")


@dataclass(slots=True)
class Cue:
    """What is said from a second on."""

    seconds: int
    text: str


def read(source: SourceFile) -> Iterator[Item]:
    """Yield the transcript as one document of type video."""
    try:
        fields, cues = _parse(read_text(source))
    except Unreadable as error:
        yield Problem(source.name, error.line, str(error))
        return
    if not cues:
        yield Problem(source.name, None, "holds no subtitle; a cue is a line such as 00:01:05.000 --> 00:01:08.000")
        return
    group, lang = _name(source.id)
    body = "\n\n".join(f"[{_clock(cue.seconds)}] {cue.text}" for cue in paragraphs(cues))
    defaults = {"id": source.id, "group": group, "lang": lang, "title": _title(group), "type": "video"}
    try:
        yield Found(make_document({**defaults, **fields, "body": body, "format": "text"}))
    except FieldError as error:
        yield Problem(source.name, None, str(error))


def paragraphs(cues: list[Cue]) -> Iterator[Cue]:
    """Join cues to what one reads in one go; lines that roll up (shown again in the next cue) are taken once."""
    held: Cue | None = None
    last: list[str] = []
    for cue in cues:
        lines = cue.text.split("\n")
        fresh = [line for line in lines if line not in last]
        last = lines
        if not fresh:
            continue
        text = " ".join(fresh)
        if held is None:
            held = Cue(cue.seconds, text)
        else:
            lasted = cue.seconds - held.seconds
            if lasted >= LONGEST_SECONDS or (lasted >= PARAGRAPH_SECONDS and held.text.endswith(_ENDS)):
                yield held
                held = Cue(cue.seconds, text)
            else:
                held.text += f" {text}"
    if held is not None:
        yield held


def _parse(text: str) -> tuple[dict[str, object], list[Cue]]:
    """Fields from header and notes, and the cues in order; styles and regions are passed over."""
    fields: dict[str, object] = {}
    cues: list[Cue] = []
    for block in re.split(r"\n[^\S\n]*\n", text):
        lines = [line.strip() for line in block.strip().split("\n")]
        starts = [number for number, line in enumerate(lines) if _CUE.match(line)]
        for start, end in pairwise([*starts, len(lines)]):
            said = lines[start + 1 : end]
            if end < len(lines) and said and said[-1].isdecimal():  # the number of a cue without a blank line before it
                said.pop()
            if words := "\n".join(filter(None, map(_plain, said))):
                cues.append(Cue(_seconds(lines[start]), words))
        if not starts and lines[0].startswith(("WEBVTT", "NOTE")):
            for line in lines:
                if field := _FIELD.fullmatch(line.removeprefix("NOTE").strip()):
                    name, value = field[1].lower(), field[2].strip()
                    fields[name] = [part.strip() for part in value.split(";")] if name in _LISTS else value
    return fields, cues


def _seconds(line: str) -> int:
    match = _CUE.match(line)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    return hours * 3600 + minutes * 60 + seconds


def _plain(line: str) -> str:
    return " ".join(html.unescape(_TAG.sub("", line)).split())


def _name(identity: str) -> tuple[str, str]:
    """`videos/setup.lv` belongs to the group `videos/setup` and is Latvian."""
    stem, dot, suffix = identity.rpartition(".")
    if dot and re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})?", suffix, re.IGNORECASE):
        return stem, parse_lang(suffix)
    return identity, ""


def _title(group: str) -> str:
    return " ".join(re.sub(r"[_-]+", " ", PurePosixPath(group).name).split())


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
