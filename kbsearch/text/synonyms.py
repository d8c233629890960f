"""Other words for what was typed, from the editor's list, whatever the inflection.

Takes the words of a query and the languages that read it, gives the words that may stand for them. Imported by the
engine (made once a snapshot) and by `understand`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from kbsearch.editing import Synonym
from kbsearch.text.stems import stem_terms
from kbsearch.text.words import surfaces

Key = tuple[str, ...]


class Thesaurus:
    """The editor's synonyms, found by the stems of the words typed."""

    def __init__(self, synonyms: Sequence[Synonym], languages: Sequence[str]) -> None:
        self._found: dict[tuple[str, Key], dict[str, None]] = defaultdict(dict)
        self._firsts: set[tuple[str, str]] = set()
        self._longest = 0
        for synonym in synonyms:
            for lang in [synonym.lang] if synonym.lang else languages:
                for phrase in synonym.typed:
                    key = _key(surfaces(phrase), lang)
                    self._longest = max(self._longest, len(key))
                    self._firsts.update((lang, stem) for stem in key[:1])
                    others = (other for other in synonym.found if _key(surfaces(other), lang) != key)
                    self._found[lang, key].update(dict.fromkeys(others))

    def begins(self, word: str, lang: str) -> bool:
        """Whether a phrase that has synonyms begins with a word of this language."""
        return (lang, *_key([word], lang)) in self._firsts

    def expand(self, words: Sequence[str], readings: Sequence[str]) -> dict[Key, dict[str, str]]:
        """Phrases of the query (as typed) that have synonyms: the words or phrases to look for too → their language."""
        if not self._longest:
            return {}
        expanded: dict[Key, dict[str, str]] = {}
        for lang in readings:
            stems = _key(words, lang)
            for start in range(len(words)):
                for end in range(start + 1, min(start + self._longest, len(words)) + 1):
                    if found := self._found.get((lang, stems[start:end])):
                        expanded.setdefault(tuple(words[start:end]), {}).update(dict.fromkeys(found, lang))
        return expanded


def _key(words: Sequence[str], lang: str) -> Key:
    return tuple(stem_terms(word, lang)[0] for word in words)
