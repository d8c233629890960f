"""Tables and lists as lines of text."""

from __future__ import annotations

import random
from time import process_time

import pytest

from indexer.cut import cut
from kbsearch.types import CutDocument, Document, Passage


def cut_body(body: str, body_format: str = "html") -> CutDocument:
    return cut(Document(id="a", title="Virsraksts", body=body, group="a", lang="lv", format=body_format))


def lines(body: str, body_format: str = "html") -> list[str]:
    return cut_body(body, body_format).text.split("\n")


def test_table_rows_become_lines():
    three = "| Kods | Nozīme | Darbība |\n|---|---|---|\n| E03 | Birste | Tīrīt |\n| E07 | | Celt |"
    assert lines(three, "markdown") == ["Kods: E03; Nozīme: Birste; Darbība: Tīrīt", "Kods: E07; Darbība: Celt"]
    two = "<table><caption>Cenas</caption><tr><th>Veids<th>Cena<tr><td>Pakomāts<td>2,49<br>eiro</table>"
    assert lines(two) == ["Cenas", "Veids: Cena", "Pakomāts: 2,49 eiro"]
    layout = "<table><tr><td><h2>A</h2><ul><li>x<li>y</ul><td>z</table>"
    assert cut_body(layout).passages == (Passage("- x\n- y\nz", ("A",)),)
    assert lines("<table><tr><th>a<th>b<th>c</table>") == ["a; b; c"]


@pytest.mark.parametrize("named", ["<caption>Kodi</caption><tr><td>Kods<td>Ko darīt", "<tr><th>Kods<th>Ko darīt"])
def test_a_table_that_names_something_is_data_whatever_its_cells_hold(named):
    """One list in one cell made a page layout of it, and tore each row apart."""
    table = f"<table>{named}<tr><td>E03<td>Tīrīt<tr><td>E07<td><ul><li>Izslēgt<li>Gaidīt</ul></table>"
    assert lines(table)[-2:] == ["E03: Tīrīt", "E07: Izslēgt Gaidīt"]
    mixed = f"<table>{named}<tr><td><h3>E03</h3>vai<p>E04</p>un<td>Tīrīt</table>"
    assert lines(mixed)[-1] == "E03 vai E04 un: Tīrīt"
    nested = f"<table>{named}<tr><td>E03<td><table><tr><td>a<td>b</table></table>"
    assert lines(nested)[-2:] == ["E03", "a: b"]


def test_cells_that_span_rows_are_said_in_each():
    """The key of a row stands above it; it was lost, and the other cells took the wrong names."""
    table = (
        "<table><tr><th>Valsts<th>Veids<th>Cena<tr><td rowspan=2>Latvija<td>Pakomāts<td>2,49"
        "<tr><td>Kurjers<td>4,99<tr><td>Lietuva<td>Pakomāts<td>2,79</table>"
    )
    assert lines(table) == [
        "Valsts: Latvija; Veids: Pakomāts; Cena: 2,49",
        "Valsts: Latvija; Veids: Kurjers; Cena: 4,99",
        "Valsts: Lietuva; Veids: Pakomāts; Cena: 2,79",
    ]
    two = "<table><tr><td rowspan=2>Latvija<td>Rīga<tr><td>Liepāja</table>"
    assert lines(two) == ["Latvija: Rīga", "Latvija: Liepāja"]
    last = "<table><tr><th>a<th>b<th>c<tr><td>1<td>2<td rowspan=2>3<tr><td>4</table>"
    assert lines(last) == ["a: 1; b: 2; c: 3", "a: 4; c: 3"]


def test_cells_that_span_columns_are_said_under_each():
    """One over all of them is a heading of rows, and said once."""
    table = (
        "<table><tr><th>Diena<th>Rīga<th>Liepāja<tr><td>Sv.<td colspan=2>slēgts<tr><td colspan=3>Svētkos"
        "<tr><td>1.1.<td>slēgts<td>10–14</table>"
    )
    assert lines(table) == [
        "Diena: Sv.; Rīga: slēgts; Liepāja: slēgts",
        "Svētkos",
        "Diena: 1.1.; Rīga: slēgts; Liepāja: 10–14",
    ]


def test_names_of_columns_may_have_two_lines():
    table = (
        "<table><tr><th rowspan=2>Valsts<th colspan=2>Piegāde<tr><th>mājās<th>pakomātā<tr><td>Latvija<td>4<td>2"
        "<tr><th>Lietuva<th>5<th>3</table>"
    )
    assert lines(table) == [
        "Valsts: Latvija; Piegāde mājās: 4; Piegāde pakomātā: 2",
        "Valsts: Lietuva; Piegāde mājās: 5; Piegāde pakomātā: 3",
    ]
    titled = "<table><tr><th colspan=3>Cenas<tr><th>a<th>b<th>c<tr><td>1<td>2<td>3</table>"
    assert lines(titled) == ["Cenas", "a: 1; b: 2; c: 3"]


@pytest.mark.parametrize(
    "table",
    [
        f"<table>{'<tr><td rowspan=9999 colspan=9999>x' * 2000}</table>",
        f"<table><tr>{'<td rowspan=9999>x' * 20_000}{'<tr>' * 20_000}</table>",
        "<table><tr><td rowspan=-1 colspan=x>a<td rowspan=0>b<tr><td>c<td>d</table>",
    ],
)
def test_spans_ask_for_no_more_than_their_page(table):
    started = process_time()
    assert len(cut_body(table).text) < 1_000_000
    assert process_time() - started < 5


@pytest.mark.parametrize("seed", range(10))
def test_every_word_of_a_table_is_said(seed):
    chance = random.Random(seed)
    rows = [
        [f"<td rowspan={chance.randint(0, 3)} colspan={chance.randint(0, 3)}>w{row}x{cell}"
         for cell in range(chance.randint(0, 4))]
        for row in range(8)
    ]  # fmt: skip
    text = cut_body(f"<table>{''.join('<tr>' + ''.join(row) for row in rows)}</table>").text
    said = set(text.replace(";", " ").replace(":", " ").split())
    assert said == {cell.rpartition(">")[2] for row in rows for cell in row}


def test_items_have_the_numbers_that_they_name():
    assert lines("<ol><li>a<li value=5>b<li>c<li value=x>d</ol><ul><li value=3>e</ul>") == [
        "1. a",
        "5. b",
        "6. c",
        "7. d",
        "- e",
    ]
