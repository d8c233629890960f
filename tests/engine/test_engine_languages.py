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


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("sozdat pismo", "создать письмо"),
        ("4to sozdat", "что создать"),
        ("ne sozdat pismo", "не создать письмо"),
        ("pismo a4", "письмо a4"),
        ("sozdat sovet", "создать совет"),
        ("create a new gizmo", "create a new gizmo"),
    ],
)
def test_latin_letters_leave_out_the_soft_sign(build_index: BuildIndex, typed: str, words: str) -> None:
    """And write ч as 4; neither is a mistake. A collection decides what was meant."""
    rows = [
        {"id": "a", "lang": "ru", "title": "Создать письмо", "body": "Что создавать и писать, что не создаст совета."},
        {"id": "b", "lang": "en", "title": "Create a new mail", "body": "Do not send it."},
    ]
    outcome = open_engine(build_index(rows)).search(SearchRequest(q=typed, explain=True))
    assert outcome.did_you_mean is None
    explained = outcome.hits[0].explain
    assert explained is not None
    assert {str(word["word"]) for word in explained["words"]} <= set(words.split())  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def without_russian(build_index: BuildIndex) -> Engine:
    titles = {"lv": ("Pasūtījuma atcelšana", "Paroles maiņa", "Kur ir mans sūtījums", "Preces atgriešana")}
    titles["en"] = ("Cancel an order", "Change your password", "Where is my parcel", "Return an item")
    groups = ("cancel", "password", "parcel", "return")
    rows = [
        {"id": f"{group}.{lang}", "group": group, "lang": lang, "title": title, "body": title}
        for lang, of_lang in titles.items()
        for group, title in zip(groups, of_lang, strict=True)
    ]
    return open_engine(build_index(rows))


@pytest.mark.parametrize("lang", ["ru", "lv", ""])
@pytest.mark.parametrize("typed", ["kak pomenjat parol", "kak izmenit svoj parol"])
def test_russian_in_latin_letters_finds_what_it_means(without_russian: Engine, typed: str, lang: str) -> None:
    """Where the collection has no Russian either; nothing is taken for misspelt."""
    outcome = without_russian.search(SearchRequest(q=typed, lang=lang))
    assert (outcome.detected_lang, outcome.did_you_mean) == ("ru", None)
    assert outcome.hits[0].group == "password"


@pytest.mark.parametrize("typed", ["gdzie jest moja paczka", "kus minu pakk on", "windscreen wiper fluid", "12", "!!"])
def test_other_languages_are_no_russian_in_latin_letters(without_russian: Engine, typed: str) -> None:
    """However few of their words are known."""
    assert without_russian.search(SearchRequest(q=typed)).detected_lang != "ru"


@pytest.mark.parametrize("lang", ["lv", "ru", ""])
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("kur ir mans suutiijums", None),
        ("veestulee", None),
        ("suutiijumanumurs veestulee", "sutijuma numurs vestule"),
    ],
)
def test_latvian_is_understood_with_digraphs(engine: Engine, typed: str, meant: str | None, lang: str) -> None:
    """As people type it without a Latvian keyboard: that is no mistake, and what else is one is told apart."""
    outcome = engine.search(SearchRequest(q=typed, lang=lang))
    assert (outcome.detected_lang, outcome.hits[0].group) == ("lv", "parcel")
    assert outcome.did_you_mean == meant


@pytest.mark.parametrize("typed", ["where meeting numuurs", "ziehen numuurs zahlen", "kuidas muuta numuurs"])
def test_double_letters_of_other_languages_stay(engine: Engine, typed: str) -> None:
    """Even beside a word that becomes a known one."""
    explained = engine.search(SearchRequest(q=typed, explain=True)).hits[0].explain
    assert explained is not None
    assert "numuurs" in str(explained["words"])


KEYS = [
    ("rfr bpvtybnm gfhjkm", "", "как изменить пароль", "password.ru"),
    ("Gfhjkm", "lv", "Пароль", "password.ru"),
    ("щаадшту", "ru", "offline", "hub.en-us"),
    ("Лгк шк ьфты ыгешогьы", "", "Kur ir mans sutijums", "parcel.lv"),
    ("gfhjkm — password?", "ru", "пароль — password?", "password.ru"),
]
SPACES = [
    ("kur ir sutijumanumurs", "lv", "kur ir sutijuma numurs", "parcel.lv"),
    ("Jaunais пароль: новыйпароль", "ru", "Jaunais пароль: новый пароль", "password.ru"),
    ("pass word", "en", "password", "password.en-us"),
    ("how is pass word chosen", "", "how is password chosen", "password.en-us"),
]
FORMS = [("numurs vēsttulēm", "lv", "numurs vēstulēm", "parcel.lv")]


@pytest.mark.parametrize(("typed", "lang", "meant", "found"), [*KEYS, *SPACES, *FORMS])
def test_what_was_meant_is_read_and_offered(engine: Engine, typed: str, lang: str, meant: str, found: str) -> None:
    """The keyboard was set to the other alphabet, a space is missing or too many, or a form is mistyped of which the
    collection knows the stem only: the ending is the customer's own."""
    outcome = engine.search(SearchRequest(q=typed, lang=lang))
    assert (outcome.q, outcome.did_you_mean) == (typed, meant)
    assert outcome.hits[0].id == found
    assert outcome.detected_lang == found.partition(".")[2]


@pytest.mark.parametrize("typed", ["password", "zxcvbn", "gfhj xyz qqq", "йцукен", "пароль", "12 34", "[];'"])
def test_keys_that_write_nothing_known_are_left(engine: Engine, typed: str) -> None:
    """Known words, and noise in either alphabet."""
    assert engine.search(SearchRequest(q=typed)).did_you_mean is None


def test_a_collection_of_one_alphabet_knows_no_other_keys(build_index: BuildIndex) -> None:
    """Nobody asks it in the other."""
    engine = open_engine(build_index([{"id": "a", "lang": "en", "title": "Password", "body": "Choose one."}]))
    assert engine.search(SearchRequest(q="gfhjkm")).did_you_mean is None


def test_titles_are_suggested_for_keys_of_the_other_alphabet(engine: Engine) -> None:
    """From four letters on: fewer begin some title by chance."""

    def suggest(q: str) -> list[str]:
        return [line.text for line in engine.suggest(q, lang="", limit=5, audiences=frozenset({"public"}))]

    assert suggest("gfhjk") == suggest("паро") == ["Как изменить пароль"]
    assert suggest("gfh") == []


def test_titles_of_what_words_find_are_suggested_where_no_title_holds_what_was_typed(engine: Engine) -> None:
    """Another form of a title's word, a word of the text, a last word that is not finished; never what is hidden."""

    def suggest(q: str, lang: str = "", limit: int = 5) -> list[str]:
        audiences = frozenset({"public"})
        return [line.document_id for line in engine.suggest(q, lang=lang, limit=limit, audiences=audiences)]

    assert engine.suggest("password", lang="", limit=5, audiences=None)
    for typed in ("how are passwords changed", "how are passwords chan"):
        assert suggest(typed, "en")[0] == "password.en-us"
    assert suggest("xq zzw") == suggest("xq") == suggest("how are passwords changed", limit=0) == []


def test_a_word_that_is_not_finished_is_the_one_of_most_titles(build_index: BuildIndex) -> None:
    """Of those that the caller may see, behind question words alone as well as behind others."""
    rows: list[dict[str, Any]] = [
        {"id": "return", "title": "Returning goods", "body": "Send the parcel back to the shop within a month."},
        {"id": "retry", "title": "Retry a payment", "body": "Pay for the parcel again."},
        {"id": "resale", "title": "Retainers retained", "body": "Not for the shop.", "audience": ["agent"]},
        {"id": "retained", "title": "Retainers", "body": "Not for the parcel.", "audience": ["agent"]},
        {"id": "account", "title": "How do I open an account?", "body": "Choose a name."},
    ]
    engine = open_engine(build_index([row | {"lang": "en"} for row in rows]))

    def suggest(q: str) -> list[str]:
        found = engine.suggest(q, lang="en", limit=5, audiences=frozenset({"public"}))
        return [line.document_id for line in found]

    assert set(suggest("how do I ret")) == {"return", "retry"}
    assert suggest("parcel retu")[0] == "return"
    assert suggest("parcel reta") == suggest("parcel")


@pytest.mark.parametrize("typed", ["passwordnumber", "letterblinks", "parcelis", "isparcel", "is parcel", "pass words"])
def test_words_that_do_not_belong_together_are_left_as_they_are(engine: Engine, typed: str) -> None:
    """No passage has both, one is too short or a stop word, or what they make together is no word that it has."""
    meant = engine.search(SearchRequest(q=typed, lang="en")).did_you_mean
    assert meant is None or " " not in meant.removeprefix("is "), meant


def test_parts_of_compounds_are_no_words_that_lack_a_space(build_index: BuildIndex) -> None:
    """Where words are written together, they are meant so."""
    rows = [{"id": "a", "lang": "de", "title": "Kredit und Karte", "body": "Eine Karte mit Kredit wählen wir."}]
    assert open_engine(build_index(rows)).search(SearchRequest(q="Kreditkarte", lang="de")).did_you_mean is None


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


REGIONS = ("en-US", "en-GB", "en-AU", "en-CA", "en-IE", "en-NZ", "en-ZA", "en-IN")


@pytest.fixture(scope="module")
def regions(build_index: BuildIndex) -> Engine:
    titles = ("Reset your password", "Track a parcel", "Returns", "Gift cards", "Cancelling", "Invoices", "Ways", "Hub")
    rows = [
        {"id": "de", "lang": "de", "title": "Kennwort ändern", "body": "Wählen Sie ein anderes Kennwort."},
        {"id": "de hub", "lang": "de", "title": "Hub", "body": "Wo er steht."},
        {"id": "ru", "lang": "ru-RU", "title": "Как изменить пароль", "body": "Откройте страницу входа."},
    ]
    rows += [{"id": lang, "lang": lang, "title": t, "body": "We do."} for lang, t in zip(REGIONS, titles, strict=True)]
    return open_engine(build_index(rows))


@pytest.mark.parametrize("lang", ["", "en", "en-us", "en-in"])
def test_many_regions_are_one_language(regions: Engine, lang: str) -> None:
    """They share no probability, and any of their words is known and offered: one reading for all."""
    outcome = regions.search(SearchRequest(q="how do I track my parcels and invocies", lang=lang, explain=True))
    assert outcome.detected_lang.startswith("en-")
    assert outcome.lang_confidence > 0.9
    assert outcome.did_you_mean == "how do I track my parcels and invoices"
    assert {hit.id for hit in outcome.hits} == {"en-GB", "en-NZ"}
    explained = outcome.hits[0].explain
    assert explained is not None
    assert explained["readings"] == [outcome.detected_lang]
    assert explained["language"]["same"]  # type: ignore[index, call-overload]


@pytest.mark.parametrize(("typed", "lang"), [("Kennwort ändern", ""), ("Kennwort", "de"), ("Hub", "de")])
def test_many_regions_do_not_outweigh_one_language(regions: Engine, typed: str, lang: str) -> None:
    """English is as likely in eight regions as in one."""
    assert regions.search(SearchRequest(q=typed, lang=lang)).detected_lang == "de"


def test_russian_in_latin_letters_is_understood_of_any_region(regions: Engine) -> None:
    """ru-RU is written in Cyrillic as ru is."""
    outcome = regions.search(SearchRequest(q="kak izmenit parol"))
    assert (outcome.detected_lang, outcome.hits[0].id) == ("ru-ru", "ru")


def test_titles_of_any_region_are_suggested_before_other_languages(regions: Engine) -> None:
    """To the reader of en; and first that of his own region, where it is told apart."""
    for lang, first in (("en", "en-IN"), ("en-gb", "en-IN"), ("de", "de hub")):
        suggested = regions.suggest("hub", lang=lang, limit=5, audiences=frozenset({"public"}))
        assert suggested[0].document_id == first


@pytest.mark.parametrize(("joined", "apart"), [("9V", "9 V"), ("2.4GHz", "2.4 GHz"), ("over 30kg", "over 30 kg")])
def test_a_number_and_its_unit_may_stand_together(build_index: BuildIndex, joined: str, apart: str) -> None:
    """Whatever the collection writes; nothing is offered, since nothing was mistyped."""
    rows = [
        {"id": "battery", "title": "Battery", "body": "Put in a 9 V battery."},
        {"id": "radio", "title": "Radio", "body": "It needs a network of 2.4 GHz."},
        {"id": "large", "title": "Large goods", "body": "What weighs over 30 kg comes by lorry."},
        {"id": "name", "title": "The 3D printer", "body": "It prints."},
    ]
    engine = open_engine(build_index([row | {"lang": "en"} for row in rows]))
    together, parted = (engine.search(SearchRequest(q=typed, lang="en")) for typed in (joined, apart))
    assert [(hit.id, hit.score) for hit in together.hits] == [(hit.id, hit.score) for hit in parted.hits]
    assert together.hits[0].id in ("battery", "radio", "large")
    assert together.did_you_mean is None
    assert engine.search(SearchRequest(q="3D", lang="en")).hits[0].id == "name"
