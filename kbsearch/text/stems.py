"""The terms that stand for whole words. Imported where parts of words must not count: highlights, unknown words."""

from kbsearch.text.analyze import word_terms


def stem_terms(word: str, lang: str) -> tuple[str, ...]:
    """Return the stem terms of a surface word, that of the whole word first, those of its pieces after it."""
    return tuple(term for term in word_terms(word, lang) if term.startswith("~"))
