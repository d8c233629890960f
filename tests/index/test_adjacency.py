"""How a passage's words stand, followed all at once, beside looking at each pair."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.index.candidate_kernels import adjacency
from kbsearch.index.marks import FOLLOWED, Marks, short_hashes, write_marks
from kbsearch.index.ragged import Ragged

TERMS = [f"~{letter}" for letter in "abcdef"]
words = st.lists(st.lists(st.sampled_from(TERMS), min_size=1, max_size=3), max_size=12)
passages = st.lists(st.lists(st.sampled_from(TERMS), max_size=20), min_size=1, max_size=5)


def marks_of(directory: Path, texts: list[list[str]]) -> Marks:
    hashes = [short_hashes(text).tolist() for text in texts]
    nowhere = Ragged.of_numbers([[0] * len(text) for text in texts], np.uint16)
    write_marks(directory, nowhere, nowhere, Ragged.of_numbers(hashes, np.uint32))
    return Marks(directory)


def by_pairs(sequence: list[list[str]], text: list[str]) -> float:
    pairs = set(pairwise(text))
    met = sum(any((one, two) in pairs for one in first for two in second) for first, second in pairwise(sequence))
    return met / len(sequence) if sequence else 0.0


def shares(marks: Marks, sequence: list[list[str]], wanted: list[bool]) -> list[float]:
    found: list[float] = adjacency(
        *marks.asked(sequence), np.arange(len(wanted)), np.asarray(wanted, dtype=np.bool_)
    ).tolist()
    return found


@given(sequence=words, texts=passages)
def test_all_at_once_is_pair_by_pair(
    sequence: list[list[str]], texts: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Words of several readings, words asked for twice, passages without a word."""
    marks = marks_of(tmp_path_factory.mktemp("adjacency") / "m", texts)
    assert shares(marks, sequence, [True] * len(texts)) == pytest.approx([by_pairs(sequence, text) for text in texts])


def test_hand_arithmetic(tmp_path: Path) -> None:
    """Four words in a row are three pairs of four words; backwards none; with a word between, one pair less."""
    a, b, c, d, e = TERMS[:5]
    marks = marks_of(tmp_path / "m", [[e, a, b, c, d], [d, c, b, a], [a, b, e, c, d], [a, b, c, d]])
    asked = [[a], [b], [c], [d]]
    assert shares(marks, asked, [True, True, True, False]) == [0.75, 0.0, 0.5, 0.0]
    assert shares(marks, asked[:1], [True] * 4) == [0.0] * 4


def test_of_a_long_text_its_beginning_is_followed(tmp_path: Path) -> None:
    """A number has so many bits; the last of them counts, what comes after is left out."""
    text = [TERMS[number % 5] + str(number) for number in range(FOLLOWED + 10)]
    marks = marks_of(tmp_path / "m", [text, text[FOLLOWED - 2 :]])
    asked = [[word] for word in text]
    assert shares(marks, asked, [True, True]) == pytest.approx([(FOLLOWED - 1) / FOLLOWED, 1 / FOLLOWED])
