"""Nothing personal survives redaction, and harmless text does."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.events.redact import redact, redact_value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mans epasts ir anna.ozola+help@pasts.example.lv", "mans epasts ir [email]"),
        ("rašyk jonas@imone.lt, ačiū", "rašyk [email], ačiū"),
        ("anna (at) pasts.lv", "[email]"),
        ("zvaniet +371 2000 0100", "zvaniet [phone]"),
        ("skambinkite 8 600 00100", "skambinkite [phone]"),
        ("call 20000100 please", "call [phone] please"),
        ("(371) 20-00-01-00", "[phone]"),
        ("card 4111 1111 1111 1111 declined", "card [card] declined"),
        ("5500000000000004", "[card]"),
        ("LV80 BANK 0000 4351 9500 1 neatnāk", "[iban] neatnāk"),
        ("lt121000011101001000", "[iban]"),
        ("personas kods 120385-12345", "personas kods [phone]"),
    ],
)
def test_personal_data_becomes_a_placeholder(text: str, expected: str) -> None:
    """Each known form is replaced, and only it."""
    assert expected == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "kā atjaunot paroli",
        "error E21 on R2",
        "PROMO-17",
        "2026-10-01 delivery",
        "order 12345 late",
        "iOS 16 or Android 10",
        "meet at noon",
        "NO 12 months of waiting",
        "€49 and €1,299",
        "",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    """Codes, dates, prices and words are not personal."""
    assert text == redact(text)


def test_redaction_reaches_into_attributes() -> None:
    """Keys, values, lists and bare numbers are all read."""
    given_value = {"a@b.lv": ["call 20000100", {"n": 37120000100, "m": 3, "ok": True, "none": None}]}
    expected = {"[email]": ["call [phone]", {"n": "[phone]", "m": 3, "ok": True, "none": None}]}
    assert expected == redact_value(given_value)


@given(st.text(max_size=200))
def test_redaction_is_idempotent(text: str) -> None:
    """What is redacted has nothing more to hide."""
    assert redact(redact(text)) == redact(redact(redact(text)))


@given(st.from_regex(r"[a-z]{1,10}\.?[a-z]{1,10}@[a-z]{1,10}\.(lv|lt|com)", fullmatch=True), st.text(max_size=20))
def test_no_address_survives(address: str, around: str) -> None:
    """Whatever stands beside it."""
    assert address not in redact(f"{around} {address} {around}")


@pytest.mark.parametrize("text", ["a" * 20_000, "1 " * 10_000, "a.b" * 7_000, "LV12" * 5_000, "a@" * 8_000])
def test_long_hostile_text_costs_linear_time(text: str) -> None:
    """A regular expression that backtracks would take minutes on these."""
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 5
