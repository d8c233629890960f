"""The other keyboard layout: the same keys, both ways."""

import string

from hypothesis import given
from hypothesis import strategies as st

from kbsearch.text.keyboard import in_other_layout, look_alike

RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"


def test_keys() -> None:
    """As they lie beside one another on a keyboard."""
    assert in_other_layout("Ghbdtn, rfr ltkf") == "Приветб как дела"
    assert in_other_layout("зфкщду") == "parole"
    assert in_other_layout("<>{}") == "БЮХЪ"
    assert in_other_layout("nen? jr/ rfr&") == "тут, ок. как?"
    assert in_other_layout("2026") == "2026"


@given(st.text(RUSSIAN + RUSSIAN.upper(), min_size=1))
def test_russian_comes_back(text: str) -> None:
    """Each key writes one letter in either layout."""
    assert in_other_layout(text).isascii()
    assert in_other_layout(in_other_layout(text)) == text


@given(st.text(string.ascii_letters, min_size=1))
def test_latin_comes_back(text: str) -> None:
    """Every Latin letter has a Russian one on its key."""
    assert not in_other_layout(text).isascii()
    assert in_other_layout(in_other_layout(text)) == text


@given(st.text("ABCEHKMOPTXYabcehkmoptxy", min_size=1))
def test_letters_that_look_the_same_come_back(text: str) -> None:
    """In capitals, in which they look alike."""
    assert not look_alike(text).isascii()
    assert look_alike(look_alike(text)) == text.upper()


def test_letters_that_look_like_none_stay() -> None:
    assert look_alike("qж") == "QЖ"
