"""What was typed with the keyboard set to the other alphabet: "gfhjkm" is "пароль", "зфкщду" is "parole".

Takes a query, gives what the same keys write in the other of the two layouts that a Russian speaker in the Baltics
changes between: Russian (ЙЦУКЕН) and Latin (QWERTY, whose letters Latvian, Lithuanian, Estonian and Polish layouts
share); or, for a code that was read off a screen, the letters of the other alphabet that look the same. Whether that
was meant is for `lexicon` to say.
"""

from typing import Final

_LATIN: Final = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`" + 'QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>~' + "/?&"
_RUSSIAN: Final = "йцукенгшщзхъфывапролджэячсмитьбюё" + "ЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮЁ" + ".,?"
_CYRILLIC: Final = frozenset(filter(str.isalpha, _RUSSIAN))
_TO_RUSSIAN: Final = str.maketrans(_LATIN, _RUSSIAN)
_TO_LATIN: Final = str.maketrans(_RUSSIAN, _LATIN)
_ALIKE: Final = ("ABCEHKMOPTXY", "АВСЕНКМОРТХУ")
_TO_ALIKE: Final = str.maketrans("".join(_ALIKE), "".join(reversed(_ALIKE)))


def has_cyrillic(text: str) -> bool:
    """Tell whether any letter is Russian."""
    return not _CYRILLIC.isdisjoint(text)


def in_other_layout(text: str) -> str:
    """Return what the same keys write in the other layout: in Latin letters for a text with Cyrillic ones, else in
    Cyrillic.

    Keys that write the same in both, digits among them, stay as they are.
    """
    return text.translate(_TO_LATIN if has_cyrillic(text) else _TO_RUSSIAN)


def look_alike(letters: str) -> str:
    """Return the capitals of the other alphabet that look like these letters; where there is none, a letter's own."""
    return letters.upper().translate(_TO_ALIKE)
