"""The answers' shapes for OpenAPI: twins of `answers.py` that a test compares with it. Nothing is run through them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from kbsearch.events.schema import MAX_ID

_ActionWord = Literal["answer", "list", "hand_over"]


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(examples=["limit_exceeded"])
    message: str = Field(examples=["limit must be at most 100, got 500"])
    field: str | None = Field(description="The parameter or member at fault.", examples=["limit", "contact.email"])


class ErrorAnswer(BaseModel):
    """Every failure has this shape."""

    error: ErrorDetail


REFUSED_POST: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "The body is not JSON."},
    403: {"model": ErrorAnswer, "description": "From a page of another site than KBSEARCH_ORIGINS names."},
}
"""What may become of any call that sends something, besides its own errors."""


class DecisionShape(BaseModel):
    """What to do with the hits: show the best passage, show the list, or offer a human."""

    action: _ActionWord
    confidence: float = Field(ge=0, le=1)
    reasons: list[str]
    calibrated: bool = Field(description="False where the confidence has not been tested on this language.")


class HitShape(BaseModel):
    """One article in the language that suits the user."""

    id: str = Field(examples=["reset-password.lv"])
    group: str = Field(examples=["reset-password"])
    type: str = Field(examples=["faq"])
    lang: str = Field(examples=["lv"])
    title: str = Field(description="Plain text.", examples=["Kā atjaunot paroli"])
    url: str
    score: float = Field(ge=0, le=1)
    snippet: str = Field(description="HTML-escaped text.")
    highlights: list[tuple[int, int]] = Field(
        description="Half-open ranges of characters (code points) in the unescaped snippet.", examples=[[[12, 19]]]
    )
    position: int = Field(ge=1, description="Absolute rank, from 1; send it back with events.")
    translations: list[str] = Field(description="Other languages that have this article.", examples=[["lt", "en"]])
    language_match: bool
    explain: dict[str, object] | None = Field(None, description="Only with explain=true.")


class AnswerShape(BaseModel):
    """The sentences or steps that answer the question."""

    text: str = Field(description="HTML-escaped text; a line each where it is steps.")
    document_id: str = Field(examples=["reset-password.lv"])
    highlights: list[tuple[int, int]] = Field(
        description="Half-open ranges of characters (code points) in the unescaped text.", examples=[[[12, 19]]]
    )


class SearchAnswer(BaseModel):
    """The answer to a search."""

    query_id: str = Field(max_length=MAX_ID, examples=["019aae1c52c47d2e9d3f0f1c2b3a4d5e"])
    q: str
    detected_lang: str = Field(examples=["lv"])
    lang_confidence: float
    found: int = Field(
        description="Article groups that match among those looked at: the same on every page, more with a larger limit."
    )
    took_ms: float
    snapshot: str = Field(examples=["20261122T031500Z-1f3a"])
    decision: DecisionShape
    hits: list[HitShape]
    facets: dict[str, dict[str, int]]
    did_you_mean: str | None
    answer: AnswerShape | None = Field(None, description="Only where the decision is to answer.")
    timings_ms: dict[str, float] | None = Field(None, description="Only with explain=true.")
    degraded: bool | None = Field(None, description="True where words alone were searched.")


class SuggestionShape(BaseModel):
    """One line under the search box."""

    text: str
    kind: Literal["title", "query"]
    lang: str
    document_id: str | None


class SuggestAnswer(BaseModel):
    """What to offer while the customer types."""

    q: str
    suggestions: list[SuggestionShape]


class DocumentAnswer(BaseModel):
    """An article."""

    id: str
    group: str
    lang: str
    type: str
    title: str
    html: str = Field(description="Sanitised HTML.")
    text: str
    url: str
    category: list[str]
    tags: list[str]
    updated_at: str
    translations: dict[str, str] = Field(description="Language to document id.", examples=[{"en": "reset-password.en"}])
    snapshot: str


class RejectedEvent(BaseModel):
    """An event that was not kept."""

    index: int = Field(description="Its place in the batch, from 0.")
    error: ErrorDetail


class EventsAnswer(BaseModel):
    """What became of a batch of events."""

    accepted: int
    rejected: list[RejectedEvent]
    ignored: int = Field(description="Left out because the client asks not to be tracked (DNT, Sec-GPC).")


class Readiness(BaseModel):
    """Whether searches can be answered."""

    ready: bool
    snapshot: str | None
    error: str | None = Field(description="That the newest snapshot is not the one that serves; the log says why.")


class FigureShape(BaseModel):
    """One figure; docs/metrics.md defines each id."""

    version: int
    unit: str
    value: float | None = Field(description="Null where there is no data; reason then says why.")
    n: int
    numerator: float
    denominator: int
    interval: tuple[float, float] | None = Field(description="95 %.")
    reason: str | None
    unreliable: str | None = Field(description="Which data-health checks fail.")
    response_rate: float | None = Field(None, description="Surveys only: of those asked, the share that answered.")
    asked: int | None = Field(None, description="Surveys only.")


class MetricsAnswer(BaseModel):
    """A report."""

    from_: str = Field(alias="from")
    to: str
    as_of: str
    window_hours: float
    metrics: dict[str, FigureShape]
    outcomes: dict[str, Any] = Field(description="Journeys by outcome; searched: those that searched.")
    by: dict[str, dict[str, dict[str, FigureShape]]]
    outcomes_by_day: dict[str, dict[str, int]]
    incremental: dict[str, Any]
    health: dict[str, Any]


class FlowShape(BaseModel):
    """Journeys that searched, by how far their searches led and how they ended."""

    step: str = Field(description="opened, answered, listed or nothing.")
    outcome: str
    journeys: int


class ContentAnswer(BaseModel):
    """What to work on."""

    flow: list[FlowShape]
    gaps: dict[str, Any] = Field(description="Groups of failed searches, dearest first; see docs/dashboard.md.")
    articles: dict[str, Any] = Field(description="Views, helpful share, and tickets after reading, by article.")
