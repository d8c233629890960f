"""The article table: how often each was read, whether it helped, and how often a ticket followed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kbsearch.metrics.library import Article, Library
from kbsearch.metrics.shares import Share
from kbsearch.metrics.traces import HELPFUL, READERS, TICKETS, VIEWS, VOTES


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One article's part in the period."""

    article: Article
    views: int
    helpful: Share
    escalated: Share
    """Of journeys that read it, those with a ticket or hand-over after the reading."""


@dataclass(frozen=True, slots=True)
class Articles:
    """All articles that were read, most views first."""

    rows: tuple[ArticleRow, ...]
    unlisted: int
    """Articles that were read but exist no more, or that the reader of the report may not see."""
    unlisted_views: int


def add_counts(into: dict[str, list[int]], counts: Mapping[str, Sequence[int]]) -> None:
    """Add the counts of another day."""
    for article, mine in counts.items():
        into[article] = [a + b for a, b in zip(into.get(article, (0,) * len(mine)), mine, strict=True)]


def table(counts: Mapping[str, Sequence[int]], library: Library) -> Articles:
    """Make the table; titles are those of the knowledge base as it is now."""
    rows = []
    hidden: list[int] = []
    for name, mine in counts.items():
        article = library.article(name)
        if article is None:
            hidden.append(mine[VIEWS])
            continue
        helpful = Share(mine[HELPFUL], mine[VOTES], "no votes")
        escalated = Share(mine[TICKETS], mine[READERS], "no journey that read it and whose window has closed")
        rows.append(ArticleRow(article, mine[VIEWS], helpful, escalated))
    return Articles(tuple(sorted(rows, key=_order)), len(hidden), sum(hidden))


def _order(row: ArticleRow) -> tuple[int, str]:
    return -row.views, row.article.id
