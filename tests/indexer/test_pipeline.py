"""From sources to a published snapshot, and what a failing build leaves behind: the version published before."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import prepare, work
from indexer.batches import CACHE
from indexer.loaders import LoadReport
from indexer.pipeline import build
from indexer.prepare import head_text, passage_text, tidy, with_language
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.engine import open_engine
from kbsearch.errors import ModelError, SnapshotError, SourceError
from kbsearch.index import dense
from kbsearch.snapshot import open_snapshot, published_version
from kbsearch.text.language import PLAUSIBLE_LANGUAGES, LanguageDetector
from kbsearch.types import CutDocument, Document, Passage, SearchRequest
from kbsearch.versions import HISTORY, LOCK

Write = Callable[..., Path]

ROWS = [
    {"id": "a", "title": "How to reset a password", "body": "Open the page and read on. " * 300, "lang": "en"},
    {"id": "b", "title": "Kā atjaunot paroli", "body": "Atveriet lapu un izvēlieties, ko darīt tālāk."},
    {"id": "c", "title": "Kaip pakeisti slaptažodį", "body": "Atidarykite puslapį ir pasirinkite, ką daryti toliau."},
]


def visible(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def published(tmp_path: Path, write_jsonl: Write) -> Path:
    build([write_jsonl(tmp_path / "good.jsonl", ROWS)], tmp_path / "index", embedder=HashingEmbedder())
    return tmp_path / "index"


def test_a_build_publishes_what_it_read(tmp_path: Path, write_jsonl: Write) -> None:
    """The report counts, and the snapshot holds, every document and passage."""
    report = build([write_jsonl(tmp_path / "s.jsonl", ROWS)], tmp_path / "index", embedder=HashingEmbedder())
    snapshot = open_snapshot(tmp_path / "index")
    assert report.version == published_version(tmp_path / "index") == snapshot.version
    assert (report.documents, report.problem_count, report.problems) == (3, 0, ())
    assert report.documents == snapshot.document_count
    assert report.passages == len(snapshot.passage_document) > 3
    assert report.seconds > 0
    assert report.peak_mebibytes > 1
    assert snapshot.manifest["sources"] == [str(tmp_path / "s.jsonl")]


def test_a_language_is_detected_where_the_source_is_silent(published: Path) -> None:
    """From title and body; a language that is given stays."""
    snapshot = open_snapshot(published)
    assert [snapshot.record(number)["lang"] for number in range(3)] == ["en", "lv", "lt"]


def test_a_document_without_letters_has_an_undetermined_language() -> None:
    """`und`, as BCP 47 says, rather than a guess or an error."""
    detector = LanguageDetector(PLAUSIBLE_LANGUAGES)
    assert with_language(Document("a", "404", "— 503 —", "a", ""), detector).lang == "und"
    assert with_language(Document("a", "404", "x", "a", "tlh"), detector).lang == "tlh"


@pytest.mark.parametrize("lang", ["und", "tlh", "pt-br", "zh-hans", "nb", "sr-latn"])
def test_any_language_code_is_indexed_and_searched(lang: str, tmp_path: Path, write_jsonl: Write) -> None:
    """A language that the detector or the stemmer has never heard of is no reason to fail."""
    rows = [
        {"id": str(n), "title": f"Qapla {word}", "body": f"nuqneH {word}", "lang": lang} for n, word in enumerate("abc")
    ]
    build([write_jsonl(tmp_path / "s.jsonl", [*rows, *ROWS])], tmp_path / "index", embedder=HashingEmbedder())
    outcome = open_engine(tmp_path / "index").search(SearchRequest(q="qapla", lang=lang))
    assert {hit.lang for hit in outcome.hits[:3]} == {lang}


def test_only_an_unknown_language(tmp_path: Path, write_jsonl: Write) -> None:
    """Not even when the snapshot has no other."""
    rows = [
        {"id": "a", "title": "404", "body": "503 504"},
        {"id": "b", "title": "Qapla", "body": "nuqneH", "lang": "tlh"},
    ]
    build([write_jsonl(tmp_path / "s.jsonl", rows)], tmp_path / "index", embedder=HashingEmbedder())
    engine = open_engine(tmp_path / "index")
    assert engine.search(SearchRequest(q="qapla")).hits[0].id == "b"
    assert engine.search(SearchRequest(q="503", lang="en")).hits[0].id == "a"


def test_decomposed_and_composed_texts_meet(tmp_path: Path, write_jsonl: Write) -> None:
    """A source in NFD (macOS) is found by a query in NFC."""
    rows = [{key: unicodedata.normalize("NFD", value) for key, value in row.items()} for row in ROWS]
    build([write_jsonl(tmp_path / "s.jsonl", rows)], tmp_path / "index", embedder=HashingEmbedder())
    engine = open_engine(tmp_path / "index")
    for query in ("kā atjaunot paroli", "tālāk", "slaptažodį"):
        outcome = engine.search(SearchRequest(q=query, mode="lexical", explain=True))
        assert outcome.found >= 1
    assert engine.document("b", audiences=None).title == "Kā atjaunot paroli"  # type: ignore[union-attr]


def test_what_is_embedded_is_the_passage_below_its_title_and_headings() -> None:
    """One text a passage, in batches, in order."""
    assert passage_text("Title", Passage("Text.", ("Part", "Section"))) == "Title\nPart\nSection\nText."
    assert passage_text("No. 12", Passage("Text.", ("Part",))) == "Part\nText."
    assert head_text("Title", ()) == "Title"
    assert head_text("Title", ("one tag", "another")) == "Title\none tag, another"


def test_batches_keep_the_order(tmp_path: Path, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the passages are cut into batches, each vector is that of its passage."""
    monkeypatch.setattr(work, "TEXTS", 4)
    rows = [
        {"id": str(n), "title": f"Title {n}", "body": f"Body number {n}. " * (n * 9 + 1), "lang": "en"}
        for n in range(9)
    ]
    build([write_jsonl(tmp_path / "s.jsonl", rows)], tmp_path / "index", embedder=HashingEmbedder())
    snapshot = open_snapshot(tmp_path / "index")
    for number, document in enumerate(snapshot.passage_document.tolist()):
        passage = snapshot.passage(number)
        text = "\n".join((snapshot.record(document)["title"], *passage.headings, passage.text))
        expected = HashingEmbedder().encode_passages([text])[0]
        np.testing.assert_allclose(snapshot.dense.vectors(np.asarray([number]))[0], expected, atol=1e-6)


def test_titles_are_one_line() -> None:
    """And in composed characters."""
    assert tidy(Document("a", "Ka\u0304\n atjaunot", "", "a", "lv")).title == "Kā atjaunot"


def test_problems_are_reported_and_the_rest_is_built(tmp_path: Path, write_jsonl: Write) -> None:
    """A bad line costs one line; strict makes it fatal."""
    source = write_jsonl(tmp_path / "s.jsonl", [*ROWS, {"id": "d", "title": "No body"}, ROWS[0]])
    report = build([source], tmp_path / "index", embedder=HashingEmbedder())
    assert (report.documents, report.problem_count) == (3, 2)
    assert [problem.line for problem in report.problems] == [4, 5]
    assert open_snapshot(tmp_path / "index").manifest["notes"]["problems"] == 2
    with pytest.raises(SourceError, match=r"s\.jsonl:4"):
        build([source], tmp_path / "strict", strict=True, embedder=HashingEmbedder())
    assert not visible(tmp_path / "strict")


class Failing(HashingEmbedder):
    def encode_passages(self, texts: Any) -> Any:
        raise RuntimeError("the model burnt down")


def fail_in_source(index: Path, folder: Path) -> None:
    (folder / "empty.jsonl").write_text("")
    build([folder / "empty.jsonl"], index, embedder=HashingEmbedder())


def fail_in_embedder(index: Path, folder: Path) -> None:
    build([folder / "good.jsonl"], index, embedder=Failing())


def fail_in_model(index: Path, folder: Path) -> None:
    build([folder / "good.jsonl"], index, model="no-such-model")


def fail_in_writer(index: Path, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "EXACT_LIMIT", 0)
        patch.setattr("indexer.pipeline.build_dense", _refuse)
        build([folder / "good.jsonl"], index, embedder=HashingEmbedder())


def fail_while_interrupted(index: Path, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "cut", _interrupt)
        build([folder / "good.jsonl"], index, embedder=HashingEmbedder())


def _refuse(*arguments: Any, **options: Any) -> None:
    raise SnapshotError("The vector graph finds 0.5 of the true nearest passages.")


def _interrupt(document: Document) -> CutDocument:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (fail_in_source, SourceError),
        (fail_in_embedder, RuntimeError),
        (fail_in_model, ModelError),
        (fail_in_writer, SnapshotError),
        (fail_while_interrupted, KeyboardInterrupt),
    ],
    ids=["source", "embedder", "model", "writer", "interrupted"],
)
def test_a_failing_build_publishes_nothing_and_leaves_nothing(
    fail: Callable[[Path, Path], None],
    error: type[BaseException],
    published: Path,
    tmp_path: Path,
    checksums: Callable[[Path], dict[str, str]],
) -> None:
    """Whatever goes wrong and wherever: every byte of what is published is as before, and the old version opens.

    Finished work is kept for the next run, out of everybody's sight.
    """

    def seen() -> dict[str, str]:
        return {name: digest for name, digest in checksums(published).items() if not name.startswith(".")}

    before, names = seen(), visible(published)
    with pytest.raises(error):
        fail(published, tmp_path)
    assert seen() == before
    assert visible(published) == names == {"CURRENT", HISTORY, published_version(published)}
    assert {path.name for path in published.iterdir()} - names <= {CACHE, LOCK}
    assert open_engine(published).search(SearchRequest(q="password")).found


def test_a_failing_first_build_leaves_an_empty_directory(tmp_path: Path) -> None:
    """Nothing half-made to trip over."""
    with pytest.raises(SourceError):
        fail_in_source(tmp_path / "index", tmp_path)
    assert not visible(tmp_path / "index")


def test_the_report_of_the_loaders_is_bounded(tmp_path: Path, write_jsonl: Write) -> None:
    """A broken export of thousands of lines keeps 200 problems and counts all."""
    source = write_jsonl(tmp_path / "s.jsonl", [*ROWS, *({"id": str(n)} for n in range(1000))])
    report = build([source], tmp_path / "index", embedder=HashingEmbedder())
    assert (len(report.problems), report.problem_count) == (200, 1000)
    assert isinstance(LoadReport().problems, list)
