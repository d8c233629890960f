"""The answer shown above the results: the asked words of an article's passages looked up, the best piece cut out.

Takes what the engine knows, gives an `Answer`; the choice itself is pure (`answering`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

import numpy as np

from kbsearch.answering import Asked, AskedPassage, Place, best_place, cut_out
from kbsearch.forum import accepted_answer
from kbsearch.index.marks import short_hashes
from kbsearch.lexicon import Lexicon
from kbsearch.snapshot import Snapshot
from kbsearch.text.stems import stem_terms
from kbsearch.text.tags import primary
from kbsearch.text.words import surfaces
from kbsearch.types import Answer, Passage
from kbsearch.understand import Understanding

# A code says more than what is told around it, however few articles speak of that.
CODE_SHARE = 3.0
# Passages on either side of the one that was found, where the answer is looked for.
PASSAGES_READ = 8


def extract(
    snapshot: Snapshot, query: Understanding, lexicon: Lexicon, document: int, found: int, versions: Sequence[int]
) -> Answer | None:
    """The piece of a document that answers the query best; None where nothing tells which one does.

    It is looked for around the passage that was `found`, which may be one of another of the `versions`: the documents
    of its group that the caller may see.
    """
    asked = look_up(snapshot, query, lexicon, document, _around(snapshot.passages_of(document), found))
    if not asked.passages:
        return None
    place = best_place(asked)
    # A code is the same in every language, and a post is shown from its beginning.
    by_words = not asked.is_post and not (asked.codes and place.share)
    if by_words and not _is_asked_in(snapshot, query, document):
        version = next((version for version in versions if _is_asked_in(snapshot, query, version)), None)
        if version is not None:
            told = look_up(snapshot, query, lexicon, version, _around(snapshot.passages_of(version), found))
            place = same_place(snapshot, told, asked)
        elif not place.share:
            return None
    piece = cut_out(asked, place)
    return Answer(text=piece.text, document_id=snapshot.record(document)["id"], highlights=piece.marked)


def same_place(snapshot: Snapshot, told: Asked, asked: Asked) -> Place:
    """The beginning of the passage of an article that means most what answers in a version in another language.

    Words of that language stand nowhere in the article, and translators part their articles otherwise: the passage of
    the same number answers less often (benchmarks/answers.py).
    """
    best = best_place(told)
    if not told.passages:
        return best
    answering, *vectors = snapshot.dense.vectors(
        np.asarray([told.passages[best.passage].number, *(passage.number for passage in asked.passages)])
    )
    return Place(int(np.argmax(vectors @ answering)), 0, best.share)


def _around(passages: range, found: int) -> range:
    """The passages of an article where the answer is looked for."""
    centre = found if found in passages else passages.start
    return range(max(passages.start, centre - PASSAGES_READ), min(passages.stop, centre + PASSAGES_READ + 1))


def _is_asked_in(snapshot: Snapshot, query: Understanding, document: int) -> bool:
    """Whether a document is in the language that the query most probably is in."""
    own = primary(snapshot.record(document)["lang"])
    return all(primary(lang) == own for lang in islice(query.languages, 1))


def look_up(snapshot: Snapshot, query: Understanding, lexicon: Lexicon, document: int, passages: range) -> Asked:
    """Where the query's words stand in these passages of one document, in their headings and in its title.

    Of a forum thread, in its accepted answer alone, wherever that stands; in no passage where it has none.
    """
    record = snapshot.record(document)
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
    for number, passage, start, end in _pieces(snapshot, document, passages):
        places = [
            (first - start, last - start, word)
            for first, last, word in snapshot.marks.places_in(number, by_hash)
            if start <= first and last <= end
        ]
        in_heading = asked_in("\n".join(passage.headings))
        asked.append(AskedPassage(number, passage.text[start:end], passage.headings, in_heading, places))
    weights = lexicon.lexical.idf([stems[0] for stems in query.stems]).tolist()
    for number in codes:
        weights[number] *= CODE_SHARE
    # A title that lists the codes says no less of where to look for one.
    in_title = asked_in(record["title"]) - codes
    return Asked(asked, weights, in_title, frozenset(codes), is_post=record["type"] == "forum")


def _pieces(snapshot: Snapshot, document: int, passages: range) -> Iterator[tuple[int, Passage, int, int]]:
    """What may answer: a passage with its number, and a half-open range of its text, each."""
    if snapshot.record(document)["type"] != "forum":
        for number in passages:
            passage = snapshot.passage(number)
            yield number, passage, 0, len(passage.text)
        return
    thread = snapshot.passages_of(document)
    for place, start, end in islice(accepted_answer(map(snapshot.passage, thread)), 2 * PASSAGES_READ + 1):
        yield thread[place], snapshot.passage(thread[place]), start, end


def _is_code(word: str) -> bool:
    return any(map(str.isdigit, word)) and any(map(str.isalpha, word))
