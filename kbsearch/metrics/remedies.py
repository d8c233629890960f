"""A line for the editor's synonyms that was tried on what failed: customers' words → the title that they meant. Pure.

Offered are whole queries of several words, and single words that the knowledge base does not know: a known word leads
somewhere already, and would bend searches that find what they look for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kbsearch.editing import Synonym
from kbsearch.metrics.library import Article, Library
from kbsearch.text.words import surfaces

_MARKS = (";", "=>")
"""What parts words in the editor's file."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A synonym with which most of the failed searches that were tried find the article first."""

    synonym: Synonym
    searches: int
    """Failed searches that were tried."""
    before: int
    """Of these, how many find the article first as the knowledge base is."""
    after: int
    """With the synonym."""

    @property
    def line(self) -> str:
        """The row of synonyms.csv, under `words,lang`."""
        row = io.StringIO()
        words = f"{self.synonym.typed[0]} => {self.synonym.found[0]}"
        csv.writer(row, lineterminator="").writerow([words, self.synonym.lang])
        return row.getvalue()


def find_remedy(
    article: Article, lang: str, wordings: Sequence[str], failed: Sequence[tuple[str, int]], library: Library
) -> Remedy | None:
    """Try each wording as another word for the article's title, and return what helps most; None where nothing does.

    `wordings` may be printed, most used first; `failed` are queries in `lang` with how often each failed.
    """
    title = " ".join(surfaces(library.in_language(article, lang).title))
    texts, counts = [text for text, _ in failed], [count for _, count in failed]

    def first(synonym: Synonym | None) -> int:
        found = library.finds_first(texts, lang, article, synonym)
        return sum(count for count, is_first in zip(counts, found, strict=True) if is_first)

    before = first(None)
    tried = [
        Remedy(synonym, sum(counts), before, first(synonym))
        for phrase in _phrases(wordings, lang, library)
        for synonym in [Synonym((phrase,), (title,), lang)]
        if not any(mark in f"{phrase}{title}" for mark in _MARKS)
    ]
    best = max(tried, key=lambda remedy: remedy.after, default=None)
    return best if best and best.after > before and 2 * best.after >= best.searches else None


def _phrases(wordings: Sequence[str], lang: str, library: Library) -> Iterator[str]:
    for wording in dict.fromkeys(" ".join(surfaces(wording.lower())) for wording in wordings):
        if " " in wording or (wording and not library.knows(wording, lang)):
            yield wording
