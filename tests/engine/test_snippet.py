"""Snippets: a window of the passage and ranges that mark exactly the words asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsearch.index.marks import Quote
from kbsearch.index.result_kernels import best_window
from kbsearch.snippet import ELLIPSIS, LENGTH, Ranges, make_snippet
from kbsearch.text.words import words

alphabet = st.sampled_from("abcāčēš🙂日 \n.,-")
texts = st.text(alphabet=alphabet, max_size=400)


def places(text: str) -> tuple[list[int], list[int]]:
    found = words(text)
    return [word.start for word in found], [word.end for word in found]


def snippet_of(
    text: str, starts: Sequence[int], ends: Sequence[int], marked: Sequence[int], length: int = LENGTH
) -> tuple[str, Ranges]:
    """The snippet of a text whose words stand at these places, those numbered in `marked` asked for."""
    places = (np.asarray(offsets, np.uint16) for offsets in (starts, ends))
    start, end = best_window(*places, np.asarray(marked, np.int64), len(text), length)
    within = [word for word in marked if start <= starts[word] and ends[word] <= end]
    inside = [[starts[word] - start, ends[word] - start] for word in within]
    return make_snippet(text, Quote(start, end, inside))


@settings(max_examples=300, deadline=None)
@given(text=texts, length=st.integers(5, 120), data=st.data())
def test_ranges_mark_exactly_wanted_words(text: str, length: int, data: st.DataObject) -> None:
    """Ranges lie inside, in order, apart, and cut out words that were to be marked; the window keeps its length."""
    starts, ends = places(text)
    marked = sorted(data.draw(st.sets(st.sampled_from(range(len(starts))), max_size=12))) if starts else []
    snippet, ranges = snippet_of(text, starts, ends, marked, length)
    assert len(snippet) <= length + 2 * len(ELLIPSIS)
    inner = snippet.removeprefix(ELLIPSIS).removesuffix(ELLIPSIS)
    flat = text.replace("\n", " ")
    assert inner in flat
    previous = 0
    wanted = [flat[starts[word] : ends[word]] for word in marked]
    shown = []
    for start, end in ranges:
        assert previous <= start < end <= len(snippet)
        shown.append(snippet[start:end])
        previous = end
    # A run of the marked words, in order.
    assert any(wanted[i : i + len(shown)] == shown for i in range(len(wanted) + 1))


@pytest.mark.parametrize(
    ("marked", "length", "window"),
    [
        ([], 50, (0, 49)),  # whole words from the beginning
        ([20], 50, (90, 139)),  # a fifth of the length before the word
        ([21], 60, (95, 149)),  # from a word's beginning, not from within it
        ([10, 30], 50, (40, 89)),  # of equally good ones the first
        ([0, 30], 50, (0, 49)),  # and the text's beginning before all
        ([0, 30, 31], 50, (140, 189)),  # most words count
        ([39], 50, (185, 203)),  # what follows the last word belongs to it
        ([39], 203, (0, 203)),  # all of it, where it fits
    ],
)
def test_a_window_by_hand(marked: list[int], length: int, window: tuple[int, int]) -> None:
    """Forty words of four letters, a space after each, and three marks at the end."""
    starts = np.arange(0, 200, 5, dtype=np.uint16)
    assert best_window(starts, starts + np.uint16(4), np.asarray(marked, np.int64), 203, length) == window


@settings(max_examples=100, deadline=None)
@given(text=texts, data=st.data())
def test_a_short_passage_is_shown_whole(text: str, data: st.DataObject) -> None:
    """Nothing is cut where everything fits, and every marked word is marked."""
    starts, ends = places(text)
    marked = sorted(data.draw(st.sets(st.sampled_from(range(len(starts)))))) if starts else []
    snippet, ranges = snippet_of(text, starts, ends, marked, max(1, len(text)))
    assert snippet == text.replace("\n", " ")
    assert ranges == [[starts[word], ends[word]] for word in marked]


def test_the_window_holds_the_marked_words() -> None:
    """Far from the beginning, the window moves to them and says on both sides that it was cut."""
    text = " ".join(["filler"] * 80 + ["wanted", "word"] + ["filler"] * 80)
    starts, ends = places(text)
    snippet, ranges = snippet_of(text, starts, ends, [80, 81])
    assert [snippet[start:end] for start, end in ranges] == ["wanted", "word"]
    assert snippet.startswith(ELLIPSIS)
    assert snippet.endswith(ELLIPSIS)
    assert len(snippet) <= LENGTH + 2


def test_the_window_with_most_marks_wins() -> None:
    """One early mark loses against three later ones."""
    text = " ".join(["early"] + ["filler"] * 80 + ["late"] * 3 + ["filler"] * 40)
    starts, ends = places(text)
    snippet, ranges = snippet_of(text, starts, ends, [0, 81, 82, 83])
    assert [snippet[start:end] for start, end in ranges] == ["late"] * 3


def test_without_marks_the_beginning_is_shown() -> None:
    """A passage found by meaning alone starts at its start."""
    text = " ".join(["word"] * 100)
    starts, ends = places(text)
    snippet, ranges = snippet_of(text, starts, ends, [])
    assert (snippet[:4], ranges) == ("word", [])
    assert snippet.endswith(ELLIPSIS)


def test_offsets_count_characters_not_bytes() -> None:
    """Emoji and Latvian letters are one each."""
    text = "🙂🙂 Kā atjaunot paroli?"
    starts, ends = places(text)
    number = [word.text for word in words(text)].index("paroli")
    snippet, ranges = snippet_of(text, starts, ends, [number])
    assert snippet == text
    assert [snippet[start:end] for start, end in ranges] == ["paroli"]


@pytest.mark.parametrize("text", ["", "…", "a" * 1000, "日" * 500, " " * 500])
def test_odd_passages_give_a_snippet(text: str) -> None:
    """No words, one endless word, only white space."""
    starts, ends = places(text)
    snippet, ranges = snippet_of(text, starts, ends, list(range(len(starts))))
    assert len(snippet) <= LENGTH + 2
    assert all(0 <= start < end <= len(snippet) for start, end in ranges)


def test_line_breaks_become_spaces() -> None:
    """A snippet is one line; the offsets stay."""
    starts, ends = places("one\ntwo")
    assert snippet_of("one\ntwo", starts, ends, [1]) == ("one two", [[4, 7]])
