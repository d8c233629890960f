"""What a replay found: broken and won successes by language and cause, changed decisions, latency, and the verdict.

Takes compared successes, gives one `Report`; every number counts searches (how often a query was asked), not queries.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from indexer.replay.causes import Cause, Causes
from indexer.replay.compare import ANSWERED, LOST, Compared, Latency
from kbsearch.metrics.intervals import wilson
from kbsearch.text.tags import primary

LEAST_BROKEN = 5
"""A language is judged by itself from so many broken searches on: fewer are no trend."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Searches by what became of them."""

    asked: int = 0
    held: int = 0
    """Served by the published version: what can break."""
    served: int = 0
    """Served by the candidate."""
    broken: int = 0
    won: int = 0
    lost_before: int = 0
    """Helped once, and served by neither version any more."""

    @property
    def share(self) -> float | None:
        """Broken ones among those held, 0..1; None where nothing was held that could break."""
        return self.broken / self.held if self.held else None


@dataclass(frozen=True, slots=True)
class Loss:
    """A broken success, why it broke, and where its article stands now."""

    compared: Compared
    cause: Cause
    place: int | None


@dataclass(frozen=True, slots=True)
class CauseTotal:
    """One cause with everything that it broke."""

    cause: Cause
    losses: tuple[Loss, ...]
    searches: int


@dataclass(frozen=True, slots=True)
class Flip:
    """Another decision for the same query."""

    before: str
    after: str
    searches: int
    examples: tuple[Compared, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The log, or one file of judged questions."""

    name: str
    total: Counts
    by_lang: dict[str, Counts]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about one replay."""

    candidate: str
    against: str
    models: tuple[str, str]
    """Of the published version, of the candidate."""
    first: int
    budget: float
    sections: tuple[Section, ...]
    causes: tuple[CauseTotal, ...]
    wins: tuple[Compared, ...]
    flips: tuple[Flip, ...]
    latency: Latency | None
    searches: int
    """In the period of the log, successful or not."""
    undecided: int
    """Of these, in journeys that may still end in a ticket: left out."""
    programs: int
    """Of these, asked by programs: left out."""
    over: tuple[str, ...]
    """What is over the budget, in words; empty: the candidate may be published."""

    @property
    def losses(self) -> list[Loss]:
        """Most frequent first."""
        found = [loss for total in self.causes for loss in total.losses]
        return sorted(found, key=lambda loss: -loss.compared.success.searches)


def count(compared: Iterable[Compared]) -> Counts:
    """Add up searches."""
    items = list(compared)

    def add_up(chosen: Callable[[Compared], bool]) -> int:
        return sum(item.success.searches for item in items if chosen(item))

    return Counts(
        asked=add_up(lambda item: True),
        held=add_up(lambda item: item.before.level > LOST),
        served=add_up(lambda item: item.after.level > LOST),
        broken=add_up(lambda item: item.broken),
        won=add_up(lambda item: item.won),
        lost_before=add_up(lambda item: item.before.level == item.after.level == LOST),
    )


def section(name: str, compared: Sequence[Compared]) -> Section:
    """The figures of one set of successes."""
    by_lang: dict[str, list[Compared]] = defaultdict(list)
    for item in compared:
        by_lang[primary(item.success.lang) or "unknown"].append(item)
    return Section(name, count(compared), {lang: count(mine) for lang, mine in sorted(by_lang.items())})


def over_budget(sections: Iterable[Section], budget: float) -> tuple[str, ...]:
    """What breaks too much, in words: a set as a whole, or one language of it beyond what chance explains."""
    said = []
    for part in sections:
        if part.total.share is not None and part.total.share > budget:
            said.append(f"{part.name} {_share(part.total)}")
        for lang, counts in part.by_lang.items():
            if counts.broken >= LEAST_BROKEN and wilson(counts.broken, counts.held)[0] > budget:
                said.append(f"{part.name} in {lang} {_share(counts)}")
    return tuple(said)


def together(compared: Iterable[Compared]) -> list[Compared]:
    """What came to the same on both sides as one, most frequent first: an answer that the published version only lists
    is a listed article like any other.
    """
    merged: Counter[Compared] = Counter()
    for item in compared:
        listed = item.success.kind == "answered" and item.before.level < ANSWERED and item.after.level < ANSWERED
        kind = "opened" if listed else item.success.kind
        merged[replace(item, success=replace(item.success, kind=kind, searches=0))] += item.success.searches
    return [replace(item, success=replace(item.success, searches=searches)) for item, searches in merged.most_common()]


def find_causes(compared: Iterable[Compared], causes: Causes) -> tuple[CauseTotal, ...]:
    """Every broken success under its cause, the costliest cause first."""
    losses: dict[tuple[str, str], list[Loss]] = defaultdict(list)
    for item in together(item for item in compared if item.broken):
        cause = causes.of(item)
        losses[cause.kind, cause.subject].append(Loss(item, cause, causes.place_of(item)))
    totals = [
        CauseTotal(
            mine[0].cause,
            tuple(mine),
            sum(loss.compared.success.searches for loss in mine),
        )
        for mine in losses.values()
    ]
    return tuple(sorted(totals, key=lambda total: (-total.searches, total.cause.kind, total.cause.subject)))


def find_flips(compared: Iterable[Compared]) -> tuple[Flip, ...]:
    """Changed decisions, the most frequent kind first."""
    items: dict[tuple[str, str], list[Compared]] = defaultdict(list)
    for item in together(compared):
        if item.before.action is not item.after.action:
            items[item.before.action.value, item.after.action.value].append(item)
    flips = [Flip(*change, sum(item.success.searches for item in mine), tuple(mine)) for change, mine in items.items()]
    return tuple(sorted(flips, key=lambda flip: -flip.searches))


def share_text(counts: Counts) -> str:
    """The share as people read it."""
    return "nothing could" if counts.share is None else f"{counts.share:.2%}"


def _share(counts: Counts) -> str:
    return f"{counts.broken:,} of {counts.held:,} ({share_text(counts)})"
