"""Facts as lines of JSON and back: the form of the journal and of `kbsearch events export`.

One fact a line: `{"search": {…}}` or `{"event": {…}}`, with the fields of `schema.py`.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, fields
from operator import attrgetter
from typing import Any

import orjson

from kbsearch.errors import EventError
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import Fact

_KINDS: dict[str, type[SearchRecord] | type[Event]] = {"search": SearchRecord, "event": Event}
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (float, int),
    "int | None": (int, type(None)),
    "tuple[str, ...]": (),
    "Mapping[str, object]": (dict,),
}
_FIELDS = {name: {field.name: field for field in fields(kind)} for name, kind in _KINDS.items()}
_VALUES = {name: attrgetter(*known) for name, known in _FIELDS.items()}


def to_line(fact: Fact) -> bytes:
    """Return a fact as one line, with its line feed."""
    kind = "search" if isinstance(fact, SearchRecord) else "event"
    values = dict(zip(_FIELDS[kind], _VALUES[kind](fact), strict=True))
    try:
        # A dictionary is written five times as fast as a dataclass.
        return orjson.dumps({kind: values}, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # a lone surrogate, or an integer beyond 64 bits
        return json.dumps({kind: values}).encode() + b"\n"


def from_line(line: bytes | str) -> Fact:
    """Read a fact.

    :raises EventError: it is no JSON, no fact, or a field is missing, unknown or of the wrong kind.
    """
    try:
        ((kind, values),) = json.loads(line).items()
        known = _FIELDS[kind]
        values = {name: _checked(known[name], value) for name, value in values.items()}
        missing = [name for name, field in known.items() if name not in values and _required(field)]
        if missing:
            raise EventError(f"a {kind} needs {missing[0]}", missing[0])
        return _KINDS[kind](**values)
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        shown = line if isinstance(line, str) else line.decode("utf-8", "replace")
        raise EventError(f"{shown[:80]!r} is no fact as written by: kbsearch events export ({error!r})") from None


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _checked(field: Field[Any], value: object) -> object:
    """Return the value as the field has it."""
    kind = str(field.type)
    if kind == "tuple[str, ...]" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    # By the exact type: for Python, True is an integer.
    if type(value) in _TYPES[kind]:
        return value
    raise EventError(f"{field.name} must be {kind}, got {value!r:.60}", field.name)
