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
    wanted = short_hashes(query_terms(query, [lang]))
    text = PASSAGES[passage][0]
    (quote,) = marks.quotes([passage], [len(text)], wanted, len(text))
    assert (quote.start, quote.end) == (0, len(text))
    assert bool(quote.marked) == marks.hold([passage], wanted)
    return [text[start:end] for start, end in quote.marked]


def test_places_are_those_of_the_words(marks: Marks) -> None:
    """Every word of every passage, with the offsets that `words` gives."""
    for number, (text, lang) in enumerate(PASSAGES):
        found = words(text)
        stems = short_hashes(stem_terms(word.text, lang)[0] for word in found).tolist()
        assert marks.places_in(number, {stem: stem for stem in stems}) == [
            (word.start, word.end, stem) for word, stem in zip(found, stems, strict=True)
        ]
        assert marks.places_in(number, {}) == []


def test_each_passage_has_its_own_quote(marks: Marks) -> None:
    """Of several at once: a short window where the words stand, and those inside it."""
    numbers, wanted = [2, 1, 0], short_hashes([*query_terms("password", ["en"]), *query_terms("parole", ["lv"])])
    texts = [PASSAGES[number][0] for number in numbers]
    quotes = marks.quotes(numbers, [len(text) for text in texts], wanted, 12)
    for number, quote in zip(numbers, quotes, strict=True):
        assert quote.end - quote.start <= 12
        inside = [[start, end] for start, end, _ in marks.places_in(number, dict.fromkeys(wanted.tolist(), 0))]
        within = [place for place in inside if quote.start <= place[0] and place[1] <= quote.end]
        assert quote.marked == [[start - quote.start, end - quote.start] for start, end in within]
    assert [bool(quote.marked) for quote in quotes] == [True, False, True]


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
    assert marks.places_in(1, {1: 1, 2: 2}) == []


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


def test_enough_of_the_words_is_half_of_them(marks: Marks) -> None:
    """Rounded up, and one at least."""
    wanted = short_hashes(["~a"])
    assert [marks.quotable(wanted, count)[-1] for count in range(6)] == [1, 1, 1, 2, 2, 3]
