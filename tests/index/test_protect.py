"""Protected words: a term of their own in place of stem and parts, in texts and in titles."""

from __future__ import annotations

from indexer.prepare import columns
from kbsearch.index.arrays import hash_texts
from kbsearch.index.corpus import whole
from kbsearch.index.protect import protect
from kbsearch.text.analyze import protected_terms
from kbsearch.types import CutDocument, Document


def test_a_protected_word_is_found_by_nothing_but_itself() -> None:
    """Whatever its case; every other word, and the vocabulary before, stay as they were."""
    document = Document("a", "Notes about Paysera payments", "", "a", "en")
    plain = whole(columns([CutDocument(document, "", "", ())])).vocabulary
    changed = protect(plain, frozenset({"paysera"}))
    assert len(plain.words) == len(changed.terms) == 4
    for place, word in enumerate(plain.words):
        terms, head = changed.terms[place].tolist(), changed.heads[place]
        if word.lower() == "paysera":
            assert terms == hash_texts(protected_terms(word)).tolist()
            assert head == terms[0] != plain.heads[place]
        else:
            assert (terms, head) == (plain.terms[place].tolist(), plain.heads[place])
    assert protect(plain, frozenset()) is plain
