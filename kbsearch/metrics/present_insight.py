"""Gaps, articles and flow for programs (JSON values) and for people (text). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kbsearch.amounts import amount
from kbsearch.metrics.articles import ArticleRow
from kbsearch.metrics.gaps import Gap
from kbsearch.metrics.insight import Insight
from kbsearch.metrics.labels import KINDS, MISSING, OTHER_LANGUAGE, UNFOUND, UNHELPFUL
from kbsearch.metrics.library import Article
from kbsearch.metrics.remedies import Remedy

ACTIONS = {
    MISSING: "write an article",
    OTHER_LANGUAGE: "translate",
    UNFOUND: "reword, or add a synonym",
    UNHELPFUL: "rewrite",
}
"""Kind of gap → what to do."""
_MOST_LINES = 15


def insight_json(insight: Insight) -> dict[str, Any]:
    """Return JSON values: `flow`, `gaps` and `articles`."""
    found = insight.triage
    return {
        "flow": [
            {"step": step, "outcome": outcome, "journeys": count}
            for (step, outcome), count in sorted(insight.flow.items())
        ],
        "gaps": {
            "failed_searches": found.failed,
            "unnamed": found.unnamed,
            "unexamined": found.unexamined,
            "escalated": found.escalated,
            "cost": found.cost,
            "least_clients": found.least,
            "list": [_gap(gap) for gap in found.gaps],
        },
        "articles": {
            "list": [_row(row) for row in insight.articles.rows],
            "unlisted": insight.articles.unlisted,
            "unlisted_views": insight.articles.unlisted_views,
        },
    }


def insight_text(insight: Insight) -> str:
    """Return the gap list for a terminal, dearest first."""
    found = insight.triage
    counts = ", ".join(f"{sum(gap.kind == kind for gap in found.gaps)} {kind.replace('_', ' ')}" for kind in KINDS)
    failed = amount(found.failed, "failed search", "failed searches")
    lines = ["", f"gaps: {counts}; {failed}, {found.unnamed:,} of them in no gap"]
    for gap in found.gaps[:_MOST_LINES]:
        lines.append(
            f"  {ACTIONS[gap.kind]}: {gap_title(gap)}  [{' '.join(gap.languages)}]  {gap.failed.hits:,} of "
            f"{gap.failed.n:,} failed, {amount(gap.clients, 'client')}, {amount(gap.escalated, 'journey')} with a "
            f"ticket after (${gap.cost:,.2f}), {gap.trend or 'no trend'}"
        )
        if gap.remedy:
            lines.append(f"    in synonyms.csv: {gap.remedy.line}  ({remedy_said(gap.remedy)})")
    if len(found.gaps) > _MOST_LINES:
        lines.append(f"  and {len(found.gaps) - _MOST_LINES} more; see --json")
    return "\n".join(lines)


def gap_title(gap: Gap) -> str:
    """Name a gap: by what customers asked, by the article, or by words; never by a query that few asked."""
    if gap.kind == UNHELPFUL and gap.article:
        return f"“{gap.article.title}”"
    if gap.examples:
        return f"“{gap.examples[0]}”"
    if gap.words:
        return " · ".join(gap.words)
    return f"“{gap.article.title}”" if gap.article else "many wordings, none of them common"


def remedy_said(remedy: Remedy) -> str:
    """Say what trying a synonym gave."""
    searches = amount(remedy.searches, "search", "searches")
    return f"tried on {searches} that failed: {remedy.after:,} then find the article first, {remedy.before:,} do now"


def into_languages(gap: Gap) -> list[str]:
    """Return the languages to translate into: those of the customers that the article does not have."""
    have: Iterable[str] = gap.article.languages if gap.article else ()
    return [lang for lang in gap.languages if lang not in have] if gap.kind == OTHER_LANGUAGE else []


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "kind": gap.kind,
        "action": ACTIONS[gap.kind],
        "article": _article(gap.article),
        "translate_into": into_languages(gap),
        "languages": gap.languages,
        "failed": gap.failed.as_json(),
        "clients": gap.clients,
        "escalated": gap.escalated,
        "by_day": gap.by_day,
        "trend": gap.trend,
        "recent": gap.recent.as_json(),
        "examples": list(gap.examples),
        "words": list(gap.words),
        "synonym": _remedy(gap.remedy) if gap.remedy else None,
        "cost": gap.cost,
    }


def _remedy(remedy: Remedy) -> dict[str, Any]:
    return {
        "line": remedy.line,
        "searches": remedy.searches,
        "found_before": remedy.before,
        "found_after": remedy.after,
    }


def _row(row: ArticleRow) -> dict[str, Any]:
    return {
        "article": _article(row.article),
        "views": row.views,
        "helpful": row.helpful.as_json(),
        "escalated": row.escalated.as_json(),
    }


def _article(article: Article | None) -> dict[str, Any] | None:
    if article is None:
        return None
    return {"id": article.id, "group": article.group, "title": article.title, "lang": article.lang}
