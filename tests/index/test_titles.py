"""Titles by the beginnings of their words, and titles that are what was typed."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.prepare import columns
from kbsearch.index.corpus import whole
from kbsearch.index.titles import TitleIndex, title_key, write_titles
from kbsearch.text.normalise import fold
from kbsearch.text.stems import stem_terms
from kbsearch.types import CutDocument, Document

TITLES = [
    "Kā atjaunot paroli",
    "How to reset your password",
    "Password rules",
    "Reset: the hub!",
    "Kaip pakeisti slaptažodį",
    "",
    "Reset the hub",
]
LANGUAGES = ["lv", "en", "en", "en", "lt", "en", "en"]


def write(titles: Sequence[str], languages: Sequence[str], directory: Path) -> None:
    """Titles alone, through the columns of documents that have no body."""
    documents = [
        Document(str(number), title, "", str(number), lang)
        for number, (title, lang) in enumerate(zip(titles, languages, strict=True))
    ]
    corpus = whole(columns([CutDocument(document, "", "", ()) for document in documents]))
    write_titles(corpus.words_of_documents("titles"), corpus.title_keys(), corpus.vocabulary, directory)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> TitleIndex:
    directory = tmp_path_factory.mktemp("titles") / "t"
    write(TITLES, LANGUAGES, directory)
    return TitleIndex(directory)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("pas", [1, 2]),
        ("password", [1, 2]),
        ("passwords", []),
        ("reset pa", [1]),
        ("pa reset", []),  # only the last word may be unfinished
        ("res", [1, 3, 6]),
        ("ka", [0, 4]),
        ("KĀ ATJ", [0]),
        ("slaptazod", [4]),
        ("zzz", []),
        ("how to reset your password", [1]),
    ],
)
def test_words_stand_in_the_title_and_the_last_may_be_unfinished(
    index: TitleIndex, typed: str, found: list[int]
) -> None:
    """Whole words first, the last one as a beginning, case and diacritics aside."""
    assert index.starting_with(typed.split()).tolist() == found


def test_nothing_typed_finds_nothing(index: TitleIndex) -> None:
    """An empty box suggests no title."""
    assert index.starting_with([]).tolist() == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("reset the hub", [3, 6]),
        ("RESET – THE HUB?", [3, 6]),
        ("ka atjaunot paroli", [0]),
        ("reset the", []),
        ("the hub reset", []),
    ],
)
def test_equal_titles_ignore_case_diacritics_and_punctuation(index: TitleIndex, text: str, found: list[int]) -> None:
    """The same words in the same order, nothing more and nothing less."""
    assert sorted(index.equal_to(text).tolist()) == found


def test_a_text_without_words_equals_no_title(index: TitleIndex) -> None:
    """Punctuation alone says nothing, so it is no title's text (one title here is empty)."""
    assert index.equal_to("?!").tolist() == []


letters = st.text(alphabet="aābcč ", max_size=12)


@settings(max_examples=100, deadline=None)
@given(
    titles=st.lists(letters, max_size=8), typed=st.lists(st.text(alphabet="aābcč", min_size=1, max_size=3), max_size=3)
)
def test_prefix_search_equals_reading_every_title(titles: list[str], typed: list[str]) -> None:
    """The index agrees with the definition, applied to each title in turn."""
    with tempfile.TemporaryDirectory() as folder:
        write(titles, [""] * len(titles), Path(folder) / "t")
        found = TitleIndex(Path(folder) / "t").starting_with(typed).tolist()
    expected = []
    for number, title in enumerate(titles):
        words = [fold(word) for word in title.split()]
        whole, last = [fold(word) for word in typed[:-1]], [fold(word) for word in typed[-1:]]
        if typed and all(word in words for word in whole) and any(word.startswith(last[0]) for word in words):
            expected.append(number)
    assert found == expected


def test_no_titles_at_all(tmp_path: Path) -> None:
    """An empty collection answers nothing."""
    write([], [], tmp_path / "t")
    index = TitleIndex(tmp_path / "t")
    assert index.starting_with(["a"]).size == 0
    assert index.equal_to("a").size == 0


def test_title_key_is_stable() -> None:
    """Folded words joined by one space."""
    assert title_key("  Kā — atjaunot PAROLI?") == "ka atjaunot paroli"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([["~atjaun"], ["~parol"]], [1.0, 0, 0, 0, 0, 0, 0]),
        ([["~parol"]], [2 / 3, 0, 0, 0, 0, 0, 0]),
        # One of two words typed stands in titles of two content words: 2·1 / (2 + 2).
        ([["~reset"], ["~unheard"]], [0, 0.5, 0, 0.5, 0, 0, 0.5]),
        # Read in two languages, a word still counts once.
        ([["~passwod", "~password"], ["~password", "~reset"]], [0, 1.0, 1.0, 0.5, 0, 0, 0.5]),
        ([], [0.0] * 7),
    ],
)
def test_agreement_is_the_f1_of_content_words(
    index: TitleIndex, content: list[list[str]], expected: list[float]
) -> None:
    """Twice the words in common, divided by the words of both; stop words of the title's language do not count."""
    everything = np.arange(7, dtype=np.int32)
    np.testing.assert_allclose(index.agreement(content, everything), expected, rtol=1e-6)
    np.testing.assert_allclose(index.agreement(content, everything[::-1]), expected[::-1], rtol=1e-6)


def test_a_title_of_stop_words_is_compared_by_them(tmp_path: Path) -> None:
    """It says nothing else."""
    write(["How is it", "How is it paid"], ["en", "en"], tmp_path / "t")
    asked = [list(stem_terms(word, "en")) for word in ("how", "is", "it")]
    agreeing = TitleIndex(tmp_path / "t").agreement(asked, np.arange(2, dtype=np.int32))
    assert agreeing.tolist() == [1.0, 0.0]


def test_a_word_typed_twice_agrees_no_more_than_wholly(tmp_path: Path) -> None:
    """Both agree with the one word of the title."""
    write(["Passwords"], ["en"], tmp_path / "t")
    index = TitleIndex(tmp_path / "t")
    assert index.agreement([["~password"]] * 2, np.zeros(1, np.int32)).tolist() == [1.0]


def test_words_of_any_alphabet_are_completed(tmp_path: Path) -> None:
    """Letters beyond those of Latin follow a beginning as well."""
    write(["Сброс пароля", "パスワードの変更"], ["ru", "ja"], tmp_path / "t")
    index = TitleIndex(tmp_path / "t")
    assert [index.starting_with([begun]).tolist() for begun in ("пар", "パス")] == [[0], [1]]
    assert index.completion("пар", None) == "пароля"
    assert index.completion("пар", np.asarray([False, True])) == ""
