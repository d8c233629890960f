"""Passages become results: one an article group, shown in the language that suits the user best."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress, islice
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from kbsearch.snapshot import FACETS, Snapshot
from kbsearch.text.tags import primary
from kbsearch.types import noun

# Below this a language is a detector's noise, not a reason to prefer a translation.
_WELCOME_FLOOR = 0.1
# Who reads English anywhere reads that of the United States.
_OTHER_REGION = 0.9


@noun
class Groups:
    """Results, best first; aligned arrays.

    Pinned groups come first, in their order, then a title that was typed word for word. Equal scores keep the reading
    order.
    """

    groups: NDArray[np.int32]
    best: NDArray[np.int64]
    """Position of each group's best passage among the candidates."""
    documents: NDArray[np.int32]
    """The member of the group to show."""
    scores: NDArray[np.float32]
    quoted: NDArray[np.int64]
    """The passage to quote of each result that the caller asked for."""
    counts: NDArray[np.int64]
    """How many have each value of each facet, one facet's values after the other's."""
    evidence: tuple[float, ...]
    """From `strongest`, for the first group."""


def welcome_languages(snapshot: Snapshot, interface_lang: str, detected: Mapping[str, float]) -> NDArray[np.float32]:
    """How welcome each language of the snapshot is, 0..1: the interface language first, then the query's own."""
    # Among equal scores the more welcome language wins. A bonus for it instead lost recall in every language: an
    # article is shown in the user's language anyway, whichever of its translations matched.
    own = primary(interface_lang)
    probability = {primary(lang): share for lang, share in detected.items()}

    def welcome(lang: str) -> float:
        if lang == interface_lang:
            return 1.0
        if primary(lang) == own:
            return _OTHER_REGION
        spoken = 0.5 * probability.get(primary(lang), 0.0)
        return spoken if spoken >= _WELCOME_FLOOR else 0.0

    return np.asarray([welcome(lang) for lang in snapshot.values["lang"]], dtype=np.float32)


def name_facets(snapshot: Snapshot, counts: NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """How many results have each type, language and category, most frequent first."""
    facets: dict[str, dict[str, int]] = {}
    rest = iter(counts.tolist())
    for facet in FACETS:
        names = snapshot.values[facet]
        of_facet = list(islice(rest, len(names)))
        held = compress(zip(names, of_facet, strict=True), of_facet)
        facets[facet] = dict(sorted(held, key=itemgetter(1), reverse=True))
    return facets
