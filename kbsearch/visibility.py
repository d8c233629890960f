"""What a caller may and wants to see, as flags a document and a passage. Applied before anything is ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from kbsearch.errors import FilterError
from kbsearch.filters import FILTER_FIELDS
from kbsearch.index.arrays import Flags
from kbsearch.snapshot import Snapshot
from kbsearch.text.tags import covers
from kbsearch.types import DOCUMENT_TYPES, SearchRequest, noun

# Distinct combinations of filters and audiences in use at once; a flag array a combination is kept.
CACHE_SIZE = 64
# Some 2 MB for each of these combinations.
MOST_CARDS = 4096


@noun
class Card:
    """What is shown of a document to those who see the same, whatever they ask."""

    id: str
    group: str
    type: str
    lang: str
    title: str
    url: str
    translations: tuple[str, ...]
    """The other languages of its group."""
    category: tuple[str, ...]
    updated_at: str


@noun
class Visible:
    """Flags by document and by passage; None means that everything is visible."""

    documents: Flags | None
    passages: Flags | None
    share: float = 1.0
    """How much of the passages is visible."""
    _cards: dict[int, Card] = field(default_factory=dict)

    def __getitem__(self, document: int) -> bool:
        return self.documents is None or bool(self.documents[document])

    def among(self, documents: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of some documents that are visible."""
        return documents if self.documents is None else documents[self.documents[documents]]

    def card(self, snapshot: Snapshot, document: int) -> Card:
        """What is shown of a document of the snapshot that this belongs to; the last few thousand are remembered."""
        card = self._cards.get(document)
        if card is None:
            if len(self._cards) >= MOST_CARDS:
                self._cards.clear()
            card = self._cards[document] = self._make_card(snapshot, document)
        return card

    def _make_card(self, snapshot: Snapshot, document: int) -> Card:
        fields = snapshot.record(document)
        members = snapshot.group_members(int(snapshot.document_group[document])).tolist()
        names, codes = snapshot.values["lang"], snapshot.document_lang
        return Card(
            id=fields["id"],
            group=fields["group"],
            type=fields["type"],
            lang=fields["lang"],
            title=fields["title"],
            url=fields["url"],
            translations=tuple(sorted({names[codes[member]] for member in members if self[member]} - {fields["lang"]})),
            category=tuple(fields["category"]),
            updated_at=fields["updated_at"],
        )


def visible_of(snapshot: Snapshot, documents: Flags) -> Visible:
    """What is visible where these documents are."""
    passages = documents[snapshot.passage_document]
    return Visible(documents, passages, np.count_nonzero(passages) / max(1, len(passages)))


def _known_type(value: str) -> str:
    if value.lower() not in DOCUMENT_TYPES:
        raise FilterError(f"There is no type {value!r}; the types are {', '.join(DOCUMENT_TYPES)}.", field="filter")
    return value.lower()


class Visibility:
    """Computes and remembers `Visible` for one snapshot. Safe to use from several threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._known: dict[object, Visible] = {}
        self._languages: dict[frozenset[str] | None, tuple[str, ...]] = {}
        self._lock = Lock()

    def of(self, request: SearchRequest) -> Visible:
        """What the request may see. Raises FilterError for an unknown field or type."""
        filters = tuple((name, tuple(values)) for name, values in request.filters.items())
        return self._under(request.audiences, request.langs, filters)

    def to(self, audiences: frozenset[str] | None) -> Visible:
        """All that somebody may see who belongs to these audiences."""
        return self._under(audiences, (), ())

    def languages(self, audiences: frozenset[str] | None) -> tuple[str, ...]:
        """The languages of what somebody may see who belongs to these audiences."""
        languages = self._languages.get(audiences)
        if languages is None:
            snapshot, documents = self._snapshot, self.to(audiences).documents
            codes = snapshot.document_lang if documents is None else snapshot.document_lang[documents]
            seen = {snapshot.values["lang"][code] for code in np.unique(codes)}
            languages = tuple(lang for lang in snapshot.languages if lang in seen)
            if len(self._languages) >= CACHE_SIZE:
                self._languages = {}
            self._languages[audiences] = languages
        return languages

    def _under(
        self, audiences: frozenset[str] | None, langs: tuple[str, ...], filters: tuple[tuple[str, tuple[str, ...]], ...]
    ) -> Visible:
        key = (audiences, langs, filters)
        with self._lock:
            visible = self._known.get(key)
        if visible is None:
            visible = self._compute(audiences, langs, filters)
            with self._lock:
                if len(self._known) >= CACHE_SIZE:
                    del self._known[next(iter(self._known))]
                self._known[key] = visible
        return visible

    def _compute(
        self, audiences: frozenset[str] | None, langs: tuple[str, ...], filters: tuple[tuple[str, tuple[str, ...]], ...]
    ) -> Visible:
        snapshot = self._snapshot
        for name, _ in filters:
            if name not in FILTER_FIELDS:
                raise FilterError(
                    f"There is no filter field {name!r}; the fields are {', '.join(FILTER_FIELDS)}.", field="filter"
                )
        parts = [self._documents_with(name, values) for name, values in filters]
        if audiences is not None:
            parts.append(snapshot.documents_with("audience", sorted(audiences)))
        if langs:
            parts.append(self._documents_with("lang", langs))
        flags = np.logical_and.reduce(parts) if parts else None
        if flags is None or flags.all():
            return Visible(None, None)
        return visible_of(snapshot, flags)

    def _documents_with(self, name: str, values: Sequence[str]) -> Flags:
        """Flags of the documents with any of the values, languages and types in whatever case; a language means its
        regions too."""
        if name == "lang":
            held = self._snapshot.values["lang"]
            values = [lang for lang in held if any(covers(accepted.lower(), lang) for accepted in values)]
        if name == "type":
            values = list(map(_known_type, values))
        return self._snapshot.documents_with(name, values)
