"""The contract's answers (section 4) as plain dicts, from the engine's nouns. Pure; `respond.py` encodes them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from kbsearch.types import Decision, Hit, SearchOutcome, StoredDocument, Suggestion

JsonObject = dict[str, object]


def search_answer(outcome: SearchOutcome, query_id: str, took_ms: float, *, explain: bool) -> JsonObject:
    """Return the search answer; `explain` adds how it came about."""
    return {"query_id": query_id, "took_ms": round(took_ms, 3), **outcome_answer(outcome, explain=explain)}


def outcome_answer(outcome: SearchOutcome, *, explain: bool) -> JsonObject:
    """Return what of the search answer is the same for everybody who gets this outcome."""
    answer: JsonObject = {
        "q": outcome.q,
        "detected_lang": outcome.detected_lang,
        "lang_confidence": round(outcome.lang_confidence, 4),
        "found": outcome.found,
        "snapshot": outcome.snapshot,
        "decision": decision_answer(outcome.decision),
        "hits": _hits(outcome.hits, explain),
        "facets": outcome.facets,
        "did_you_mean": outcome.did_you_mean,
    }
    if outcome.answer:
        answer["answer"] = {
            "text": html.escape(outcome.answer.text),
            "document_id": outcome.answer.document_id,
            "highlights": outcome.answer.highlights,
        }
    if explain:
        answer["timings_ms"] = {step: round(spent, 3) for step, spent in outcome.timings_ms.items()}
    if explain or outcome.degraded:
        answer["degraded"] = outcome.degraded
    return answer


def decision_answer(decision: Decision) -> JsonObject:
    """Return what to do with the hits, how surely and why."""
    return {
        "action": decision.action.value,
        "confidence": round(decision.confidence, 4),
        "reasons": decision.reasons,
        "calibrated": decision.calibrated,
    }


def suggest_answer(q: str, suggestions: Iterable[Suggestion]) -> JsonObject:
    """Return the lines under the search box."""
    return {
        "q": q,
        "suggestions": [
            {"text": line.text, "kind": line.kind, "lang": line.lang, "document_id": line.document_id or None}
            for line in suggestions
        ],
    }


def document_answer(document: StoredDocument, snapshot: str) -> JsonObject:
    """Return an article. Its audiences stay inside: they say who else may read it."""
    return {
        "id": document.id,
        "group": document.group,
        "lang": document.lang,
        "type": document.type,
        "title": document.title,
        "html": document.html,
        "text": document.text,
        "url": document.url,
        "category": document.category,
        "tags": document.tags,
        "updated_at": document.updated_at,
        "translations": document.translations,
        "snapshot": snapshot,
    }


def _hits(hits: Sequence[Hit], explain: bool) -> list[JsonObject]:
    # Escaping costs five times as much as looking whether there is anything to escape, in all of them at once.
    shown = "".join([hit.snippet for hit in hits])
    markup = "&" in shown or "<" in shown or ">" in shown or '"' in shown or "'" in shown
    return [_hit(hit, html.escape(hit.snippet) if markup else hit.snippet, explain) for hit in hits]


def _hit(hit: Hit, snippet: str, explain: bool) -> JsonObject:
    answer: JsonObject = {
        "id": hit.id,
        "group": hit.group,
        "type": hit.type,
        "lang": hit.lang,
        "title": hit.title,
        "url": hit.url,
        "score": hit.score,
        "snippet": snippet,
        "highlights": hit.highlights,
        "position": hit.position,
        "translations": hit.translations,
        "language_match": hit.language_match,
    }
    if explain:
        answer["explain"] = hit.explain
    return answer
