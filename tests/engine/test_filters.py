"""The filter expression: what it accepts, what it refuses, and that quoting loses nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.errors import FilterError, UsageError
from kbsearch.filters import FILTER_FIELDS, parse_filter


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("", {}),
        ("   ", {}),
        ("type:faq", {"type": ("faq",)}),
        ("type:faq,tutorial AND lang:lv", {"type": ("faq", "tutorial"), "lang": ("lv",)}),
        ('category:"Orders, returns"', {"category": ("Orders, returns",)}),
        (r'tag:"a \"quoted\" word"', {"tag": ('a "quoted" word',)}),
        (r'tag:"back\\slash"', {"tag": ("back\\slash",)}),
        (
            'category:Maksājumi,"Mans konts" AND audience:public',
            {"category": ("Maksājumi", "Mans konts"), "audience": ("public",)},
        ),
        ('tag:"this AND that" AND type:faq', {"tag": ("this AND that",), "type": ("faq",)}),
        ("  lang:lv   AND   type:faq  ", {"lang": ("lv",), "type": ("faq",)}),
        ("tag:a:b", {"tag": ("a:b",)}),
    ],
)
def test_good_filters(text: str, clauses: dict[str, tuple[str, ...]]) -> None:
    """Clauses by AND, values by comma, quotes where needed."""
    assert parse_filter(text) == clauses


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faq", "cannot be read"),
        ("type:", "cannot be read"),
        (":faq", "cannot be read"),
        ("type: faq", "cannot be read"),
        ("type:faq,", "needs AND"),
        ("type:faq lang:lv", "needs AND"),
        ("type:faq AND", "needs AND"),
        ("type:faq OR lang:lv", "needs AND"),
        ("type:faq and lang:lv", "needs AND"),
        ('category:"open', "cannot be read"),
        ("AND type:faq", "cannot be read"),
        ("type:faq AND AND lang:lv", "cannot be read"),
        ("colour:red", "There is no filter field 'colour'; the fields are type, lang, category, tag, audience."),
        ("type:faq AND type:video", "names 'type' twice"),
    ],
)
def test_bad_filters_are_refused_with_the_reason(text: str, said: str) -> None:
    """A FilterError says what cannot be read, and which argument is at fault."""
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert said in str(caught.value)
    assert caught.value.field == "filter"
    assert isinstance(caught.value, UsageError)


def quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.dictionaries(st.sampled_from(FILTER_FIELDS), st.lists(st.text(), min_size=1, max_size=4), max_size=5))
def test_quoting_loses_nothing(clauses: dict[str, list[str]]) -> None:
    """Any value in quotes comes back as it was, whatever is in it."""
    text = " AND ".join(f"{name}:{','.join(map(quoted, values))}" for name, values in clauses.items())
    assert parse_filter(text) == {name: tuple(values) for name, values in clauses.items()}


@given(st.text(alphabet='typelang:,"\\ ANDx', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a FilterError ever comes out."""
    try:
        clauses = parse_filter(text)
    except FilterError:
        return
    assert set(clauses) <= set(FILTER_FIELDS)


def test_a_long_hostile_filter_is_refused_quickly() -> None:
    """No input makes the pattern search for ever."""
    with pytest.raises(FilterError):
        parse_filter("type:" + '"a\\' * 20_000)
    with pytest.raises(FilterError):
        parse_filter("type:" + "a," * 50_000)
