"""The knowledge base as gap triage and the article table see it: an engine behind `metrics.library.Library`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kbsearch.editing import Synonym
from kbsearch.embed.protocol import Embedder
from kbsearch.embed.registry import load_embedder
from kbsearch.engine import open_engine
from kbsearch.metrics.library import Article, Nearest
from kbsearch.service.reload import SearchEngine
from kbsearch.service.security import PUBLIC
from kbsearch.text.tags import primary
from kbsearch.types import MAX_QUERY, SearchOutcome, SearchRequest


class Knowledge:
    """What one reader of a report may know of the knowledge base, as one snapshot has it."""

    def __init__(self, engine: SearchEngine, audiences: frozenset[str] | None) -> None:
        """Take the audiences of the reader; None sees everything (offline tools only)."""
        self._engine = engine
        self._audiences = audiences
        self._articles: dict[str, Article | None] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one L2-normalised row a text, of one model: whichever searches, groups stay the same."""
        return _grouping().encode_queries(texts)

    def nearest(self, text: str, lang: str) -> Nearest | None:
        """Search the public articles; None where nothing is found."""
        outcome = self._first(self._engine, text, lang)
        if outcome is None:
            return None
        hit = outcome.hits[0]
        article = Article(hit.id, hit.group, hit.title, hit.lang, tuple(sorted({hit.lang, *hit.translations})))
        evidence = outcome.evidence
        return Nearest(article, hit.score, evidence.similarity, evidence.words_known) if evidence else None

    def article(self, article_id: str) -> Article | None:
        """Return an article that the reader may see; None where there is none."""
        if article_id not in self._articles:
            found = self._engine.document(article_id, audiences=self._audiences)
            languages = tuple(sorted({found.lang, *found.translations})) if found else ()
            self._articles[article_id] = (
                Article(found.id, found.group, found.title, found.lang, languages) if found else None
            )
        return self._articles[article_id]

    def in_language(self, article: Article, lang: str) -> Article:
        """Return its translation that the reader may see, or the article itself where there is none."""
        found = self._engine.document(article.id, audiences=self._audiences)
        other = found.translations.get(lang) if found else None
        return (self.article(other) if other else None) or article

    def knows(self, word: str, lang: str) -> bool:
        """Whether articles for the public hold this word, in any form."""
        near = self.nearest(word, lang)
        return near is not None and near.words_known > 0.0

    def finds_first(self, texts: Sequence[str], lang: str, article: Article, synonym: Synonym | None) -> list[bool]:
        """Return for each query whether the article, in whatever language, is the public's first result."""
        engine = self._engine.with_synonym(synonym) if synonym else self._engine
        outcomes = [self._first(engine, text, lang) for text in texts]
        return [outcome is not None and outcome.hits[0].group == article.group for outcome in outcomes]

    def _first(self, engine: SearchEngine, text: str, lang: str) -> SearchOutcome | None:
        """What the public finds, first result only; None where that is nothing."""
        if not text.strip():
            return None
        known = lang if primary(lang) in map(primary, engine.languages_for(PUBLIC)) else ""
        outcome = engine.search(SearchRequest(q=text[:MAX_QUERY], lang=known, limit=1, audiences=PUBLIC))
        return outcome if outcome.hits else None


def open_knowledge(directory: Path) -> Knowledge:
    """Open the published snapshot for somebody who may see everything: whoever can read the files."""
    return Knowledge(open_engine(directory), None)


@cache
def _grouping() -> Embedder:
    return load_embedder("kbsearch-static")  # a report groups tens of thousands of queries: the quick one
