"""The JSON Lines article format: every field, every bad line, encodings, archives, endless lines."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loading import GOOD, load, write_lines

from indexer.loaders.fields import FieldError, make_document
from kbsearch.errors import SourceError
from kbsearch.types import Document


def test_a_line_with_three_fields_is_a_document(tmp_path):
    (document,), report = load(write_lines(tmp_path / "kb.jsonl", GOOD))
    assert document == Document(
        id="reset.lv", title="Kā atjaunot paroli", body="Nospiediet **Aizmirsu paroli**.", group="reset.lv", lang=""
    )
    assert (report.documents, report.files, report.problem_count) == (1, 1, 0)


def test_every_field_is_read(tmp_path):
    line = GOOD | {
        "group": "reset",
        "lang": "pt_BR",
        "type": "faq",
        "format": "html",
        "url": "https://x.example/a",
        "category": "Konts",
        "tags": ["parole", "parole", " "],
        "audience": ["agent", "public"],
        "updated_at": "2026-10-01T03:00:00+03:00",
        "unknown": {"key": 1},
        "title": " Kā \n atjaunot  ",
    }
    (document,), _ = load(write_lines(tmp_path / "kb.jsonl", line))
    assert document == Document(
        id="reset.lv",
        title="Kā atjaunot",
        body=GOOD["body"],
        group="reset",
        lang="pt-br",
        type="faq",
        format="html",
        url="https://x.example/a",
        category=("Konts",),
        tags=("parole",),
        audience=("agent", "public"),
        updated_at="2026-10-01T00:00:00Z",
    )


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
    (GOOD | {"title": "a." * 501}, "title has 1002 characters, 1000 are allowed"),
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
    (GOOD | {"tags": ["ok", "a." * 501]}, "an entry of tags has 1002 characters, 1000 are allowed"),
    (GOOD | {"category": {"a": 1}}, "category must be a list of texts, not an object"),
    (GOOD | {"audience": []}, "audience is empty"),
    (GOOD | {"audience": 3}, "audience must be a list of texts, not a number"),
    (GOOD | {"url": "javascript:alert(1)"}, "is not an http or https address"),
    (GOOD | {"url": "java\nscript:alert(1)"}, "is not an http or https address"),
    (GOOD | {"url": "https://[v.example/a"}, "url 'https://[v.example/a' is not an http or https address"),
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
def test_compressed_lines_are_read_and_half_a_file_is_refused(tmp_path, ending, pack):
    data = "".join(json.dumps(GOOD | {"id": f"d{number}", "body": f"{number} " * 50}) + "\n" for number in range(500))
    whole, part = tmp_path / f"whole.jsonl.{ending}", tmp_path / f"part.jsonl.{ending}"
    whole.write_bytes(pack(data.encode()))
    assert len(load(whole)[0]) == 500
    part.write_bytes(pack(data.encode())[:-20])
    with pytest.raises(SourceError, match=r"part.*damaged or cut short.*nothing was published"):
        load(tmp_path)
    part.write_bytes(b"not an archive")
    with pytest.raises(SourceError, match=r"damaged or cut short \("):
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
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    first, megabytes = answer.stdout.splitlines()
    assert first == f"2 {path}:2: the line is longer than 32 MiB; split the document or the lines"
    assert int(megabytes) < 45


STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
FIELDS = st.sampled_from(["id", "title", "body", "lang", "url", "tags", "audience", "updated_at", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@STEADY
@given(st.dictionaries(FIELDS, JSON))
def test_any_mapping_gives_a_document_or_a_reason(fields):
    reason = ""
    try:
        document = make_document(fields)
    except FieldError as error:
        reason = str(error)
    assert reason or (document.id.strip() and document.title.strip() and document.body.strip() and document.audience)
