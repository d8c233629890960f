"""Latin letters read back into Cyrillic."""

import pytest

from kbsearch.text.cyrillic import to_cyrillic


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
