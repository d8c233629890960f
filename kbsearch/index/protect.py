"""The editor's protected words in the index: under a term of their own, found by nothing but themselves."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np

from kbsearch.index.arrays import hash_texts
from kbsearch.index.corpus import Vocabulary
from kbsearch.index.ragged import Ragged
from kbsearch.text.analyze import protected_terms
from kbsearch.text.normalise import fold


def protect(vocabulary: Vocabulary, protected: AbstractSet[str]) -> Vocabulary:
    """The vocabulary with the terms of protected words (folded) in place of their stems and parts."""
    places = [place for place, word in enumerate(vocabulary.words) if protected and fold(word) in protected]
    if not places:
        return vocabulary
    heads = vocabulary.heads.copy()
    rows = [vocabulary.terms[place].tobytes() for place in range(len(vocabulary.terms))]
    for place in places:
        hashes = hash_texts(protected_terms(vocabulary.words[place]))
        heads[place], rows[place] = hashes[0], hashes.astype(np.uint64).tobytes()
    return replace(vocabulary, terms=Ragged.of_hashes(rows), heads=heads)
