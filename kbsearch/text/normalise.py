"""Clean text: one spelling for each character, one kind of white space; and the folded form for matching.

Takes raw text from loaders and queries; `normalise` gives what is stored and shown, `fold` what is compared.
Imported by everything in `kbsearch.text` and by loaders.
"""

import re
import unicodedata
from functools import cache

# A single plain space, which most are, needs no work.
_WHITE_RUN = re.compile(r"[^\S ]\s*| \s+")
_NEWLINE = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Cc, Cf and lone surrogates. The two joiners (U+200C, U+200D) stay: Persian, Hindi and emoji need them.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff\U000e0001\U000e0020-\U000e007f]+"
)


def normalise(text: str) -> str:
    """Return NFC text without control characters and with single spaces; idempotent.

    A run of white space becomes one space, one "\\n" if it held one line break, two if it held more.
    """
    # What can be printed holds nothing invisible, and no white space but plain spaces.
    if text.isprintable() and "  " not in text:
        return unicodedata.normalize("NFC", text).strip()
    visible = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return _WHITE_RUN.sub(_one_space, visible).strip()


def drop_controls(text: str) -> str:
    """Return what somebody wrote for a person to read: "\\n" for each line break, no control character but that and the
    tab; idempotent. Spaces, and marks of writing from right to left, stay."""
    return _CONTROL.sub("", _NEWLINE.sub("\n", text))


def fold(text: str) -> str:
    """Return the text case-folded, Latin and Greek letters without diacritics, ё as е; idempotent.

    Other scripts keep their letters (й stays й). The length may change: ß gives ss, æ gives ae.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.casefold()).translate(_fold_table())


def _one_space(run: re.Match[str]) -> str:
    return "\n" * min(2, len(_NEWLINE.findall(run.group()))) or " "


@cache
def _fold_table() -> dict[int, str | None]:
    """Map each Latin or Greek letter to its base; letters that Unicode does not decompose are listed."""
    table: dict[int, str | None] = dict.fromkeys(range(0x300, 0x370))
    for block in (range(0xC0, 0x250), range(0x370, 0x400), range(0x1E00, 0x2000)):
        for code in block:
            base = "".join(c for c in unicodedata.normalize("NFD", chr(code)) if not unicodedata.combining(c))
            if base and base != chr(code):
                table[code] = base.casefold()
    undecomposed = {
        "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t",
        "ŋ": "n", "ĸ": "k", "ё": "е", "ǿ": "o", "ǽ": "ae", "ǣ": "ae", "ƶ": "z", "ɨ": "i",
    }  # fmt: skip
    table.update({ord(letter): base for letter, base in undecomposed.items()})
    return table
