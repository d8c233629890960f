"""Mixed queries, Russian in Latin letters, regions, and articles that exist in another language only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kbsearch.engine import Engine, open_engine
from kbsearch.types import SearchRequest

BuildIndex = Callable[[Sequence[dict[str, Any]]], Path]


@pytest.fixture(scope="module")
def engine(build_index: BuildIndex) -> Engine:
    texts = [
        ("password", "en-us", "Resetting a password", "Choose another one on the sign-in page."),
        ("password", "ru", "Как изменить пароль", "Откройте страницу входа и выберите новый пароль."),
        ("parcel", "lv", "Kur ir mans sūtījums", "Sūtījuma numurs ir vēstulē."),
        ("parcel", "en-us", "Where is my parcel", "The number is in the letter."),
        ("hub", "en-us", "Hub offline", "The red light blinks."),
    ]
    rows = [
        {"id": f"{group}.{lang}", "group": group, "lang": lang, "title": title, "body": body}
        for group, lang, title, body in texts
    ]
    return open_engine(build_index(rows))


def test_en_means_every_region_of_it(engine: Engine) -> None:
    """As the user's language, as what he accepts and as a filter; en-gb is English too."""
    for fields in ({"lang": "en"}, {"lang": "en-gb"}, {"langs": ("en",)}, {"filters": {"lang": ("en",)}}):
        hit = engine.search(SearchRequest(q="password", **fields)).hits[0]  # type: ignore[arg-type]
        assert hit.id == "password.en-us"
    assert engine.search(SearchRequest(q="password", lang="en")).hits[0].language_match
    assert engine.search(SearchRequest(q="password", langs=("en-gb",))).found == 0


@pytest.mark.parametrize("typed", ["как изменить пароль", "kak izmenit parol", "kak izmenit' parol'"])
def test_russian_is_understood_in_latin_letters(engine: Engine, typed: str) -> None:
    """As people type it without a Russian keyboard."""
    outcome = engine.search(SearchRequest(q=typed, lang="ru"))
    assert outcome.detected_lang == "ru"
    assert outcome.hits[0].id == "password.ru"


def test_words_of_two_languages_are_both_read(engine: Engine) -> None:
    """A Latvian names an English light."""
    outcome = engine.search(SearchRequest(q="hub offline sūtījums", lang="lv", mode="lexical"))
    assert {hit.group for hit in outcome.hits} == {"hub", "parcel"}
    assert outcome.did_you_mean is None


def test_without_diacritics_the_language_is_the_same(engine: Engine) -> None:
    """kur ir mans sutijums."""
    outcome = engine.search(SearchRequest(q="kur ir mans sutijums"))
    assert (outcome.detected_lang, outcome.hits[0].id) == ("lv", "parcel.lv")


@pytest.mark.parametrize("lang", ["de", ""])
def test_a_language_that_the_collection_lacks_is_not_read_as_one_of_its_own(engine: Engine, lang: str) -> None:
    """Its words are no misspelt ones: nothing is corrected, and what it means is found all the same."""
    outcome = engine.search(SearchRequest(q="ich möchte mein Passwort ändern", lang=lang))
    assert (outcome.detected_lang, outcome.did_you_mean) == ("de", None)
    assert outcome.hits[0].group == "password"


def test_a_misspelt_word_is_no_word_of_another_language(engine: Engine) -> None:
    """Even where it is the only one."""
    outcome = engine.search(SearchRequest(q="sūtijumms", lang="lv"))
    assert (outcome.detected_lang, outcome.hits[0].id) == ("lv", "parcel.lv")
