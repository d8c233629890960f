"""Which piece of an article is cut out as the answer, and where it begins and ends."""

from __future__ import annotations

import pytest

from indexer.pipeline import build
from kbsearch.answer import extract
from kbsearch.answering import grown, sentences_of
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.engine import Engine
from kbsearch.snapshot import open_snapshot
from kbsearch.understand import understand

ARTICLE = """---
id: declined.en
lang: en
title: "Payment failed: P-104, P-117, PROMO-22"
---

| Code | Cause | What to do |
|---|---|---|
| P-104 | Too little money on the card | Top up when the payment failed |
| P-117 | The bank said no | Ask it |
| PROMO-22 | The basket is too small | Add items |

In 22 hours the order is dropped.

## By letter

| Code | Cause |
|---|---|
| X1 | Stamp missing |
| X2 | Address missing |
"""
STEPS = "Do this:\n1. Open it. Wait.\n2. Press the button. It is red.\n3. Close it."
TABLE = "Paid with: Back within\nGift card: At once\nCard: 5 days"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("codes")
    (folder / "declined.md").write_text(ARTICLE, encoding="utf-8")
    build([folder], folder / "index", embedder=HashingEmbedder())
    return Engine(open_snapshot(folder / "index"), HashingEmbedder())


def answer(engine: Engine, text: str) -> str:
    snapshot, lexicon = engine._snapshot, engine._lexicon
    query = understand(text, {"en": 1.0}, "en", lexicon)
    return extract(snapshot, query, lexicon, snapshot.record(0), snapshot.passages_of(0)).text


@pytest.mark.parametrize("code", ["P-117", "p117", "P 117"])
def test_a_code_is_answered_by_its_row_alone(engine: Engine, code: str) -> None:
    """However much of what is told around it the other rows hold, and though the title lists it."""
    assert answer(engine, f"Payment failed (code {code})") == (
        "Code: P-117; Cause: The bank said no; What to do: Ask it"
    )
    assert answer(engine, "what is X2") == "X2: Address missing"


@pytest.mark.parametrize("code", ["PROMO-22", "promo22", "PROMO 22"])
def test_a_word_and_a_number_are_a_code_where_the_article_joins_them(engine: Engine, code: str) -> None:
    """And a word and a number where it does not."""
    assert answer(engine, f"error {code}").startswith("Code: PROMO-22; ")
    assert "In 22 hours" in answer(engine, "order 22 hours")


@pytest.mark.parametrize(
    ("text", "sentence", "length", "expected"),
    [
        ("One. Two. Three.", "Two.", 9, "One. Two."),
        ("A line.\nThe first. The second.\nMore.", "The second.", 22, "The first. The second."),
        (STEPS, "2. Press the button.", 46, "1. Open it. Wait.\n2. Press the button."),
        (STEPS, "2. Press the button.", 35, "2. Press the button. It is red."),
        (STEPS, "2. Press the button.", 200, STEPS),
        (STEPS, "It is red.", 35, "2. Press the button. It is red."),
        (STEPS, "It is red.", 12, "It is red."),
        (f"{STEPS}\nThen rest.", "Then rest.", 50, "Then rest."),
        (TABLE, "Card: 5 days", 60, TABLE),
        (f"{TABLE}\nIf not, write.", "If not, write.", 40, "If not, write."),
        ("Yes.\nHow long? Two days.", "Yes.", 15, "Yes."),
        ("Yes.\nYou need:\n- a box.", "Yes.", 15, "Yes."),
        ("Yes.\nHow long?", "How long?", 9, "How long?"),
    ],
)
def test_an_answer_begins_and_ends_where_something_does(text: str, sentence: str, length: int, expected: str) -> None:
    """With a line, where a list or a table begins if there is room, and with nothing that is only announced."""
    sentences = sentences_of(text)
    place = [text[start:end] for start, end in sentences].index(sentence)
    start, end = grown(text, sentences, place, length)
    assert text[start:end] == expected
