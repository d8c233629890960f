"""Sources as a whole, and the JSON Lines article format."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import json
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.loaders import LoadReport, Problem, load_sources
from indexer.loaders.fields import FieldError, make_document
from indexer.loaders.report import KEPT
from kbsearch.errors import SourceError
from kbsearch.types import Document

SHARED = Path(__file__).parents[3] / "shared" / "kb"
GOOD = {"id": "reset.lv", "title": "Kā atjaunot paroli", "body": "Nospiediet **Aizmirsu paroli**."}


def load(*paths: Path) -> tuple[list[Document], LoadReport]:
    report = LoadReport()
    return list(load_sources(paths, report=report)), report


def write_lines(path: Path, *lines: object) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def test_a_line_with_three_fields_is_a_document(tmp_path):
    (document,), report = load(write_lines(tmp_path / "kb.jsonl", GOOD))
    assert document == Document(
        id="reset.lv", title="Kā atjaunot paroli", body="Nospiediet **Aizmirsu paroli**.", group="reset.lv", lang="")
    assert (report.documents, report.files, report.problem_count) == (1, 1, 0)


def test_every_field_is_read(tmp_path):
    line = GOOD | {
        "group": "reset", "lang": "pt_BR", "type": "faq", "format": "html", "url": "https://x.example/a",
        "category": "Konts", "tags": ["parole", "parole", " "], "audience": ["agent", "public"],
        "updated_at": "2026-10-01T03:00:00+03:00", "unknown": {"key": 1}, "title": " Kā \n atjaunot  ",
    }
    (document,), _ = load(write_lines(tmp_path / "kb.jsonl", line))
    assert document == Document(
        id="reset.lv", title="Kā atjaunot", body=GOOD["body"], group="reset", lang="pt-br", type="faq", format="html",
        url="https://x.example/a", category=("Konts",), tags=("parole",), audience=("agent", "public"),
        updated_at="2026-10-01T00:00:00Z")


BAD_LINES = [
    ("{broken", "not JSON"),
    ('{"id": "a", "title": "t", "body": "b"', "not JSON"),
    ("[1, 2]", "not a JSON object but list"),
    ('"text"', "not a JSON object but str"),
    ("[" * 100_000, "nested too deeply"),
    ({"title": "t", "body": "b"}, "id is missing or empty"),
    (GOOD | {"id": "  "}, "id is missing or empty"),
    (GOOD | {"id": 42}, "id must be text, not a number"),
    (GOOD | {"id": True}, "id must be text, not true or false"),
    (GOOD | {"id": "x" * 257}, "id has 257 characters, 256 are allowed"),
    (GOOD | {"id": "a\u0007b"}, "holds a control character"),
    ('{"id": "a\\ud800", "title": "t", "body": "b"}', "half a character"),
    (GOOD | {"group": 7}, "group must be text"),
    (GOOD | {"title": ""}, "title is missing or empty"),
    (GOOD | {"title": None}, "title is missing or empty"),
    (GOOD | {"title": ["t"]}, "title must be text, not a list"),
    (GOOD | {"body": " \n"}, "body is missing or empty"),
    (GOOD | {"body": {"html": "x"}}, "body must be text, not an object"),
    (GOOD | {"type": "blog"}, "type 'blog' is not one of article, faq"),
    (GOOD | {"format": "docx"}, "format 'docx' is not one of markdown, html, text"),
    (GOOD | {"lang": "latviešu"}, "lang 'latviešu' is no language code"),
    (GOOD | {"lang": False}, "lang must be text, not true or false"),
    (GOOD | {"updated_at": "vakar"}, "updated_at 'vakar' is not ISO 8601"),
    (GOOD | {"updated_at": 1700000000}, "updated_at must be text, not a number"),
    (GOOD | {"updated_at": "0001-01-01T00:00:00+14:00"}, "is not ISO 8601"),
    (GOOD | {"tags": [1]}, "tags must be a list of texts, not a list that holds a number"),
    (GOOD | {"category": {"a": 1}}, "category must be a list of texts, not an object"),
    (GOOD | {"audience": []}, "audience is empty"),
    (GOOD | {"audience": 3}, "audience must be a list of texts, not a number"),
    (GOOD | {"url": "javascript:alert(1)"}, "is not an http or https address"),
    (GOOD | {"url": "java\nscript:alert(1)"}, "is not an http or https address"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_LINES, ids=[reason[:30] for _, reason in BAD_LINES])
def test_a_bad_line_is_reported_with_its_number_and_skipped(tmp_path, line, reason):
    path = write_lines(tmp_path / "kb.jsonl", GOOD, "", line, GOOD | {"id": "next"})
    documents, report = load(path)
    assert [document.id for document in documents] == ["reset.lv", "next"]
    assert report.problem_count == 1
    assert (report.problems[0].file, report.problems[0].line) == (str(path), 3)
    assert reason in report.problems[0].reason
    assert str(report.problems[0]).startswith(f"{path}:3: ")


def test_a_half_character_in_the_body_is_dropped_without_losing_the_document(tmp_path):
    (document,), _ = load(write_lines(tmp_path / "kb.jsonl", '{"id": "a", "title": "t", "body": "x\\ud83d y"}'))
    assert document.body == "x y"


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress)])
def test_compressed_lines_are_read_and_a_cut_archive_is_reported(tmp_path, ending, pack):
    data = "".join(json.dumps(GOOD | {"id": f"d{number}", "body": f"{number} " * 50}) + "\n" for number in range(500))
    whole, part = tmp_path / f"whole.jsonl.{ending}", tmp_path / f"part.jsonl.{ending}"
    whole.write_bytes(pack(data.encode()))
    assert len(load(whole)[0]) == 500
    part.write_bytes(pack(data.encode())[:-20])
    report = LoadReport()
    with contextlib.suppress(SourceError):  # some formats give nothing back from an archive that is cut
        list(load_sources([part], report=report))
    assert "damaged or cut short" in report.problems[-1].reason
    part.write_bytes(b"not an archive")
    with pytest.raises(SourceError, match="damaged or cut short"):
        load(part)


def test_invalid_utf8_is_reported_with_its_line(tmp_path):
    path = tmp_path / "kb.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"id": "x", "title": "caf\xe9", "body": "b"}\n')
    documents, report = load(path)
    assert len(documents) == 1
    assert str(report.problems[0]) == f"{path}:2: not UTF-8 (byte 26 of the line); save the file as UTF-8"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(tmp_path, encoding):
    path = tmp_path / "kb.jsonl"
    text = "".join(json.dumps(GOOD | {"id": f"d{number}"}, ensure_ascii=False) + "\r\n" for number in range(9000))
    path.write_bytes(text.encode(encoding))  # more than one piece, so that characters are cut between pieces
    documents, report = load(path)
    assert (len(documents), report.problem_count) == (9000, 0)
    assert {document.title for document in documents} == {"Kā atjaunot paroli"}


def test_utf16_that_ends_in_half_a_character_is_reported(tmp_path):
    path = tmp_path / "kb.jsonl"
    path.write_bytes((json.dumps(GOOD) + "\n").encode("utf-16") + b"x")
    documents, report = load(path)
    assert (len(documents), report.problems[0].line) == (1, 2)
    assert "not UTF-8" in report.problems[0].reason


def test_a_line_of_50_mb_is_reported_in_bounded_memory(tmp_path):
    path = tmp_path / "kb.jsonl"
    with path.open("wb") as stream:
        stream.write(json.dumps(GOOD).encode() + b"\n" + b'{"id": "big", "body": "')
        for _ in range(50):
            stream.write(b"x" * 1024 * 1024)
        stream.write(b'"}\n' + json.dumps(GOOD | {"id": "after"}).encode() + b"\n")
    script = (
        "import resource, sys; from pathlib import Path; from indexer.loaders import *\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "report = LoadReport(); found = list(load_sources([Path(sys.argv[1])], report=report))\n"
        "print(len(found), report.problems[0])\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)")
    answer = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    first, megabytes = answer.stdout.splitlines()
    assert first == f"2 {path}:2: the line is longer than 32 MiB; split the document or the lines"
    assert int(megabytes) < 45


def test_a_duplicate_id_names_the_first_place_and_the_first_wins(tmp_path):
    one = write_lines(tmp_path / "one.jsonl", GOOD)
    two = write_lines(tmp_path / "two.jsonl", GOOD | {"id": "other"}, GOOD | {"title": "Cits"})
    documents, report = load(one, two)
    assert [(document.id, document.title) for document in documents] == [
        ("reset.lv", GOOD["title"]), ("other", GOOD["title"])]
    assert str(report.problems[0]) == f"{two}:2: id 'reset.lv' is taken by {one}:1; the first one is kept"


def test_strict_makes_the_first_problem_fatal(tmp_path):
    path = write_lines(tmp_path / "kb.jsonl", GOOD, "nonsense")
    with pytest.raises(SourceError, match=r"kb\.jsonl:2: not JSON.*--strict"):
        list(load_sources([path], report=LoadReport(), strict=True))


@pytest.mark.parametrize(("content", "message"), [
    ("", "holds no good document .1 problem: .*the file is empty"),
    ("\n \n", "the file is empty"),
    ("x\ny\n", "holds no good document .2 problems, the first: .*kb.jsonl:1: not JSON"),
    ('{"id": "q1", "query": "parole"}', "holds no document; kbsearch reads .jsonl"),
])
def test_a_source_without_a_good_document_is_an_error(tmp_path, content, message):
    path = tmp_path / "kb.jsonl"
    path.write_text(content)
    with pytest.raises(SourceError, match=message):
        load(path)


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="holds no document"):
        load(tmp_path)


def test_wrong_paths_are_named_before_anything_is_read(tmp_path):
    (tmp_path / "kb.pdf").write_text("x")
    with pytest.raises(SourceError, match=r"nowhere does not exist"):
        load_sources([tmp_path / "nowhere"], report=LoadReport())
    with pytest.raises(SourceError, match=r"kb\.pdf: \.pdf is not a kind of source kbsearch reads; it reads \.jsonl"):
        load_sources([tmp_path / "kb.pdf"], report=LoadReport())
    with pytest.raises(SourceError, match="No source was given"):
        load_sources([], report=LoadReport())


def test_a_folder_is_read_sorted_without_hidden_and_foreign_files(tmp_path):
    for name in ("b.md", "a.MD", "sub/c.markdown", ".hidden.md", ".git/d.md", "x.pdf", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n\ntext\n")
    documents, report = load(tmp_path)
    assert [document.id for document in documents] == ["a", "b", "sub/c"]
    assert report.notes == [f"{tmp_path}: 2 files of other kinds left out (1 no extension, 1 .pdf)"]


def test_questions_beside_the_articles_are_left_out_with_a_note(tmp_path):
    write_lines(tmp_path / "articles.jsonl", GOOD)
    write_lines(tmp_path / "questions.jsonl", {"id": "q1", "query": "parole", "relevant": {}}, {"query": "x"})
    documents, report = load(tmp_path)
    assert (len(documents), report.problem_count) == (1, 0)
    assert report.notes == [f"{tmp_path / 'questions.jsonl'}: holds queries for kbsearch eval, not documents; left out"]


def test_an_unreadable_file_is_a_problem_and_not_the_end(tmp_path):
    write_lines(tmp_path / "a.jsonl", GOOD)
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "gone.jsonl")
    documents, report = load(tmp_path)
    assert len(documents) == 1
    assert str(report.problems[0]) == f"{tmp_path / 'b.jsonl'}: cannot be read: No such file or directory"


def test_loading_is_lazy(tmp_path):
    path = write_lines(tmp_path / "kb.jsonl", *[GOOD | {"id": f"d{number}"} for number in range(10)])
    report = LoadReport()
    stream = load_sources([path], report=report)
    next(stream)
    assert report.documents == 1


def test_the_report_counts_all_problems_but_keeps_few():
    report = LoadReport()
    for number in range(KEPT + 50):
        report.add_problem(Problem("f", number, "r"))
    assert (report.problem_count, len(report.problems)) == (KEPT + 50, KEPT)


STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
FIELDS = st.sampled_from(["id", "title", "body", "lang", "url", "tags", "audience", "updated_at", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5)


@STEADY
@given(st.dictionaries(FIELDS, JSON))
def test_any_mapping_gives_a_document_or_a_reason(fields):
    reason = ""
    try:
        document = make_document(fields)
    except FieldError as error:
        reason = str(error)
    assert reason or (document.id.strip() and document.title.strip() and document.body.strip() and document.audience)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real help centre, ../shared/kb, is not here")
def test_the_real_help_centres_load_without_a_problem():
    documents, report = load(SHARED / "alchemy")
    assert len(documents) > 25_000
    assert report.problem_count == 0
    assert len({document.lang for document in documents}) == 12
    documents, report = load(SHARED / "seeds")
    assert [document.type for document in documents].count("faq") == 3
    assert (len(documents), report.problem_count, report.note_count) == (8, 0, 1)
