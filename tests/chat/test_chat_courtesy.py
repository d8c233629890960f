"""What is left of a query when its politeness is taken away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.chat.courtesy import without_courtesy
from kbsearch.chat.patterns import LANGUAGES, read_patterns

POLITE = [
    ("labdien gribēju pajautāt kā atcelt pasūtījumu", "kā atcelt pasūtījumu"),
    ("Labdien, gribēju pajautāt, kā es varu to atcelt? Paldies!", "kā es varu to atcelt?"),
    ("sakiet lūdzu vai jūs svētdienā strādājat", "vai jūs svētdienā strādājat"),
    ("laba diena sakykite kur mano siunta", "kur mano siunta"),
    ("sveiki norejau paklausti ar galima grazinti preke, aciu", "ar galima grazinti preke"),
    ("hello can you help me reset my password", "reset my password"),
    ("I'd like to know how to pay thanks in advance", "how to pay"),
    ("здравствуйте подскажите пожалуйста как вернуть товар", "как вернуть товар"),
    ("dzień dobry chciałbym zapytać gdzie jest paczka", "gdzie jest paczka"),
    ("tere kas te oskate öelda kus mu pakk on", "kus mu pakk on"),
    ("können Sie mir bitte sagen wo mein Paket ist", "wo mein Paket ist"),
    ("question about delivery", "about delivery"),
]
ASKED = [
    "kā atcelt pasūtījumu",
    "can i pay by card",
    "(can i pay) by card –",
    "help center hours",
    "vai var atdot preci",
    "ar galima grąžinti",
    "kann ich mit Karte zahlen",
    "ei tööta robot",
    "palīdzība ar uzstādīšanu",
    "high five",
]
NOTHING_ELSE = ["hello", "can you help me", "sveikas maistas", "labdien paldies", "thank you", "", "?!", "🙂"]


@pytest.mark.parametrize(("typed", "asked"), POLITE)
def test_politeness_around_a_question_is_left_out(typed: str, asked: str) -> None:
    """In any language, with marks or without, in any case, with diacritics or not."""
    assert without_courtesy(typed) == asked
    assert without_courtesy(typed.upper()) == asked.upper()
    assert without_courtesy(asked) == asked


@pytest.mark.parametrize("typed", [*ASKED, *NOTHING_ELSE])
def test_what_is_asked_stays(typed: str) -> None:
    """Also where next to nothing would be left."""
    assert without_courtesy(typed) == typed


@pytest.mark.parametrize("lang", LANGUAGES)
def test_polite_words_are_written_out(lang: str) -> None:
    """A query is looked at more closely only where it begins or ends with one of them, whole."""
    lines = read_patterns(lang).lines
    assert "*" not in " ".join((*lines["hello"], *lines["opening"], *lines["closing"]))


@given(st.text(max_size=60), st.sampled_from([typed for typed, _ in POLITE]))
def test_something_is_always_left(text: str, polite: str) -> None:
    """A part of the text itself, with a word wherever that has one."""
    for typed in (text, f"{polite} {text}", f"{text} {polite}"):
        left = without_courtesy(typed)
        assert left in typed
        assert any(map(str.isalnum, left)) == any(map(str.isalnum, typed))
