"""Markdown files with YAML front matter, one document a file."""

from __future__ import annotations

from collections.abc import Iterator

import frontmatter
import yaml  # type: ignore[import-untyped]
from frontmatter.default_handlers import YAMLHandler
from pyromark import events_with_range
from pyromark.event import Event

from indexer.loaders.fields import FieldError, make_document
from indexer.loaders.report import Found, Item, Problem, SourceFile
from indexer.loaders.whole import Unreadable, read_text

EXTENSIONS = (".md", ".markdown")


def read(source: SourceFile) -> Iterator[Item]:
    """Yield the file's document; id and title have defaults, every other field comes from the front matter."""
    try:
        fields, body = _split(read_text(source).lstrip("\n"))
        if fields.get("title") is None:
            title, body = _take_title(body)
            fields["title"] = title or source.stem
        yield Found(make_document({"id": source.id, **fields, "body": body}))
    except Unreadable as error:
        yield Problem(source.name, error.line, str(error))
    except FieldError as error:
        yield Problem(source.name, 1, str(error))


def _split(text: str) -> tuple[dict[str, object], str]:
    """Front matter and body. The library looks for "---" anywhere, so we look first that it opens the file."""
    opening, _, rest = text.partition("\n")
    if opening.rstrip() != "---":
        return {}, text
    if not any(line.rstrip() == "---" for line in rest.split("\n")):
        if ":" in rest.partition("\n")[0]:
            raise Unreadable("the front matter has no closing line ---", 1)
        return {}, text
    try:
        fields, body = frontmatter.parse(text, handler=_Strict())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1  # the front matter starts with the break after the opening ---
        raise Unreadable(f"the front matter is not YAML: {error.problem or error.context}", line) from error
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, RecursionError) as error:
        raise Unreadable(f"the front matter is not YAML: {error or type(error).__name__}", 1) from error
    return {key: value for key, value in fields.items() if value is not None}, body


class _Strict(YAMLHandler):
    """The library drops front matter that is no mapping without a word; here it is a problem."""

    def load(self, fm: str, **kwargs: object) -> dict[str, object]:
        fields = super().load(fm, **kwargs)
        if fields is not None and not isinstance(fields, dict):
            raise yaml.YAMLError("it must be lines of the form name: value")
        return fields or {}


def _take_title(body: str) -> tuple[str, str]:
    """The text of the first heading of level 1 and the body without that heading."""
    source = body.encode()
    events = events_with_range(body, merge_text=True)
    depth = 0
    for event, place in events:
        match event:
            case {"Start": {"Heading": {"level": "H1"}}} if depth == 0:
                start = source.rfind(b"\n", 0, place["start"]) + 1
                return _heading(event for event, _ in events), (source[:start] + source[place["end"] :]).decode()
            case {"Start": _}:
                depth += 1
            case {"End": _}:
                depth -= 1
    return "", body


def _heading(events: Iterator[Event]) -> str:
    """The text up to the end of the heading that has begun, without what stands for its pictures."""
    parts: list[str] = []
    pictures = 0
    for event in events:
        match event:
            case {"End": {"Heading": _}}:
                break
            case {"Start": {"Image": _}}:
                pictures += 1
            case {"End": "Image"}:
                pictures -= 1
            case {"Text": str(text)} | {"Code": str(text)} if not pictures:
                parts.append(text)
            case "SoftBreak" | "HardBreak":
                parts.append(" ")
    return "".join(parts)
