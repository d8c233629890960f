"""Index terms: golden lists, forms that must meet, and agreement of passages and queries."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.text.analyze import (
    ANALYZER_VERSION,
    LANGUAGES,
    is_stop_word,
    passage_terms,
    query_terms,
    word_terms,
)
from kbsearch.text.normalise import fold, normalise
from kbsearch.text.words import words

GOLDEN = Path(__file__).parents[1] / "golden" / "analyzer"
GOLDEN_FILES = sorted(GOLDEN.glob("*.txt"))


def stem_of(word: str, lang: str) -> str:
    return next(term for term in word_terms(word, lang) if term.startswith("~"))


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    """Each line is "word<TAB>terms"; REWRITE_GOLDEN=1 writes the present answer."""
    listed = path.read_text(encoding="utf-8").splitlines()
    actual = [f"{w}\t{' '.join(word_terms(w, path.stem))}" for w in (line.split("\t")[0] for line in listed)]
    if os.environ.get("REWRITE_GOLDEN") == "1":
        path.write_text("\n".join(actual) + "\n", encoding="utf-8")
        return
    assert actual == listed


def test_golden_lists_are_long_enough() -> None:
    lines = {path.stem: len(path.read_text(encoding="utf-8").splitlines()) for path in GOLDEN_FILES}
    assert set(lines) >= {"lv", "lt", "en", "et", "ru", "de", "pl"}
    assert lines["lv"] >= 60
    assert lines["lt"] >= 30
    assert min(lines.values()) >= 15


@pytest.mark.parametrize(
    ("lang", "forms"),
    [
        ("lv", "parole paroles paroli parolē paroļu parolēm parolei parolēs"),
        ("lv", "konts konta kontam kontu kontā konti kontiem kontos"),
        ("lv", "atjaunot atjaunošana atjaunošanas atjaunošanu atjaunojiet atjauno atjaunots"),
        ("lv", "pasūtījums pasūtījuma pasūtījumu pasūtījumi pasūtījumiem pasūtīt pasūtīšana"),
        ("lv", "pieslēgties pieslēgšanās pieslēgt"),
        ("lv", "lietotājs lietotāja lietotāju lietotājiem"),
        ("lv", "licence licences licenci licenču"),
        ("lt", "slaptažodis slaptažodžio slaptažodį slaptažodžiu slaptažodžiai slaptažodžių"),
        ("lt", "paskyra paskyros paskyrą paskyroje paskyrų"),
        ("lt", "prisijungti prisijungimas prisijungimo prisijungimą"),
        ("lt", "pakeisti pakeitimas pakeitimo pakeiskite"),
        ("lt", "užsakymas užsakymo užsakymą užsakymai užsakyti"),
        ("en", "password passwords"),
        ("en", "cancel cancelled cancelling"),
        ("ru", "заказ заказа заказы заказов"),
        ("pl", "konto konta kontem"),
        ("de", "Bestellung Bestellungen bestellen"),
        ("et", "konto kontole kontot"),
    ],
)
def test_paradigm_has_one_stem(lang: str, forms: str) -> None:
    stems = {stem_of(form, lang) for form in forms.split()}
    assert len(stems) == 1
    assert {stem_of(fold(form), lang) for form in forms.split()} == stems, "typed without diacritics"


@pytest.mark.parametrize(
    ("lang", "one", "other"),
    [
        ("lv", "lietotājs", "lietot"),
        ("lv", "konts", "kontakts"),
        ("lt", "sąskaita", "skaityti"),
        ("en", "P-104", "P-105"),
        ("lv", "E07", "E08"),
    ],
)
def test_different_words_keep_different_stems(lang: str, one: str, other: str) -> None:
    assert stem_of(one, lang) != stem_of(other, lang)


def test_query_without_diacritics_meets_the_passage_and_the_exact_form_has_more() -> None:
    exact = set(passage_terms("Kā atjaunot paroli", "", "", "lv"))
    bare = set(passage_terms("Ka atjaunot paroli", "", "", "lv"))
    typed = query_terms("kā atjaunot paroli", ["lv"])
    assert len(exact.intersection(typed)) > len(bare.intersection(typed)) > 0
    stripped = query_terms("ka atjaunot paroli", ["lv"])
    assert set(stripped) <= exact
    assert exact.intersection(query_terms("nosutit rekinu", ["lv"])) == set()


def test_compound_parts_meet() -> None:
    assert set(word_terms("Kreditkarte", "de")) & set(word_terms("Karte", "de"))


@pytest.mark.parametrize(
    ("joined", "part"),
    [("wi-fi", "wifi"), ("e-pasts", "pasti"), ("P-104", "P104"), ("P-104", "104"), ("iOS16", "ios")],
)
def test_joined_words_are_found_by_their_parts(joined: str, part: str) -> None:
    assert set(word_terms(joined, "lv")) & set(word_terms(part, "lv"))


def test_codes_are_not_cut() -> None:
    assert set(word_terms("KB5005565", "en")) & set(word_terms("KB5005566", "en")) == set()


def test_stop_words() -> None:
    assert is_stop_word("kā", "lv")
    assert is_stop_word("Ka", "lv")
    assert is_stop_word("kaip", "lt")
    meaning = {"en": "not no without off", "lv": "nav ne nē bez", "lt": "ne nėra be", "ru": "не нет без",
               "de": "nicht kein ohne", "pl": "nie bez", "et": "ei mitte ilma", "xx": "the"}  # fmt: skip
    assert not [(lang, word) for lang, words_ in meaning.items() for word in words_.split() if is_stop_word(word, lang)]


def test_stop_words_go_unless_nothing_remains() -> None:
    assert "~how" not in query_terms("how to pay", ["en"])
    assert query_terms("how to", ["en"])
    assert query_terms("kas ir kas", ["lv"])


def test_query_terms_are_a_union_without_repeats() -> None:
    both = query_terms("paroli paroli", ["lv", "pl"])
    assert len(both) == len(set(both))
    assert set(both) == {*word_terms("paroli", "lv"), *word_terms("paroli", "pl")}
    assert query_terms("paroli", []) == query_terms("paroli", ["xx"])
    assert query_terms(" ?! ", ["lv"]) == []


def test_title_counts_more_than_headings_and_headings_more_than_body() -> None:
    in_title, in_heading, in_body = (
        passage_terms(*fields, "lv").count("~parol")
        for fields in (("parole", "", ""), ("", "parole", ""), ("", "", "parole"))
    )
    assert in_title > in_heading > in_body == 1


def test_languages_and_version() -> None:
    assert {"lv", "lt", "en", "et", "ru", "de", "pl"} <= set(LANGUAGES)
    assert len(ANALYZER_VERSION) == 12


@pytest.mark.parametrize("text", ["パスワードを変更する", "重置密码", "รหัสผ่าน", "пароль", "كلمة المرور"])
@pytest.mark.parametrize("lang", ["ja", "zh", "xx", "lv", "../en"])
def test_any_script_and_any_code_gives_terms(text: str, lang: str) -> None:
    assert query_terms(text, [lang])


LANGS = st.sampled_from([*LANGUAGES, "ja", "xx"])
TEXTS = st.text(st.characters(), max_size=60) | st.text("aābcčdeēiīksšuūzž1-'. ", max_size=60)


@given(TEXTS, st.lists(LANGS, max_size=3))
def test_stop_words_never_empty_a_query(text: str, langs: list[str]) -> None:
    clean = normalise(text)
    assert bool(query_terms(clean, langs)) == bool(words(clean))


@given(TEXTS, LANGS)
def test_each_content_word_of_a_passage_finds_it(text: str, lang: str) -> None:
    clean = normalise(text)
    bag = set(passage_terms("", "", clean, lang))
    for word in words(clean):
        assert bag.intersection(query_terms(word.text, [lang])), word.text
