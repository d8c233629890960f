"""Results become hits: what is shown of each article, with the passage that was found quoted and marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from kbsearch.grouping import Groups
from kbsearch.snapshot import Snapshot
from kbsearch.snippet import LENGTH, make_snippet
from kbsearch.text.tags import primary
from kbsearch.types import Hit
from kbsearch.visibility import Visible

Explain = Callable[[int, int], Mapping[str, object]]
"""Why a result (its place, from 0) stands where it stands, given the passage that is quoted of it."""


def make_hits(
    snapshot: Snapshot,
    results: Groups,
    places: slice,
    marked: NDArray[np.uint32],
    visible: Visible,
    lang: str,
    explain: Explain | None,
) -> tuple[Hit, ...]:
    """The hits for these places among the results; `marked`: the words to mark, from `short_hashes`; `lang` is the
    language of the question."""
    documents, scores = results.documents[places].tolist(), results.scores[places].tolist()
    passages = results.quoted.tolist()
    texts = [snapshot.text(passage) for passage in passages]
    quotes = snapshot.marks.quotes(passages, list(map(len, texts)), marked, LENGTH)
    own = primary(lang)
    hits = []
    for place, (document, passage, text, quote) in enumerate(
        zip(documents, passages, texts, quotes, strict=True), places.start
    ):
        card = visible.card(snapshot, document)
        snippet, highlights = make_snippet(text, quote)
        hits.append(
            Hit(
                id=card.id,
                group=card.group,
                type=card.type,
                lang=card.lang,
                title=card.title,
                url=card.url,
                score=round(min(1.0, scores[place - places.start]), 4),
                snippet=snippet,
                highlights=highlights,
                position=place + 1,
                translations=card.translations,
                language_match=primary(card.lang) == own,
                category=card.category,
                updated_at=card.updated_at,
                explain=explain(place, passage) if explain else None,
            )
        )
    return tuple(hits)
