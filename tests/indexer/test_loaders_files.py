"""Markdown, HTML, CSV and plain text files."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.loaders import LoadReport, load_sources
from kbsearch.errors import SourceError
from kbsearch.types import Document


def load_one(path: Path, content: str | bytes) -> tuple[list[Document], LoadReport]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    report = LoadReport()
    return list(load_sources([path], report=report)), report


def fault(path: Path, content: str | bytes) -> str:
    """The one problem that makes the file useless."""
    with pytest.raises(SourceError) as caught:
        load_one(path, content)
    return str(caught.value)


# Markdown


def test_front_matter_fills_the_fields(tmp_path):
    text = """---
id: reset.lv
group: reset
lang: lv
type: tutorial
title: "Paroles atjaunošana"
tags: [parole, konts]
audience: agent
updated_at: 2026-10-01
---

# Paroles atjaunošana

Teksts.
"""
    (document,), _ = load_one(tmp_path / "a.md", text)
    assert document == Document(
        id="reset.lv",
        title="Paroles atjaunošana",
        body="# Paroles atjaunošana\n\nTeksts.",
        group="reset",
        lang="lv",
        type="tutorial",
        tags=("parole", "konts"),
        audience=("agent",),
        updated_at="2026-10-01T00:00:00Z",
    )


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("# Kā *iet* `x`\n\nTeksts.", "Kā iet x", "Teksts."),
        (
            "Ievads.\n\n```\n# nav virsraksts\n```\n\n# Ir\n\nTeksts.",
            "Ir",
            "Ievads.\n\n```\n# nav virsraksts\n```\n\n\nTeksts.",
        ),
        ("Virsraksts\n===\n\nTeksts.", "Virsraksts", "Teksts."),
        ("Garš\nvirsraksts\n===\nTeksts.", "Garš virsraksts", "Teksts."),
        ("> # Citāts\n\n  # ![logo](l.png) Ā &amp; b #\n    Teksts.", "Ā & b", "> # Citāts\n\n    Teksts."),
        ("## Tikai otrais\n\nTeksts.", "README", "## Tikai otrais\n\nTeksts."),
        ("Pirms.\n\n---\n\nStarp.\n\n---\n\nPēc.", "README", "Pirms.\n\n---\n\nStarp.\n\n---\n\nPēc."),
        ("---\n\nTeksts.", "README", "---\n\nTeksts."),
    ],
)
def test_the_title_defaults_to_the_first_heading_then_to_the_file(tmp_path, text, title, body):
    (document,), _ = load_one(tmp_path / "README.md", text)
    assert (document.id, document.title, document.body.strip()) == ("README", title, body)


@pytest.mark.parametrize(
    ("front", "line", "reason"),
    [
        ("title: a\ntags: [x, y\nlang: lv", 4, "the front matter is not YAML"),
        ("title: 'a", 3, "the front matter is not YAML"),
        ("- a\n- b", 1, "lines of the form name: value"),
        ("title: a\nupdated_at: 2026-99-99", 1, "updated_at|not YAML"),
        ("lang: no\ntitle: a", 1, "lang must be text, not true or false; put it in quotes"),
        ("title: 404", 1, "title must be text, not a number; put it in quotes"),
        ("a: &a [x]\ntitle: t\ntags: [*a, *a]", 1, "tags must be a list of texts"),
        ("id: !!python/object:os.system x", 2, "the front matter is not YAML"),
    ],
)
def test_broken_front_matter_is_a_problem_with_its_line(tmp_path, front, line, reason):
    message = fault(tmp_path / "a.md", f"---\n{front}\n---\n\nTeksts.\n")
    assert any(part in message for part in reason.split("|"))
    assert f"a.md:{line}: " in message


def test_front_matter_without_an_end_is_a_problem(tmp_path):
    assert "a.md:1: the front matter has no closing line ---" in fault(tmp_path / "a.md", "---\ntitle: a\n\nTeksts.\n")


def test_a_markdown_file_in_a_wrong_encoding_is_reported_with_its_line(tmp_path):
    assert "a.md:3: not UTF-8; save the file as UTF-8" in fault(tmp_path / "a.md", "# A\n\nKā?".encode("windows-1257"))
    assert "a.md: the file is empty" in fault(tmp_path / "a.md", "")
    assert "a.md:2: holds zero bytes" in fault(tmp_path / "a.md", b"a\n\0\n")
    assert "although its byte order mark says so" in fault(tmp_path / "a.md", b"\xff\xfea\0\n\0b")
    assert "larger than 32 MiB" in fault(tmp_path / "a.md", b"x" * (32 * 1024 * 1024 + 1))
    (document,), _ = load_one(tmp_path / "a.md", "# Ā\r\n\r\nKā?".encode("utf-16"))
    assert (document.title, document.body) == ("Ā", "\nKā?")


# HTML

PAGE = """<!doctype html><html lang="lv-LV"><head><title>Atgriešana — Veikals</title>
<link rel="canonical" href="https://x.example/lv/return"><style>b{}</style></head>
<body><header>Izvēlne</header><nav>Sākums</nav>
<main><h1>Atgriešana</h1><p>Prece <b>30 dienās</b>.</p><form>Meklēt</form><script>x()</script></main>
<aside>Reklāma</aside><footer>© Veikals</footer></body></html>"""


def test_a_page_gives_title_language_address_and_main_content(tmp_path):
    (document,), _ = load_one(tmp_path / "return.html", PAGE)
    assert document.id == "return"
    assert (document.title, document.lang, document.format) == ("Atgriešana", "lv-lv", "html")
    assert document.url == "https://x.example/lv/return"
    assert document.body.strip() == "<p>Prece <b>30 dienās</b>.</p>"


def test_a_page_without_main_is_its_body_without_what_surrounds_it(tmp_path):
    page = PAGE.replace("<main>", "<div>").replace("</main>", "</div>").replace("lv-LV", "{{locale}}")
    (document,), _ = load_one(tmp_path / "return.htm", page)
    assert "30 dienās" in document.body
    assert document.lang == ""
    for word in ("Izvēlne", "Sākums", "Reklāma", "©", "Meklēt", "x()"):
        assert word not in document.body


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        ('<meta charset="windows-1257"><p>Kā iet?</p>'.encode("windows-1257"), 0),
        ('<meta http-equiv="Content-Type" content="text/html; charset=utf-8"><p>Kā iet?</p>'.encode(), 0),
        ('<meta charset="utf-16"><p>Kā iet?</p>'.encode(), 0),
        ('<meta charset="no-such-name"><p>Kā iet?</p>'.encode(), 0),
        ('<meta charset="us-ascii"><p>Kā iet?</p>'.encode("utf-16"), 0),
        ("<p>Kā iet?</p>".encode("utf-8-sig"), 0),
        ("<p>Kā iet?</p>".encode(), 0),
        ("<p>Kā iet?</p>".encode("windows-1257"), 1),
    ],
)
def test_a_page_is_decoded_by_mark_by_meta_or_by_trial(tmp_path, data, notes):
    (document,), report = load_one(tmp_path / "a.html", data)
    assert "Kā iet?" in document.body
    assert len(report.notes) == notes


def test_pages_without_content_are_problems(tmp_path):
    assert "body is missing or empty" in fault(tmp_path / "a.html", "<html><body><nav>x</nav></body></html>")
    assert "the file is empty" in fault(tmp_path / "a.html", "  ")
    assert "no HTML page" in fault(tmp_path / "a.html", b"<p>\0")
    assert "nor windows-1257" in fault(tmp_path / "a.html", b"<p>\xa1\xa5\x81\xff")


# CSV


def test_questions_and_answers_become_faq_documents(tmp_path):
    text = 'Question,Answer\nKā atjaunot paroli?,"Spied, tad\nturpini"\n\n???,Nezinu\n'
    documents, _ = load_one(tmp_path / "faq.csv", text)
    assert [document.id for document in documents] == ["faq#ka-atjaunot-paroli", "faq#a03b221c"]
    assert (documents[0].title, documents[0].body) == ("Kā atjaunot paroli?", "Spied, tad\nturpini")
    assert (documents[0].type, documents[0].format) == ("faq", "text")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_full_columns_are_read_with_any_delimiter(tmp_path, delimiter):
    rows = [["id", "title", "body", "lang", "tags", "other"], ["a", "T", "B", "lv", '"x;y"', "z"]]
    text = "\ufeff" + "\n".join(delimiter.join(row) for row in rows)
    (document,), _ = load_one(tmp_path / "kb.csv", text)
    assert document == Document(id="a", title="T", body="B", group="a", lang="lv", tags=("x", "y"))


def test_bad_rows_are_reported_with_the_line_they_start_on(tmp_path):
    text = 'question,answer\n"two\nlines",ok\n,no question\na,\nb,c,d\ngood,yes\ngood,again\n"broken"x,y\nlast,"open'
    documents, report = load_one(tmp_path / "faq.csv", text)
    assert [document.title for document in documents] == ["two lines", "good"]
    assert [(problem.line, problem.reason[:18]) for problem in report.problems] == [
        (4, "question is missin"),
        (5, "answer is missing "),
        (6, "3 cells under 2 co"),
        (8, "id 'faq#good' is t"),
        (9, "not CSV: ',' expec"),
        (10, "not CSV: unexpecte"),
    ]


def test_lines_may_end_as_on_the_old_macintosh(tmp_path):
    """Excel still offers to save so; a cell in quotes keeps its line breaks."""
    text = 'question,answer\rWhen?,"On\rMonday"\r\rWho?,We,\r"no"t,CSV\rlast,one'
    documents, report = load_one(tmp_path / "faq.csv", text)
    assert [(document.title, document.body) for document in documents] == [
        ("When?", "On\rMonday"),
        ("Who?", "We"),
        ("last", "one"),
    ]
    assert [(problem.line, problem.reason[:8]) for problem in report.problems] == [(6, "not CSV:")]


def test_wrong_bytes_in_a_row_spare_the_others(tmp_path):
    documents, report = load_one(tmp_path / "faq.csv", b"question,answer\nK\xe2?,a\nok,b\n")
    assert ([document.title for document in documents], report.problems[0].line) == (["ok"], 2)
    assert "not UTF-8" in report.problems[0].reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n", ":1: the first line must name the columns question,answer or id,title,body; it holds: a, b"),
        ("\n\nquestion,question,answer\n", ":3: the header names question twice"),
        ("", ": the file is empty"),
        ("question,answer\n", "holds no document"),
    ],
)
def test_header_problems_are_clear(tmp_path, text, reason):
    assert reason in fault(tmp_path / "faq.csv", text)


def test_a_cell_may_be_longer_than_the_library_likes(tmp_path):
    (document,), _ = load_one(tmp_path / "faq.csv", f"question,answer\nq,{'x ' * 200_000}\n")
    assert len(document.body) > 300_000


# Plain text


def test_a_text_page_takes_its_first_line_as_title(tmp_path):
    (document,), _ = load_one(tmp_path / "a.txt", "\nVirsraksts\n\nVirsraksts\n\nTeksts <b>.\n")
    assert (document.id, document.title, document.body.strip()) == ("a", "Virsraksts", "Teksts <b>.")
    assert (document.type, document.format) == ("article", "text")


def test_a_long_first_line_is_a_paragraph(tmp_path):
    (document,), _ = load_one(tmp_path / "a.txt", "vārds " * 100)
    assert document.title.endswith("vārds…")
    assert len(document.title) <= 121
    assert document.body.count("vārds") == 100
    (document,), _ = load_one(tmp_path / "b.txt", "x" * 300)
    assert document.body == "x" * 300
    assert "not UTF-8" in fault(tmp_path / "c.txt", b"\xe2\xff")
