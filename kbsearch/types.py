"""The nouns. Frozen data only: everything else in kbsearch is functions on these.

Document → Passage (what is indexed) → Hit (what is shown); SearchRequest → SearchOutcome; Decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeVar, dataclass_transform

DOCUMENT_TYPES = ("article", "faq", "tutorial", "video", "forum", "suggestion")
BODY_FORMATS = ("markdown", "html", "text")

MAX_LIMIT = 100
"""Most hits of one answer (docs/service.md)."""
MAX_QUERY = 512
"""Most letters of a query (docs/service.md)."""

Mode = Literal["hybrid", "dense", "lexical"]

_Noun = TypeVar("_Noun")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def noun(cls: type[_Noun]) -> type[_Noun]:
    """Make a class a dataclass with slots that nobody may change: mypy says so, not the interpreter.

    What is frozen at run time as well takes ten times as long to make, and a search makes two dozen.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


@noun
class Document:
    """One article in one language, as a source gives it (docs/sources.md)."""

    id: str
    title: str
    body: str
    group: str
    lang: str
    """BCP 47 code in lower case, or "" where the source does not say (the indexer then detects it)."""
    type: str = "article"
    format: str = "markdown"
    url: str = ""
    category: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    audience: tuple[str, ...] = ("public",)
    updated_at: str = ""
    """ISO 8601 with zone, or ""."""


@noun
class Passage:
    """A piece of a document that is small enough to be an answer."""

    text: str
    headings: tuple[str, ...] = ()
    """Heading path inside the document, outermost first; the title is not part of it."""


@noun
class CutDocument:
    """A document made ready for the index: safe HTML, plain text, passages."""

    document: Document
    html: str
    text: str
    passages: tuple[Passage, ...]


class Action(StrEnum):
    """What to do with a query's results."""

    ANSWER = "answer"
    LIST = "list"
    HAND_OVER = "hand_over"


@noun
class Decision:
    """Answer, list or hand over, and why."""

    action: Action
    probability: float
    """Of the first result being right, 0..1."""
    confidence: float
    """That probability; of a hand-over, that of nothing among the results being right."""
    reasons: tuple[str, ...]
    calibrated: bool


@noun
class Evidence:
    """What speaks for the best result; every part in 0..1 (gaps in −1..1), more of it never speaks against it."""

    score: float
    """Fused score."""
    lexical: float
    """Share of the query's terms that the best article's passages explain."""
    similarity: float
    """Closeness in meaning."""
    title: float
    """How much its title says what was typed."""
    margin: float
    """Score above the second result."""
    lead: float
    """Score above the third result."""
    relative_margin: float
    """Score above the second result, as a share of its own."""
    lexical_lead: float
    """Lexical share above the best of all other articles."""
    similarity_lead: float
    """Closeness above the best of all other articles."""
    words_known: float
    """Share of the query's content words that the knowledge base holds anywhere, as typed or as corrected."""
    language_match: float
    """1 where the result is in the language of the question."""


@noun
class SearchRequest:
    """One query with everything that may change its results."""

    q: str
    lang: str = ""
    """Where the user is (interface language); a prior."""
    langs: tuple[str, ...] = ()
    """What the user accepts; empty means any."""
    limit: int = 10
    offset: int = 0
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field (type, lang, category, tag, audience) → accepted values; fields are joined by AND, values by OR."""
    audiences: frozenset[str] | None = frozenset({"public"})
    """Audiences the caller may see; None means all (offline tools only)."""
    mode: Mode = "hybrid"
    explain: bool = False
    body: str = ""
    """What a message says below its subject `q`: any sentence of both may be the question. Empty for a query."""


@noun
class Hit:
    """One article group in the language that suits the user best."""

    id: str
    group: str
    type: str
    lang: str
    title: str
    url: str
    score: float
    """Fused score in 0..1, to four decimals."""
    snippet: str
    """Plain text, not escaped; the wire escapes it."""
    highlights: Sequence[Sequence[int]]
    """Half-open ranges of code points in `snippet`."""
    position: int
    translations: tuple[str, ...]
    language_match: bool
    category: tuple[str, ...] = ()
    updated_at: str = ""
    explain: Mapping[str, object] | None = None


@noun
class Answer:
    """The piece of an article that answers a question, for showing above the results."""

    text: str
    """Plain text, not escaped."""
    document_id: str
    highlights: Sequence[Sequence[int]]
    """Half-open ranges of code points in `text`."""


@noun
class SearchOutcome:
    """What the engine answers: hits, decision, and the trace of how it came to them."""

    q: str
    """The query; of a message, the sentence that was taken for the question."""
    detected_lang: str
    lang_confidence: float
    found: int
    """Results among what was looked at: the same on every page, more where the limit is larger."""
    hits: tuple[Hit, ...]
    facets: Mapping[str, Mapping[str, int]]
    decision: Decision
    did_you_mean: str | None
    snapshot: str
    degraded: bool
    """True where the embedder failed and only the lexical leg answered."""
    timings_ms: Mapping[str, float]
    evidence: Evidence | None = None
    """What the decision rests on; None where nothing was found."""
    answer: Answer | None = None
    """Only where the decision is to answer."""
    words_found: bool = True
    """False where no visible passage holds a word of the query: what was found, meaning found."""


@noun
class Suggestion:
    """One line under the search box while the customer types."""

    text: str
    kind: Literal["title", "query"]
    lang: str
    document_id: str = ""
    """For titles: the article; "" for past queries."""


@noun
class StoredDocument:
    """A document as the snapshot holds it, for showing it whole."""

    id: str
    group: str
    lang: str
    type: str
    title: str
    html: str
    """Sanitised when it was indexed."""
    text: str
    url: str
    category: tuple[str, ...]
    tags: tuple[str, ...]
    audience: tuple[str, ...]
    updated_at: str
    translations: Mapping[str, str] = field(default_factory=dict)
    """Language → document id of the other members of the group that the caller may see."""
