"""What speaks for the best result, read off the candidates: the input of the decision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kbsearch.grouping import Groups
from kbsearch.retrieve import Candidates
from kbsearch.snapshot import Snapshot
from kbsearch.text.tags import primary
from kbsearch.types import Evidence
from kbsearch.understand import Understanding


def weigh(
    snapshot: Snapshot, results: Groups, candidates: Candidates, query: Understanding, lang: str
) -> Evidence | None:
    """The evidence for the first result, None where there is none; `lang` is the language of the question."""
    if len(results.groups) == 0:
        return None
    own = snapshot.document_group[candidates.documents] == results.groups[0]
    score = float(results.scores[0])
    second, third = (float(results.scores[place]) if len(results.scores) > place else 0.0 for place in (1, 2))
    known = [word not in query.unknown for word in query.content]
    shown = snapshot.values["lang"][snapshot.document_lang[results.documents[0]]]
    return Evidence(
        score=score,
        lexical=_best(candidates.lexical[own]),
        similarity=_best(candidates.similarity[own]),
        title=_best(candidates.title[own]),
        margin=score - second,
        lead=score - third,
        relative_margin=(score - second) / score if score > 0.0 else 0.0,
        lexical_lead=_best(candidates.lexical[own]) - _best(candidates.lexical[~own]),
        similarity_lead=_best(candidates.similarity[own]) - _best(candidates.similarity[~own]),
        words_known=sum(known) / len(known) if known else 0.0,
        language_match=float(primary(shown) == primary(lang)),
    )


def _best(scores: NDArray[np.float32]) -> float:
    return float(scores.max()) if scores.size else 0.0
