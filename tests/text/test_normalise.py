"""Normalising and folding: one spelling in, one spelling out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.text.normalise import drop_controls, fold, normalise


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("", ""),
        ("  a \t b\u00a0c ", "a b c"),
        ("a\r\nb", "a\nb"),
        ("a \n \n\n b", "a\n\nb"),
        ("a\u2029\u2029b", "a\n\nb"),
        ("k\u0304a\u0304", "k̄ā"),  # composed where Unicode has a letter for it
        ("pa\u00adro\u200ble\ufeff", "parole"),
        ("a\x00b\x07c\ud800d", "abcd"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian needs its joiner
    ],
)
def test_normalise(raw: str, clean: str) -> None:
    assert normalise(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("  a\t\tb  \n\n\n c", "  a\t\tb  \n\n\n c"),
        ("red \x1b[31m \x9b2J bell\x07 \x00", "red [31m 2J bell "),
        ("می\u200cخواهم \u200fא", "می\u200cخواهم \u200fא"),
    ],
)
def test_what_people_wrote_keeps_its_form_and_loses_its_controls(raw: str, clean: str) -> None:
    assert drop_controls(raw) == clean
    assert drop_controls(clean) == clean


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("ķŽšģņļčēāīū", "kzsgnlceaiu"),
        ("ąčęėįšųūž", "aceeisuuz"),
        ("Łódź", "lodz"),
        ("Straße", "strasse"),
        ("õäöü", "oaou"),
        ("Ørsted Æsir", "orsted aesir"),
        ("Ёлка йод", "елка йод"),
        ("За\u0301мок", "замок"),
        ("Ελλάς", "ελλασ"),
        ("İstanbul ılık", "istanbul ilik"),
        ("P-104", "p-104"),
    ],
)
def test_fold(typed: str, folded: str) -> None:
    assert fold(typed) == folded


@given(st.text())
def test_normalise_is_idempotent(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_fold_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_every_letter_is_folded_at_once() -> None:
    """Examples drawn at random miss the few that need it; ǣ is one."""
    letters = [chr(code) for code in range(0x10000)]
    assert [letter for letter in letters if fold(fold(letter)) != fold(letter)] == []
    assert fold("Ǣ ǣ") == "ae ae"


def test_printable_text_is_normalised_as_any_other_is() -> None:
    """The short way for text without control characters and runs of white space leaves nothing out."""
    printable = "x".join(chr(code) for code in range(0x110000) if chr(code).isprintable())
    assert normalise(printable + "  y") == normalise(printable) + " y"
