"""Numbers that point at a person, told apart from all the others: bank accounts, cards, personal codes, phones.

Takes text, gives it with placeholders. A checksum decides where the format has one; where it has none (phones), form
and the words in front do: "pasūtījums 20000100" stays, "zvaniet 20000100" goes. Pure; the only module that imports
phonenumbers and stdnum.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from stdnum import iban, luhn
from stdnum.ee import ik
from stdnum.lt import asmens
from stdnum.lv import pvn

Span = tuple[int, int]

# Written like a space, and as long as one: what is judged holds spaces, what is kept holds what was written.
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f", " "))
_PLACEHOLDER = re.compile(r"\[(?:iban|card|personal code|phone)\]")

# Length by country (ISO 13616 registry): where an account ends and the next word begins.
_IBAN_LENGTH = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "NL", "FO", "GL"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
}
_IBAN_START = re.compile(r"(?<![^\W_])([A-Za-z]{2})\d[ -]?\d")
_MIN_IBAN_DIGITS = 10

_DASH = r"‐‑‒–—−\uff0d\-"
# Twelve or more digits in a row of groups, as typed from a card; what stands beside it may be in the row.
_CARD_ROW = re.compile(rf"(?<!\w)(?<!\d\.)\d(?:[ .{_DASH}]{{0,3}}\d){{11,}}(?!\w|(?<!\d{{4}}),\d)")
_CARD_GROUP = re.compile(rf"\d(?:[^ {_DASH}]*\d)?")
# Beside other numbers only what is grouped as on a card: days and hours come in twos, article numbers in eights.
_CARD_AMONG_OTHERS = re.compile(rf"\d{{12,19}}|(?:\d{{4,6}}[ .{_DASH}]{{1,3}})+\d{{1,6}}")
_MOST_CARD_GROUPS = 5
_CARD_FORM = re.compile(
    r"4(?:\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|220[0-4]\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}|(?:50|5[6-9]|6\d)\d{10,17}"
)
_PERSONAL = re.compile(rf"(?<!\w)(?<!\d[.,])\d{{6}}(?: ?[{_DASH}] ?| )?\d{{5}}(?![\w]|[.,]\d)")
_PERSONAL_SHAPE = re.compile(
    rf"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d ?[{_DASH}] ?[012]\d{{4}}|32\d{{4}} ?[{_DASH}] ?\d{{5}}"
)
_PERSONAL_WORDS = re.compile(
    r"(?:person\w* k[oō]d|p\. ?k\.|pers\. ?k|asmens kod|a\. ?k\.|isikukood|личн\w* код|персональн\w* код"
    r"|personal (?:code|id|number)|identity (?:code|number)|ik:)\w*\W*(?:\w+\W+)?$",
    re.IGNORECASE,
)

_PLUS = r"(?:\+ ?|\(\+?)?"
_PHONE_ROW = re.compile(
    rf"(?<![^\W_])(?:(?=\(?\+)|(?<![^\W_][./{_DASH}])){_PLUS}\d(?:[ .()/{_DASH}]{{0,3}}\d){{6,}}(?![^\W_]|[.,]\d)"
)
_PHONE_WORD = (
    r"(?:t[aā]lr|telef|t\.:|\w{0,4}zvan|mobil|\w{0,3}skambin|телеф|\w{0,4}звон|номер для связи|(?:tele|cell)?phone"
    r"|call|whats ?app|viber|sms|telegram|helista|(?:tel|mob|тел|моб|cell|signal)(?![^\W\d_]))"
)
_ORDERS = r"pas[uū]t[iī]j|order|u[zž]sakym|заказ|invoice|r[eē]ķin|s[aą]skait|сч[её]т"
# What is an order's number is none to call, in whatever way it was ordered.
_PHONE_WORDS = re.compile(rf"(?<!\w){_PHONE_WORD}\w*\W*(?:(?!{_ORDERS})\w+\W+){{0,2}}$", re.IGNORECASE)
# "tel.20000100", "tālr. nr.20000100", but no slug: "shop/phones/20000100".
_GLUED = re.compile(
    rf"(?<![\w/{_DASH}])((?:{_PHONE_WORD}|t(?=\.))\w{{0,12}}"
    rf"(?:[./ ]{{1,2}}(?:{_PHONE_WORD}|nr|num|nom|ном)\w{{0,12}})?)[./{_DASH}](?=[+(]*\d)",
    re.IGNORECASE,
)
# "tel29123456": nothing parts the word from the number.
_STUCK = re.compile(
    rf"(?<![\w/{_DASH}]){_PHONE_WORD}[^\W\d_]{{0,12}}(?=[+(]{{0,2}}\d(?:[ .()/{_DASH}]{{0,3}}\d){{6}})", re.IGNORECASE
)
_GLUED_PHONES = re.compile(rf"(?<=\d{{7}})[{_DASH}](?=\d{{7}})")
_OTHER_WORDS = re.compile(
    r"(?:pas[uū]t[iī]j|order|u[zž]sakym|заказ|invoice|r[eē]ķ?in|s[aą]skait|fakt[uū]r|сч[её]т|накладн|track|seko|siunt"
    r"|s[uū]t[iī]jum|посылк|парцел|parcel|shipment|serial|s[eē]rij|серийн|s/n|imei|ticket|bi[lļ]et|pieteikum|u[zž]klaus"
    r"|заявк|обращени|promo|kupon|купон|kod[su]?|code|код|\bean|\bsku|artik|prek[eė]s|pre[cč]es|товар|модел|model|\bcase|\brma"
    r"|версия|versij|version|build|client|klient|клиент|contract|l[iī]gum|sutart|договор|receipt|[cč]ek|чек|kvīt|квит"
    r"|№|#|nr\b|no\.|\bid\b)\w*\W*(?:[\w-]{1,12}\W+){0,2}$",
    re.IGNORECASE,
)
_SUM = r"(?:\d{1,3}(?: \d{3}){1,4}(?!\d|-)|\d+)(?:[.,]\d+)?"
_UNIT = r"(?:€|\$|£|₽|zł|eur|euro|eiro|usd|руб|km\b|gb\b|mb\b|mah|ml\b|kg\b|mm\b)"
# Sums and hours may stand right beside a phone number and are never part of one.
_SUM_OR_HOUR = re.compile(
    rf"(?<!\d){_SUM}\s?{_UNIT}(?!\d)|(?:€|\$|£|eur|usd)\s?{_SUM}|(?<!\d)\d{{1,2}}(?::\d\d)+(?!\d)", re.IGNORECASE
)
_DAY = (
    rf"(?:(?:19|20)\d\d[./ {_DASH}] ?(?:0?[1-9]|1[0-2])[./ {_DASH}] ?(?:0?[1-9]|[12]\d|3[01])"
    rf"|(?:0?[1-9]|[12]\d|3[01])[./{_DASH}] ?(?:0?[1-9]|1[0-2])[./{_DASH}] ?(?:19|20)\d\d)"
)
_DAY_WITHIN = re.compile(rf"(?<!\d){_DAY}(?!\d)")
# Spaces and slashes part phones, but neither a day nor a document's "2026/20000100".
_PHONE_GROUP = re.compile(rf"{_DAY}(?!\d)|(?<!\d )(?:19|20)\d\d/\d{{5,}}|{_PLUS}\d(?:[^ /]*\d)?")
_DATE = (
    rf"(?:{_DAY}|(?:0?[1-9]|[12]\d|3[01])[./{_DASH}] ?(?:0?[1-9]|1[0-2])[./{_DASH}] ?\d\d"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))\.?"
)
_TIME = r"\d{1,2}[.:]\d\d"
_TIMES = re.compile(rf"(?:(?:{_DATE}|{_TIME})[ T/{_DASH}]{{0,3}})*(?:{_DATE}|{_TIME})")
# Groups that a version has and a phone number has not.
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,5}){2,}")
_PAIRS = re.compile(r"\d{2,3}(?:\.\d{2,3}){2,4}")
_HOME = ("LV", "LT", "EE")
_HOME_CODES = ("371", "370", "372")
_FEWEST, _MOST = 7, 15
_MOST_GROUPS = 30
"""Groups of digits in a row that are looked at one by one; more are no sentence, and would cost time."""
_MOBILE_OR_FIXED_LV = re.compile(r"[26]\d{7}")
_DOMESTIC = re.compile(r"[2-9]\d{6,7}|[08][2-9]\d{7}")
_DOMESTIC_LT = re.compile(r"[08][3-7]\d{7}")
_LOOK_BACK = 48


def redact_numbers(text: str) -> str:
    """Replace accounts, cards, personal codes and phone numbers by placeholders.

    >>> redact_numbers("order 20000100, call +371 20000100")
    'order 20000100, call [phone]'
    """
    text = _replaced(text, _accounts(_judged(text)), "[iban]")
    text = _replaced(text, _cards(_judged(text)), "[card]")
    text = _replaced(text, _personal_codes(_judged(text)), "[personal code]")
    return _replaced(text, _phones(_judged(text)), "[phone]")


def _judged(text: str) -> str:
    """Return the text as it is judged, every sign at its place: any space is a space, placeholders say nothing."""
    return _PLACEHOLDER.sub(_blank, text.translate(_SPACES))


def _blank(match: re.Match[str]) -> str:
    return ";" * len(match.group())


def _replaced(text: str, spans: Iterator[Span], placeholder: str) -> str:
    """Put the placeholder for each span; spans come in order, and those that overlap are one."""
    kept: list[str] = []
    position = 0
    for start, end in spans:
        if start >= position:
            kept += text[position:start], placeholder
        position = max(position, end)
    return "".join((*kept, text[position:]))


def _accounts(text: str) -> Iterator[Span]:
    position = 0
    while found := _IBAN_START.search(text, position):
        end = _account_end(text, found.start(), _IBAN_LENGTH.get(found.group(1).upper(), 0))
        if end:
            yield found.start(), end
        position = end or found.start() + 1


def _account_end(text: str, start: int, length: int) -> int:
    """Return where an account of so many characters ends, or 0 where none begins here."""
    taken: list[str] = []
    for place in range(start, min(len(text), start + 2 * length)):
        character = text[place]
        if character.isascii() and character.isalnum():
            taken.append(character)
        elif character not in " -" or not taken:
            return 0
        if len(taken) == length:
            ends = place + 1 == len(text) or not (text[place + 1].isalnum())
            digits = sum(one.isdigit() for one in taken)
            # A slip of the finger breaks the checksum, but the account can be guessed all the same.
            good = iban.is_valid("".join(taken), check_country=False) or digits >= _MIN_IBAN_DIGITS
            return place + 1 if ends and good else 0
    return 0


def _cards(text: str) -> Iterator[Span]:
    for row in _CARD_ROW.finditer(text):
        if _is_card(row.group()):
            yield row.span()
            continue
        groups = list(_CARD_GROUP.finditer(text, *row.span()))
        for place, first in enumerate(groups):
            for last in groups[place : place + _MOST_CARD_GROUPS]:
                written = text[first.start() : last.end()]
                if _CARD_AMONG_OTHERS.fullmatch(written) and _is_card(written):
                    yield first.start(), last.end()


def _is_card(written: str) -> bool:
    digits = _digits(written)
    return bool(_CARD_FORM.fullmatch(digits)) and luhn.is_valid(digits)


def _personal_codes(text: str) -> Iterator[Span]:
    return (match.span() for match in _PERSONAL.finditer(text) if _is_personal(match))


def _is_personal(match: re.Match[str]) -> bool:
    written = match.group()
    digits = _digits(written)
    # What begins with more than 3 is a company's number in Latvia.
    known = digits[0] <= "3" and pvn.is_valid(digits)
    if known or asmens.is_valid(digits) or ik.is_valid(digits) or _PERSONAL_SHAPE.fullmatch(written):
        return True
    return bool(_PERSONAL_WORDS.search(_before(match.string, match.start())))


def _phones(text: str) -> Iterator[Span]:
    text = _STUCK.sub(_parted, _GLUED_PHONES.sub(" ", _GLUED.sub(r"\1 ", text)))
    for row in _PHONE_ROW.finditer(_SUM_OR_HOUR.sub(_blank, text)):
        yield from _phones_of(row, _before(text, row.start()))


def _parted(match: re.Match[str]) -> str:
    """Return a word for phones that ends where its number begins, as long as the one that does not."""
    return "t.:".rjust(len(match.group()))


def _phones_of(row: re.Match[str], before: str) -> list[Span]:
    """Judge a row of groups of digits, by the words before it too: as a whole, else by its parts, the longest first.

    Parts that are phone numbers by themselves come before those that only the words in front call so.
    """
    written = row.group()
    said = says_phone(before)
    if _is_time(written, said):
        return []
    other = bool(_OTHER_WORDS.search(before)) and not said
    groups = list(_PHONE_GROUP.finditer(row.string, *row.span()))
    if len(groups) > _MOST_GROUPS or _is_phone(written, said, other):
        return [row.span()]
    found: list[Span] = []
    taken: set[int] = set()
    for believed in (False, True) if said else (False,):
        for size in range(min(len(groups), _MOST), 0, -1):
            for start in range(len(groups) - size + 1):
                part = range(start, start + size)
                span = groups[start].start(), groups[part[-1]].end()
                if taken.isdisjoint(part) and _is_phone(row.string[slice(*span)], believed, other):
                    taken.update(part)
                    found.append(span)
    return sorted(found)


def _is_time(written: str, said: bool) -> bool:
    """Tell a day or hour; eight digits may be a day or a phone number: "zvaniet 20101015"."""
    return bool(_TIMES.fullmatch(written)) and not (said and written.isdecimal())


def says_phone(before: str) -> bool:
    """Tell whether the words in front of a number call it a phone number."""
    return bool(_PHONE_WORDS.search(before))


def _is_phone(written: str, said: bool, other: bool) -> bool:
    digits = _digits(written)
    if not _FEWEST <= len(digits) <= _MOST or _is_time(written, said):
        return False
    if written.lstrip("( ").startswith("+") or (digits.startswith("00") and len(digits) > 10):
        return _valid("+" + digits.removeprefix("00"), None, possible=True)
    if _VERSION.fullmatch(written) and not _PAIRS.fullmatch(written) and not said:
        return False
    if said:
        return not _DAY_WITHIN.search(written)
    if other:
        return False
    if digits.startswith(_HOME_CODES) and _valid("+" + digits, None):
        return True
    plain = digits == written
    if plain:
        # Eleven digits without a plus could be anything; these are how people at home write their numbers.
        fits = _MOBILE_OR_FIXED_LV.fullmatch(digits) or _DOMESTIC_LT.fullmatch(digits)
        return bool(fits) and any(_valid(digits, region) for region in _HOME)
    if len(digits) <= 9 and not _DOMESTIC.fullmatch(digits):
        return False
    russian = len(digits) == 11 and digits[0] == "8" and _valid(digits, "RU")
    return russian or (len(digits) <= 9 and any(_valid(digits, region) for region in _HOME))


def _valid(digits: str, region: str | None, possible: bool = False) -> bool:
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number) or (possible and phonenumbers.is_possible_number(number))


def _before(text: str, place: int) -> str:
    return text[max(0, place - _LOOK_BACK) : place]


def _digits(written: str) -> str:
    """Return the digits of a number, as ASCII."""
    return "".join(str(int(character)) for character in written if character.isdecimal())
