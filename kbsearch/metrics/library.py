"""What gap triage and the article table ask of the knowledge base as it is now; the service and the command give it.

Metrics know no engine. Whoever makes a library decides what it may show: nothing of it is private to its reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kbsearch.editing import Synonym


@dataclass(frozen=True, slots=True)
class Article:
    """An article in one language."""

    id: str
    group: str
    """What its translations share."""
    title: str
    lang: str
    languages: tuple[str, ...]
    """Every language that the group has, this one included."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The first result of a search."""

    article: Article
    score: float
    """Words and meaning together, 0..1."""
    similarity: float
    """Meaning alone, 0..1."""
    words_known: float
    """Share of the query's content words that the knowledge base holds anywhere, 0..1."""


class Library(Protocol):
    """The knowledge base."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one L2-normalised row a text, by meaning across languages."""

    def nearest(self, text: str, lang: str) -> Nearest | None:
        """Search the public articles; None where nothing is found."""

    def article(self, article_id: str) -> Article | None:
        """Return an article that the reader of the report may see; None where there is none."""

    def in_language(self, article: Article, lang: str) -> Article:
        """Return its translation that the reader may see, or the article itself where there is none."""

    def knows(self, word: str, lang: str) -> bool:
        """Whether articles for the public hold this word, in any form."""

    def finds_first(self, texts: Sequence[str], lang: str, article: Article, synonym: Synonym | None) -> list[bool]:
        """Return for each query whether the article, in whatever language, is the public's first result.

        `synonym`: one more of the editor's, to try it.
        """
