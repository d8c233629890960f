"""From the event log to the searches that are known to have helped, and the article that did.

What a journey is and how it ended is what `kbsearch metrics` says (docs/metrics.md). A search is a success where
- an article was opened from it, and the customer said that it helped (confirmed), or
- it was answered at once, nothing was said against the answer, and no ticket or hand-over followed.

Journeys of programs are left out: a monitor is not helped, and asks nobody afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal, Protocol

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.metrics.acts import HANDOVERS, Act, by_client, read_acts
from kbsearch.metrics.journeys import GAP, Journey, helpful_vote, is_opening, read_journey, split_journeys
from kbsearch.metrics.moments import DAY, day_of, days_between, start_of, timestamp_of
from kbsearch.metrics.outcomes import WINDOW, Outcome, decide_outcome
from kbsearch.metrics.queries import LEAST_CLIENTS, askers, is_printable, network_of
from kbsearch.metrics.searches import Search, query_key

Kind = Literal["opened", "answered", "judged", "unanswerable"]


class Facts(Protocol):
    """What is asked of an event store."""

    def searches(self, since: str = "", until: str = "") -> Iterator[SearchRecord]:
        """Yield searches from `since` (included) to `until` (excluded)."""

    def events(self, since: str = "", until: str = "") -> Iterator[Event]:
        """Yield events, likewise."""


@dataclass(frozen=True, slots=True)
class Success:
    """One way in which customers were helped, however often it happened."""

    query: str
    lang: str
    """Where the customer was; the language as detected where the log does not say."""
    public: bool
    """Asked without a key; others are asked again by somebody who may see everything, since keys are not logged."""
    documents: tuple[str, ...]
    """The article that helped; of a judged question, every one that would."""
    kind: Kind
    searches: int = 1
    """How often."""
    by_group: bool = True
    """Any translation of the article helps."""
    printable: bool = True
    """Enough people asked this to show it to an editor."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a period of the event log gives."""

    successes: tuple[Success, ...]
    searches: int
    """All searches of the period."""
    undecided: int
    """Searches of journeys that may still end in a ticket."""
    programs: int
    """Searches of programs, which are no customers."""


def read_log(facts: Facts, since: int, until: int, as_of: int) -> Log:
    """Read the successes of the journeys that began in [since, until), judged as of a moment (milliseconds, UTC)."""
    reading = _Reading(range(since, until), as_of)
    reading.read(facts)
    return Log(tuple(reading.successes()), reading.searches, reading.undecided, reading.programs)


class _Reading:
    """Counts successes, day by day: of a long log no more is in memory than what a window may still change."""

    def __init__(self, period: range, as_of: int) -> None:
        self._period = period
        self._as_of = as_of
        self._counted: Counter[Success] = Counter()
        self._spellings: dict[Success, Counter[str]] = {}
        self._askers: dict[str, set[tuple[str, int]]] = {}
        """Who asked a query that may be printed, and from which networks."""
        self.searches = 0
        self.undecided = 0
        self.programs = 0

    def read(self, facts: Facts) -> None:
        """Count every journey that began in the period, once."""
        waiting: dict[str, list[Act]] = {}
        for day in days_between(day_of(self._period.start), day_of(self._period.stop + WINDOW)):
            end = start_of(day) + DAY
            bounds = timestamp_of(start_of(day)), timestamp_of(end)
            for client, acts in by_client(read_acts(facts.searches(*bounds), facts.events(*bounds))).items():
                waiting.setdefault(client, []).extend(acts)
            for client in list(waiting):
                self._settle(waiting, client, end - WINDOW)
        for client in list(waiting):
            self._settle(waiting, client, self._period.stop + 2 * WINDOW)

    def _settle(self, waiting: dict[str, list[Act]], client: str, before: int) -> None:
        """Judge the client's journeys that ended before a moment; what comes later stays, to be judged or to tell."""
        acts = waiting[client]
        later = acts
        for run in split_journeys(acts):
            if run[-1].moment + GAP > before:
                break
            later = later[len(run) :]
            if run[0].moment in self._period:
                self._judge(run, later)
        if later:
            waiting[client] = later
        else:
            del waiting[client]

    def _judge(self, acts: list[Act], later: Sequence[Act]) -> None:
        journey, searches = read_journey(acts)
        self.searches += len(searches)
        if journey.program:
            self.programs += len(searches)
            return
        helped, closed = _successes_of(journey, searches, acts, later, self._as_of)
        self.undecided += 0 if closed else len(searches)
        for success in helped:
            key = _without_spelling(success)
            self._counted[key] += 1
            self._spellings.setdefault(key, Counter())[success.query] += 1
        for search in searches:
            if is_printable(search.final):
                asker = (journey.client, network_of(search.final))
                self._askers.setdefault(query_key(search.final.user_query), set()).add(asker)

    def successes(self) -> Iterator[Success]:
        """One for each query, place, article and kind, most frequent first."""
        ordered = sorted(self._counted.items(), key=lambda item: (-item[1], item[0].query, item[0].documents))
        for key, count in ordered:
            written = self._spellings[key]
            query = max(sorted(written), key=written.__getitem__)
            shown = key.public and askers(self._askers.get(query_key(query), ())) >= LEAST_CLIENTS
            yield replace(key, query=query, searches=count, printable=shown)


def _successes_of(
    journey: Journey, searches: Sequence[Search], acts: Sequence[Act], afterwards: Sequence[Act], as_of: int
) -> tuple[list[Success], bool]:
    """The successes of one journey, and whether its outcome is settled. `afterwards`: what the client did later."""
    closes = journey.end + WINDOW
    in_time = takewhile(lambda act: act.moment <= closes, afterwards)
    later = any(isinstance(act.fact, Event) and act.fact.action_name in HANDOVERS for act in in_time)
    outcome = decide_outcome(journey, handed_over_later=later, closed=as_of >= closes)
    if outcome not in (Outcome.CONFIRMED, Outcome.ASSUMED):
        return [], as_of >= closes
    helped = _helped([act.fact for act in acts if isinstance(act.fact, Event)], confirmed=outcome is Outcome.CONFIRMED)
    owners = {query_id: search for search in searches for query_id in search.query_ids}
    found: dict[int, Success] = {}
    for query_id, document, kind in helped:
        if query_id in owners:
            final = owners[query_id].final
            # A search counts once: what was opened and confirmed later says more than the answer before.
            found[id(final)] = Success(
                final.user_query, final.lang or final.detected_lang, final.public, (document,), kind
            )
    return list(found.values()), True


def _helped(events: Iterable[Event], *, confirmed: bool) -> list[tuple[str, str, Kind]]:
    """(query id, article, kind) of everything that helped, answers first."""
    answers: dict[tuple[str, str], None] = {}
    openings: dict[str, str] = {}
    """Article → the search that it was last opened from."""
    thanked: dict[str, str] = {}
    last = ""
    for event in events:
        vote = True if event.action_name == "resolved_declared" else helpful_vote(event)
        if event.action_name == "answer_shown" and event.object_id:
            answers[event.query_id, event.object_id] = None
        elif is_opening(event) and event.object_id:
            last = event.object_id
            openings[last] = event.query_id
        elif vote is not None:
            about = event.object_id or last
            if vote and about in openings:
                thanked[about] = openings[about]
            elif not vote:
                thanked.pop(about, None)
                # Without a name it is said of whatever was shown.
                answers = {key: None for key in answers if event.object_id not in ("", key[1])}
    helped: list[tuple[str, str, Kind]] = [(query, document, "answered") for query, document in answers]
    for document, query in thanked.items() if confirmed else ():
        helped.append((query, document, "answered" if (query, document) in answers else "opened"))
    return helped


def _without_spelling(success: Success) -> Success:
    """What two askings of one query have in common; letter case and spaces change no result."""
    query = " ".join(success.query.casefold().split())
    return Success(query, success.lang, success.public, success.documents, success.kind)
