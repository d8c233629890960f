"""One stem for a folded word in any language; the only module importing PyStemmer.

Takes a folded word and a language code, gives its stem, or the word itself where no rules are known. Imported by
`analyze`.
"""

from functools import cache
from typing import Final

import Stemmer

from kbsearch.text.latvian import stem_latvian
from kbsearch.text.lithuanian import stem_lithuanian
from kbsearch.text.normalise import fold

STEMMER_VERSION: Final[str] = Stemmer.version()

_SNOWBALL: Final = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish",
}  # fmt: skip

LANGUAGES: Final[tuple[str, ...]] = tuple(sorted({*_SNOWBALL, "lv"}))


def stem(folded: str, lang: str) -> str:
    """Return the folded stem of a folded word."""
    if lang == "lv":
        return stem_latvian(folded)
    if lang not in _SNOWBALL:
        return folded
    # Some algorithms write letters of their own (Greek without accents, Serbian in Latin): fold again.
    stemmed = fold(_stemmer(_SNOWBALL[lang]).stemWord(folded)) or folded
    return stem_lithuanian(folded, stemmed) if lang == "lt" else stemmed


@cache
def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(algorithm, 0)
