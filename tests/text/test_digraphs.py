"""Two letters for one, as Latvians and Lithuanians type where they lack their own."""

from __future__ import annotations

import pytest

from kbsearch.text.digraphs import without_digraphs


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("suutiijums", "sutijums"),
        ("reekjins", "rekins"),
        ("Paarsuutiit", "Parsutit"),
        ("uznjeemumam", "uznemumam"),
        ("chetri", "cetri"),
        ("uzhsakymas", "uzsakymas"),
        ("Shiandien", "Siandien"),
        ("parole", "parole"),
    ],
)
def test_two_letters_that_stand_for_one_become_it(typed: str, meant: str) -> None:
    """Without its mark, as `fold` leaves it."""
    assert without_digraphs(typed) == meant


@pytest.mark.parametrize("word", ["ieejot", "neesmu", "priimti"])
def test_two_letters_between_which_a_prefix_ends_stay(word: str) -> None:
    """They are two sounds."""
    assert without_digraphs(word) == word
