"""Personal data out of free text, before anything is written.

Takes queries and messages, gives the same text with placeholders; what is no personal data (product and order
numbers, error codes, versions, prices, dates) stays, since gaps are found by it. Pure; imported by the readers of
events and by whoever keeps a message. Numbers are judged in `numbers.py`.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

from kbsearch.events.numbers import redact_numbers, says_phone

PLACEHOLDERS = ("[email]", "[iban]", "[card]", "[personal code]", "[phone]", "[ip]", "[name]")

_DOT = ".．。｡"
_AT = ("@", "＠", "%40", "(", "[")
"""Without one of these there is no e-mail address; `%40` is in links, which are pasted."""
# A comma may be a dot only before what looks like a country: "anna@inbox,lv".
_EMAIL = re.compile(
    rf"(?<![\w{_DOT}+%'-])[\w{_DOT}+%'-]+\s?(?:@|＠|%40|\(at\)|\[at\])\s?"
    rf"[\w-]+(?:(?:[{_DOT}][\w-]+)+|,[a-z]{{2,3}}\b)",
    re.IGNORECASE,
)
_FEWEST_DIGITS = 4
"""Fewer are in no number that this module replaces, so most queries are done after counting them."""
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4})(?:%\w+)?(?![\w:])", re.IGNORECASE
)
_IPV6_START = re.compile(r"(?:fe80|f[cd][0-9a-f]{2}|2[0-9a-f]{3}):", re.IGNORECASE)
_VERSION_WORDS = re.compile(
    r"\b(?:v|ver|versions?|versij\w*|versioon\w*|верси\w*|firmware|programmat\w*|aparatprogram\w*|fw|прошивк\w*|builds?"
    r"|releases?|relīz\w*|laid\w*|updated?|atjaunin\w*|atnaujin\w*|naujin\w*|обновлен\w*|android|ios|windows|macos"
    r"|chrome|firefox|safari|app)\b\W*(?:(?!ip\b|adres|адрес)\w+\W+)?$",
    re.IGNORECASE,
)
# However their words are joined: firstName, first_name, first-name.
_CONTACT_KEYS = frozenset({"firstname", "lastname", "fullname", "givenname", "familyname", "surname"}) | frozenset(
    {"contactname", "customername", "username", "displayname", "vards", "uzvards", "vardas", "pavarde"}
)
_JOINTS = str.maketrans("", "", "_- ")
_CONTACTS = frozenset({"contact", "customer", "user", "person", "requester", "author", "sender", "visitor"})
_SHORTEST_NAME = 3
_COMPOSED_AT_ONCE = re.compile(r"\S{1,400}")
"""Marks are put in order one by one, which takes time for thousands of them on one letter."""
_ENDING = 3
"""Letters that a case ending may add to a name's stem: Ozols, Ozolam; Jonaitis, Jonaičiui."""


def redact(text: str, names: Sequence[str] = ()) -> str:
    """Replace e-mail and IP addresses, phone, card and account numbers, personal codes, and these names.

    `names` are what stood in contact fields; each word of them is replaced in any letter case and with any ending.

    >>> redact("pay 4111 1111 1111 1111 for anna@example.lv, says Anna", names=["Anna Ozola"])
    'pay [card] for [email], says [name]'
    """
    text = _composed(text)
    if any(sign in text for sign in _AT):
        text = _EMAIL.sub("[email]", text)
    if names:
        text = _redact_names(text, names)
    if ":" in text:
        text = _IPV6.sub(_ipv6, text)
    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return text
    return redact_numbers(_IPV4.sub(_ipv4, text))


def redact_value(value: object) -> object:
    """Redact every string inside a JSON value; keys too, since they may come from anyone.

    What stands in contact fields (`first_name`, `contact.name`, …) is taken for a name wherever it is repeated.
    """
    names = tuple(_names(value, ""))
    return _redact_value(value, names, "")


def _redact_value(value: object, names: Sequence[str], within: str) -> object:
    if isinstance(value, str):
        return redact(value, names)
    if _is_mapping(value):
        return {
            redact(str(key), names): "[name]" if _is_name(key, inner, within) else _redact_value(inner, names, str(key))
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redact_value(inner, names, within) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**6:
        written = str(value)
        cleaned = redact(written)
        return value if cleaned == written else cleaned
    return value


def _names(value: object, within: str) -> Iterator[str]:
    if _is_mapping(value):
        for key, inner in value.items():
            if _is_name(key, inner, within):
                yield str(inner)
            else:
                yield from _names(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner, within)


def _is_name(key: object, value: object, within: str) -> bool:
    if not isinstance(value, str) or not value.strip():
        return False
    plain = str(key).lower().translate(_JOINTS)
    return plain in _CONTACT_KEYS or (plain == "name" and within.lower() in _CONTACTS)


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _redact_names(text: str, names: Sequence[str]) -> str:
    words = {word for name in names for word in re.findall(r"[^\W\d_]+", _plain(_composed(name))[0])}
    known = [word for word in words if len(word) >= _SHORTEST_NAME]
    if not known:
        return text
    # The last letters of a longer name change with its case.
    stems = sorted((re.escape(word if len(word) < 5 else word[:-2]) for word in known), key=len, reverse=True)
    one = rf"(?:{'|'.join(stems)})[^\W\d_]{{0,{_ENDING}}}"
    pattern = re.compile(rf"(?<![^\W\d_]){one}(?![^\W\d_])(?:[ ]{one}(?![^\W\d_]))*")
    plain, places = _plain(text)
    kept: list[str] = []
    position = 0
    for match in pattern.finditer(plain):
        kept += text[position : places[match.start()]], "[name]"
        position = places[match.end()]
    return "".join((*kept, text[position:]))


def _plain(text: str) -> tuple[str, list[int]]:
    """Return text in small letters without marks, and where each of them stands, the end included."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if not unicodedata.category(character).startswith("M"):
            letters.append(unicodedata.normalize("NFD", character)[0].lower()[0])
            places.append(place)
    return "".join(letters), [*places, len(text)]


def _composed(text: str) -> str:
    """Return text as most keyboards write it: a letter and its marks are one character, where there is one."""
    if text.isascii():
        return text
    return _COMPOSED_AT_ONCE.sub(lambda word: unicodedata.normalize("NFC", word.group()), text)


def _ipv4(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 32) : match.start()]
    if _VERSION_WORDS.search(before) or says_phone(before):
        return match.group()
    return "[ip]" if _is_address(match.group()) else match.group()


def _ipv6(match: re.Match[str]) -> str:
    written = match.group()
    likely = written.count(":") > 2 or _IPV6_START.match(written)
    return "[ip]" if likely and _is_address(written) else written


def _is_address(written: str) -> bool:
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True
