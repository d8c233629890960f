"""The answer shown above the results: the asked words of an article's passages looked up, the best piece cut out.

Takes what the engine knows, gives an `Answer`; the choice itself is pure (`answering`).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from kbsearch.answering import Asked, AskedPassage, find_answer
from kbsearch.index.marks import short_hashes
from kbsearch.lexicon import Lexicon
from kbsearch.snapshot import Snapshot
from kbsearch.text.stems import stem_terms
from kbsearch.text.words import surfaces
from kbsearch.types import Answer
from kbsearch.understand import Understanding

# A code says more than what is told around it, however few articles speak of that.
CODE_SHARE = 3.0


def extract(
    snapshot: Snapshot, query: Understanding, lexicon: Lexicon, record: Mapping[str, str], passages: range
) -> Answer:
    """The piece of these passages of one article (its `record`) that answers the query best."""
    asked = look_up(snapshot, query, lexicon, record, passages)
    place, start, end = find_answer(asked)
    found = asked.passages[place]
    inside = ((a, b) for a, b, _ in found.places if start <= a and b <= end)
    return Answer(
        text=found.text[start:end],
        document_id=record["id"],
        highlights=tuple((a - start, b - start) for a, b in inside),
    )


def look_up(
    snapshot: Snapshot, query: Understanding, lexicon: Lexicon, record: Mapping[str, str], passages: range
) -> Asked:
    """Where the query's words stand in these passages of one article, in their headings and in its title."""
    by_stem = {stem: number for number, stems in enumerate(query.stems) for stem in stems}
    codes = {number for number, word in enumerate(query.content) if _is_code(word)}
    for number, (letters, digits) in enumerate(pairwise(query.content), 1):
        # "PROMO 22" is a code where the article holds PROMO-22; "step 2" is none.
        if letters.isalpha() and digits.isdigit():
            (stem,) = stem_terms(letters + digits, record["lang"])[:1]
            if snapshot.marks.hold(passages, short_hashes([stem])):
                by_stem[stem] = number
                codes.add(number)
    # Passages mark words by their stems, protected or not.
    plain = {stem_terms(word, lang)[0]: n for n, word in enumerate(query.content) for lang in query.readings}
    marked = plain | by_stem
    by_hash = dict(zip(short_hashes(marked).tolist(), marked.values(), strict=True))

    def asked_in(text: str) -> frozenset[int]:
        stems = (lexicon.stems(word, record["lang"])[0] for word in surfaces(text))
        return frozenset(by_stem[stem] for stem in stems if stem in by_stem)

    asked = []
    for number in passages:
        passage = snapshot.passage(number)
        places = snapshot.marks.places_in(number, by_hash)
        asked.append(AskedPassage(passage.text, asked_in("\n".join(passage.headings)), places))
    weights = lexicon.lexical.idf([stems[0] for stems in query.stems]).tolist()
    for number in codes:
        weights[number] *= CODE_SHARE
    # A title that lists the codes says no less of where to look for one.
    return Asked(asked, weights, asked_in(record["title"]) - codes, frozenset(codes))


def _is_code(word: str) -> bool:
    return any(map(str.isdigit, word)) and any(map(str.isalpha, word))
