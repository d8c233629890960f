"""Personal data out of free text, before anything is written.

Takes queries and messages, gives the same text with placeholders. Rather too much than too little: seven digits
in a row are taken for a phone number even where they are an order number. Pure; imported by the readers of events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeGuard

PLACEHOLDERS = ("[email]", "[iban]", "[card]", "[phone]")

_EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]+\s?(?:@|\(at\)|\[at\]|＠)\s?[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
# Country code, check digits, then groups of four as printed on cards, or the same without spaces.
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?!\w)", re.IGNORECASE)
# Digits with at most two separators between neighbours: "+371 2000-0100", "4111 1111 1111 1111", "(8) 600 00 100".
_DIGIT_RUN = re.compile(r"\+?\(?\d(?:[ .()/‐‑–-]{0,2}\d){6,}\)?")
_MIN_CARD, _MAX_CARD = 13, 19
# An ISO date is a digit run of eight, and says nothing about anybody.
_DATE = re.compile(r"(?:19|20)\d\d[-./](?:0?[1-9]|1[0-2])[-./](?:0?[1-9]|[12]\d|3[01])")


def redact(text: str) -> str:
    """Replace e-mail addresses, IBANs, cards and digit runs of seven or more by placeholders.

    >>> redact("pay 4111 1111 1111 1111 for anna@example.lv")
    'pay [card] for [email]'
    """
    if "@" in text or "＠" in text or "at" in text:
        text = _EMAIL.sub("[email]", text)
    if not any(character.isdigit() for character in text):
        return text
    return _DIGIT_RUN.sub(_digits, _IBAN.sub(_iban, text))


def redact_value(value: object) -> object:
    """Redact every string inside a JSON value; keys too, since they may come from anyone."""
    if isinstance(value, str):
        return redact(value)
    if _is_mapping(value):
        return {redact(str(key)): redact_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact_value(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**6:
        return redact(str(value))
    return value


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _iban(match: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in match.group())
    # "NO 12 months of waiting…" has the form of an IBAN but is words: real ones hold ten digits and more.
    return "[iban]" if digits >= 10 else match.group()


def _digits(match: re.Match[str]) -> str:
    if _DATE.fullmatch(match.group()):
        return match.group()
    count = sum(character.isdigit() for character in match.group())
    return "[card]" if _MIN_CARD <= count <= _MAX_CARD else "[phone]"
