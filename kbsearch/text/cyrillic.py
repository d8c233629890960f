"""Russian and its neighbours typed with Latin letters, read back: "kak izmenit parol" is "как изменит парол".

Takes a lower-case ASCII word, gives its likeliest Cyrillic spelling. Imported by `language`. There are many ways to
write Cyrillic in Latin letters (passports, ISO 9, chat), so what several of them share is read the same way.
"""

import re
from collections.abc import Iterator
from typing import Final

_LETTERS: Final = {
    "shch": "щ", "sch": "щ", "sh": "ш", "ch": "ч", "zh": "ж", "kh": "х", "ts": "ц", "ya": "я", "ja": "я", "yu": "ю",
    "ju": "ю", "yo": "е", "jo": "е", "ye": "е", "je": "е", "a": "а", "b": "б", "c": "ц", "d": "д", "e": "е", "f": "ф",
    "g": "г", "h": "х", "i": "и", "j": "й", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к",
    "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "w": "в", "x": "х", "y": "ы", "z": "з",
}  # fmt: skip
_SHORT_I: Final = "(?<=[aeiouy])[yj](?![aeou])"
_SOFT: Final = frozenset("бвджзлмнпрстфчшщ")
_RUN: Final = re.compile(f"({_SHORT_I})|" + "|".join(_LETTERS))


def to_cyrillic(word: str) -> str:
    """Return a lower-case ASCII word as it would be spelt in Russian; what is no letter stays."""
    return _RUN.sub(lambda run: "й" if run[1] else _LETTERS[run[0]], word)


def with_soft_sign(word: str) -> Iterator[str]:
    """Yield a Cyrillic word with the soft sign that Latin letters leave out, at each place, those at the end first."""
    for place in range(len(word), 1, -1):
        if word[place - 1] in _SOFT and word[place : place + 1] != "ь":
            yield f"{word[:place]}ь{word[place:]}"
