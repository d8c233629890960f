"""Words as people mistype them: the vocabulary of the collection, reachable through deleted letters.

Two words within d edits share a form after at most d deletions from each, so a lookup costs a few dozen binary
searches whatever the vocabulary's size (Garbe, "SymSpell", 2012). Candidates are then checked with the optimal string
alignment distance, in which swapping two neighbours is one edit (Damerau, 1964).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from kbsearch.index.arrays import Records, open_array, write_array, write_records
from kbsearch.index.kernels import hash_deletions, sort_pairs
from kbsearch.index.ragged import Ragged
from kbsearch.text.normalise import fold
from kbsearch.text.slips import is_slip

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
    is_slip: bool
    """Slipping fingers explain the difference; else the word typed may well be right, and only unknown here."""


def write_spelling(directory: Path, words: Sequence[str], langs: Sequence[str], times: Sequence[int]) -> int:
    """Write the vocabulary under `directory` (made here); return its size.

    `times`: how often the collection holds each word of each language; those that it does not hold are left out. What
    differs only in case is one word.
    """
    directory.mkdir()
    # Lowered and folded all at once: the line breaks keep the words apart.
    lowered = "\n".join(words).lower().split("\n")
    kept = [
        (word, lang, count)
        for word, lang, count in zip(lowered, langs, times, strict=True)
        if count and len(word) >= ONE_EDIT_LENGTH - 1 and word.isalpha()
    ]
    folded = fold("\n".join([word for word, _, _ in kept])).split("\n") if kept else []
    vocabulary, several = [], set()
    for known, following in pairwise([*sorted(folded), ""]):
        if known == following:
            several.add(known)
        else:
            vocabulary.append(known)
    counts: dict[str, Counter[tuple[str, str]]] = {known: Counter() for known in several}
    tags = {lang: orjson.dumps(lang).decode() for lang in set(langs)}
    # JSON, of which letters need no marks, in the order of the words: a million words taken from here and there would
    # take longer than everything else. As a line begins with its word, sorting them sorts the words.
    lines = []
    for known, (word, lang, count) in zip(folded, kept, strict=True):
        if known in several:
            counts[known][word, lang] += count
        else:
            lines.append(f'["{known}",[[{count},"{word}",{tags[lang]}]]]')
    for known, forms in counts.items():
        ranked = sorted(((count, *form) for form, count in forms.items()), reverse=True)
        lines.append(orjson.dumps([known, ranked]).decode())
    write_records(directory, "words", Ragged.of_lines(sorted(lines)))
    hashes, owners = _deletions(vocabulary)
    sort_pairs(hashes, owners)
    write_array(directory / "hashes.npy", hashes)
    write_array(directory / "owners.npy", owners)
    return len(vocabulary)


class SpellingIndex:
    """A written vocabulary, memory-mapped."""

    def __init__(self, directory: Path) -> None:
        self._words = Records(directory, "words")
        self._hashes: NDArray[np.uint64] = open_array(directory / "hashes.npy")
        self._owners: NDArray[np.int32] = open_array(directory / "owners.npy")

    def forms_of(self, word: str) -> tuple[tuple[str, str], ...]:
        """Forms in which the collection holds a word, whatever its case and diacritics, each with its language.

        Words shorter than four letters or with other marks than letters are not in the vocabulary.
        """
        folded = fold(word)
        place = bisect_left(range(len(self._words)), folded, key=lambda number: self._entry(number)[0])
        if place == len(self._words) or self._entry(place)[0] != folded:
            return ()
        return tuple((form, lang) for _, form, lang in self._entry(place)[1])

    def correct(
        self, word: str, langs: Sequence[str], is_visible: Callable[[str, str], bool] = lambda _form, _lang: True
    ) -> Correction | None:
        """The likeliest word of `langs` meant, or None: known words, short words and words with digits stay.

        Nearest first, then slips of fingers, then the same first letter, then the most frequent. A word that is not
        visible does not exist. Of four letters only a missing fifth is put in.
        """
        folded = fold(word)
        edits = allowed_edits(folded, at_least=ONE_EDIT_LENGTH - 1)
        if edits == 0:
            return None
        keys, _ = _deletions([folded])
        starts = np.searchsorted(self._hashes, keys, side="left")
        ends = np.searchsorted(self._hashes, keys, side="right")
        owners = {int(n) for s, e in zip(starts, ends, strict=True) for n in self._owners[s:e]}
        best: tuple[tuple[int, bool, bool, int], Correction] | None = None
        for owner in sorted(owners):
            candidate, forms = self._entry(owner)
            distance = OSA.distance(folded, candidate, score_cutoff=edits)
            if distance == 0:
                if any(is_visible(form, lang) for _, form, lang in forms):
                    return None
                continue
            if distance > edits or distance > allowed_edits(candidate, at_least=ONE_EDIT_LENGTH - 1):
                continue
            slip = is_slip(folded, candidate)
            if len(folded) < ONE_EDIT_LENGTH and (len(candidate) < ONE_EDIT_LENGTH or not slip):
                continue
            for frequency, form, lang in forms:
                rank = (distance, not slip, candidate[0] != folded[0], -frequency)
                if lang in langs and (best is None or rank < best[0]) and is_visible(form, lang):
                    best = (rank, Correction(form, lang, distance, frequency, slip))
        return best[1] if best else None

    def _entry(self, number: int) -> tuple[str, list[tuple[int, str, str]]]:
        """A folded word and its forms: how often, form, language; the most frequent first."""
        folded, forms = orjson.loads(self._words[number])
        return folded, forms


def allowed_edits(folded: str, at_least: int = ONE_EDIT_LENGTH) -> int:
    """How many edits may turn this word into a known one; none with digits or other marks in it."""
    if len(folded) < at_least or not folded.isalpha():
        return 0
    return 2 if len(folded) >= TWO_EDITS_LENGTH else 1


def _deletions(words: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Numbers for each word's beginning with letters taken out, itself included; and whose they are."""
    letters = np.frombuffer("".join(words).encode("utf-32-le"), dtype=np.uint32)
    offsets = np.fromiter(accumulate(map(len, words), initial=0), dtype=np.int64)
    # A word of PREFIX letters has 1 + 10 + 45 variants.
    hashes = np.empty(len(words) * (1 + PREFIX + PREFIX * (PREFIX - 1) // 2), dtype=np.uint64)
    owners = np.empty(len(hashes), dtype=np.int32)
    count = hash_deletions(letters, offsets, PREFIX, TWO_EDITS_LENGTH - 1, hashes, owners)
    return hashes[:count], owners[:count]
