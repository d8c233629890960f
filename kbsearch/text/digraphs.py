"""Latvian and Lithuanian as people type them without their letters: "kaa mainiit" is "kā mainīt", "uzhsakymas" is
"užsakymas".

Takes an ASCII word, gives the word that may be meant, as `fold` leaves it. Imported by `lexicon`, which knows whether
there is such a word.
"""

import re
from typing import Final

HAVE_DIGRAPHS: Final = frozenset({"lv", "lt"})

# Not where a prefix ends: ie|eja, ne|esmu, pri|imti.
_LETTERS: Final = re.compile(r"aa|(?<!\b[in])ee|(?<!\bpr)ii|uu|[scz]h|[gkln]j", re.IGNORECASE)


def without_digraphs(word: str) -> str:
    """Return the word with one letter for each two that stand for it."""
    return _LETTERS.sub(lambda two: two[0][0], word)
