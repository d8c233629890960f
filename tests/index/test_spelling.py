"""Mistyped words find the word that was meant, and known words are left alone."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from kbsearch.errors import SnapshotDamaged
from kbsearch.index.arrays import hash_texts
from kbsearch.index.spelling import SpellingIndex, allowed_edits, write_spelling
from kbsearch.text.normalise import fold

ENGLISH = [
    "password",
    "account",
    "delivery",
    "delivering",
    "invoice",
    "parcel",
    "courier",
    "warranty",
    "refund",
    "router",
    "order",
]
LATVIAN = ["parole", "paroli", "pasūtījums", "piegāde", "rēķins", "garantija"]


def write_counted(directory: Path, counted: dict[tuple[str, str], int], before: Path | None = None) -> int:
    named = {f"{lang}\0{word}": (word, lang, count) for (word, lang), count in counted.items()}
    hashes = hash_texts(named)
    order = np.argsort(hashes)
    rows = [list(named.values())[number] for number in order.tolist()]
    words, langs, times = [word for word, _, _ in rows], [lang for _, lang, _ in rows], [count for *_, count in rows]
    return write_spelling(directory, hashes[order], words, langs, np.asarray(times, dtype=np.int64), before)


def build(directory: Path, **words: list[str]) -> SpellingIndex:
    counted = [(word, lang) for lang, surfaces in words.items() for word in surfaces]
    write_counted(directory, Counter(counted))
    return SpellingIndex(directory)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> SpellingIndex:
    return build(tmp_path_factory.mktemp("spelling") / "s", en=[*ENGLISH, "password"], lv=LATVIAN)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("pasword", "password"),  # a letter left out
        ("passsword", "password"),  # one too many
        ("pessword", "password"),  # a wrong one
        ("psasword", "password"),  # two swapped: one edit
        ("deilvery", "delivery"),
        ("delivrey", "delivery"),
        ("delivring", "delivering"),
        ("Pasword", "password"),
    ],
)
def test_one_slip_is_repaired(index: SpellingIndex, typed: str, meant: str) -> None:
    """Each kind of single edit leads back to the word."""
    correction = index.correct(typed, ["en"])
    assert correction is not None
    assert correction.word == meant


def test_two_slips_are_repaired_in_long_words_only(index: SpellingIndex) -> None:
    """Nine letters bear two edits, fewer do not."""
    correction = index.correct("pasutjms", ["lv"])
    assert correction is None
    correction = index.correct("pasutijms", ["lv"])
    assert correction is not None
    assert correction.word == "pasūtījums"
    assert index.correct("parcwx", ["en"]) is None
    assert index.correct("dellivvery", ["en"]) is None  # what was meant has eight


@pytest.mark.parametrize("known", ["password", "PASSWORD", "pasutijums", "PASŪTĪJUMS", "rekins"])
def test_known_words_stay(index: SpellingIndex, known: str) -> None:
    """A word that stands in the collection, whatever its case and diacritics, is no mistake."""
    assert index.correct(known, ["en", "lv"]) is None


@pytest.mark.parametrize("typed", ["pass", "ord3r", "4711", "p-word", "", "…"])
def test_short_words_and_codes_stay(index: SpellingIndex, typed: str) -> None:
    """Nobody's order number is turned into a word."""
    assert index.correct(typed, ["en", "lv"]) is None


def test_only_the_languages_asked_for_answer(index: SpellingIndex) -> None:
    """A Latvian word is no correction for an English reader."""
    assert index.correct("garantijja", ["en"]) is None
    correction = index.correct("garantijja", ["lv"])
    assert correction is not None
    assert correction.word == "garantija"


def test_the_correction_carries_its_diacritics(index: SpellingIndex) -> None:
    """What is shown as did-you-mean is spelt as the collection spells it."""
    correction = index.correct("piegadde", ["lv"])
    assert correction is not None
    assert correction.word == "piegāde"


def test_nearest_first_then_first_letter_then_frequency(tmp_path: Path) -> None:
    """The documented order of preference."""
    words = ["batter", "better", "better", "letter", "letter", "letter"]
    index = build(tmp_path / "s", en=words)
    correction = index.correct("btter", ["en"])
    assert correction is not None
    assert correction.word == "better"
    correction = index.correct("xetter", ["en"])
    assert correction is not None
    assert correction.word == "letter"
    for typed, words, meant in (
        ("batter", [*3 * ["latter"], "better"], "better"),  # the first letter says more than how often
        ("houxe", [*3 * ["hoube"], "house"], "house"),  # and so does a key beside another
    ):
        correction = build(tmp_path / typed, en=words).correct(typed, ["en"])
        assert correction is not None
        assert correction.word == meant


def test_the_most_frequent_spelling_of_a_form_is_given(tmp_path: Path) -> None:
    """Of kāzas and kazas, which fold alike, the commoner one."""
    index = build(tmp_path / "s", lv=["kazass", "kāzass", "kāzass"])
    correction = index.correct("kazzass", ["lv"])
    assert correction is not None
    assert correction.word == "kāzass"


@pytest.mark.parametrize(
    ("typed", "lang", "meant"),
    [
        ("teehniku", "lv", "tehniku"),  # a letter hit twice, in a form that the collection lacks
        ("samksāju", "lv", "samaksāju"),  # one left out
        ("visitro", "en", "visitor"),  # two swapped
        ("Nusipirkkau", "lt", "nusipirkau"),
    ],
)
def test_other_forms_of_known_words_are_repaired(tmp_path: Path, typed: str, lang: str, meant: str) -> None:
    """By their stems; the ending stays as it was typed, and what is known of the stem keeps its diacritics."""
    index = build(tmp_path / "s", lv=["tehnika", "samaksāt"], en=["visitors", "accountant"], lt=["nusipirkti"])
    correction = index.correct(typed, [lang])
    assert correction is not None
    assert (correction.word, correction.is_slip) == (meant, True)


def test_a_form_of_a_stem_is_spelt_as_it_is_most_often(tmp_path: Path) -> None:
    """Where what is known of the stem is spelt in several ways."""
    correction = build(tmp_path / "s", lv=["tehnīka", *3 * ["tehnika"]]).correct("teehniku", ["lv"])
    assert correction is not None
    assert correction.word == "tehniku"


@pytest.mark.parametrize(
    ("typed", "lang"),
    [("izslēgšana", "lv"), ("pārsūtīt", "lv"), ("nosacījumi", "lv"), ("įtraukite", "lt"), ("domenai", "lt")],
)
def test_words_that_may_well_be_right_are_no_slips(tmp_path: Path, typed: str, lang: str) -> None:
    """Another verb, often the opposite, or a form that no collection holds and that leaves a word either way."""
    lv, lt = ["ieslēgšana", "pasūtīt", "nosauciet"], ["ištraukite", "duomenys", "duomenų"]
    correction = build(tmp_path / "s", lv=lv, lt=lt).correct(typed, [lang])
    assert correction is None or not correction.is_slip


@pytest.mark.parametrize("typed", ["palaiko", "tekniku", "tehnika", "grību"])
def test_a_stem_that_is_merely_similar_is_no_repair(tmp_path: Path, typed: str) -> None:
    """Another letter makes another word; nor is a short stem one."""
    index = build(tmp_path / "s", lv=["tehnika", "palauka", "krāsot"])
    assert index.correct(typed, ["lv"]) is None


def test_stems_of_words_that_nobody_may_see_repair_nothing(tmp_path: Path) -> None:
    """As their words do not."""
    index = build(tmp_path / "s", lv=["tehnika"])
    assert index.correct("teehniku", ["lv"], lambda _form, _lang: False) is None


def neighbours(word: str) -> list[str]:
    """Every word one edit away over a small alphabet."""
    places, letters = range(len(word) + 1), "aeprz"
    return sorted(
        {word[:i] + word[i + 1 :] for i in range(len(word))}
        | {word[:i] + c + word[i:] for i in places for c in letters}
        | {word[:i] + c + word[i + 1 :] for i in range(len(word)) for c in letters}
        | {
            word[:i] + word[j] + word[i + 1 : j] + word[i] + word[j + 1 :]
            for i, j in combinations(range(len(word)), 2)
            if j == i + 1
        }
        - {word}
    )


@pytest.mark.parametrize("word", ["parcel", "password", "warranty", "delivering"])
def test_every_single_edit_is_found(index: SpellingIndex, word: str) -> None:
    """Completeness against an enumeration, for all edits anywhere in the word."""
    for typed in neighbours(word):
        correction = index.correct(typed, ["en"])
        if allowed_edits(typed) and typed not in ENGLISH:
            assert correction is not None, typed
            assert OSA.distance(typed, correction.word) == 1


@settings(max_examples=150, deadline=None)
@given(typed=st.text(alphabet="adeilnoprstuvwy", min_size=3, max_size=12))
@example(typed="oder")
def test_a_correction_is_never_farther_than_allowed(index: SpellingIndex, typed: str) -> None:
    """Its distance is within what the word's length allows; four letters gain a fifth."""
    correction = index.correct(typed, ["en", "lv"])
    if correction is not None:
        typed, found = fold(typed), fold(correction.word)
        distance = OSA.distance(typed, found)
        if len(typed) == 4:
            assert (distance, len(found)) == (1, 5)
        else:
            assert 1 <= distance <= allowed_edits(typed)


@pytest.mark.parametrize(
    ("word", "edits"), [("abcd", 0), ("abcde", 1), ("abcdefgh", 1), ("abcdefghi", 2), ("abcde1", 0)]
)
def test_allowed_edits_grow_with_length(word: str, edits: int) -> None:
    """Five letters bear one, nine bear two."""
    assert allowed_edits(word) == edits


def test_an_empty_vocabulary_corrects_nothing(tmp_path: Path) -> None:
    """No word is no error."""
    assert write_counted(tmp_path / "s", {("", "en"): 1, ("Passwords", "en"): 0}) == 0
    assert SpellingIndex(tmp_path / "s").correct("password", ["en"]) is None


def test_damage_is_noticed(tmp_path: Path) -> None:
    """A missing file is SnapshotDamaged."""
    build(tmp_path / "s", en=ENGLISH)
    (tmp_path / "s" / "hashes.npy").unlink()
    with pytest.raises(SnapshotDamaged):
        SpellingIndex(tmp_path / "s")


_FORMS = st.sampled_from(["Parole", "parole", "parolē", "PAROLE", "paroles", "Straße", "strasse", "a1b2", "und"])
_COLLECTION = st.dictionaries(
    st.tuples(_FORMS | st.text("abcšß", min_size=3, max_size=11), st.sampled_from(["lv", "en"])),
    st.integers(0, 3),
    max_size=25,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(steps=st.lists(_COLLECTION, min_size=2, max_size=4))
def test_what_is_merged_with_an_earlier_vocabulary_has_the_bytes_of_one_made_at_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[tuple[str, str], int]]
) -> None:
    root = tmp_path_factory.mktemp("merged")
    held: dict[tuple[str, str], int] = {}
    before = None
    for number, step in enumerate(steps):
        held = (held | step) if number % 2 else step  # some words stay, or few do
        sizes = write_counted(root / f"u{number}", held, before), write_counted(root / f"b{number}", held)
        before = root / f"u{number}"
        assert sizes[0] == sizes[1]
        for file in sorted((root / f"b{number}").iterdir()):
            assert (before / file.name).read_bytes() == file.read_bytes(), file.name
