"""Places of words, stored once, say which words of a passage a query asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kbsearch.index.marks import Marks, short_hashes, write_marks
from kbsearch.index.ragged import Ragged
from kbsearch.text.analyze import query_terms
from kbsearch.text.stems import stem_terms
from kbsearch.text.words import words

PASSAGES = [
    ("Atveriet lapu un izvēlieties Aizmirsu paroli. Paroles maiņa ir droša.", "lv"),
    ("", "en"),
    ("Reset the password; passwords expire 🙂 yearly.", "en"),
]


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Marks:
    directory = tmp_path_factory.mktemp("marks") / "m"
    placed = [words(text) for text, _ in PASSAGES]
    stems = [
        short_hashes(stem_terms(word.text, lang)[0] for word in found).tolist()
        for found, (_, lang) in zip(placed, PASSAGES, strict=True)
    ]
    write_marks(
        directory,
        Ragged.of_numbers([[word.start for word in found] for found in placed], np.uint16),
        Ragged.of_numbers([[word.end for word in found] for found in placed], np.uint16),
        Ragged.of_numbers(stems, np.uint32),
    )
    return Marks(directory)


def marked(marks: Marks, passage: int, query: str, lang: str) -> list[str]:
    wanted = frozenset(short_hashes(query_terms(query, [lang])).tolist())
    places = marks.of(passage, wanted)
    text = PASSAGES[passage][0]
    return [text[places.starts[word] : places.ends[word]] for word in places.marked]


def test_places_are_those_of_the_words(marks: Marks) -> None:
    """Every word of every passage, with the offsets that `words` gives."""
    for number, (text, _) in enumerate(PASSAGES):
        places = marks.of(number, frozenset())
        assert list(zip(places.starts, places.ends, strict=True)) == [(w.start, w.end) for w in words(text)]
        assert places.marked == []


def test_forms_and_stems_are_marked(marks: Marks) -> None:
    """The word as typed and its inflected forms; nothing else."""
    assert marked(marks, 0, "parole", "lv") == ["paroli", "Paroles"]
    assert marked(marks, 2, "password", "en") == ["password", "passwords"]


def test_diacritics_left_out_still_mark(marks: Marks) -> None:
    """The stem carries no diacritics, so `drosa` marks `droša`."""
    assert marked(marks, 0, "drosa", "lv") == ["droša"]


def test_parts_of_words_mark_nothing(marks: Marks) -> None:
    """Four letters in common find a passage but are no reason to highlight."""
    assert marked(marks, 2, "passport", "en") == []


def test_an_empty_passage_has_no_words(marks: Marks) -> None:
    """No text, no places."""
    assert marks.of(1, frozenset({1, 2})).starts == []


def test_no_passages_at_all(tmp_path: Path) -> None:
    """An empty collection is written and opened."""
    nothing = Ragged.of_numbers([], np.uint16)
    write_marks(tmp_path / "m", nothing, nothing, nothing)
    Marks(tmp_path / "m")


def test_short_hashes_are_32_bits() -> None:
    """What fits the stored arrays."""
    hashes = short_hashes(["=a", "~b"])
    assert hashes.dtype == np.uint32
    assert len(set(hashes.tolist())) == 2
