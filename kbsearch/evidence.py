"""What speaks for the best result, read off the candidates: the input of the decision."""

from __future__ import annotations

from kbsearch.grouping import Groups
from kbsearch.snapshot import Snapshot
from kbsearch.text.tags import primary
from kbsearch.types import Evidence
from kbsearch.understand import Understanding


def weigh(snapshot: Snapshot, results: Groups, query: Understanding, lang: str, *, corrected: bool) -> Evidence | None:
    """The evidence for the first result, None where there is none.

    `lang` is the language of the question; `corrected`: the best results hold what misspelt words were corrected into.
    """
    if len(results.groups) == 0:
        return None
    lexical, similarity, title, other_lexical, other_similarity = results.evidence
    score, second, third = (*results.scores[:3].tolist(), 0.0, 0.0)[:3]
    unknown = query.unknown.difference(query.corrections) if corrected else query.unknown
    known = [word not in unknown for word in query.content]
    shown = snapshot.values["lang"][snapshot.document_lang[results.documents[0]]]
    return Evidence(
        score=score,
        lexical=lexical,
        similarity=similarity,
        title=title,
        margin=score - second,
        lead=score - third,
        relative_margin=(score - second) / score if score > 0.0 else 0.0,
        lexical_lead=lexical - other_lexical,
        similarity_lead=similarity - other_similarity,
        words_known=sum(known) / len(known) if known else 0.0,
        language_match=float(primary(shown) == primary(lang)),
    )
