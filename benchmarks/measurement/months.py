"""A simulated month as events, counted by the report itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import Name
from kbsearch.metrics.moments import DAY, MINUTE, start_of, timestamp_of
from kbsearch.metrics.report import report

_FIRST = start_of("2026-09-01")


class Visits:
    """What a report asks of an event store: visits to a ticket form, one a client, over 28 days."""

    def __init__(self, sessions: Sequence[str], held_out: NDArray[np.bool_], filed: NDArray[np.bool_]) -> None:
        self._events: list[Event] = []
        for number, session in enumerate(sessions):
            moment = _FIRST + 28 * DAY * number // len(sessions)
            shown = not held_out[number]
            attributes = {"suggestions_shown": shown, "holdout": not shown}
            self._events.append(_event(session, "ticket_started", moment, attributes))
            if filed[number]:
                # Some file at once, some by other means hours later: both count.
                self._events.append(_event(session, "ticket_created", moment + (5 + 300 * (number % 3)) * MINUTE, {}))
        self._events.sort(key=lambda event: (event.timestamp, event.event_id))

    def searches(self, since: str = "", until: str = "", clients: Collection[str] = ()) -> Iterator[SearchRecord]:
        """Yield nothing: they came straight to the form."""
        return iter(())

    def events(self, since: str = "", until: str = "", clients: Collection[str] = ()) -> Iterator[Event]:
        """Yield the events of a period; of some clients only, where any are given."""
        found = (event for event in self._events if since <= event.timestamp < (until or "~"))
        return (event for event in found if not clients or event.client_id in clients)

    def names(self, since: str = "", until: str = "") -> Iterator[Name]:
        """Yield what every event is called and whose it is."""
        for event in self.events(since, until):
            yield event.event_id, event.query_id, event.session_id, event.client_id

    def days(self) -> dict[str, int]:
        """Return the days with events."""
        return dict.fromkeys((event.timestamp[:10] for event in self._events), 1)

    def salts(self) -> Collection[str]:
        """Return that clients bear the same hashes all the time."""
        return ()

    def dropped(self, since: str = "", until: str = "") -> Mapping[str, int]:
        """Return that nothing was lost."""
        return {}


def played(sessions: Sequence[str], held_out: NDArray[np.bool_], filed: NDArray[np.bool_]) -> dict[str, int]:
    """Return the report's counters of these visits."""
    counts = report(Visits(sessions, held_out, filed), as_of=_FIRST + 60 * DAY).counts
    names = ("treated", "treated_filed", "held_out", "held_out_filed", "saw", "saw_unfiled")
    return {f"form_{name}": counts.get(f"form_{name}", 0) for name in names}


def _event(session: str, action: str, moment: int, attributes: Mapping[str, object]) -> Event:
    time = timestamp_of(moment)
    return Event(f"{action}-{session}", action, "", session, f"client-{session}", time, time, attributes=attributes)
