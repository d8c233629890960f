"""Whose a session or query is, so that what comes after midnight finds the client of the evening before. Pure.

A day is read by itself (see `acts.py`). What it tells the next one is whose sessions and queries it knows; what it asks
of the one before are those of clients that gave no id: a ticket that names a query, a session that only the service
noted. The answer renames a client, so nothing of a day is read again when the day before changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from kbsearch.events.identity import UNSURE
from kbsearch.events.schema import SearchRecord
from kbsearch.index.arrays import find_hashes, hash_text
from kbsearch.metrics.acts import Act
from kbsearch.metrics.columns import Hashes, hash_client


class Ties(NamedTuple):
    """Numbers that stand for sessions and queries, in order, and for the client of each."""

    key: Hashes
    client: Hashes


def no_ties() -> Ties:
    """Return none."""
    return Ties(np.zeros(0, np.uint64), np.zeros(0, np.uint64))


def ties_of(acts: Iterable[Act]) -> tuple[Ties, Ties]:
    """Return what a day tells the next one, and what it asks of the one before."""
    told: dict[str, str] = {}
    asked: dict[str, str] = {}
    searched = set()
    for act in acts:
        session, query = act.fact.session_id, act.fact.query_id
        is_sure = not act.client.startswith(UNSURE)
        is_lone = act.client == UNSURE + query
        if session:
            (told if is_sure else asked)["session " + session] = act.client
        if query and not is_lone:
            told["query " + query] = act.client
        if query and not is_sure and (session or is_lone):
            asked["query " + query] = act.client
        if isinstance(act.fact, SearchRecord):
            searched.add("query " + query)
    return _ties(told), _ties({key: client for key, client in asked.items() if key not in searched})


def replaced_ties(ties: Ties, before: Ties, after: Ties) -> Ties:
    """Put what all facts of some clients give now in place of what they gave before."""
    stay = find_hashes(before.key, ties.key) < 0
    return _in_order(np.concatenate([ties.key[stay], after.key]), np.concatenate([ties.client[stay], after.client]))


def new_names(asked: Ties, told: Ties) -> dict[int, int]:
    """Return for clients of a day those of the day before whose session or query they share."""
    place = find_hashes(told.key, asked.key)
    pairs = zip(asked.client[place >= 0].tolist(), told.client[place[place >= 0]].tolist(), strict=True)
    # One client may share with several: any will do, as long as it is always the same.
    return dict(sorted(((one, other) for one, other in pairs if one != other), reverse=True))


def _ties(clients: Mapping[str, str]) -> Ties:
    hashes = {client: hash_client(client) for client in set(clients.values())}
    return _in_order(
        np.array([hash_text(key) for key in clients], np.uint64),
        np.array([hashes[client] for client in clients.values()], np.uint64),
    )


def _in_order(key: Hashes, client: Hashes) -> Ties:
    order = np.argsort(key, kind="stable")
    return Ties(key[order], client[order])
