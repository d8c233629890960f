"""Rows of CSV and stray quotes in them."""

from __future__ import annotations

import csv
import io
import random

import pytest
from loading import load

from indexer.loaders import rows
from indexer.loaders.rows import Row, read_rows


def read(text: str) -> list[Row]:
    return list(read_rows(io.StringIO(text), ",", 1))


def test_a_stray_quote_costs_one_row(tmp_path):
    """It took in all that follow it, and counted as one line."""
    path = tmp_path / "faq.csv"
    answers = [f"Q{number}?,Answer {number}" for number in range(30)]
    answers[5] = 'Q5?,"Answer 5'
    path.write_text("\n".join(["question,answer", *answers]))
    documents, report = load(path)
    assert [document.title for document in documents] == [f"Q{number}?" for number in range(30) if number != 5]
    assert [str(problem) for problem in report.problems] == [
        f"{path}:7: not CSV: unexpected end of data, 24 lines below the quote that opens here"
    ]


def test_a_stray_quote_that_a_later_one_ends():
    """Where the later one makes no CSV of it; otherwise it is a cell of several lines, as any other."""
    found = read('a,"b\nc,d\ne,"f"\ng,h\n')
    assert [(row.line, row.cells) for row in found] == [(1, []), (2, ["c", "d"]), (3, ["e", "f"]), (4, ["g", "h"])]
    assert found[0].fault == "not CSV: ',' expected after '\"', 2 lines below the quote that opens here"
    assert [(row.line, row.lines, row.cells) for row in read('a,"b\nc,d"\n')] == [(1, 2, ["a", "b\nc,d"])]


def test_a_row_that_is_too_wide_says_how_many_lines_it_took(tmp_path):
    path = tmp_path / "faq.csv"
    path.write_text('question,answer\na,"b\nc,d\ne",f\ng,h\n')
    _, report = load(path)
    assert [str(problem).removeprefix(f"{path}:") for problem in report.problems] == [
        "2: 3 cells under 2 columns in 3 lines; put cells that hold the delimiter in quotes"
    ]


def test_nothing_but_stray_quotes_takes_no_time_by_the_square(monkeypatch):
    """Each row reaches to the end of the file; after so many lines read again, the rest is given up, and said."""
    monkeypatch.setattr(rows, "READ_AGAIN", 25)
    found = read('"a\n' + 'a","c\n' * 19)
    assert [(row.line, row.lines) for row in found] == [(1, 1), (2, 1), (3, 18)]
    assert found[2].fault.endswith("17 lines below the quote that opens here; those lines are skipped")


def test_a_row_longer_than_memory_likes(monkeypatch):
    """It is given up where the limit is reached, not at the end of the file."""
    monkeypatch.setattr(rows, "MAX_LINE", 1000)
    text = io.StringIO('a,"b\n' + "c,d\n" * 1000)
    first = next(read_rows(text, ",", 1))
    assert first.fault.startswith("not CSV: a row longer than 0 MiB, 24")
    assert text.tell() < 1100


@pytest.mark.parametrize("seed", range(20))
def test_what_is_csv_is_read_as_the_library_does(seed):
    chance = random.Random(seed)
    table = [["".join(chance.choices('ab,"\n', k=chance.randint(0, 6))) for _ in range(3)] for _ in range(20)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    found = read(text.getvalue())
    assert [row.cells for row in found] == table
    assert [row.line for row in found] == [1 + sum(row.lines for row in found[:at]) for at in range(len(found))]
