"""Stop words: words too common to search for, one text file a language.

Takes a folded word and a language code, says whether it carries no content. Imported by `analyze`.
"""

from functools import cache
from pathlib import Path

from kbsearch.text.normalise import fold

_FOLDER = Path(__file__).parent / "stopwords"


def is_stop(folded: str, lang: str) -> bool:
    """Say whether a folded word is a stop word; a language without a list has none."""
    return folded in stop_words(lang)


@cache
def stop_words(lang: str) -> frozenset[str]:
    """Return the folded stop words of a language; none where there is no list."""
    lang = lang.partition("-")[0]
    path = _FOLDER / f"{lang}.txt"
    if not lang.isalpha() or not path.is_file():
        return frozenset()
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(fold(word) for line in lines if not line.startswith("#") for word in line.split())
