"""Words as people mistype them: the vocabulary of the collection, reachable through deleted letters.

Two words within d edits share a form after at most d deletions from each, so a lookup costs a few dozen binary
searches whatever the vocabulary's size (Garbe, "SymSpell", 2012). Candidates are then checked with the optimal string
alignment distance, in which swapping two neighbours is one edit (Damerau, 1964).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from kbsearch.index.arrays import Records, RecordWriter, hash_texts, open_array, write_array
from kbsearch.text.normalise import fold

# Algolia's and Meilisearch's users know 5 and 9; shorter words have too many neighbours.
ONE_EDIT_LENGTH, TWO_EDITS_LENGTH = 5, 9
# Deletions are made in the first letters only (SymSpell's prefix): a long word would have hundreds.
PREFIX = 10


@dataclass(frozen=True, slots=True)
class Correction:
    """A word of the collection near to a mistyped one."""

    word: str
    """In its most frequent form, diacritics included, lower case."""
    lang: str
    distance: int
    frequency: int


class SpellingBuilder:
    """Counts the collection's words, then writes them."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, words: Sequence[str], lang: str) -> None:
        """Count the words of one passage."""
        self._counts.update((word.lower(), lang) for word in words)

    def write(self, directory: Path) -> int:
        """Write the vocabulary under `directory` (made here); return its size."""
        directory.mkdir()
        forms: dict[str, list[tuple[int, str, str]]] = {}
        for (word, lang), count in self._counts.items():
            if len(word) >= ONE_EDIT_LENGTH - 1 and word.isalpha():
                forms.setdefault(fold(word), []).append((count, word, lang))
        records = RecordWriter(directory, "words")
        hashes: list[NDArray[np.uint64]] = []
        owners: list[NDArray[np.int32]] = []
        for number, folded in enumerate(sorted(forms)):
            records.append(orjson.dumps([folded, sorted(forms[folded], reverse=True)]))
            keys = hash_texts(sorted(_deletions(folded)))
            hashes.append(keys)
            owners.append(np.full(len(keys), number, dtype=np.int32))
        records.close()
        all_hashes = np.concatenate(hashes) if hashes else np.empty(0, np.uint64)
        all_owners = np.concatenate(owners) if owners else np.empty(0, np.int32)
        order = np.argsort(all_hashes, kind="stable")
        write_array(directory / "hashes.npy", all_hashes[order])
        write_array(directory / "owners.npy", all_owners[order])
        return len(forms)


class SpellingIndex:
    """A written vocabulary, memory-mapped."""

    def __init__(self, directory: Path) -> None:
        self._words = Records(directory, "words")
        self._hashes: NDArray[np.uint64] = open_array(directory / "hashes.npy")
        self._owners: NDArray[np.int32] = open_array(directory / "owners.npy")

    def correct(
        self, word: str, langs: Sequence[str], is_visible: Callable[[str, str], bool] = lambda _form, _lang: True
    ) -> Correction | None:
        """The likeliest word of `langs` meant, or None: known words, short words and words with digits stay.

        Nearest first, then the same first letter, then the most frequent. A word that is not visible does not exist.
        """
        folded = fold(word)
        edits = allowed_edits(folded)
        if edits == 0:
            return None
        keys = hash_texts(_deletions(folded))
        starts = np.searchsorted(self._hashes, keys, side="left")
        ends = np.searchsorted(self._hashes, keys, side="right")
        owners = {int(n) for s, e in zip(starts, ends, strict=True) for n in self._owners[s:e]}
        best: tuple[tuple[int, bool, int], Correction] | None = None
        for owner in sorted(owners):
            candidate, forms = orjson.loads(self._words[owner])
            distance = OSA.distance(folded, candidate, score_cutoff=edits)
            if distance == 0:
                if any(is_visible(form, lang) for _, form, lang in forms):
                    return None
                continue
            if distance > edits or distance > allowed_edits(candidate, at_least=ONE_EDIT_LENGTH - 1):
                continue
            for frequency, form, lang in forms:
                rank = (distance, candidate[0] != folded[0], -frequency)
                if lang in langs and (best is None or rank < best[0]) and is_visible(form, lang):
                    best = (rank, Correction(form, lang, distance, frequency))
        return best[1] if best else None


def allowed_edits(folded: str, at_least: int = ONE_EDIT_LENGTH) -> int:
    """How many edits may turn this word into a known one; none with digits or other marks in it."""
    if len(folded) < at_least or not folded.isalpha():
        return 0
    return 2 if len(folded) >= TWO_EDITS_LENGTH else 1


def _deletions(folded: str) -> set[str]:
    """The word's beginning with up to the allowed number of letters taken out, itself included."""
    head = folded[:PREFIX]
    depth = 2 if len(folded) >= TWO_EDITS_LENGTH - 1 else 1
    return {
        "".join(letter for place, letter in enumerate(head) if place not in gone)
        for count in range(depth + 1)
        for gone in combinations(range(len(head)), count)
    }
