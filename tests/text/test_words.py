"""Words: what stays whole, and where each word stands."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.text.words import put_in, surfaces, words


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


@given(st.text())
def test_other_words_are_put_in_where_words_stand(text: str) -> None:
    """Each in the place of its own; all else stays, and so does the whole where they are the same."""
    places = words(text)
    assert put_in(text, ((word.start, word.end, word.text) for word in places)) == text
    doubled = put_in(text, ((word.start, word.end, word.text * 2) for word in places))
    assert len(doubled) == len(text) + sum(len(word.text) for word in places)


def test_what_is_put_in_may_stand_for_nothing_or_for_more_than_a_word() -> None:
    assert put_in("slapta zodis, ne", [(0, 12, "slaptazodis"), (13, 16, "")]) == "slaptazodis,"
    assert put_in("", []) == ""
