"""Other words for what was typed, from the editor's list, whatever the inflection.

Takes the words of a query and the languages that read it, gives the words that may stand for them. Imported by the
engine (made once a snapshot) and by `understand`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from kbsearch.editing import Synonym
from kbsearch.text.analyze import is_stop_word
from kbsearch.text.stems import stem_terms
from kbsearch.text.tags import primary
from kbsearch.text.words import surfaces

Key = tuple[str, ...]


class Thesaurus:
    """The editor's synonyms, found by the stems of the words typed; those of one region serve the whole language.

    Stop words in a phrase do not matter where several other words are left. A phrase of one other word is compared as
    it is written, or "log in" would be any "log".
    """

    def __init__(self, synonyms: Sequence[Synonym], languages: Sequence[str]) -> None:
        self._found: dict[tuple[str, Key], dict[str, None]] = defaultdict(dict)
        self._firsts: set[tuple[str, str]] = set()
        self._longest = 0
        for synonym in synonyms:
            for lang in dict.fromkeys(map(primary, [synonym.lang] if synonym.lang else languages)):
                for phrase in synonym.typed:
                    key = _key(_telling(surfaces(phrase), lang), lang)
                    self._longest = max(self._longest, len(key))
                    self._firsts.update((lang, stem) for stem in key[:1])
                    others = (other for other in synonym.found if _key(_telling(surfaces(other), lang), lang) != key)
                    self._found[lang, key].update(dict.fromkeys(others))

    def begins(self, word: str, lang: str) -> bool:
        """Whether a phrase that has synonyms begins with a word of this language."""
        return (primary(lang), *_key([word], lang)) in self._firsts

    def expand(self, words: Sequence[str], readings: Sequence[str]) -> dict[Key, dict[str, str]]:
        """Phrases of the query that have synonyms: the words or phrases to look for too → their language.

        `words`: all that were typed, stop words too.
        """
        if not self._longest:
            return {}
        expanded: dict[Key, dict[str, str]] = {}
        for lang in dict.fromkeys(map(primary, readings)):
            for typed in dict.fromkeys((tuple(words), tuple(_telling(words, lang)))):
                stems = _key(typed, lang)
                for start in range(len(typed)):
                    for end in range(start + 1, min(start + self._longest, len(typed)) + 1):
                        if found := self._found.get((lang, stems[start:end])):
                            expanded.setdefault(typed[start:end], {}).update(dict.fromkeys(found, lang))
        return expanded


def _telling(words: Sequence[str], lang: str) -> Sequence[str]:
    """The words without stop words where several are left; else all."""
    telling = [word for word in words if not is_stop_word(word, lang)]
    return telling if len(telling) > 1 else words


def _key(words: Sequence[str], lang: str) -> Key:
    return tuple(stem_terms(word, lang)[0] for word in words)
