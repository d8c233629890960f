"""From a mapping of raw values to a Document: the article format (docs/sources.md), checked.

Takes what JSON, YAML or CSV gave; returns a Document or raises FieldError with the reason. Used by every loader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

from kbsearch.text.normalise import normalise
from kbsearch.types import BODY_FORMATS, DOCUMENT_TYPES, Document

MAX_ID = 256
"""Characters; ids travel in addresses and in event rows."""
MAX_TITLE = 1_000
"""Characters, also of a tag: the time to find the words of an endless one may grow with the square of its length."""

_LANG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    date: "a date",
    datetime: "a date",
}


class FieldError(ValueError):
    """A field that does not fit the article format; the message is the reason of a Problem."""


def make_document(fields: Mapping[str, object]) -> Document:
    """Return the Document that `fields` describe; None counts as missing, unknown keys are ignored.

    :raises FieldError: with the field, its value and what is wanted.
    """
    identity = _identifier(fields, "id")
    if not identity:
        raise FieldError("id is missing or empty; every document needs its own")
    title = " ".join(normalise(_text(fields, "title")).split())
    if not title:
        raise FieldError("title is missing or empty")
    _bounded("title", title)
    body = _without_halves(_text(fields, "body"))
    if not body.strip():
        raise FieldError("body is missing or empty")
    return Document(
        id=identity,
        title=title,
        body=body,
        group=_identifier(fields, "group") or identity,
        lang=parse_lang(_text(fields, "lang")),
        type=_one_of(fields, "type", DOCUMENT_TYPES, "article"),
        format=_one_of(fields, "format", BODY_FORMATS, "markdown"),
        url=_url(fields),
        category=_strings(fields, "category"),
        tags=_strings(fields, "tags"),
        audience=_strings(fields, "audience") or ("public",),
        updated_at=_moment(fields),
    )


def parse_lang(value: str) -> str:
    """Return the language code in lower case ("pt_BR" gives "pt-br"), "" for "".

    :raises FieldError: where it does not look like BCP 47.
    """
    code = value.strip().lower().replace("_", "-")
    if code and not _LANG.fullmatch(code):
        raise FieldError(f"lang {_show(value)} is no language code; write one such as lv, en or pt-br")
    return code


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FieldError(f"{name} must be text, not {_kind(value)}; put it in quotes")
    return value


def _without_halves(text: str) -> str:
    """The text without halves of characters, which no encoder takes; trying to encode it is the quickest look."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("", text)
    return text


def _identifier(fields: Mapping[str, object], name: str) -> str:
    value = _text(fields, name).strip()
    if len(value) > MAX_ID:
        raise FieldError(f"{name} has {len(value)} characters, {MAX_ID} are allowed: {_show(value)}")
    if _CONTROL.search(value):
        raise FieldError(f"{name} {_show(value)} holds a control character or half a character")
    return value


def _one_of(fields: Mapping[str, object], name: str, accepted: tuple[str, ...], default: str) -> str:
    value = _text(fields, name).strip() or default
    if value not in accepted:
        raise FieldError(f"{name} {_show(value)} is not one of {', '.join(accepted)}")
    return value


def _url(fields: Mapping[str, object]) -> str:
    """A result links here, so only addresses that are safe to click are let in."""
    value = _text(fields, "url").strip()
    try:
        safe = urlsplit(value).scheme in ("", "http", "https") and not _CONTROL.search(value)
    except ValueError:  # no address at all, such as https://[x
        safe = False
    if not safe:
        raise FieldError(f"url {_show(value)} is not an http or https address")
    return value


def _strings(fields: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise FieldError(f"{name} must be a list of texts, not {_kind(value)}")
    for entry in entries:
        _bounded(f"an entry of {name}", entry)
    kept = tuple(dict.fromkeys(text for entry in entries if (text := " ".join(normalise(entry).split()))))
    if name == "audience" and not kept:  # "nobody" must never turn into the default, "public"
        raise FieldError("audience is empty; name at least one, or leave the field out for public")
    return kept


def _bounded(name: str, text: str) -> None:
    if len(text) > MAX_TITLE:
        raise FieldError(f"{name} has {len(text)} characters, {MAX_TITLE} are allowed: {_show(text)}")


def _moment(fields: Mapping[str, object]) -> str:
    """ISO 8601 in UTC, to the second, so that texts sort as times; a time without zone is taken as UTC."""
    value = fields.get("updated_at")
    if value is None or value == "":
        return ""
    try:
        if isinstance(value, datetime):  # YAML reads a bare date or time as such
            moment = value
        elif isinstance(value, date):
            moment = datetime(value.year, value.month, value.day)
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
        else:
            raise FieldError(f"updated_at must be text, not {_kind(value)}")
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except FieldError:
        raise
    except (ValueError, OverflowError) as error:
        raise FieldError(f"updated_at {_show(value)} is not ISO 8601; write it as 2026-10-01T00:00:00Z") from error


def _show(value: object) -> str:
    text = repr(value if isinstance(value, str) else str(value))
    return text if len(text) <= 80 else f"{text[:77]}…"


def _kind(value: object) -> str:
    if isinstance(value, list):
        odd = next((entry for entry in value if not isinstance(entry, str)), None)
        return f"a list that holds {_kind(odd)}" if odd is not None and not isinstance(odd, list) else "a list"
    return _KINDS.get(type(value), type(value).__name__)
