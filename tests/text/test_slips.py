"""What is a slip of the fingers, and what another word."""

from __future__ import annotations

import pytest

from kbsearch.text.slips import other_prefix


@pytest.mark.parametrize(
    ("typed", "meant", "lang"),
    [
        ("izslegsana", "ieslegsana", "lv"),
        ("parsutit", "pasutit", "lv"),
        ("neparsutit", "nepasutijusi", "lv"),
        ("nosutit", "nesutit", "lv"),
        ("itraukite", "istraukite", "lt"),
        ("nusipirkti", "issipirkti", "lt"),
        ("включить", "выключить", "ru"),
    ],
)
def test_another_prefix_makes_another_verb(typed: str, meant: str, lang: str) -> None:
    """Whichever of the two was typed."""
    assert other_prefix(typed, meant, lang)
    assert other_prefix(meant, typed, lang)
    assert not other_prefix(typed, meant, "en")


@pytest.mark.parametrize(
    ("typed", "meant", "lang"),
    [
        ("samksaju", "samaksaju", "lv"),
        ("pasutijms", "pasutijums", "lv"),
        ("parle", "parole", "lv"),
        ("pristatmyo", "pristatymo", "lt"),
        ("разсылка", "рассылка", "ru"),
        ("превязать", "привязать", "ru"),
    ],
)
def test_the_same_prefix_makes_no_other_verb(typed: str, meant: str, lang: str) -> None:
    """Nor does a misspelt one."""
    assert not other_prefix(typed, meant, lang)
    assert not other_prefix(meant, typed, lang)
