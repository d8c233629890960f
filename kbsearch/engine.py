"""One query, start to end, on one snapshot. Knows no HTTP and no event log: returns an outcome with its timings."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kbsearch.answer import extract
from kbsearch.calibration import calibration_of
from kbsearch.chat.courtesy import without_courtesy
from kbsearch.clock import Clock
from kbsearch.decide import decide
from kbsearch.editing import Synonym
from kbsearch.embed.guard import GuardedEmbedder
from kbsearch.embed.protocol import Embedder
from kbsearch.embed.registry import load_embedder, reads_context
from kbsearch.errors import LimitError, ModelError, ModelUnavailable, SnapshotMismatch, UsageError
from kbsearch.evidence import weigh
from kbsearch.explain import Placing, explain_hit
from kbsearch.grouping import Groups, name_facets, welcome_languages
from kbsearch.hits import make_hits
from kbsearch.index.marks import short_hashes
from kbsearch.index.titles import title_key
from kbsearch.lexicon import Lexicon
from kbsearch.manifest import rebuild
from kbsearch.message import sentences_of, together
from kbsearch.retrieve import Candidates, retrieve
from kbsearch.rules import RuleBook, Ruling
from kbsearch.snapshot import Snapshot, open_snapshot
from kbsearch.text.analyze import is_stop_word
from kbsearch.text.keyboard import in_other_layout
from kbsearch.text.language import LanguageDetector, plausible_detector
from kbsearch.text.normalise import fold, normalise
from kbsearch.text.synonyms import Thesaurus
from kbsearch.text.tags import primary
from kbsearch.text.words import surfaces
from kbsearch.types import Action, Answer, SearchOutcome, SearchRequest, StoredDocument, Suggestion
from kbsearch.understand import Understanding, likely_languages, understand
from kbsearch.visibility import Visibility, Visible

logger = logging.getLogger(__name__)

# Titles read to order suggestions; a first letter or two fits thousands of them, and none of those is better.
MAX_SUGGESTIONS_READ = 50
# Letters from which on what no title holds is searched for, and the score from which on what is found is suggested.
SEARCHED = 3
SUGGESTED = 0.1
# Kinds of callers for whom what is known of words is remembered.
MOST_LEXICONS = 8
# A correction is worth offering where one of the first results holds it.
CORRECTED_RESULTS = 3
# Letters from which on it is no chance that a title begins with what the same keys write in another alphabet.
KEYS_TELL = 4


_detector = lru_cache(maxsize=MOST_LEXICONS)(LanguageDetector)
"""By the languages of a collection, or of what callers may see of it, which the next version has as well: making one
holds the interpreter for longer than all else that opening a version does."""


class Engine:
    """Searches one snapshot. Immutable after construction and safe to use from several threads."""

    def __init__(self, snapshot: Snapshot, embedder: Embedder, *, calibrated: bool = True) -> None:
        if embedder.info.dimension != snapshot.model.dimension or (
            embedder.info.files_sha256 != snapshot.model.files_sha256
        ):
            raise SnapshotMismatch(
                f"Snapshot {snapshot.version} was built with other files of model {snapshot.model.name!r} than those "
                f"installed now; {rebuild(snapshot.directory)}"
            )
        self._snapshot = snapshot
        self._embedder = embedder
        self._in_context = reads_context(snapshot.model.name)
        self._visibility = Visibility(snapshot)
        self._lexicon = Lexicon(
            _detector(snapshot.languages),
            plausible_detector(),
            snapshot.lexical,
            snapshot.spelling,
            Thesaurus(snapshot.editing.synonyms, snapshot.languages),
            frozenset(map(fold, snapshot.editing.protected)),
        )
        self._lexicons: dict[frozenset[str] | None, Lexicon] = {}
        self._rules = RuleBook(snapshot)
        self._calibration = calibration_of(snapshot) if calibrated else None
        self.snapshot = snapshot.version
        self.languages_for = self._visibility.languages

    @property
    def may_wait(self) -> bool:
        """Whether its model is waited for: no work for an event loop."""
        return isinstance(self._embedder, GuardedEmbedder) and not self._embedder.quick

    def search(self, request: SearchRequest) -> SearchOutcome:
        """Rank, decide and explain; of a message, what it asks (`message.py`).

        Raises UsageError for an empty query or an unknown filter field, LimitError for places that there are none of.
        """
        if request.limit < 1 or request.offset < 0:
            raise LimitError(
                f"limit {request.limit} and offset {request.offset} name no results; "
                "limit starts at 1 and offset at 0.",
                field="limit" if request.limit < 1 else "offset",
            )
        if request.body:
            return self._search_message(request)
        return self._search(request, among=1)

    def _search_message(self, request: SearchRequest) -> SearchOutcome:
        """Search for each sentence of a message."""
        sentences = sentences_of(request.q, request.body)
        if not sentences:
            raise UsageError("The message is empty; send at least one word in q or body.", field="q")
        alone = replace(request, body="", offset=0, limit=request.offset + request.limit)
        outcomes = [self._search(replace(alone, q=sentence.text), among=len(sentences)) for sentence in sentences]
        return together(sentences, outcomes, request.limit, request.offset)

    def _search(self, request: SearchRequest, among: int) -> SearchOutcome:
        """Search for one text, the best `among` so many."""
        if not request.q.strip():
            raise UsageError("The query is empty; send at least one word in q.", field="q")
        clock = Clock()
        snapshot = self._snapshot
        typed = self._asked(normalise(request.q), request)
        everything = self._visibility.of(request)
        ruling = self._ruling(typed, request)
        visible = self._rules.visible_under(ruling, everything)
        clock.lap("filter")
        lexicon = self._lexicon_for(request.audiences)
        languages = likely_languages(typed, request.lang, lexicon.detector)
        clock.lap("detect")
        query = understand(typed, languages, request.lang, lexicon, visible.passages)
        if query.typed != typed and ruling == Ruling():
            # What nobody wrote a rule for was typed with another keyboard, or without a space.
            ruling = self._ruling(query.typed, request)
            visible = self._rules.visible_under(ruling, everything)
        clock.lap("analyse")
        # Without a word there is no meaning, whatever an embedder makes of punctuation.
        vector, degraded = self._embed(query.text, request) if query.content else (None, False)
        clock.lap("embed")
        marked = short_hashes(query.marked)
        candidates, results, steps = retrieve(
            snapshot, lexicon.lexical, request, query, marked, vector, visible, ruling.pinned, self._in_context
        )
        clock.steps(steps)
        clock.lap("fuse")
        facets = name_facets(snapshot, results.counts)
        clock.lap("facets")
        wanted_lang = request.lang or next(iter(query.languages), "")
        explain = None
        if request.explain:
            explain = partial(self._explain, results, candidates, query, ruling.pinned)
        places = slice(request.offset, request.offset + request.limit)
        hits = make_hits(snapshot, results, places, marked, visible, wanted_lang, explain)
        clock.lap("snippet")
        offered = query.did_you_mean if self._correction_counts(query, results, candidates) else None
        evidence = weigh(snapshot, results, query, wanted_lang, corrected=offered is not None)
        spoken = lexicon.speaks(next(iter(query.languages), ""))
        decision = decide(evidence, primary(wanted_lang), self._calibration, among, spoken=spoken)
        # Of a pinned article that the caller may not see, or filtered away, nothing is put first.
        first_pinned = len(results.groups) > 0 and int(results.groups[0]) in ruling.pinned
        if first_pinned and decision.action is Action.HAND_OVER:
            reasons = ("A rule puts an article first.",)
            decision = replace(decision, action=Action.LIST, confidence=decision.probability, reasons=reasons)
        answer = None
        if decision.action is Action.ANSWER:
            answer = self._answer(query, lexicon, results, candidates, visible)
            if answer is None:
                decision = replace(decision, action=Action.LIST, reasons=("Which part of it answers is not certain.",))
        clock.lap("decide")
        detected, confidence = next(iter(query.languages.items()), ("", 0.0))
        return SearchOutcome(
            q=request.q,
            detected_lang=detected,
            lang_confidence=round(confidence, 4),
            found=len(results.groups),
            hits=hits,
            facets=facets,
            decision=decision,
            did_you_mean=offered,
            snapshot=snapshot.version,
            degraded=degraded,
            timings_ms=clock.laps,
            evidence=evidence,
            answer=answer,
            words_found=bool(candidates.lexical.any()),
        )

    def suggest(self, q: str, *, lang: str, limit: int, audiences: frozenset[str] | None) -> list[Suggestion]:
        """Titles that hold the typed words, the last one perhaps unfinished, one a group.

        The user's language first, in whatever region, then titles that begin with what was typed. Where no title holds
        the words, the same keys are read in the other alphabet; where that gives none, the titles of what a search by
        words finds.
        """
        q = without_courtesy(normalise(q))
        typed = surfaces(q)
        if not typed:
            return []
        snapshot = self._snapshot
        visible = self._visibility.to(audiences)
        names = snapshot.values["lang"]
        numbers = self._titled(typed, visible)
        only_begun = len(typed[-1]) >= SEARCHED and all(is_stop_word(word, lang) for word in typed[:-1])
        if not numbers and only_begun and self._is_unfinished(typed[-1], lang, audiences):
            numbers = self._titled(typed[-1:], visible)  # "how do I ret…"
        if not numbers and len(q) >= KEYS_TELL:
            numbers = self._titled(surfaces(in_other_layout(q)), visible)
        if not numbers and len(q) >= SEARCHED and limit > 0:
            return self._found_by_words(q, lang, limit, audiences)
        welcome = dict(zip(names, welcome_languages(snapshot, lang, {}).tolist(), strict=True))
        numbers.sort(key=lambda number: -welcome[names[snapshot.document_lang[number]]])
        first_of_group: dict[int, int] = {}
        for number in numbers:
            first_of_group.setdefault(int(snapshot.document_group[number]), number)
            if len(first_of_group) == MAX_SUGGESTIONS_READ:
                break
        beginning = title_key(q)
        lines = [snapshot.record(number) for number in first_of_group.values()]
        lines.sort(key=lambda line: (not welcome[line["lang"]], not title_key(line["title"]).startswith(beginning)))
        return [Suggestion(line["title"], "title", line["lang"], line["id"]) for line in lines[:limit]]

    def document(self, document_id: str, *, audiences: frozenset[str] | None) -> StoredDocument | None:
        """A whole document with its translations, or None where it is unknown or not for this caller."""
        snapshot = self._snapshot
        number = snapshot.number_of(document_id)
        visible = self._visibility.to(audiences)
        if number is None or not visible[number]:
            return None
        names, codes = snapshot.values["lang"], snapshot.document_lang
        members = self._members(int(snapshot.document_group[number]), visible)
        others = [member for member in members if codes[member] != codes[number]]
        translations = {names[codes[other]]: str(snapshot.record(other)["id"]) for other in others}
        return replace(snapshot.stored(number), translations=translations)

    def with_synonym(self, synonym: Synonym) -> Engine:
        """The same with one more of the editor's synonyms, to try it before it is in a snapshot."""
        snapshot = self._snapshot
        thesaurus = Thesaurus((*snapshot.editing.synonyms, synonym), snapshot.languages)
        other = copy(self)
        other._lexicon = self._lexicon.with_thesaurus(thesaurus)
        # A copy, since searches add to it meanwhile.
        lexicons = self._lexicons.copy().items()
        other._lexicons = {who: lexicon.with_thesaurus(thesaurus) for who, lexicon in lexicons}
        return other

    def group_of(self, document_id: str) -> str | None:
        """The group of a document, or None where it is unknown."""
        number = self._snapshot.number_of(document_id)
        return None if number is None else str(self._snapshot.record(number)["group"])

    def _asked(self, text: str, request: SearchRequest) -> str:
        """What a text asks, without politeness, unless an article that the caller sees or a rule is called just so."""
        asked = without_courtesy(text)
        if asked == text:
            return text
        titled = self._visibility.to(request.audiences).among(self._snapshot.titles.equal_to(text))
        return text if len(titled) or self._ruling(text, request) != Ruling() else asked

    def _ruling(self, text: str, request: SearchRequest) -> Ruling:
        """What the editor says about this text; single legs are for measuring, so rules leave them alone."""
        return self._rules.apply(text, request.lang) if request.mode == "hybrid" else Ruling()

    def _lexicon_for(self, audiences: frozenset[str] | None) -> Lexicon:
        """What those who belong to these audiences may know of words."""
        lexicon = self._lexicons.get(audiences)
        if lexicon is None:
            heard = self._visibility.to(audiences).passages
            lexicon = self._lexicon.for_callers(heard, _detector(self.languages_for(audiences)))
            if len(self._lexicons) >= MOST_LEXICONS:
                self._lexicons = {}
            self._lexicons[audiences] = lexicon
        return lexicon

    def _embed(self, text: str, request: SearchRequest) -> tuple[NDArray[np.float32] | None, bool]:
        """The query's vector, or None; True where the embedder failed and words alone must do."""
        if request.mode == "lexical":
            return None, False
        try:
            vector = self._embedder.encode_queries([text])[0]
            length = float(vector @ vector)
            if not math.isfinite(length):
                name = self._embedder.info.name
                raise ModelError(f"Model {name!r} gives numbers that are none for a query; use another model.")
        except ModelUnavailable:  # its guard has logged why
            if request.mode == "dense":
                raise
            return None, True
        except Exception:  # whatever an embedder raises, a customer still gets the results that words find
            if request.mode == "dense":
                raise
            logger.exception("the embedder failed; answering by words alone")
            return None, True
        # A query without a known token has no direction; every passage would be equally near.
        return (vector if length > 0.0 else None), False

    def _explain(
        self,
        results: Groups,
        candidates: Candidates,
        query: Understanding,
        pinned: Sequence[int],
        place: int,
        passage: int,
    ) -> dict[str, object]:
        best = int(results.best[place])
        record = self._snapshot.record(int(results.documents[place]))
        quoted = self._snapshot.passage(passage)
        placing = Placing(
            position=place + 1,
            score=float(results.scores[place]),
            first_score=float(results.scores[0]),
            parts={
                "lexical": float(candidates.lexical[best]),
                "similarity": float(candidates.similarity[best]),
                "title": float(candidates.title[best]),
                "adjacency": float(candidates.adjacency[best]),
            },
            pinned=int(results.groups[place]) in pinned,
            first_pinned=int(results.groups[0]) in pinned,
            titled=bool(candidates.titled[best]),
            first_titled=bool(candidates.titled[int(results.best[0])]),
        )
        return explain_hit(query, self._lexicon, (record["title"], *quoted.headings, quoted.text), record, placing)

    def _answer(
        self, query: Understanding, lexicon: Lexicon, results: Groups, candidates: Candidates, visible: Visible
    ) -> Answer | None:
        """The best piece of the first hit; None where nothing tells which one that is."""
        document = int(results.documents[0])
        found = int(candidates.passages[int(results.best[0])])
        versions = self._members(int(results.groups[0]), visible)
        return extract(self._snapshot, query, lexicon, document, found, versions)

    def _correction_counts(self, query: Understanding, results: Groups, candidates: Candidates) -> bool:
        """Whether any of the best results owes its place to the corrected words."""
        if query.did_you_mean is None:
            return False
        # Where only its alphabet or its spaces were corrected, every word may be a corrected one.
        corrected = query.corrections.values() or query.content
        stems = (self._lexicon.stems(word, lang) for word in corrected for lang in query.readings)
        terms = [term for found in stems for term in found]
        best = candidates.passages[results.best[:CORRECTED_RESULTS]].tolist()
        if self._snapshot.marks.hold(best, short_hashes(terms)):
            return True
        return bool(self._snapshot.titles.agreement([terms], results.documents[:CORRECTED_RESULTS]).any())

    def _found_by_words(self, q: str, lang: str, limit: int, audiences: frozenset[str] | None) -> list[Suggestion]:
        """Titles of what words find: few people type a title in the form in which it stands ("aizmirsu paroli").

        A last word that is not finished is probably the word of most titles that begins so, if any.
        """
        begun, _, last = q.rpartition(" ")
        if begun and self._is_unfinished(last, lang, audiences):
            visible = self._visibility.to(audiences)
            q = f"{begun} {self._snapshot.titles.completion(last, visible.documents)}".rstrip()
        hits = self._search(SearchRequest(q, lang, limit=limit, audiences=audiences, mode="lexical"), among=1).hits
        return [Suggestion(hit.title, "title", hit.lang, hit.id) for hit in hits if hit.score >= SUGGESTED]

    def _is_unfinished(self, word: str, lang: str, audiences: frozenset[str] | None) -> bool:
        """Whether the collection, as callers know of it, does not hold a word."""
        return not self._lexicon_for(audiences).facts(word, (lang,)).held

    def _titled(self, words: Sequence[str], visible: Visible) -> list[int]:
        return [int(number) for number in self._snapshot.titles.starting_with(words) if visible[number]]

    def _members(self, group: int, visible: Visible) -> list[int]:
        return [number for number in self._snapshot.group_members(group).tolist() if visible[number]]


def open_engine(
    directory: str | Path,
    version: str | None = None,
    embedder: Embedder | None = None,
    load: Callable[[str], Embedder] = load_embedder,
    *,
    calibrated: bool = True,
) -> Engine:
    """Open the published (or the named) version under `directory`, verified and warm.

    The embedder is the one that the snapshot names, from `load`, unless one is given; its calibration is left unread
    where it will not be needed, nor be in the way. Raises SnapshotError kinds and ModelError.
    """
    snapshot = open_snapshot(Path(directory), version)
    engine = Engine(snapshot, embedder or load(snapshot.model.name), calibrated=calibrated)
    # One query loads compiled code and file pages before a customer waits for them: a title, since a query that matches
    # nothing would leave half of that undone.
    if snapshot.document_count:
        engine.search(SearchRequest(q=snapshot.record(0)["title"], audiences=None))
    return engine
