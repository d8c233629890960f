"""One query, start to end, on one snapshot. Knows no HTTP and no event log: returns an outcome with its timings."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from kbsearch.decide import Evidence, decide
from kbsearch.embed.protocol import Embedder
from kbsearch.embed.registry import load_embedder
from kbsearch.errors import FilterError, SnapshotMismatch, UsageError
from kbsearch.filters import FILTER_FIELDS
from kbsearch.fuse import explained_share, fuse, similarity
from kbsearch.snapshot import Snapshot, open_snapshot
from kbsearch.snippet import make_snippet
from kbsearch.text.language import LanguageDetector
from kbsearch.text.words import words
from kbsearch.types import Hit, SearchOutcome, SearchRequest, StoredDocument, Suggestion
from kbsearch.understand import Understanding, understand

logger = logging.getLogger(__name__)

# Chosen by benchmarks/quality.py on the development sets; the rows are in benchmarks/results/quality.md.
DENSE_WEIGHT = 0.5
COSINE_FLOOR = 0.2
LANGUAGE_BONUS = 0.05
# Passages asked of each leg. Twelve translations of one article fill a dozen places, so ten would not do.
CANDIDATES = 200
# Results under this share of the best score are not worth a customer's look and are not counted as found.
RELATIVE_FLOOR = 0.25

_MASK_CACHE_SIZE = 64

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Passages that either leg found, aligned arrays."""

    passages: NDArray[np.int64]
    documents: NDArray[np.int32]
    lexical: NDArray[np.float32]
    similarity: NDArray[np.float32]
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Found:
    """A group, the document of it that suits the user, and the passage to quote."""

    group: int
    document: int
    best: int
    """Position of the group's best passage among the candidates."""
    score: float


class Engine:
    """Searches one snapshot. Immutable after construction and safe to use from several threads."""

    def __init__(self, snapshot: Snapshot, embedder: Embedder) -> None:
        if embedder.info.dimension != snapshot.model.dimension or (
            snapshot.model.files_sha256 and embedder.info.files_sha256 != snapshot.model.files_sha256
        ):
            raise SnapshotMismatch(
                f"Snapshot {snapshot.version} was built with other files of model {snapshot.model.name!r} than those "
                f"installed now; rebuild it: kbsearch-index build SOURCE --out {snapshot.directory.parent}"
            )
        self._snapshot = snapshot
        self._embedder = embedder
        self._detector = LanguageDetector(snapshot.languages or ("en",))
        self._masks: dict[object, Mask | None] = {}
        self._mask_lock = Lock()
        self.snapshot = snapshot.version
        self.languages = snapshot.languages

    def warm(self) -> None:
        """Run one query, so that compiled code and file pages are loaded before a customer waits for them."""
        self.search(SearchRequest(q="kbsearch", audiences=None))

    def search(self, request: SearchRequest) -> SearchOutcome:
        """Rank, decide and explain. Raises UsageError for an empty query or an unknown filter field."""
        if not request.q.strip():
            raise UsageError("The query is empty; send at least one word in q.", field="q")
        clock = _Clock()
        snapshot = self._snapshot
        query = understand(request.q, request.lang, self._detector, snapshot.lexical, snapshot.spelling)
        clock.lap("analyse")
        visible = self._visible_documents(request)
        allowed = None if visible is None else visible[snapshot.passage_document]
        clock.lap("filter")
        vector, degraded = self._embed(query.text, request)
        clock.lap("embed")
        candidates = self._retrieve(query, vector, allowed, request)
        clock.lap("retrieve")
        found, titled = self._group(query, candidates, visible, request)
        facets = self._facets(found)
        clock.lap("group")
        page = found[request.offset : request.offset + request.limit]
        hits = tuple(
            self._hit(item, request.offset + rank, query, candidates, vector, visible, request)
            for rank, item in enumerate(page, start=1)
        )
        clock.lap("snippet")
        decision = decide(self._evidence(found, titled, query, candidates, request))
        clock.lap("decide")
        detected, confidence = next(iter(query.languages.items()), ("", 0.0))
        return SearchOutcome(
            q=request.q,
            detected_lang=detected,
            lang_confidence=confidence,
            found=len(found),
            hits=hits,
            facets=facets,
            decision=decision,
            did_you_mean=query.did_you_mean,
            snapshot=snapshot.version,
            degraded=degraded,
            timings_ms=clock.laps,
        )

    def suggest(
        self, q: str, *, lang: str, limit: int, audiences: frozenset[str] | None
    ) -> list[Suggestion]:
        """Titles that hold the typed words, the last one perhaps unfinished; the user's language first."""
        typed = [word.text for word in words(q)]
        if not typed:
            return []
        snapshot = self._snapshot
        visible = self._visible_documents(SearchRequest(q=q, audiences=audiences))
        numbers = [
            int(number)
            for number in snapshot.titles.starting_with(typed)
            if visible is None or visible[number]
        ]
        names = snapshot.values["lang"]
        numbers.sort(key=lambda number: names[snapshot.document_lang[number]] != lang)
        suggestions: list[Suggestion] = []
        seen: set[int] = set()
        for number in numbers:
            group = int(snapshot.document_group[number])
            if group in seen:
                continue
            seen.add(group)
            fields = snapshot.record(number)
            suggestions.append(Suggestion(fields["title"], "title", fields["lang"], fields["id"]))
            if len(suggestions) == limit:
                break
        return suggestions

    def document(self, document_id: str, *, audiences: frozenset[str] | None) -> StoredDocument | None:
        """A whole document with its translations, or None where it is unknown or not for this caller."""
        snapshot = self._snapshot
        number = snapshot.number_of(document_id)
        visible = self._visible_documents(SearchRequest(q="*", audiences=audiences))
        if number is None or not (visible is None or visible[number]):
            return None
        members = self._visible_members(int(snapshot.document_group[number]), visible)
        names = snapshot.values["lang"]
        translations = {
            names[snapshot.document_lang[member]]: str(snapshot.record(member)["id"])
            for member in members
            if member != number
        }
        stored = snapshot.stored(number)
        return StoredDocument(
            **{name: getattr(stored, name) for name in stored.__slots__ if name != "translations"},
            translations=translations,
        )

    def group_of(self, document_id: str) -> str | None:
        """The group of a document, or None where it is unknown."""
        number = self._snapshot.number_of(document_id)
        return None if number is None else str(self._snapshot.record(number)["group"])

    def _visible_documents(self, request: SearchRequest) -> Mask | None:
        """One flag a document: what the caller may and wants to see; None where that is everything."""
        unknown = set(request.filters) - set(FILTER_FIELDS)
        if unknown:
            raise FilterError(
                f"There is no filter field {sorted(unknown)[0]!r}; the fields are {', '.join(FILTER_FIELDS)}.",
                field="filter",
            )
        key = (
            request.audiences,
            frozenset(request.langs),
            frozenset((name, frozenset(values)) for name, values in request.filters.items()),
        )
        with self._mask_lock:
            if key in self._masks:
                return self._masks[key]
        mask = self._compute_mask(request)
        with self._mask_lock:
            if len(self._masks) >= _MASK_CACHE_SIZE:
                self._masks.pop(next(iter(self._masks)))
            self._masks[key] = mask
        return mask

    def _compute_mask(self, request: SearchRequest) -> Mask | None:
        snapshot = self._snapshot
        parts = [snapshot.documents_with(name, values) for name, values in request.filters.items()]
        if request.audiences is not None:
            parts.append(snapshot.documents_with("audience", sorted(request.audiences)))
        if request.langs:
            parts.append(snapshot.documents_with("lang", request.langs))
        mask = np.logical_and.reduce(parts) if parts else None
        return None if mask is None or mask.all() else mask

    def _embed(self, text: str, request: SearchRequest) -> tuple[NDArray[np.float32] | None, bool]:
        """The query's vector, or None; True where the embedder failed and words alone must do."""
        if request.mode == "lexical":
            return None, False
        try:
            vector = self._embedder.encode_queries([text])[0]
        except Exception:  # whatever an embedder raises, a customer still gets the results that words find
            if request.mode == "dense":
                raise
            logger.exception("the embedder failed; answering by words alone")
            return None, True
        # A query without a known token has no direction; every passage would be equally near.
        return (vector if vector.any() else None), False

    def _retrieve(
        self,
        query: Understanding,
        vector: NDArray[np.float32] | None,
        allowed: Mask | None,
        request: SearchRequest,
    ) -> _Candidates:
        """Ask both legs and give every passage that either found both of its scores."""
        snapshot = self._snapshot
        wanted = max(CANDIDATES, 4 * (request.offset + request.limit))
        near = np.empty(0, np.int64)
        cosines = np.empty(0, np.float32)
        if vector is not None:
            nearest = snapshot.dense.search(vector, wanted, allowed)
            near, cosines = nearest.passages, nearest.scores
        by_words = np.empty(0, np.int64)
        lexical_scores = np.zeros(len(near), dtype=np.float32)
        bound = 0.0
        if request.mode != "dense":
            matched = snapshot.lexical.search(
                query.terms, wanted, weights=query.weights, allowed=allowed, probe=near
            )
            fresh = ~np.isin(matched.passages, near)
            by_words = matched.passages[fresh].astype(np.int64)
            lexical_scores = np.concatenate([matched.probed, matched.scores[fresh]])
            bound = matched.bound
            if vector is not None and len(by_words):
                cosines = np.concatenate([cosines, snapshot.dense.vectors(by_words) @ vector])
        passages = np.concatenate([near, by_words])
        share = explained_share(lexical_scores, bound)
        closeness = similarity(cosines, COSINE_FLOOR) if vector is not None else np.zeros_like(share)
        weight = {"hybrid": DENSE_WEIGHT, "dense": 1.0, "lexical": 0.0}[request.mode]
        if vector is None:
            weight = 0.0
        return _Candidates(
            passages=passages,
            documents=snapshot.passage_document[passages],
            lexical=share,
            similarity=closeness,
            scores=fuse(share, closeness, weight),
        )

    def _group(
        self, query: Understanding, candidates: _Candidates, visible: Mask | None, request: SearchRequest
    ) -> tuple[list[_Found], bool]:
        """One entry a group, best first; True where the first one's title is what was typed."""
        snapshot = self._snapshot
        if len(candidates.passages) == 0:
            return [], False
        chance = self._language_chance(query, request)
        ranked = candidates.scores + LANGUAGE_BONUS * chance[snapshot.document_lang[candidates.documents]]
        titled = snapshot.titles.equal_to(request.q)
        ranked[np.isin(candidates.documents, titled)] += 1.0
        order = np.lexsort((candidates.passages, -ranked))
        floor = RELATIVE_FLOOR * float(candidates.scores.max())
        groups = snapshot.document_group[candidates.documents]
        found: list[_Found] = []
        seen: set[int] = set()
        for position in order:
            group = int(groups[position])
            score = float(candidates.scores[position])
            if group in seen or score <= floor:
                continue
            seen.add(group)
            document = self._best_language(group, int(candidates.documents[position]), chance, visible)
            found.append(_Found(group, document, int(position), min(1.0, score)))
        return found, bool(found) and bool(np.isin(candidates.documents[found[0].best], titled))

    def _language_chance(self, query: Understanding, request: SearchRequest) -> NDArray[np.float32]:
        """How welcome each of the snapshot's languages is, 0..1: the interface language, then the query's own."""
        return np.asarray(
            [
                1.0 if lang == request.lang else 0.5 * query.languages.get(lang, 0.0)
                for lang in self._snapshot.values["lang"]
            ],
            dtype=np.float32,
        )

    def _best_language(
        self, group: int, retrieved: int, chance: NDArray[np.float32], visible: Mask | None
    ) -> int:
        """The member of the group that suits the user; the retrieved one where none suits better."""
        codes = self._snapshot.document_lang
        best = retrieved
        for member in self._visible_members(group, visible):
            if chance[codes[member]] > chance[codes[best]]:
                best = member
        return best

    def _visible_members(self, group: int, visible: Mask | None) -> list[int]:
        members = self._snapshot.group_members(group)
        return [int(number) for number in members if visible is None or visible[number]]

    def _facets(self, found: list[_Found]) -> Mapping[str, Mapping[str, int]]:
        snapshot = self._snapshot
        types, langs = snapshot.values["type"], snapshot.values["lang"]
        documents = [item.document for item in found]
        counted = {
            "type": Counter(types[snapshot.document_type[number]] for number in documents),
            "lang": Counter(langs[snapshot.document_lang[number]] for number in documents),
            "category": Counter(name for number in documents for name in snapshot.categories_of(number)),
        }
        return {name: dict(counter.most_common()) for name, counter in counted.items()}

    def _hit(
        self,
        item: _Found,
        position: int,
        query: Understanding,
        candidates: _Candidates,
        vector: NDArray[np.float32] | None,
        visible: Mask | None,
        request: SearchRequest,
    ) -> Hit:
        snapshot = self._snapshot
        fields = snapshot.record(item.document)
        passage = self._passage_to_quote(item, candidates, vector)
        snippet, highlights = make_snippet(snapshot.passage(passage).text, fields["lang"], frozenset(query.terms))
        names = snapshot.values["lang"]
        members = self._visible_members(item.group, visible)
        others = {names[snapshot.document_lang[member]] for member in members} - {fields["lang"]}
        wanted = request.lang or next(iter(query.languages), "")
        explain = {
            "lexical": float(candidates.lexical[item.best]),
            "similarity": float(candidates.similarity[item.best]),
            "readings": list(query.readings),
            "terms": list(query.terms),
        }
        return Hit(
            id=fields["id"],
            group=fields["group"],
            type=fields["type"],
            lang=fields["lang"],
            title=fields["title"],
            url=fields["url"],
            score=round(item.score, 4),
            snippet=snippet,
            highlights=highlights,
            position=position,
            translations=tuple(sorted(others)),
            language_match=fields["lang"] == wanted,
            category=tuple(fields["category"]),
            updated_at=fields["updated_at"],
            explain=explain if request.explain else None,
        )

    def _passage_to_quote(
        self, item: _Found, candidates: _Candidates, vector: NDArray[np.float32] | None
    ) -> int:
        """The best candidate of the shown document; in a translation that neither leg found, the nearest passage."""
        if int(candidates.documents[item.best]) == item.document:
            return int(candidates.passages[item.best])
        own = np.flatnonzero(candidates.documents == item.document)
        if own.size:
            return int(candidates.passages[own[np.argmax(candidates.scores[own])]])
        passages = self._snapshot.passages_of(item.document)
        if vector is None:
            return passages[0]
        nearness = self._snapshot.dense.vectors(np.asarray(passages)) @ vector
        return passages[int(np.argmax(nearness))]

    def _evidence(
        self,
        found: list[_Found],
        titled: bool,
        query: Understanding,
        candidates: _Candidates,
        request: SearchRequest,
    ) -> Evidence:
        known = [word not in query.corrections for word in query.content]
        if not found:
            return Evidence(0, 0.0, 0.0, 0.0, False, False, 0.0)
        best = found[0]
        lang = self._snapshot.values["lang"][self._snapshot.document_lang[best.document]]
        return Evidence(
            found=len(found),
            score=best.score,
            lexical=float(candidates.lexical[best.best]),
            similarity=float(candidates.similarity[best.best]),
            title_equal=titled,
            language_match=lang == (request.lang or next(iter(query.languages), "")),
            words_known=sum(known) / len(known) if known else 0.0,
        )


class _Clock:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, stage: str) -> None:
        now = perf_counter()
        self.laps[stage] = (now - self._last) * 1000.0
        self._last = now


def open_engine(directory: str | Path, version: str | None = None, embedder: Embedder | None = None) -> Engine:
    """Open the published (or the named) version under `directory`, verified and warm.

    The embedder is the one that the snapshot names, unless one is given. Raises SnapshotError kinds and ModelError.
    """
    snapshot = open_snapshot(Path(directory), version)
    engine = Engine(snapshot, embedder or load_embedder(snapshot.model.name))
    engine.warm()
    return engine
