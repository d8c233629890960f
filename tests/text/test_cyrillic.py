"""Latin letters read back into Cyrillic."""

import pytest

from kbsearch.text.cyrillic import to_cyrillic, with_soft_sign


@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [
        ("zakaz", "заказ"),
        ("dostavka", "доставка"),
        ("borshch", "борщ"),
        ("eshche", "еще"),
        ("zhizn", "жизн"),
        ("moj", "мой"),
        ("kakoy", "какой"),
        ("novyj", "новый"),
        ("yaponiya", "япония"),
        ("juzhnyy", "южный"),
        ("xorosho", "хорошо"),
        ("khorosho", "хорошо"),
        ("e-mail2", "е-маил2"),
        ("", ""),
    ],
)
def test_words(latin: str, cyrillic: str) -> None:
    assert to_cyrillic(latin) == cyrillic


def test_a_soft_sign_that_was_left_out_may_stand_after_any_consonant_that_bears_one() -> None:
    """Mostly at the end."""
    assert list(with_soft_sign("писат")) == ["писать", "письат"]
    assert list(with_soft_sign("як")) == list(with_soft_sign("")) == []
