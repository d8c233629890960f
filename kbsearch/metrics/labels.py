"""Why searches of one meaning failed: nothing there, not in that language, or there but not found. Pure.

What customers and agents found afterwards decides first. Where nobody found anything, the knowledge base is asked, as
it is now. `python -m benchmarks.gaps` measures the thresholds on the questions of sample_kb.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from kbsearch.metrics.library import Article, Library, Nearest

MISSING, OTHER_LANGUAGE, UNFOUND, UNHELPFUL = "missing", "other_language", "unfound", "unhelpful"
KINDS = (MISSING, OTHER_LANGUAGE, UNFOUND, UNHELPFUL)

NEAR_SCORE, NEAR_WORDS = 0.28, 0.6
"""Mean score of the first results, and mean share of words that the knowledge base knows, from which it holds what was
asked."""
NEAR_MEANING = 0.45
"""Mean similarity from which an article in another language, which shares no words with the query, does."""
WITNESSES = 2
"""Customers who must have found the same article later before it counts as the one that was looked for."""
WITNESS_SHARE = 0.1
"""And their share of the customers who failed."""

Label = tuple[str, Article | None]
Asked = tuple[Nearest | None, int]
"""The first result of a query, and how often the query failed."""


def label(
    queries: Mapping[str, Sequence[tuple[str, int]]], witnessed: Article | None, library: Library
) -> dict[str, Label]:
    """Return for each language the kind of gap, and the article that it is about where one can be named.

    `queries` are those that failed in each language, and how often each did; `witnessed` is the article that customers
    of this meaning found later, where enough of them did.
    """
    if witnessed:
        return {lang: _known(witnessed, lang) for lang in queries}
    asked = {lang: [(library.nearest(text, lang), count) for text, count in mine] for lang, mine in queries.items()}
    together = [one for answers in asked.values() for one in answers]
    if is_near(together):
        target = _agreed(together)
        return {lang: _known(target, lang) if target else (UNFOUND, None) for lang in queries}
    return {lang: _far(answers, lang) for lang, answers in asked.items()}


def is_near(asked: Sequence[Asked], score: float = NEAR_SCORE, words: float = NEAR_WORDS) -> bool:
    """Tell whether the knowledge base holds what was asked, by the first result of each query."""
    return _mean(asked, lambda near: near.score) >= score and _mean(asked, lambda near: near.words_known) >= words


def means_the_same(asked: Sequence[Asked], lang: str, similarity: float = NEAR_MEANING) -> bool:
    """Tell whether articles that do not exist in this language mean what was asked."""
    return _mean(asked, lambda near: near.similarity if lang not in near.article.languages else 0.0) >= similarity


def _mean(asked: Sequence[Asked], value: Callable[[Nearest], float]) -> float:
    """Average over searches: a query that was asked often counts often, and one without a result counts as 0."""
    return sum(value(near) * count for near, count in asked if near) / sum(count for _, count in asked)


def _known(target: Article, lang: str) -> Label:
    return (UNFOUND if lang in target.languages else OTHER_LANGUAGE), target


def _far(asked: Sequence[Asked], lang: str) -> Label:
    if means_the_same(asked, lang):
        return OTHER_LANGUAGE, _agreed([(near, count) for near, count in asked if _is_elsewhere(near, lang)])
    return MISSING, None


def _is_elsewhere(near: Nearest | None, lang: str) -> bool:
    return near is not None and lang not in near.article.languages


def _agreed(asked: Sequence[Asked]) -> Article | None:
    """Return the article that at least half of the searches lead to."""
    counts: Counter[str] = Counter()
    for near, count in asked:
        if near:
            counts[near.article.group] += count
    group, most = counts.most_common(1)[0]
    found = next(near.article for near, _ in asked if near and near.article.group == group)
    return found if 2 * most >= sum(count for _, count in asked) else None
