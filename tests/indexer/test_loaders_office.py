"""Word documents and PDF files."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from loading import load

from indexer.cut import cut
from indexer.loaders.pdf import Line, to_html
from kbsearch.errors import SourceError

PRINTED = Path(__file__).with_name("reset.pdf")
"""A page printed by Chromium: headings, a list, a table, two sheets, Latvian letters."""

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/word/document.xml"
 ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
RELATIONS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>
</Relationships>"""
STYLES = f"""<w:styles {W}><w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/></w:style></w:styles>"""


def paragraph(text, style=""):
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def docx(path, *paragraphs: str, title=""):
    """A Word document by hand: the parts that Word itself cannot do without."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", TYPES)
        package.writestr("_rels/.rels", RELATIONS)
        package.writestr("word/document.xml", f"<w:document {W}><w:body>{''.join(paragraphs)}</w:body></w:document>")
        package.writestr("word/styles.xml", STYLES)
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"
        package.writestr(
            "word/_rels/document.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{relation}" Target="styles.xml"/></Relationships>',
        )
        package.writestr(
            "docProps/core.xml",
            '<p xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:t="http://purl.org/dc/terms/">'
            f"<dc:title>{title}</dc:title><t:modified>2026-10-01T08:00:00Z</t:modified></p>",
        )
    return path


def test_word_headings_and_time_are_kept(tmp_path):
    """The first heading is the title where the properties name none."""
    parts = (paragraph("Paroles maiņa", "H1"), paragraph("Ievads."), paragraph("Soļi", "H2"), paragraph("Atveriet."))
    [document], report = load(docx(tmp_path / "a.docx", *parts))
    assert (document.id, document.title, document.updated_at) == ("a", "Paroles maiņa", "2026-10-01T08:00:00Z")
    assert report.problem_count == 0
    assert [(p.headings, p.text) for p in cut(document).passages] == [((), "Ievads."), (("Soļi",), "Atveriet.")]
    [document], _ = load(docx(tmp_path / "b.docx", *parts, title="Par parolēm"))
    assert document.title == "Par parolēm"
    [document], _ = load(docx(tmp_path / "c.docx", paragraph("Tikai teksts."), title="Microsoft Word Document"))
    assert document.title == "c"


def test_word_files_that_are_none(tmp_path):
    """Damaged, another format under the name, empty: a problem, and the rest is read."""
    docx(tmp_path / "good.docx", paragraph("x"))
    (tmp_path / "old.docx").write_bytes(b"\xd0\xcf\x11\xe0" * 100)
    (tmp_path / "cut.docx").write_bytes((tmp_path / "good.docx").read_bytes()[:300])
    docx(tmp_path / "empty.docx")
    with zipfile.ZipFile(tmp_path / "other.docx", "w") as package:
        package.writestr("a.txt", "x")
    documents, report = load(tmp_path)
    assert [document.id for document in documents] == ["good"]
    assert len(report.problems) == 4
    assert "body is missing" in str(report.problems[1])
    assert all("save it again as .docx" in report.problems[number].reason for number in (0, 2, 3))


def test_a_word_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.loaders.office.MAX_UNPACKED", 10_000)
    with pytest.raises(SourceError, match="unpacks to more than"):
        load(docx(tmp_path / "a.docx", paragraph("x" * 20_000)))


def test_a_printed_page_is_read_again(tmp_path):
    """Every word, headings by their size, steps apart, the language that the file names."""
    shutil.copy(PRINTED, tmp_path / "reset.pdf")
    [document], report = load(tmp_path / "reset.pdf")
    assert (document.title, document.lang, report.problem_count) == ("Kā atjaunot paroli", "lv", 0)
    passages = cut(document).passages
    assert [passage.headings for passage in passages] == [(), ("Ja saite nedarbojas",), ("Kodi",)]
    assert "Atveriet pieteikšanās lapu un izvēlieties Aizmirsu paroli." in passages[0].text
    assert passages[1].text.split("\n") == [
        "1. Aizveriet pārlūku.",
        "2. Mēģiniet vēlreiz – saite der vienu stundu.",
    ]
    assert "Otrā lapa: šņāķēž ģīmis." in passages[2].text


def test_lines_become_paragraphs():
    """A long line without full stop goes on in the next; a short one, or one that ends a sentence, does not."""
    lines = [
        Line("Heading", 14),
        Line("This line is long and the sentence does not", 10),
        Line("end in it, but here.", 10),
        Line("Another paragraph begins here and is quite", 10),
        Line("long <b>.", 10),
        Line("• an item of a list that goes on to the next", 10),
        Line("line.", 10),
    ]
    assert to_html(lines) == (
        "Heading",
        "<h1>Heading</h1>\n<p>This line is long and the sentence does not end in it, but here.</p>\n"
        "<p>Another paragraph begins here and is quite long &lt;b&gt;.</p>\n"
        "<p>• an item of a list that goes on to the next line.</p>",
    )


def test_words_broken_at_the_end_of_a_line_are_whole_again():
    """Also by a soft hyphen; those that are written with a hyphen keep it, and parts of a list of words stay apart."""
    text = [
        "Nospiediet pogu un pagai-",
        "diet, līdz ierīce atgrie\u00ad",
        "žas tīklā. Rakstiet uz e-",
        "pastu, lai pasūtītu ISO-",
        "9001 vai Wi-Fi karti, wi-",
        "fi tīklam, Vor-",
        "und Nachteile, – un te -",
        "beidzas",
    ]
    assert to_html([Line(line, 10.0) for line in text])[1] == (
        "<p>Nospiediet pogu un pagaidiet, līdz ierīce atgriežas tīklā. Rakstiet uz e-pastu, lai pasūtītu ISO-9001 "
        "vai Wi-Fi karti, wi-fi tīklam, Vor- und Nachteile, – un te - beidzas</p>"
    )


def test_pdf_files_that_are_none(tmp_path):
    """Damaged, cut short, or without text."""
    data = PRINTED.read_bytes()
    (tmp_path / "a.pdf").write_bytes(data)
    (tmp_path / "b.pdf").write_bytes(b"no pdf at all")
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.4\n%%EOF")
    documents, report = load(tmp_path)
    assert [document.id for document in documents] == ["a"]
    assert ["damaged" in problem.reason for problem in report.problems] == [True, True]
