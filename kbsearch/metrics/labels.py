"""Why searches of one meaning failed: nothing there, not in that language, or there but not found. Pure.

What customers and agents found afterwards decides first. Where nobody found anything, the knowledge base is asked, as
it is now. `python -m benchmarks.gaps` measures the thresholds on the questions of sample_kb.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kbsearch.metrics.failures import Failure
from kbsearch.metrics.library import Article, Library, Nearest

MISSING, OTHER_LANGUAGE, UNFOUND, UNHELPFUL = "missing", "other_language", "unfound", "unhelpful"
KINDS = (MISSING, OTHER_LANGUAGE, UNFOUND, UNHELPFUL)

NEAR_SCORE, NEAR_WORDS = 0.24, 0.6
"""Mean score of the first results, and mean share of words that the knowledge base knows, from which it holds what was
asked."""
NEAR_MEANING = 0.45
"""Mean similarity from which an article in another language, which shares no words with the query, does."""
WITNESSES = 2
"""Customers who must have found the same article later before it counts as the one that was looked for."""
WITNESS_SHARE = 0.1
"""And their share of the customers who failed."""
_ASKED = 8
"""Queries a language that the knowledge base is asked, most frequent first."""

Label = tuple[str, Article | None]


def label(failures: Mapping[str, Sequence[Failure]], library: Library) -> dict[str, Label]:
    """Return for each language the kind of gap, and the article that it is about where one can be named."""
    everything = [failure for mine in failures.values() for failure in mine]
    target = _witnessed(everything, library)
    if target:
        return {lang: _known(target, lang) for lang in failures}
    asked = {lang: _ask(mine, lang, library) for lang, mine in failures.items()}
    together = [near for answers in asked.values() for near in answers]
    if is_near(together):
        target = _agreed(together)
        return {lang: _known(target, lang) if target else (UNFOUND, None) for lang in failures}
    return {lang: _far(answers, lang) for lang, answers in asked.items()}


def is_near(asked: Sequence[Nearest | None]) -> bool:
    """Tell whether the knowledge base holds what was asked, by the first result of each query."""
    found = [near for near in asked if near]
    score = sum(near.score for near in found) / len(asked)
    known = sum(near.words_known for near in found) / len(asked)
    return score >= NEAR_SCORE and known >= NEAR_WORDS


def means_the_same(asked: Sequence[Nearest | None], lang: str) -> bool:
    """Tell whether articles that do not exist in this language mean what was asked."""
    other = [near for near in asked if near and lang not in near.article.languages]
    return sum(near.similarity for near in other) / len(asked) >= NEAR_MEANING


def _known(target: Article, lang: str) -> Label:
    return (UNFOUND if lang in target.languages else OTHER_LANGUAGE), target


def _far(asked: Sequence[Nearest | None], lang: str) -> Label:
    if means_the_same(asked, lang):
        return OTHER_LANGUAGE, _agreed([near for near in asked if near and lang not in near.article.languages])
    return MISSING, None


def _witnessed(failures: Iterable[Failure], library: Library) -> Article | None:
    """Return the article that customers of this meaning found later, where enough of them did."""
    witnesses: dict[str, set[str]] = {}
    articles: dict[str, Article] = {}
    clients: set[str] = set()
    for failure in failures:
        clients.add(failure.client)
        for found in failure.found_later:
            article = library.article(found)
            if article is not None:
                articles.setdefault(article.group, article)
                witnesses.setdefault(article.group, set()).add(failure.client)
    best = max(sorted(witnesses), key=lambda group: len(witnesses[group]), default=None)
    if best is None or len(witnesses[best]) < max(WITNESSES, WITNESS_SHARE * len(clients)):
        return None
    return articles[best]


def _ask(failures: Sequence[Failure], lang: str, library: Library) -> list[Nearest | None]:
    asked = Counter(failure.key for failure in failures)
    texts = {failure.key: failure.text for failure in reversed(failures)}
    return [library.nearest(texts[key], lang) for key in sorted(asked, key=lambda key: (-asked[key], key))[:_ASKED]]


def _agreed(asked: Sequence[Nearest | None]) -> Article | None:
    """Return the article that at least half of the queries lead to."""
    counts = Counter(near.article.group for near in asked if near)
    group, count = counts.most_common(1)[0]
    found = next(near.article for near in asked if near and near.article.group == group)
    return found if 2 * count >= len(asked) else None
