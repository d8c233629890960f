"""The two lists to work from, gaps and articles, as plain values. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kbsearch.metrics.articles import ArticleRow
from kbsearch.metrics.gaps import Gap
from kbsearch.metrics.insight import Insight
from kbsearch.metrics.labels import KINDS, MISSING, OTHER_LANGUAGE, UNFOUND, UNHELPFUL
from kbsearch.metrics.present_insight import gap_title, into_languages, remedy_said
from kbsearch.metrics.shares import Share
from kbsearch.service.dashboard.lines import percent, spark

Values = dict[str, object]

_ACTIONS = {MISSING: "Write", OTHER_LANGUAGE: "Translate", UNFOUND: "Reword", UNHELPFUL: "Rewrite"}
_WHY = {
    MISSING: "No article in any language comes near.",
    OTHER_LANGUAGE: "An article exists, but not in the language of these customers.",
    UNFOUND: "The article exists in their language, but these words do not lead to it: reword it or add a synonym.",
    UNHELPFUL: "It was opened, and did not help: a ticket or a “no” came after it more often than elsewhere.",
}
_LANGUAGES = {
    "lv": "Latvian", "lt": "Lithuanian", "et": "Estonian", "en": "English", "ru": "Russian", "pl": "Polish",
    "de": "German", "uk": "Ukrainian", "fi": "Finnish", "sv": "Swedish", "unknown": "Unknown",
}  # fmt: skip
_TRENDS = {"rising": "↗ rising", "falling": "↘ falling", "steady": "→ steady", None: ""}
_MOST_GAPS, _MOST_ARTICLES = 25, 50
_SPARKS = 28
"""Points of a small line; longer periods are added up."""


def gap_values(insight: Insight | None) -> Values:
    """Return the gap list; empty without a knowledge base."""
    if insight is None:
        return {"known": False, "rows": [], "counts": [], "more": 0, "failed": 0, "unnamed": 0, "least": 0}
    found = insight.triage
    return {
        "known": True,
        "rows": [_gap(gap, insight.days) for gap in found.gaps[:_MOST_GAPS]],
        "counts": [(kind, _ACTIONS[kind], sum(gap.kind == kind for gap in found.gaps)) for kind in KINDS],
        "more": max(0, len(found.gaps) - _MOST_GAPS),
        "failed": found.failed,
        "unnamed": found.unnamed + found.unexamined,
        "least": found.least,
        "escalated": found.escalated,
        "cost": _money(found.cost),
    }


def article_values(insight: Insight | None) -> Values:
    """Return the article table, most read first; empty without a knowledge base."""
    if insight is None:
        return {"known": False, "rows": [], "more": 0, "unlisted": 0, "unlisted_views": 0}
    found = insight.articles
    return {
        "known": True,
        "rows": [_article(row) for row in found.rows[:_MOST_ARTICLES]],
        "more": max(0, len(found.rows) - _MOST_ARTICLES),
        "unlisted": found.unlisted,
        "unlisted_views": found.unlisted_views,
    }


def language_name(code: str) -> str:
    """Return the English name of a language; its code where there is none."""
    return _LANGUAGES.get(code, code)


def _gap(gap: Gap, days: Sequence[str]) -> Values:
    into = into_languages(gap)
    # A query says its language only where all who asked it share one.
    lang = next(iter(gap.languages)) if len(gap.languages) == 1 else ""
    is_asked = bool(gap.examples or gap.words) and not (gap.kind == UNHELPFUL and gap.article)
    return {
        "lang": lang,
        "title_lang": lang if is_asked else gap.article.lang if gap.article else "",
        "article_lang": gap.article.lang if gap.article else "",
        "kind": gap.kind,
        "action": _ACTIONS[gap.kind] + (f" into {', '.join(map(language_name, into))}" if into else ""),
        "why": _WHY[gap.kind],
        "title": gap_title(gap).strip("“”"),
        "article": gap.article.title if gap.article and gap.kind != UNHELPFUL else "",
        "languages": list(gap.languages.items()),
        "examples": gap.examples[0 if gap.kind == UNHELPFUL else 1 :],
        "asked": "Asked" if gap.kind == UNHELPFUL else "Also asked",
        "words": gap.words if not gap.examples else (),
        "synonym": gap.remedy.line if gap.remedy else "",
        "tried": remedy_said(gap.remedy) if gap.remedy else "",
        "failed": share_values(gap.failed),
        "unit": "journeys" if gap.kind == UNHELPFUL else "searches",
        "clients": f"{gap.clients:,}",
        "escalated": f"{gap.escalated:,}",
        "trend": _TRENDS[gap.trend],
        "trend_css": gap.trend or "",
        "spark": spark(_summed([gap.by_day.get(day, 0) for day in days])),
        "cost": _money(gap.cost),
    }


def _article(row: ArticleRow) -> Values:
    return {
        "title": row.article.title,
        "id": row.article.id,
        "lang": row.article.lang,
        "views": row.views,
        "helpful": share_values(row.helpful),
        "escalated": share_values(row.escalated),
    }


def share_values(share: Share) -> Values:
    """Return a share in words and on a scale of 0 to 100."""
    low, high = share.interval or (0.0, 0.0)
    known = share.value is not None
    return {
        "value": percent(share.value) if share.value is not None else "–",
        "sort": share.value if share.value is not None else -1,
        "interval": f"{100 * low:.0f}–{100 * high:.0f} %" if known else "",
        "hits": f"{share.hits:,}",
        "n": f"{share.n:,}",
        "reason": share.reason or "",
        "mark": None if share.value is None else round(100 * share.value, 2),
        "low": round(100 * low, 2),
        "high": round(100 * high, 2),
    }


def _summed(values: Sequence[int]) -> list[float]:
    """Add up neighbours until few enough are left."""
    size = -(-len(values) // _SPARKS)
    return [float(sum(values[start : start + size])) for start in range(0, len(values), size)]


def _money(dollars: float) -> str:
    return f"${dollars:,.0f}"
