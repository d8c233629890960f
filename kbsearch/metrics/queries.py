"""What customers typed, and whether a report may print it: only what several of them did (k-anonymity). Pure.

Every report that prints a query, or words of one, asks here.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kbsearch.events.identity import NETWORK_LETTERS
from kbsearch.events.schema import SearchRecord

LEAST_CLIENTS = 5
UNKNOWN_NETWORK = -1
_BITS = 40
"""Of a client's hash, enough to tell those apart who asked the same."""

Integers = NDArray[np.int64]


def is_printable(search: SearchRecord) -> bool:
    """Tell whether a query may be printed if enough asked it: asked without a key, and nothing personal was in it."""
    return search.public and "[" not in search.user_query


def network_of(search: SearchRecord) -> int:
    """Return a number for the network that a search came from, or UNKNOWN_NETWORK.

    Different numbers are different networks; several networks may share one. Clients can be invented, networks cannot.
    """
    letters = search.voucher[:NETWORK_LETTERS]
    return int.from_bytes(letters.encode("utf-8", "replace")) if letters else UNKNOWN_NETWORK


def askers(searches: Iterable[tuple[str, int]]) -> int:
    """Return how many surely asked, of searches by these clients from these networks.

    As many as there are clients, and no more than there are networks where these are known: one person on many visits,
    or under many names, is one.
    """
    known: set[int] = set()
    elsewhere: set[str] = set()
    everybody: set[str] = set()
    for client, network in searches:
        everybody.add(client)
        if network == UNKNOWN_NETWORK:
            elsewhere.add(client)
        else:
            known.add(network)
    return min(len(everybody), len(known) + len(elsewhere))


def count_askers(what: Integers, clients: NDArray[np.uint64], networks: Integers, size: int) -> Integers:
    """Return for each number below `size` how many surely asked it, as `askers` counts; `what` names one a search."""
    known = networks != UNKNOWN_NETWORK
    elsewhere = count_different(what[~known], clients[~known], size)
    by_network = count_different(what[known], networks[known].astype(np.uint64), size) + elsewhere
    fewest: Integers = np.minimum(count_different(what, clients, size), by_network)
    return fewest


def count_different(what: Integers, values: NDArray[np.uint64], size: int) -> Integers:
    """Return for each number below `size`, at most 2**24, how many different values stand beside it."""
    both = what.astype(np.uint64) << np.uint64(_BITS) | values & np.uint64((1 << _BITS) - 1)
    both.sort()
    new = np.ones(len(both), np.bool_)
    new[1:] = both[1:] != both[:-1]
    return np.bincount((both[new] >> np.uint64(_BITS)).astype(np.int64), minlength=size)
