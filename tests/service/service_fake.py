"""A deterministic engine over a handful of articles: words in common are the score. For tests of the service only."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from kbsearch.editing import Synonym
from kbsearch.errors import SnapshotDamaged, SnapshotMissing
from kbsearch.service.reload import SnapshotSource
from kbsearch.types import (
    Action,
    Answer,
    Decision,
    Hit,
    SearchOutcome,
    SearchRequest,
    StoredDocument,
    Suggestion,
)

SECRET = "test-secret-of-more-than-32-bytes-0123456789"


def article(
    document_id: str, title: str, text: str, *, audience: str = "public", kind: str = "article", html: str = ""
) -> StoredDocument:
    """Make an article whose group and language are in its id."""
    group, _, lang = document_id.partition(".")
    return StoredDocument(
        id=document_id,
        group=group,
        lang=lang,
        type=kind,
        title=title,
        html=html or f"<p>{text}</p>",
        text=text,
        url=f"https://brize.example/help/{lang}/{group}",
        category=("Account",),
        tags=(),
        audience=(audience,),
        updated_at="2026-10-01T00:00:00Z",
    )


ARTICLES = (
    article("reset-password.en", "Reset your password", "Choose Forgot password; the link is valid 30 minutes."),
    article("reset-password.lv", "Kā atjaunot paroli", "Izvēlieties Aizmirsu paroli; saite der 30 minūtes."),
    article("change-email.en", "Change your e-mail", "Settings, then E-mail. Your password stays.", kind="tutorial"),
    article("track-order.en", "Track your order", "Account, then Orders <shows> 'every' step & date.", kind="faq"),
    article("refund-limits.en", "Refund limits", "Agents refund up to 50 euro alone.", audience="agent"),
)


class FakeEngine:
    """What the service needs of an engine."""

    def __init__(
        self, snapshot: str = "v1", articles: tuple[StoredDocument, ...] = ARTICLES, delay: float = 0.0
    ) -> None:
        self.snapshot = snapshot
        self.may_wait = False
        self._articles = articles
        self._delay = delay

    def languages_for(self, audiences: frozenset[str] | None) -> tuple[str, ...]:
        """Those of the articles for these audiences."""
        return tuple(sorted({document.lang for document in self._visible(audiences)}))

    def search(self, request: SearchRequest) -> SearchOutcome:
        """Rank by the share of words in common."""
        time.sleep(self._delay)
        if request.q == "explode":
            raise RuntimeError("boom")
        asked = _words(f"{request.q} {request.body}")
        found = []
        for document in self._visible(request.audiences):
            if "type" in request.filters and document.type not in request.filters["type"]:
                continue
            share = len(asked & _words(f"{document.title} {document.text}")) / max(1, len(asked))
            if share > 0:
                found.append((-share, document.id, document))
        found.sort(key=lambda item: item[:2])
        documents = [item[2] for item in found]
        best = -found[0][0] if found else 0.0
        action = Action.HAND_OVER if not found else Action.ANSWER if best == 1.0 else Action.LIST
        page = list(zip(found, documents, strict=True))[request.offset : request.offset + request.limit]
        return SearchOutcome(
            q=request.q or request.body,
            detected_lang="en",
            lang_confidence=0.9,
            found=len(documents),
            hits=tuple(
                self._hit(document, -item[0], position, asked, request)
                for position, (item, document) in enumerate(page, start=request.offset + 1)
            ),
            facets={
                "type": Counter(document.type for document in documents),
                "lang": Counter(document.lang for document in documents),
                "category": Counter(topic for document in documents for topic in document.category),
            },
            decision=Decision(action, best, best, (f"{best:.0%} of the words",), calibrated=False),
            did_you_mean="password" if request.q == "pasword" else None,
            snapshot=self.snapshot,
            degraded=False,
            timings_ms={"retrieve": 0.1},
        )

    def suggest(self, q: str, *, lang: str, limit: int, audiences: frozenset[str] | None) -> list[Suggestion]:
        """Titles that hold what is typed; the user's language first."""
        documents = [document for document in self._visible(audiences) if q.lower() in document.title.lower()]
        documents.sort(key=lambda document: document.lang != lang)
        return [Suggestion(d.title, "title", d.lang, d.id) for d in documents[:limit]]

    def document(self, document_id: str, *, audiences: frozenset[str] | None) -> StoredDocument | None:
        """Return one article, where this caller may see it."""
        visible = {document.id: document for document in self._visible(audiences)}
        found = visible.get(document_id)
        if found is None:
            return None
        others = {d.lang: d.id for d in visible.values() if d.group == found.group and d.id != found.id}
        return replace(found, translations=others)

    def with_synonym(self, synonym: Synonym) -> FakeEngine:
        """One that knows no synonyms."""
        return self

    def _visible(self, audiences: frozenset[str] | None) -> list[StoredDocument]:
        return [d for d in self._articles if audiences is None or audiences & set(d.audience)]

    def _hit(
        self, document: StoredDocument, share: float, position: int, asked: set[str], request: SearchRequest
    ) -> Hit:
        marked = [m.span() for m in re.finditer(r"[\w-]+", document.text) if m.group().lower() in asked]
        return Hit(
            id=document.id,
            group=document.group,
            type=document.type,
            lang=document.lang,
            title=document.title,
            url=document.url,
            category=document.category,
            score=share,
            snippet=document.text,
            highlights=tuple(marked),
            position=position,
            translations=tuple(
                d.lang for d in self._visible(request.audiences) if d.group == document.group and d.id != document.id
            ),
            language_match=document.lang == (request.lang or "en"),
            explain={"words": [{"word": word, "how": "exact", "matched": word} for word in sorted(asked)]}
            if request.explain
            else None,
        )


class AnsweringEngine(FakeEngine):
    """The fake one, with a passage where it answers."""

    def languages_for(self, audiences: frozenset[str] | None) -> tuple[str, ...]:
        """Those of the articles for these audiences."""
        return tuple(sorted({document.lang for document in self._visible(audiences)}))

    def search(self, request: SearchRequest) -> SearchOutcome:
        """Add the first hit's text as the answer."""
        outcome = super().search(request)
        if outcome.decision.action is not Action.ANSWER:
            return outcome
        first = outcome.hits[0]
        return replace(outcome, answer=Answer(first.snippet, first.id, ()))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w-]+", text.lower()))


def fake_source(articles: tuple[StoredDocument, ...] = ARTICLES, delay: float = 0.0) -> SnapshotSource:
    """Read CURRENT as the real one does; a version called `broken` cannot be opened."""

    def published(directory: Path) -> str:
        try:
            return (directory / "CURRENT").read_text()
        except FileNotFoundError:
            raise SnapshotMissing(f"nothing is published in {directory}") from None

    def open_engine(directory: Path) -> FakeEngine:
        version = published(directory)
        if version == "broken":
            raise SnapshotDamaged(f"{directory}/broken: passages.bin is cut short")
        return FakeEngine(version, articles, delay)

    return SnapshotSource(published=published, open=open_engine)
