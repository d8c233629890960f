"""The numbers that an index has for texts: their places among the hashes that it holds, the last ones remembered.

Takes terms, gives places. What customers type repeats itself: a dictionary answers in a twentieth of the time that
hashing and searching take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import hash_texts
from kbsearch.index.query_kernels import places_of

# Some 5 MB for each index, and for each group of callers who may not know all of it.
MOST_REMEMBERED = 50_000


class Numbers:
    """Safe to use from several threads at once."""

    def __init__(
        self, hashes: NDArray[np.uint64], held: Callable[[NDArray[np.int64]], NDArray[np.int64]] | None = None
    ) -> None:
        """`held`: which of some places count, with −1 for the others; None means all."""
        self._hashes = hashes
        self._held = held
        self._known: dict[str, int] = {}

    def of(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """The place of each text, −1 for one that the index does not hold."""
        wanted = list(texts)
        # Another thread may replace the memory at any moment, so it is looked at once.
        known = self._known
        try:
            return np.fromiter(map(known.__getitem__, wanted), np.int64, len(wanted))
        except KeyError:
            new = [text for text in dict.fromkeys(wanted) if text not in known]
        if len(known) + len(new) > MOST_REMEMBERED:
            self._known = known = {text: known[text] for text in wanted if text in known}
        places = places_of(self._hashes, hash_texts(new))
        known.update(zip(new, (places if self._held is None else self._held(places)).tolist(), strict=True))
        return np.asarray([known[text] for text in wanted], dtype=np.int64)
