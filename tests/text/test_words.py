"""Words: what stays whole, and where each word stands."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.text.words import surfaces, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kā atjaunot paroli?", ["Kā", "atjaunot", "paroli"]),
        ("P-104, E07; 3-D iOS16", ["P-104", "E07", "3-D", "iOS16"]),
        ("Smart-ID, wi-fi un e-pasts", ["Smart-ID", "wi-fi", "un", "e-pasts"]),
        ("2.4 GHz, 10,5 € 12:30.", ["2.4", "GHz", "10,5", "12:30"]),
        ("(don't) user’s «l'eau»", ["don't", "user’s", "l'eau"]),
        ("Rakstiet uz info@veikals.lv.", ["Rakstiet", "uz", "info@veikals.lv"]),
        ("sk. https://veikals.lv/a?b=c. Un", ["sk", "https://veikals.lv/a?b=c", "Un"]),
        ("Outlook.com beigas.Sākums", ["Outlook.com", "beigas", "Sākums"]),
        ("ERR_TIMED_OUT C++ C#", ["ERR_TIMED_OUT", "C++", "C#"]),
        ("-- … !!! 😀", []),
        ("हिन्दी", ["हिन्दी"]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert [word.text for word in words(text)] == expected


@given(st.text(st.characters(), max_size=80) | st.text("aā1.-'@:/ ", max_size=60))
def test_offsets_index_the_surface(text: str) -> None:
    found = words(text)
    assert [text[word.start : word.end] for word in found] == [word.text for word in found] == surfaces(text)
    assert all(left.end <= right.start for left, right in pairwise(found))
