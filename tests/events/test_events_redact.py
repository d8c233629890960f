"""Nothing personal survives redaction, and harmless text does."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kbsearch.events.redact import PLACEHOLDERS, redact, redact_value

CHECKSUMMED = ("iban", "card", "personal code")
CORPUS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "redaction.jsonl").read_text(encoding="utf-8").splitlines()
]


def test_the_corpus_is_as_large_and_mixed_as_promised() -> None:
    """At least 300 lines, four languages, half of them harmless; each secret is in its text and not in what is left."""
    assert len({row["text"] for row in CORPUS}) == len(CORPUS) >= 300
    languages = Counter(row["lang"] for row in CORPUS)
    assert set(languages) == {"lv", "lt", "en", "ru"}
    assert min(languages.values()) >= 70
    assert sum("secrets" not in row for row in CORPUS) >= 150
    for row in CORPUS:
        assert all(secret in row["text"] for _kind, secret in row.get("secrets", []))
        assert ("secrets" in row) == (row["expected"] != row["text"])


@pytest.mark.parametrize("row", CORPUS, ids=[row["text"] for row in CORPUS])
def test_the_corpus(row: dict[str, Any]) -> None:
    """Line by line: the secret goes, everything else stays."""
    assert redact(row["text"], row.get("names", ())) == row["expected"]


@pytest.mark.parametrize("kind", CHECKSUMMED)
def test_recall_on_formats_with_a_checksum(kind: str) -> None:
    """At least 0.99 of them; a placeholder of another kind would hide them as well."""
    found = [
        secret not in redact(row["text"]) for row in CORPUS for known, secret in row.get("secrets", []) if known == kind
    ]
    assert len(found) >= 20
    assert sum(found) / len(found) >= 0.99


def test_questions_of_the_sample_keep_their_words() -> None:
    """Nothing personal is in them, so every change is a mistake."""
    path = Path(__file__).parents[2] / "sample_kb" / "questions.jsonl"
    questions = [json.loads(line)["query"] for line in path.read_text(encoding="utf-8").splitlines()]
    changed = [question for question in questions if redact(question) != question]
    assert len(questions) > 500
    assert changed == []


def test_names_of_contact_fields_go_wherever_they_are() -> None:
    """In the field itself, and where the message repeats them, in any case."""
    given_value = {
        "contact": {"name": "Jānis Bērziņš", "email": "j@b.example.lv", "topic": "name"},
        "message": "Jānim Bērziņam nav atbildēts, Berzins",
        "product": {"name": "R2"},
    }
    assert redact_value(given_value) == {
        "contact": {"name": "[name]", "email": "[email]", "topic": "name"},
        "message": "[name] nav atbildēts, [name]",
        "product": {"name": "R2"},
    }
    for key in ("firstName", "First_Name", "first-name", "first name", "FIRSTNAME"):
        assert redact_value({key: "Jānis", "note": "no Jāņa"}) == {key: "[name]", "note": "no [name]"}
    numbers = {"call": 29123456, "sent": 1732312345678, "count": 12345, "sure": True}
    assert redact_value(numbers) == {**numbers, "call": "[phone]"}
    assert redact("Anna orders an anchor", ["Anna Li"]) == "[name] orders an anchor"
    assert redact("ko nu", [" ", "-"]) == "ko nu"


@given(st.text(max_size=60), st.lists(st.text(max_size=12), max_size=3))
def test_any_name_can_be_looked_for(text: str, names: list[str]) -> None:
    """Signs that mean something in a pattern, letters that change their length, nothing at all."""
    redact(text, names)


@given(st.text(st.characters(categories=["L"]), min_size=3, max_size=12), st.sampled_from(["NFC", "NFD"]))
@example("Ģirts", "NFD")
@example("Bērziņš", "NFD")
def test_no_name_survives(name: str, form: Literal["NFC", "NFD"]) -> None:
    """Of three letters or more, in whatever way field and message write their marks."""
    assume(len(unicodedata.normalize("NFC", name)) >= 3)
    for given_name in (name, unicodedata.normalize(form, name)):
        text = unicodedata.normalize(form, f"1, {name}; 2")
        assert redact(text, [given_name]) == "1, [name]; 2"


def test_placeholders_are_never_redacted() -> None:
    """Redacting twice is redacting once."""
    everything = " ".join(PLACEHOLDERS)
    assert redact(everything) == everything


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mans epasts ir anna.ozola+help@pasts.example.lv", "mans epasts ir [email]"),
        ("rašyk jonas@imone.lt, ačiū", "rašyk [email], ačiū"),
        ("anna (at) pasts.lv", "[email]"),
        ("ANNA (AT) PASTS.LV", "[email]"),
        ("zvaniet +371 2000 0100", "zvaniet [phone]"),
        ("skambinkite 8 600 00100", "skambinkite [phone]"),
        ("call 20000100 please", "call [phone] please"),
        ("(371) 20-00-01-00", "[phone]"),
        ("card 4111 1111 1111 1111 declined", "card [card] declined"),
        ("5500000000000004", "[card]"),
        ("LV80 BANK 0000 4351 9500 1 neatnāk", "[iban] neatnāk"),
        ("lt121000011101001000", "[iban]"),
        ("personas kods 120385-12345", "personas kods [personal code]"),
        ("zvaniet 20101015", "zvaniet [phone]"),
        ("par dienu 20101015", "par dienu 20101015"),
        ("anna．ozola＠example．lv", "[email]"),
        ("anna.ozola@inbox,lv lūdzu", "[email] lūdzu"),
        ("anna.ozola@inbox.lv,jonas", "[email],jonas"),
        ("https://shop.example/?mail=anna.ozola%40inbox.lv&lang=lv", "https://shop.example/?mail=[email]&lang=lv"),
        ("tel29123456", "tel[phone]"),
        ("Mans tālr29123456, Anna", "Mans tālr[phone], Anna"),
        (unicodedata.normalize("NFD", "tālr29123456"), "tālr[phone]"),
        ("telefonas861234567", "telefonas[phone]"),
        ("тел89161234567", "тел[phone]"),
        ("tel29 123 456", "tel[phone]"),
        ("tel+37129123456", "tel[phone]"),
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
        "iphone14 12345678",
        "television20000100",
        "order20000100",
        "shop/phone20000100",
        "50 % at shop,lv",
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
    given_value = {"a@b.lv": ["call 20000100", {"n": 37120000100, "at": 1763805600000, "ok": True, "none": None}]}
    expected = {"[email]": ["call [phone]", {"n": "[phone]", "at": 1763805600000, "ok": True, "none": None}]}
    assert expected == redact_value(given_value)


@given(st.text(max_size=200))
def test_redaction_is_idempotent(text: str) -> None:
    """What is redacted has nothing more to hide."""
    assert redact(redact(text)) == redact(redact(redact(text)))


GROUPS = st.lists(st.from_regex(r"[0-9]{1,8}|[0-9]{2}/[0-9]{2}|[0-9]{3},[0-9]{2} eur", fullmatch=True), max_size=4)
WRITTEN_CARDS = (
    "4474605474270191",
    "4474 6054 7427 0191",
    "5106-1024-4859-4800",
    "3413 411056 16706",
    "6759113912472298",
)


@given(GROUPS, st.sampled_from(WRITTEN_CARDS), GROUPS)
def test_no_card_survives_beside_other_numbers(before: list[str], card: str, after: list[str]) -> None:
    """Whatever groups of digits stand beside it, none of the card is left."""
    redacted = redact(" ".join(["see", *before, card, *after, "please"]))
    assert redacted.startswith("see ")
    assert redacted.endswith(" please")
    left = re.findall("[0-9]+", redacted)
    around = re.findall("[0-9]+", " ".join([*before, *after]))
    assert not set(re.findall("[0-9]+", card)) & set(left) - set(around)


@given(st.lists(st.sampled_from(("29123456", "67 123 456", "+371 29 123 456", "861234567", "2612-3456")), min_size=1))
def test_every_phone_of_a_list_goes(phones: list[str]) -> None:
    """Not only the first."""
    assert redact(" ".join(phones)).replace("[phone]", "").strip() == ""
    assert redact("zvaniet " + " / ".join(phones)).replace("[phone]", "").strip(" /") == "zvaniet"


@given(st.lists(st.dates(date(1900, 1, 1), date(2099, 12, 31)), min_size=1, max_size=3), st.sampled_from("-./"))
def test_days_beside_a_phone_stay(days: list[date], between: str) -> None:
    """A day in front is not taken for the phone, whatever the words call it."""
    written = " ".join(day.strftime(f"%Y{between}%m{between}%d") for day in days)
    assert redact(f"zvanīju {written} 29123456") == f"zvanīju {written} [phone]"


@given(st.from_regex(r"[a-z]{1,10}\.?[a-z]{1,10}@[a-z]{1,10}\.(lv|lt|com)", fullmatch=True), st.text(max_size=20))
def test_no_address_survives(address: str, around: str) -> None:
    """Whatever stands beside it."""
    assert address not in redact(f"{around} {address} {around}")


@pytest.mark.parametrize(
    "text",
    [
        *("a" * 20_000, "1 " * 10_000, "a.b" * 7_000, "LV12" * 5_000, "a@" * 8_000),
        *("4444 " * 4_000, "111 " * 5_000 + "eur", "1234567-" * 2_500, "tel." * 5_000 + "1", "12:34" * 4_000),
        f"tel {'4 ' * 28};" * 300,
        *("a%40" * 5_000, "a@b," * 5_000, "．" * 20_000, "tel1" * 5_000, "tel" * 6_000 + "1234567", "tel1 2" * 3_000),
        "a" + "\u0301\u0327" * 60_000,
    ],
    ids=lambda text: text[:8],
)
def test_long_hostile_text_costs_linear_time(text: str) -> None:
    """A regular expression that backtracks would take minutes on these."""
    started = time.process_time()
    redact(text)
    redact("anna ozola;" * 2_000 + text, ["Anna Ozola"])
    assert time.process_time() - started < 5
