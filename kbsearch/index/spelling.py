"""Words as people mistype them: the vocabulary of the collection, reachable through deleted letters.

Two words within d edits share a form after at most d deletions from each, so a lookup costs a few dozen binary
searches whatever the vocabulary's size (Garbe, "SymSpell", 2012). Candidates are then checked with the optimal string
alignment distance, in which swapping two neighbours is one edit (Damerau, 1964). Stems are reachable the same way:
no collection holds every form of a Latvian verb, so a mistyped one may be near to none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from kbsearch.index.arrays import Records, find_hashes, open_array, open_records, write_array, write_records
from kbsearch.index.kernels import hash_deletions, merge_pairs, sort_pairs
from kbsearch.index.ragged import Ragged, gather
from kbsearch.text.normalise import fold
from kbsearch.text.slips import in_common, is_slip, other_prefix
from kbsearch.text.stem import stem
from kbsearch.text.tags import primary

# Algolia's and Meilisearch's users know 5 and 9; shorter words have too many neighbours.
ONE_EDIT_LENGTH, TWO_EDITS_LENGTH = 5, 9
# Deletions are made in the first letters only (SymSpell's prefix): a long word would have hundreds.
PREFIX = 10
# A shorter stem is near to too many others.
SHORTEST_STEM = 4
_NEVER = 1 << 30
_VOWELS = frozenset("aeiouyаеиоуыэюя")


@dataclass(frozen=True, slots=True)
class Correction:
    """A word of the collection near to a mistyped one."""

    word: str
    """In its most frequent form, diacritics included, lower case; found by its stem, with the ending that was typed."""
    is_slip: bool
    """Slipping fingers explain the difference; else the word typed may well be right, and only unknown here."""


def write_spelling(
    directory: Path,
    keys: NDArray[np.uint64],
    words: Sequence[str],
    langs: Sequence[str],
    times: NDArray[np.int64],
    before: Path | None = None,
) -> int:
    """Write the vocabulary under `directory` (made here); return its size.

    `keys`: a number for each word of each language, rising; `times`: how often the collection holds it; those that it
    does not hold are left out. What differs only in case is one word.
    `before`: what this function wrote for another collection. What the two have in common is copied, and the same
    bytes come out.
    """
    directory.mkdir()
    if before is None or not (before / "keys.npy").exists():
        lines, vocabulary, stems, owner = _entries(words, langs, times)
        hashes, owners = _deletions(vocabulary, stems)
        sort_pairs(hashes, owners)
    else:
        lines, hashes, owners, owner = _merged(before, keys, words, langs, times)
    write_records(directory, "words", lines)
    write_array(directory / "hashes.npy", hashes)
    write_array(directory / "owners.npy", owners)
    # For the next one to compare with.
    write_array(directory / "keys.npy", keys)
    write_array(directory / "times.npy", times.astype(np.int32))
    write_array(directory / "owner.npy", owner)
    return len(lines)


def _entries(
    words: Sequence[str], langs: Sequence[str], times: NDArray[np.int64]
) -> tuple[Ragged, list[str], list[tuple[int, str]], NDArray[np.int32]]:
    """The entries of the vocabulary in order, their folded words, the stems that are no words of theirs, each with its
    entry; and the entry of each word given, −1 for none."""
    # Lowered and folded all at once: the line breaks keep the words apart.
    lowered = "\n".join(words).lower().split("\n") if words else []
    kept = [
        number
        for number, (word, count) in enumerate(zip(lowered, times.tolist(), strict=True))
        if count and len(word) >= ONE_EDIT_LENGTH - 1 and word.isalpha()
    ]
    folded = fold("\n".join([lowered[number] for number in kept])).split("\n") if kept else []
    vocabulary = sorted(set(folded))
    place = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
    places = list(map(place.__getitem__, folded))
    owner = np.full(len(words), -1, dtype=np.int32)
    owner[kept] = places
    spoken = {lang: primary(lang) for lang in set(langs)}
    stemmed = ((entry, stem(vocabulary[entry], spoken[langs[n]])) for n, entry in zip(kept, places, strict=True))
    stems = sorted({one for one in stemmed if one[1] != vocabulary[one[0]] and len(one[1]) >= SHORTEST_STEM})
    several = (np.bincount(places, minlength=len(vocabulary)) > 1).tolist()
    counts: dict[int, Counter[tuple[str, str]]] = {}
    tags = {lang: orjson.dumps(lang).decode() for lang in set(langs)}
    lines = [""] * len(vocabulary)
    for number, entry, known, count in zip(kept, places, folded, times[kept].tolist(), strict=True):
        if several[entry]:
            counts.setdefault(entry, Counter())[lowered[number], langs[number]] += count
        else:  # JSON, of which letters need no marks
            lines[entry] = f'["{known}",[[{count},"{lowered[number]}",{tags[langs[number]]}]]]'
    for entry, forms in counts.items():
        ranked = sorted(((count, *form) for form, count in forms.items()), reverse=True)
        lines[entry] = orjson.dumps([vocabulary[entry], ranked]).decode()
    return Ragged.of_lines(lines), vocabulary, stems, owner


def _merged(
    before: Path, keys: NDArray[np.uint64], words: Sequence[str], langs: Sequence[str], times: NDArray[np.int64]
) -> tuple[Ragged, NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]:
    """Entries, deletions, whose they are, and the entry of each word: those of `before` but for what changed."""
    old_owner, old_times = open_array(before / "owner.npy"), open_array(before / "times.npy")
    old_keys, old_lines = open_array(before / "keys.npy"), open_records(before, "words")
    there = find_hashes(old_keys, keys)
    there[there >= 0] = np.where(old_times[there[there >= 0]] == times[there >= 0], there[there >= 0], -1)
    kept = np.flatnonzero(there >= 0)
    gone = np.ones(len(old_keys), dtype=np.bool_)
    gone[there[kept]] = False
    # Forms of one word share an entry: where one of them changed, it is made anew from all.
    entries = np.ones(len(old_lines) + 1, dtype=np.bool_)  # the last stands for −1
    entries[old_owner[gone]] = False
    entries[-1] = True
    text = old_lines.values.tobytes()
    bounds = old_lines.offsets.tolist()

    def line(entry: int) -> bytes:
        return text[bounds[entry] : bounds[entry + 1]]

    changed = np.flatnonzero(there < 0)
    _, found, *_ = _entries(*_some(changed, words, langs, times))
    for word in found:
        entry, is_there = _place_of(word, len(old_lines), line)
        if is_there:
            entries[entry] = False
    stays = entries[old_owner[there[kept]]]
    made = np.concatenate([changed, kept[~stays]])
    new_lines, new_words, new_stems, new_owner = _entries(*_some(made, words, langs, times))
    # Where each entry goes: both halves are sorted.
    places = np.asarray([_place_of(word, len(old_lines), line)[0] for word in new_words], dtype=np.int64)
    staying = np.flatnonzero(entries[:-1])
    new_places = np.searchsorted(staying, places) + np.arange(len(places))
    moved = np.full(len(entries), -1, dtype=np.int32)
    is_old = np.ones(len(staying) + len(places), dtype=np.bool_)
    is_old[new_places] = False
    moved[staying] = np.flatnonzero(is_old)
    rows = np.empty(len(is_old), dtype=np.int64)
    rows[is_old], rows[~is_old] = staying, np.arange(len(places))
    lines = gather([old_lines, new_lines], [np.flatnonzero(is_old), np.flatnonzero(~is_old)], rows)
    owner = np.empty(len(keys), dtype=np.int32)
    owner[kept[stays]] = moved[old_owner[there[kept[stays]]]]
    owner[made] = np.append(new_places, -1)[new_owner]
    new_hashes, new_owners = _deletions(new_words, new_stems)
    sort_pairs(new_hashes, new_owners)
    new_owners = new_places.astype(np.int32)[new_owners]
    pairs = open_array(before / "hashes.npy"), open_array(before / "owners.npy")
    return lines, *merge_pairs(*pairs, moved, new_hashes, new_owners), owner


def _some(
    numbers: NDArray[np.int64], words: Sequence[str], langs: Sequence[str], times: NDArray[np.int64]
) -> tuple[list[str], list[str], NDArray[np.int64]]:
    listed = numbers.tolist()
    return [words[number] for number in listed], [langs[number] for number in listed], times[numbers]


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
        place, is_there = _place_of(fold(word), len(self._words), self._words.__getitem__)
        return tuple((form, lang) for _, form, lang in self._entry(place)[1]) if is_there else ()

    def correct(
        self, word: str, langs: Sequence[str], is_visible: Callable[[str, str], bool] = lambda _form, _lang: True
    ) -> Correction | None:
        """The likeliest word of `langs`, of any region, or None: known words, short words and words with digits stay.

        Nearest first, then slips of fingers, then the same first letter, then the most frequent. A word that is not
        visible does not exist. Of four letters only a missing fifth is put in. Where no word is near, a stem may be.
        """
        folded = fold(word)
        edits = allowed_edits(folded, at_least=ONE_EDIT_LENGTH - 1)
        if edits == 0:
            return None
        spoken = dict.fromkeys(map(primary, langs))
        best: tuple[tuple[int, bool, bool, int], Correction] | None = None
        for candidate, forms in self._near(folded):
            distance = OSA.distance(folded, candidate, score_cutoff=edits)
            if distance == 0:
                if any(is_visible(form, lang) for _, form, lang in forms):
                    return None
                continue
            if distance > edits or distance > allowed_edits(candidate, at_least=ONE_EDIT_LENGTH - 1):
                continue
            near = is_slip(folded, candidate)
            if len(folded) < ONE_EDIT_LENGTH and (len(candidate) < ONE_EDIT_LENGTH or not near):
                continue
            for frequency, form, lang in forms:
                slip = near and not other_prefix(folded, candidate, primary(lang))
                rank = (distance, not slip, candidate[0] != folded[0], -frequency)
                if primary(lang) in spoken and (best is None or rank < best[0]) and is_visible(form, lang):
                    best = (rank, Correction(form, slip))
        return best[1] if best else self._with_stem_near(word.lower(), spoken, is_visible)

    def _with_stem_near(
        self, word: str, langs: Iterable[str], is_visible: Callable[[str, str], bool]
    ) -> Correction | None:
        """The likeliest word whose stem is a slip away from that of this one."""
        folded = fold(word)
        best: tuple[tuple[bool, int], Correction] | None = None
        for lang in langs:
            typed = stem(folded, lang)
            if len(typed) < ONE_EDIT_LENGTH:
                continue
            for candidate, forms in self._near(typed):
                meant = stem(candidate, lang)
                if OSA.distance(typed, meant, score_cutoff=1) != 1 or not _is_slip_of_stem(typed, meant):
                    continue
                for frequency, form, spoken in forms:
                    rank = (meant[0] != typed[0], -frequency)
                    if primary(spoken) == lang and (best is None or rank < best[0]) and is_visible(form, spoken):
                        inflected = _inflected(form, meant, word[len(typed) :], lang)
                        slip = inflected == form or _is_sure_slip(typed, meant)
                        slip = slip and not other_prefix(folded, fold(inflected), lang)
                        best = (rank, Correction(inflected, slip))
        return best[1] if best else None

    def _near(self, folded: str) -> list[tuple[str, list[tuple[int, str, str]]]]:
        """The entries that share a form with this word after deletions."""
        keys, _ = _shortened([folded], TWO_EDITS_LENGTH - 1)
        starts = np.searchsorted(self._hashes, keys, side="left")
        ends = np.searchsorted(self._hashes, keys, side="right")
        owners = {int(n) for s, e in zip(starts, ends, strict=True) for n in self._owners[s:e]}
        return [self._entry(owner) for owner in sorted(owners)]

    def _entry(self, number: int) -> tuple[str, list[tuple[int, str, str]]]:
        """A folded word and its forms: how often, form, language; the most frequent first."""
        folded, forms = orjson.loads(self._words[number])
        return folded, forms


def allowed_edits(folded: str, at_least: int = ONE_EDIT_LENGTH) -> int:
    """How many edits may turn this word into a known one; none with digits or other marks in it."""
    if len(folded) < at_least or not folded.isalpha():
        return 0
    return 2 if len(folded) >= TWO_EDITS_LENGTH else 1


def _is_slip_of_stem(typed: str, meant: str) -> bool:
    """A letter left out, doubled or swapped; another letter in its place mostly makes another stem (trade, trace)."""
    return is_slip(typed, meant) and (len(typed) != len(meant) or sorted(typed) == sorted(meant))


def _is_sure_slip(typed: str, meant: str) -> bool:
    """Letters swapped, one hit twice, or a vowel left out between consonants: a form that nobody has written before may
    be offered. Other letters left out leave words: nosacījumi is not nosauc, domenai is not duomen."""
    place = in_common(typed, meant)
    if len(typed) == len(meant):
        return sorted(typed) == sorted(meant)
    if len(typed) > len(meant):
        return typed[place] == typed[place - 1]
    around = meant[place - 1] + meant[place + 1 : place + 2]
    return meant[place] in _VOWELS and _VOWELS.isdisjoint(around)


def _inflected(form: str, meant: str, ending: str, lang: str) -> str:
    """The letters of `form` that make its stem `meant`, with an ending; `form` itself where that has another stem."""
    other = form[: len(meant)] + ending
    return other if stem(fold(other), lang) == meant else form


def _place_of(word: str, count: int, line: Callable[[int], bytes]) -> tuple[int, bool]:
    """The place of a folded word among the lines of so many entries, and whether it is there.

    Bytes of UTF-8 are in the order of the letters, so no entry on the way need be read.
    """
    beginning = f'["{word}"'.encode()
    place = bisect_left(range(count), beginning, key=line)
    return place, place < count and line(place).startswith(beginning)


def _deletions(words: Sequence[str], stems: Sequence[tuple[int, str]]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Numbers for the beginning of each word, and of each stem of a word, with letters taken out, itself included; and
    the word's place, rising. From stems one letter is taken at most."""
    hashes, owners = _shortened(words, TWO_EDITS_LENGTH - 1)
    of_stems, places = _shortened([base for _, base in stems], _NEVER)
    words_of_stems = np.fromiter((word for word, _ in stems), dtype=np.int32, count=len(stems))
    owners = np.concatenate([owners, words_of_stems[places]])
    order = np.argsort(owners, kind="stable")
    return np.concatenate([hashes, of_stems])[order], owners[order]


def _shortened(words: Sequence[str], two_from: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The same of words alone: one letter taken out, two of those that have `two_from` letters."""
    letters = np.frombuffer("".join(words).encode("utf-32-le"), dtype=np.uint32)
    offsets = np.fromiter(accumulate(map(len, words), initial=0), dtype=np.int64)
    # A word of PREFIX letters has 1 + 10 variants, and 45 without two letters.
    of_two = np.count_nonzero(np.diff(offsets) >= two_from) * PREFIX * (PREFIX - 1) // 2
    hashes = np.empty(len(words) * (1 + PREFIX) + of_two, dtype=np.uint64)
    owners = np.empty(len(hashes), dtype=np.int32)
    count = hash_deletions(letters, offsets, PREFIX, two_from, hashes, owners)
    return hashes[:count], owners[:count]
