"""Passages become results: one an article group, shown in the language that suits the user best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.candidate_kernels import best_of_groups
from kbsearch.retrieve import Candidates
from kbsearch.snapshot import Snapshot
from kbsearch.text.tags import primary
from kbsearch.visibility import Visible

# Results under this share of the best score are not worth a customer's look and are not counted as found.
RELATIVE_FLOOR = 0.3
# Below this a language is a detector's noise, not a reason to prefer a translation.
_WELCOME_FLOOR = 0.1
# Who reads English anywhere reads that of the United States.
_OTHER_REGION = 0.9


@dataclass(frozen=True, slots=True)
class Groups:
    """Results, best first; aligned arrays."""

    groups: NDArray[np.int32]
    best: NDArray[np.int64]
    """Position of each group's best passage among the candidates."""
    documents: NDArray[np.int32]
    """The member of the group to show."""
    scores: NDArray[np.float32]


def welcome_languages(snapshot: Snapshot, interface_lang: str, detected: Mapping[str, float]) -> NDArray[np.float32]:
    """How welcome each language of the snapshot is, 0..1: the interface language first, then the query's own."""

    def welcome(lang: str) -> float:
        if lang == interface_lang:
            return 1.0
        if primary(lang) == primary(interface_lang):
            return _OTHER_REGION
        spoken = 0.5 * detected.get(lang, 0.0)
        return spoken if spoken >= _WELCOME_FLOOR else 0.0

    return np.asarray([welcome(lang) for lang in snapshot.values["lang"]], dtype=np.float32)


def group_results(
    snapshot: Snapshot,
    candidates: Candidates,
    welcome: NDArray[np.float32],
    visible: Visible,
    pinned: Sequence[int] = (),
) -> Groups:
    """One result a group. Pinned groups come first, in their order, then a title that was typed word for word.

    Equal scores keep the reading order.
    """
    # Among equal scores the more welcome language wins. A bonus for it instead lost recall in every language: an
    # article is shown in the user's language anyway, whichever of its translations matched.
    best: NDArray[np.int64] = best_of_groups(
        candidates.scores + candidates.titled,
        -welcome[snapshot.document_lang[candidates.documents]],
        candidates.passages,
        snapshot.document_group[candidates.documents],
    )
    if len(best):
        scores = candidates.scores[best]
        kept = (scores > RELATIVE_FLOOR * candidates.scores.max()) | candidates.titled[best]
        if pinned:
            kept |= np.isin(snapshot.document_group[candidates.documents[best]], pinned)
        best = best[kept]
    if pinned:
        place = {group: number for number, group in enumerate(pinned)}
        owners = snapshot.document_group[candidates.documents[best]].tolist()
        best = best[np.argsort([place.get(group, len(place)) for group in owners], kind="stable")]
    documents = candidates.documents[best]
    return Groups(
        groups=snapshot.document_group[documents],
        best=best,
        documents=snapshot.in_best_language(documents, welcome, visible.documents),
        scores=candidates.scores[best],
    )


def count_facets(snapshot: Snapshot, documents: NDArray[np.int32]) -> dict[str, dict[str, int]]:
    """How many of the shown documents have each type, language and category, most frequent first."""
    return {
        "type": _count(snapshot.values["type"], snapshot.document_type[documents]),
        "lang": _count(snapshot.values["lang"], snapshot.document_lang[documents]),
        "category": _count(snapshot.values["category"], snapshot.category_codes(documents)),
    }


def _count(names: Sequence[str], codes: NDArray[np.integer[Any]]) -> dict[str, int]:
    counts = enumerate(np.bincount(codes).tolist())
    return {names[code]: count for code, count in sorted(counts, key=lambda item: -item[1]) if count}
