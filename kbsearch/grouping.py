"""Passages become results: one an article group, shown in the language that suits the user best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.query_kernels import mask_of
from kbsearch.index.result_kernels import count_codes, rank_groups
from kbsearch.retrieve import Candidates
from kbsearch.snapshot import Snapshot
from kbsearch.text.tags import primary
from kbsearch.types import noun
from kbsearch.visibility import Visible

# Results under this share of the best score are not worth a customer's look and are not counted as found.
RELATIVE_FLOOR = np.float32(0.3)
# Below this a language is a detector's noise, not a reason to prefer a translation.
_WELCOME_FLOOR = 0.1
# Who reads English anywhere reads that of the United States.
_OTHER_REGION = 0.9


@noun
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
    own = primary(interface_lang)

    def welcome(lang: str) -> float:
        if lang == interface_lang:
            return 1.0
        if primary(lang) == own:
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
    best, groups, documents = rank_groups(
        candidates.scores,
        candidates.titled,
        candidates.passages,
        candidates.documents,
        RELATIVE_FLOOR,
        np.asarray(pinned, dtype=np.int32),
        snapshot.document_group,
        snapshot.group_start,
        snapshot.group_documents,
        snapshot.document_lang,
        welcome,
        mask_of(visible.documents),
    )
    return Groups(groups, best, documents, candidates.scores[best])


def count_facets(snapshot: Snapshot, documents: NDArray[np.int32]) -> dict[str, dict[str, int]]:
    """How many of the shown documents have each type, language and category, most frequent first."""
    names = {facet: snapshot.values[facet] for facet in ("type", "lang", "category")}
    counts = {facet: np.zeros(len(held), dtype=np.int64) for facet, held in names.items()}
    count_codes(
        documents,
        snapshot.document_type,
        snapshot.document_lang,
        snapshot.category_start,
        snapshot.categories,
        *counts.values(),
    )
    return {facet: _most_frequent(names[facet], counted.tolist()) for facet, counted in counts.items()}


def _most_frequent(names: Sequence[str], counts: Sequence[int]) -> dict[str, int]:
    held = [(-count, code) for code, count in enumerate(counts) if count]
    return {names[code]: -count for count, code in sorted(held)}
