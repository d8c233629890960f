"""Both snapshots asked the same, side by side: what each success came to before and after.

A success stands as high as it did for the customer: given as the answer, among the first results, or not found. It is
broken where it stands lower afterwards, won where it stands higher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np

from indexer.replay.successes import Success
from kbsearch.engine import Engine
from kbsearch.text.tags import primary
from kbsearch.types import Action, Hit, SearchOutcome, SearchRequest

PUBLIC = frozenset({"public"})
LOST, LISTED, ANSWERED = 0, 1, 2


class Shown(NamedTuple):
    """An article as a list of results shows it."""

    id: str
    title: str
    lang: str
    position: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How one snapshot serves one success."""

    level: int
    """LOST, LISTED or ANSWERED."""
    action: Action
    shown: Shown | None
    """The article that helped; None where it is not among the first."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One success on both snapshots."""

    success: Success
    before: Standing
    after: Standing
    replaced_by: Shown | None
    """Of a broken one: what stands now where the article stood; None where nothing does, or still the article."""

    @property
    def broken(self) -> bool:
        return self.after.level < self.before.level

    @property
    def won(self) -> bool:
        return self.after.level > self.before.level


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one search, both snapshots asked in turn."""

    median_before: float
    median_after: float
    p95_before: float
    p95_after: float


class Pair:
    """The published snapshot and the candidate, each with its own model."""

    def __init__(self, before: Engine, after: Engine, first: int) -> None:
        """Articles among the `first` results count as found."""
        self.before = before
        self.after = after
        self.first = first
        self._took: list[tuple[float, float]] = []

    def warm(self, successes: Iterable[Success]) -> None:
        """Load compiled code and file pages before anything is timed."""
        for success in successes:
            self._ask(self.request(success), candidate_first=False)
        self._took.clear()

    def compare(self, successes: Sequence[Success], progress: Callable[[], object] = lambda: None) -> list[Compared]:
        """Ask everything of both, each query once however many articles it led to."""
        asked: dict[tuple[str, str, bool], list[Success]] = {}
        for success in successes:
            asked.setdefault((success.query, success.lang, success.public), []).append(success)
        compared = []
        for number, mine in enumerate(asked.values()):
            before, after = self._ask(self.request(mine[0]), candidate_first=number % 2 == 1)
            compared += [self._compare(success, before, after) for success in mine]
            progress()
        return compared

    def request(self, success: Success, limit: int | None = None) -> SearchRequest:
        """What the customer asked, as far as it was logged."""
        return SearchRequest(
            q=success.query,
            lang=success.lang,
            limit=limit or self.first,
            audiences=PUBLIC if success.public else None,
        )

    def latency(self) -> Latency | None:
        """Of everything asked so far; None where nothing was."""
        if not self._took:
            return None
        before, after = np.asarray(self._took).T * 1000.0
        values = (np.median(before), np.median(after), np.percentile(before, 95), np.percentile(after, 95))
        return Latency(*(round(float(value), 3) for value in values))

    def names_of(self, success: Success) -> frozenset[str]:
        """What `helps` looks for: the articles by id, or their groups as either snapshot names them."""
        if not success.by_group:
            return frozenset(success.documents)
        named = (engine.group_of(document) for document in success.documents for engine in (self.before, self.after))
        return frozenset(group for group in named if group is not None) | frozenset(success.documents)

    def _ask(self, request: SearchRequest, *, candidate_first: bool) -> tuple[SearchOutcome, SearchOutcome]:
        """In turn, so that whatever else the machine does meets both alike."""
        started = perf_counter()
        if candidate_first:
            after = self.after.search(request)
            between = perf_counter()
            before = self.before.search(request)
            self._took.append((perf_counter() - between, between - started))
        else:
            before = self.before.search(request)
            between = perf_counter()
            after = self.after.search(request)
            self._took.append((between - started, perf_counter() - between))
        return before, after

    def _compare(self, success: Success, before: SearchOutcome, after: SearchOutcome) -> Compared:
        if success.kind == "unanswerable":
            return Compared(success, _abstained(before), _abstained(after), None)
        names = self.names_of(success)
        first = _standing(success, before, names, None)
        languages = self._languages(success, first) if success.by_group else None
        then = _standing(success, after, names, languages)
        if first.shown and then.shown is None and (same := self._renamed(first.shown, after)):
            then = _standing(success, after, names | {_name(success, same)}, languages)
        replaced = _replacement(first.shown, after.hits) if first.shown and then.level < first.level else None
        return Compared(success, first, then, replaced)

    def _languages(self, success: Success, first: Standing) -> set[str]:
        """What the article may be shown in: the customer's language, or the one that helped."""
        if first.shown:
            return {primary(success.lang), primary(first.shown.lang)}
        helped = (self.before.document(name, audiences=None) for name in success.documents)
        return {primary(success.lang), *(primary(document.lang) for document in helped if document)}

    def _renamed(self, old: Shown, after: SearchOutcome) -> Hit | None:
        """The same text under another id: customers see no difference."""
        if self.after.group_of(old.id) is not None:
            return None
        document = self.before.document(old.id, audiences=None)
        for hit in after.hits if document else ():
            other = self.after.document(hit.id, audiences=None)
            if document and other and (other.title, other.text) == (document.title, document.text):
                return hit
        return None


def helps(success: Success, hit: Hit, names: frozenset[str]) -> bool:
    """Whether a hit is what helped: any translation of it, or of a question judged by document only that document."""
    return _name(success, hit) in names


def _name(success: Success, hit: Hit) -> str:
    return hit.group if success.by_group else hit.id


def _standing(success: Success, outcome: SearchOutcome, names: frozenset[str], languages: set[str] | None) -> Standing:
    """`languages`: what the article may be shown in; None means any."""
    hit = next((hit for hit in outcome.hits if helps(success, hit, names)), None)
    action = outcome.decision.action
    if hit is None:
        return Standing(LOST, action, None)
    if languages is not None and primary(hit.lang) not in languages:
        return Standing(LOST, action, _shown(hit))
    answered = success.kind == "answered" and action is Action.ANSWER and hit.position == 1
    return Standing(ANSWERED if answered else LISTED, action, _shown(hit))


def _abstained(outcome: SearchOutcome) -> Standing:
    """A question that nothing answers is served well by not answering it."""
    action = outcome.decision.action
    return Standing(LOST if action is Action.ANSWER else LISTED, action, None)


def _replacement(old: Shown, hits: Sequence[Hit]) -> Shown | None:
    hit = next(iter(hits[old.position - 1 :] or hits[-1:]), None)
    return _shown(hit) if hit and hit.id != old.id else None


def _shown(hit: Hit) -> Shown:
    return Shown(hit.id, hit.title, hit.lang, hit.position)
