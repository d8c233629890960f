"""The journeys of a day by column, so that a report looks at a hundred thousand of them in milliseconds.

Takes journeys, gives arrays; clients and topics stand as hashes of 64 bits, which never leave the store. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from kbsearch.metrics.journeys import HELD_OUT, TREATED, Journey, Labels

SEARCHED, OPENED, SAID, HANDED, FORM, SAW, WAS_TREATED, WAS_HELD_OUT, PROGRAM, READ, LISTED = (
    1 << bit for bit in range(11)
)
"""Bits of `flags`; HANDED: a ticket or hand-over is in the journey."""
_ARMS = {TREATED: WAS_TREATED, HELD_OUT: WAS_HELD_OUT, "": 0}

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """Journeys, a row each; moments are milliseconds since 1970."""

    labels: tuple[Labels, ...]
    """Every combination that occurs."""
    label: Integers
    """Row → place in `labels`."""
    client: Hashes
    start: Integers
    end: Integers
    flags: Integers
    facts: Integers
    handover: Integers
    """When tickets were created or a human was asked for: moments, and the row of each."""
    handover_row: Integers
    topic: Hashes
    """What rows are about, and where each row's topics end."""
    topic_end: Integers

    def __len__(self) -> int:
        return len(self.start)

    def marked(self, flag: int) -> Marks:
        """Return which rows have a flag."""
        found: Marks = (self.flags & flag) != 0
        return found

    def rows(self, wanted: Marks) -> Columns:
        """Return some of the rows, numbered anew."""
        place = np.cumsum(wanted) - 1
        handed = wanted[self.handover_row]
        counts = np.diff(self.topic_end, prepend=0)
        return Columns(
            labels=self.labels,
            **{name: getattr(self, name)[wanted] for name in _BY_ROW},
            handover=self.handover[handed],
            handover_row=place[self.handover_row[handed]],
            topic=self.topic[np.repeat(wanted, counts)],
            topic_end=np.cumsum(counts[wanted]),
        )

    def renamed(self, names: Mapping[int, int]) -> Columns:
        """Return the rows with other clients in place of some."""
        clients = [names.get(client, client) for client in self.client.tolist()] if names else self.client
        return replace(self, client=np.array(clients, np.uint64))

    def topics(self, row: int) -> set[int]:
        """Return what a row is about."""
        return set(self.topic[self.topic_end[row - 1] if row else 0 : self.topic_end[row]].tolist())

    def pairs(self, clients: Hashes) -> Iterator[tuple[int, int]]:
        """Yield every (place in `clients`, row) with the same client."""
        order = self._by_client
        ordered = self.client[order]
        first, last = np.searchsorted(ordered, clients, "left"), np.searchsorted(ordered, clients, "right")
        for place in np.flatnonzero(last > first).tolist():
            for row in order[first[place] : last[place]].tolist():
                yield place, row

    @cached_property
    def _by_client(self) -> Integers:
        return np.argsort(self.client, kind="stable")


def columns_of(journeys: Sequence[Journey]) -> Columns:
    """Turn journeys into columns, in their order."""
    places: dict[Labels, int] = {}
    label = [places.setdefault(journey.labels, len(places)) for journey in journeys]
    handovers = [(moment, row) for row, journey in enumerate(journeys) for moment in journey.handovers]
    # Most journeys are about the same few things.
    known: dict[str, int] = {}
    topics = [_known(topic, known) for journey in journeys for topic in journey.topics]
    return Columns(
        labels=tuple(places),
        label=_integers(label),
        client=np.array([hash_client(journey.client) for journey in journeys], np.uint64),
        start=_integers([journey.start for journey in journeys]),
        end=_integers([journey.end for journey in journeys]),
        flags=_integers([_flags(journey) for journey in journeys]),
        facts=_integers([journey.facts for journey in journeys]),
        handover=_integers([moment for moment, _ in handovers]),
        handover_row=_integers([row for _, row in handovers]),
        topic=np.array(topics, np.uint64),
        topic_end=np.cumsum(_integers([len(journey.topics) for journey in journeys])),
    )


def join(first: Columns, second: Columns) -> Columns:
    """Put the rows of one behind those of the other."""
    labels = tuple(dict.fromkeys(chain(first.labels, second.labels)))
    places = {label: place for place, label in enumerate(labels)}
    moved = _integers([places[label] for label in second.labels])
    rows, topics = len(first), len(first.topic)
    return Columns(
        labels=labels,
        label=np.concatenate([first.label, moved[second.label] if len(second) else second.label]),
        client=np.concatenate([first.client, second.client]),
        start=np.concatenate([first.start, second.start]),
        end=np.concatenate([first.end, second.end]),
        flags=np.concatenate([first.flags, second.flags]),
        facts=np.concatenate([first.facts, second.facts]),
        handover=np.concatenate([first.handover, second.handover]),
        handover_row=np.concatenate([first.handover_row, second.handover_row + rows]),
        topic=np.concatenate([first.topic, second.topic]),
        topic_end=np.concatenate([first.topic_end, second.topic_end + topics]),
    )


ARRAYS = tuple(name for name in Columns.__dataclass_fields__ if name != "labels")
_BY_ROW = ("label", "client", "start", "end", "flags", "facts")


def _flags(journey: Journey) -> int:
    return (
        SEARCHED * journey.searched
        | OPENED * journey.opened
        | SAID * journey.said
        | HANDED * bool(journey.handovers)
        | FORM * journey.form
        | SAW * journey.saw
        | _ARMS[journey.arm]
        | PROGRAM * journey.program
        | READ * journey.read
        | LISTED * journey.listed
    )


def _integers(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64)


def _known(text: str, known: dict[str, int]) -> int:
    found = known.get(text)
    if found is None:
        found = known[text] = hash_client(text)
    return found


def hash_client(text: str) -> int:
    """Return the 64 bits that stand for a client, or a topic."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
