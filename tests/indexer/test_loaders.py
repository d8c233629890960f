"""Sources as a whole: folders, duplicates, strictness, reports, and the real help centres."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from loading import GOOD, load, write_lines

from indexer.editing import editing_digest, load_editing
from indexer.loaders import LoadReport, Problem, load_sources
from indexer.loaders.report import KEPT
from kbsearch.errors import SourceError

SHARED = Path(__file__).parents[3] / "shared" / "kb"


def test_a_duplicate_id_names_the_first_place_and_the_first_wins(tmp_path):
    one = write_lines(tmp_path / "one.jsonl", GOOD)
    two = write_lines(tmp_path / "two.jsonl", GOOD | {"id": "other"}, GOOD | {"title": "Cits"})
    documents, report = load(one, two)
    assert [(document.id, document.title) for document in documents] == [
        ("reset.lv", GOOD["title"]),
        ("other", GOOD["title"]),
    ]
    assert str(report.problems[0]) == f"{two}:2: id 'reset.lv' is taken by {one}:1; the first one is kept"


def test_two_files_of_one_name_are_told_the_way_out(tmp_path):
    """Their ids come from their paths, and the folders that tell them apart are no part of these."""
    for lang in ("lv", "lt"):
        (tmp_path / lang).mkdir()
        (tmp_path / lang / "reset.md").write_text(f"# Reset {lang}\n\nText.\n")
    (tmp_path / "lt" / "zip.md").write_text("# Zip\n\nText.\n")
    documents, report = load(tmp_path / "lv", tmp_path / "lt")
    assert [document.title for document in documents] == ["Reset lv", "Zip"]
    assert str(report.problems[0]).endswith(
        "/lv/reset.md; the first one is kept; name a folder that holds both as the source, or give the file an id"
    )
    assert [document.id for document in load(tmp_path)[0]] == ["lt/reset", "lt/zip", "lv/reset"]


def test_strict_makes_the_first_problem_fatal(tmp_path):
    path = write_lines(tmp_path / "kb.jsonl", GOOD, "nonsense")
    with pytest.raises(SourceError, match=r"kb\.jsonl:2: not JSON.*--strict"):
        list(load_sources([path], report=LoadReport(), strict=True))


def test_an_editors_file_that_is_not_csv_is_a_problem_with_its_line(tmp_path):
    """An unclosed quote would make one row of all that follow it; they are read again from the next line on."""
    path = tmp_path / "synonyms.csv"
    path.write_text('words\nrobots; robot\n"klients"; customer\n"two\nlines; one"\n"parole; password\nkonts; account\n')
    report = LoadReport()
    found = load_editing([path], {}, report=report).synonyms
    assert [synonym.typed for synonym in found] == [
        ("robots", "robot"),
        ("two lines", "one"),
        ("konts", "account"),
    ]
    assert [str(problem).removeprefix(f"{path}:") for problem in report.problems] == [
        "3: not CSV: ',' expected after '\"'",
        "6: not CSV: unexpected end of data, 1 line below the quote that opens here",
    ]
    with pytest.raises(SourceError, match=r"synonyms\.csv:3: not CSV.*--strict"):
        load_editing([path], {}, report=LoadReport(), strict=True)


def test_an_editors_row_may_be_longer_than_the_library_likes(tmp_path):
    csv.field_size_limit(131_072)  # as the library sets it
    path = tmp_path / "synonyms.csv"
    path.write_text(f"words\n{'; '.join(f'word{number}' for number in range(20_000))}\n")
    report = LoadReport()
    assert len(load_editing([path], {}, report=report).synonyms[0].typed) == 20_000
    assert report.problem_count == 0


def test_languages_of_the_editors_rows_are_language_codes(tmp_path):
    """A word instead would be no language of any question, and the row without effect."""
    (tmp_path / "synonyms.csv").write_text('words;lang\n"a; b";pt_BR\n"c; d";latvian\n')
    (tmp_path / "rules.LV.csv").write_text("query,action,target,lang\nlogin,pin,a,\nlogin,pin,a,english\n")
    (tmp_path / "synonyms.latvian.csv").write_text("words\ne; f\ng; h\n")
    report = LoadReport()
    found = load_editing([tmp_path], {"a": "a"}, report=report)
    assert [synonym.lang for synonym in found.synonyms] == ["pt-br"]
    assert [rule.lang for rule in found.rules] == ["lv"]
    wrong = "is no language code; write one such as lv, en or pt-br"
    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in report.problems] == [
        f"rules.LV.csv:3: lang 'english' {wrong}",
        f"synonyms.csv:3: lang 'latvian' {wrong}",
        f"synonyms.latvian.csv: the file's name: lang 'latvian' {wrong}",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no good document .1 problem: .*the file is empty"),
        ("\n \n", "the file is empty"),
        ("x\ny\n", "holds no good document .2 problems, the first: .*kb.jsonl:1: not JSON"),
        ('{"id": "q1", "query": "parole"}', "holds no document; kbsearch reads .jsonl"),
    ],
)
def test_a_source_without_a_good_document_is_an_error(tmp_path, content, message):
    path = tmp_path / "kb.jsonl"
    path.write_text(content)
    with pytest.raises(SourceError, match=message):
        load(path)


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="holds no document"):
        load(tmp_path)


@pytest.mark.parametrize("names", [["synonyms.csv"], ["synonyms.lv.csv", "rules.csv"]])
def test_files_of_the_editor_alone_are_an_error(tmp_path, names):
    """An index of no article would take the place of the one that is published."""
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.write_text("words\nrobots; robot\n")
    with pytest.raises(SourceError, match=rf"{names[0]} is a file of the editor's and holds no article"):
        load(*paths)
    articles = write_lines(tmp_path / "kb.jsonl", GOOD)
    assert len(load(*paths, articles)[0]) == 1


def test_wrong_paths_are_named_before_anything_is_read(tmp_path):
    (tmp_path / "kb.odt").write_text("x")
    with pytest.raises(SourceError, match=r"nowhere does not exist"):
        load_sources([tmp_path / "nowhere"], report=LoadReport())
    with pytest.raises(SourceError, match=r"kb\.odt: \.odt is not a kind of source kbsearch reads; it reads \.jsonl"):
        load_sources([tmp_path / "kb.odt"], report=LoadReport())
    with pytest.raises(SourceError, match="No source was given"):
        load_sources([], report=LoadReport())


def test_a_folder_is_read_sorted_without_hidden_and_foreign_files(tmp_path):
    for name in ("b.md", "a.MD", "sub/c.markdown", ".hidden.md", ".git/d.md", "x.odt", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n\ntext\n")
    documents, report = load(tmp_path)
    assert [document.id for document in documents] == ["a", "b", "sub/c"]
    assert report.notes == [f"{tmp_path}: 2 files of other kinds left out (1 no extension, 1 .odt)"]


def test_linked_folders_are_left_out_with_a_note(tmp_path):
    """They may lead in circles; a link to a file is read."""
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "kb").mkdir()
    write_lines(tmp_path / "kb" / "a.jsonl", GOOD)
    write_lines(other / "b.jsonl", GOOD | {"id": "b"})
    (tmp_path / "kb" / "circle").symlink_to(tmp_path / "kb")
    (tmp_path / "kb" / "other").symlink_to(other)
    (tmp_path / "kb" / "c.jsonl").symlink_to(other / "b.jsonl")
    documents, report = load(tmp_path / "kb")
    assert [document.id for document in documents] == ["reset.lv", "b"]
    assert report.notes == [
        f"{tmp_path}/kb: 2 linked folders left out ({tmp_path}/kb/circle); name as a source of its own what a link "
        "leads to"
    ]
    (tmp_path / "linked").symlink_to(other)
    assert [document.id for document in load(tmp_path / "linked")[0]] == ["b"]


def test_a_pipe_is_no_source(tmp_path):
    """Reading it would wait for ever; also one of the editor's files."""
    write_lines(tmp_path / "a.jsonl", GOOD)
    for name in ("b.md", "c.zip", "rules.csv"):
        os.mkfifo(tmp_path / name)
    documents, report = load(tmp_path)
    assert len(documents) == 1
    load_editing([tmp_path], {}, report=report)
    assert [str(problem) for problem in report.problems] == [
        f"{tmp_path / name}: is a pipe, a socket or a device and no file; left out"
        for name in ("b.md", "c.zip", "rules.csv")
    ]
    assert editing_digest([tmp_path])
    with pytest.raises(SourceError, match=r"b\.md: is a pipe"):
        load(tmp_path / "b.md")


def test_what_office_has_open_is_left_out(tmp_path):
    write_lines(tmp_path / "a.jsonl", GOOD)
    (tmp_path / "~$guide.docx").write_bytes(b"\5Anna")
    _, report = load(tmp_path)
    assert (report.problem_count, report.notes) == (0, [])


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


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real help centre, ../shared/kb, is not here")
def test_the_real_help_centres_load_without_a_problem():
    documents, report = load(SHARED / "alchemy")
    assert len(documents) > 25_000
    assert report.problem_count == 0
    assert len({document.lang for document in documents}) == 12
    documents, report = load(SHARED / "seeds")
    assert [document.type for document in documents].count("faq") == 3
    assert (len(documents), report.problem_count, len(report.notes)) == (8, 0, 1)
