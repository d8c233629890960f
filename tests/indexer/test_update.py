"""An update does only what is new, and its result is, byte for byte, what a build of the same sources gives."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import pipeline, prepare, work
from indexer.batches import Cache, Shelf
from indexer.pipeline import build
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.embed.registry import load_embedder
from kbsearch.errors import SourceError
from kbsearch.snapshot import MANIFEST, open_snapshot, published_version
from kbsearch.versions import list_snapshots

Write = Callable[..., Path]
Row = dict[str, Any]

WORDS = [
    "password",
    "account",
    "parole",
    "konts",
    "slaptažodis",
    "paskyra",
    "reset",
    "atjaunot",
    "the",
    "un",
    "ir",
    "P-104",
    "e-mail",
]


def rows(count: int) -> list[Row]:
    random = np.random.default_rng(3)
    return [
        {
            "id": f"doc-{number}",
            "group": f"group-{number // 2}",
            "title": " ".join(random.choice(WORDS, 3)),
            "body": "\n\n".join(f"## {word}\n\n" + " ".join(random.choice(WORDS, 60)) for word in ("One", "Two")),
        }
        for number in range(count)
    ]


def run(source: Path, out: Path, **options: Any) -> Any:
    return build([source], out, embedder=HashingEmbedder(), **options)


def content(root: Path) -> dict[str, bytes]:
    """Every file of the published version, the manifest without what names this very version."""
    directory = root / published_version(root)
    files = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    manifest = orjson.loads(files.pop(MANIFEST))
    for name in ("version", "created_at"):
        del manifest[name]
    return files | {MANIFEST: orjson.dumps(manifest)}


class Counting(HashingEmbedder):
    """Notes what it is asked to embed."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode_passages(self, texts: Any) -> Any:
        self.texts += texts
        return super().encode_passages(texts)


def test_only_what_changed_is_done_again(tmp_path: Path, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """One body, one title and one audience of twenty articles: three are cut; a new audience embeds nothing."""
    before = rows(20)
    source = write_jsonl(tmp_path / "s.jsonl", before)
    run(source, tmp_path / "index")
    after = [dict(row) for row in before]
    after[3]["body"] = after[3]["body"].replace("## Two", "## Three")  # one of its two passages
    after[7]["title"] = "A new title"  # the title and both of its passages
    after[11]["audience"] = ["agent"]
    write_jsonl(source, after)
    cut: list[str] = []
    really = prepare.cut
    monkeypatch.setattr(prepare, "cut", lambda document: cut.append(document.id) or really(document))
    embedder = Counting()
    report = build([source], tmp_path / "index", embedder=embedder, update=True)
    assert cut == ["doc-3", "doc-7", "doc-11"]
    assert len(embedder.texts) == 4
    assert (report.documents_analysed, report.passages_embedded) == (3, 3)
    assert (report.documents, report.passages) == (20, 40)
    run(source, tmp_path / "fresh")
    assert content(tmp_path / "index") == content(tmp_path / "fresh")


def test_deletions_and_audiences_take_effect(tmp_path: Path, write_jsonl: Write) -> None:
    """What a source no longer holds is gone, and what is for agents only is no longer public."""
    source = write_jsonl(tmp_path / "s.jsonl", rows(6))
    run(source, tmp_path / "index")
    write_jsonl(source, [row | {"audience": ["agent"]} if row["id"] == "doc-1" else row for row in rows(6)[:5]])
    run(source, tmp_path / "index", update=True)
    snapshot = open_snapshot(tmp_path / "index")
    assert snapshot.number_of("doc-5") is None
    assert np.flatnonzero(~snapshot.documents_with("audience", ["public"])).tolist() == [1]


def test_nothing_new_publishes_nothing(tmp_path: Path, write_jsonl: Write) -> None:
    """The version stays; a build of the same sources makes another one with the same content."""
    source = write_jsonl(tmp_path / "s.jsonl", rows(4))
    first = run(source, tmp_path / "index")
    again = run(source, tmp_path / "index", update=True)
    assert (again.version, again.unchanged, again.documents_analysed) == (first.version, True, 0)
    assert [entry.version for entry in list_snapshots(tmp_path / "index")] == [first.version]
    built = run(source, tmp_path / "index")
    assert (built.unchanged, built.documents_analysed) == (False, 4)
    assert built.version != first.version


def test_nothing_new_writes_nothing(tmp_path: Path, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same articles, settings and files of the editor: what is published is the answer, and nothing is embedded."""
    folder = tmp_path / "kb"
    write_jsonl(folder / "s.jsonl", rows(4))
    (folder / "synonyms.csv").write_text("words\npassword; passcode\none\n")
    first = run(folder, tmp_path / "index")
    assert first.problem_count == 1  # a word alone is no synonym
    with monkeypatch.context() as patch:
        patch.setattr("indexer.pipeline.write_snapshot", lambda *_: pytest.fail("a snapshot was written"))
        embedder = Counting()
        again = build([folder], tmp_path / "index", embedder=embedder, update=True)
    assert (again.version, again.unchanged, again.published, embedder.texts) == (first.version, True, True, [])
    assert again.problems == first.problems != ()
    assert (again.documents, again.passages, again.problem_count) == (4, 8, 1)
    with pytest.raises(SourceError, match="one word"):
        run(folder, tmp_path / "index", update=True, strict=True)
    (folder / "synonyms.csv").write_text("words\npassword; passphrase\n")
    changed = run(folder, tmp_path / "index", update=True)
    assert (changed.unchanged, changed.documents_analysed, changed.passages_embedded) == (False, 0, 0)
    run(folder, tmp_path / "fresh")
    assert content(tmp_path / "index") == content(tmp_path / "fresh")


def test_an_index_among_the_sources_is_not_read(tmp_path: Path, write_jsonl: Write) -> None:
    """Nor are copies of it: what its files say of articles that only some may see would become public articles."""
    source, out = tmp_path / "kb", tmp_path / "kb" / "index"
    write_jsonl(source / "s.jsonl", [row | {"audience": ["agent"]} for row in rows(4)])
    first = run(source, out)
    assert (first.documents, first.problem_count) == (4, 0)
    shutil.copytree(out, source / "copy", ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(out / first.version, source / "version")
    (source / "version" / "synonyms.csv").write_text("words\npassword; passcode\n")
    again = run(source, out, update=True)
    assert (again.version, again.unchanged, again.problem_count) == (first.version, True, 0)
    left_out = [f"{source / name} is an index and no source; left out" for name in ("copy", "index", "version")]
    assert list(again.notes) == left_out
    assert run(source, out).documents == 4
    run(source, tmp_path / "apart")
    assert content(out) == content(tmp_path / "apart")
    with pytest.raises(SourceError, match=r"apart: is an index and no source; name a folder of articles"):
        run(tmp_path / "apart", out)


def test_a_source_does_not_become_the_index(tmp_path: Path, write_jsonl: Write) -> None:
    """Nothing is written there, so that another --out is all that is needed."""
    source = write_jsonl(tmp_path / "kb" / "s.jsonl", rows(2)).parent
    with pytest.raises(SourceError, match=r"kb is the source and --out at once; give --out a directory of its own"):
        run(source, source)
    assert [path.name for path in source.iterdir()] == ["s.jsonl"]
    assert run(source, source / "index").documents == 2


def test_an_update_of_nothing_is_a_build(tmp_path: Path, write_jsonl: Write) -> None:
    """Nightly jobs need no first command of their own."""
    report = run(write_jsonl(tmp_path / "s.jsonl", rows(3)), tmp_path / "index", update=True)
    assert report.documents_analysed == 3
    assert published_version(tmp_path / "index") == report.version


def test_an_update_keeps_the_model_of_the_published_version(
    tmp_path: Path, write_jsonl: Write, static_model: Path
) -> None:
    """Unless another is named; then every passage is embedded anew and no document is cut again."""
    source = write_jsonl(tmp_path / "s.jsonl", rows(3))
    build([source], tmp_path / "index", model=str(static_model))
    write_jsonl(source, rows(4))
    report = build([source], tmp_path / "index", update=True)
    assert open_snapshot(tmp_path / "index").model.name == str(static_model)
    assert (report.documents_analysed, report.passages_embedded) == (1, 2)
    report = build([source], tmp_path / "index", model="hashing", update=True)
    assert (report.documents_analysed, report.passages_embedded) == (0, 8)
    # The vectors of both models stay as long as a version of each does.
    report = build([source], tmp_path / "index", model=str(static_model), update=True)
    assert report.passages_embedded == 0


@pytest.mark.parametrize("damage", [b"{", b"{}"], ids=["cut short", "empty"])
def test_a_damaged_old_version_stops_no_build(
    damage: bytes, tmp_path: Path, write_jsonl: Write, static_model: Path
) -> None:
    """It may have been built with any model, so the vectors of every model stay."""
    source, out = write_jsonl(tmp_path / "s.jsonl", rows(3)), tmp_path / "index"
    old = out / build([source], out, model=str(static_model)).version / MANIFEST
    run(source, out, update=True)
    old.write_bytes(damage)
    write_jsonl(source, rows(4))
    report = run(source, out, update=True)
    assert report.version == published_version(out)
    said = f"{old} is damaged and names no model, so the vectors of every model are kept"
    assert [note.partition(";")[0] for note in report.notes] == [said]
    assert len(list((out / ".cache").glob("vectors-*"))) == 2


def test_a_version_that_is_pruned_meanwhile_stops_no_build(
    tmp_path: Path, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between being listed and being read."""
    source, out = write_jsonl(tmp_path / "s.jsonl", rows(3)), tmp_path / "index"
    listed = pipeline.version_directories
    monkeypatch.setattr(pipeline, "version_directories", lambda root: [*listed(root), root / "20200101T000000Z-gone"])
    report = run(source, out)
    assert (report.version, report.notes) == (published_version(out), ())


EDITS = st.lists(
    st.tuples(st.sampled_from(["change", "delete", "insert", "move", "hide", "retitle", "copy"]), st.integers(0, 30)),
    min_size=1,
    max_size=6,
)


def edited(documents: list[Row], edits: list[tuple[str, int]], step: int) -> list[Row]:
    now = [dict(row) for row in documents]
    for what, number in edits:
        place = number % max(1, len(now))
        if what == "insert" or not now:
            now.insert(place, rows(1)[0] | {"id": f"new-{step}-{number}-{len(now)}", "title": f"New {number}"})
        elif what == "change":
            now[place]["body"] += f"\n\nMore about {WORDS[number % len(WORDS)]} {step}."
        elif what == "delete":
            del now[place]
        elif what == "move":
            now.append(now.pop(place))
        elif what == "hide":
            now[place]["audience"] = ["agent"]
        elif what == "copy":  # into the other source, where it is a duplicate
            now.append(now[place] | {"id": f"copy-{step}-{number}-{len(now)}", "group": f"copy-{step}-{number}"})
        else:
            now[place]["title"] = f"Title {number} {step}"
    return now or rows(1)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(history=st.lists(EDITS, min_size=1, max_size=3))
def test_any_sequence_of_edits_gives_what_a_build_gives(history: list[list[tuple[str, int]]]) -> None:
    """Byte for byte; only the version's name and time differ. Batches are tiny, and often merged."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setattr(work, "ROWS", 4)
        patch.setattr(work, "FEW_ROWS", 8)
        patch.setattr(work, "TEXTS", 4)
        patch.setattr("indexer.batches._MOST_HALF_EMPTY", 1)
        patch.setattr("indexer.pipeline.os.sched_getaffinity", lambda _pid: {0})
        patch.setattr("indexer.work.Workers", SameProcess)
        documents = rows(12)

        def write(documents: list[Row]) -> list[Path]:
            parts = {True: b"", False: b""}
            for row in documents:
                parts[row["id"].startswith("copy-")] += orjson.dumps(row) + b"\n"
            for is_copy, lines in parts.items():
                (folder / f"{is_copy}.jsonl").write_bytes(lines)
            return [folder / f"{is_copy}.jsonl" for is_copy in (False, True) if parts[is_copy]]

        build(write(documents), folder / "index", embedder=HashingEmbedder())
        for step, edits in enumerate(history):
            documents = edited(documents, edits, step)
            sources = write(documents)
            build(sources, folder / "index", embedder=HashingEmbedder(), update=True)
        build(sources, folder / "fresh", embedder=HashingEmbedder())
        assert content(folder / "index") == content(folder / "fresh")


class SameProcess:
    """Workers without processes, which would take a second each time."""

    def __init__(self, count: int) -> None: ...

    def __enter__(self) -> SameProcess:
        return self

    def __exit__(self, *error: object) -> None: ...

    def give(self, path: Path, documents: Any) -> None:
        work.write_batch(path, prepare.prepare(documents))

    def wait(self) -> None: ...


def test_other_processes_give_the_same_rows(
    tmp_path: Path, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, and however the documents fall into batches."""
    source = write_jsonl(tmp_path / "s.jsonl", rows(30))
    run(source, tmp_path / "alone")
    monkeypatch.setattr(work, "ROWS", 7)
    monkeypatch.setattr(work, "FEW_ROWS", 10)
    run(source, tmp_path / "together")
    assert content(tmp_path / "alone") == content(tmp_path / "together")


@pytest.mark.slow
def test_a_text_has_the_same_vector_in_every_batch() -> None:
    """Of the bundled model, to the bit; else an update could not give what a build gives."""
    texts = [f"{row['title']} {row['body']}" for row in rows(40)]
    embedder = load_embedder(None)
    together = embedder.encode_passages(texts)
    for number, text in enumerate(texts):
        assert np.array_equal(embedder.encode_passages([text])[0], together[number])
    assert np.array_equal(load_embedder(None).encode_passages(texts[::-1])[::-1], together)


@pytest.mark.slow
def test_thin_files_are_merged(tmp_path: Path, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred small updates leave a handful of files, and nothing is made twice."""
    monkeypatch.setattr(work, "ROWS", 8)
    monkeypatch.setattr(work, "FEW_ROWS", 8)
    monkeypatch.setattr(work, "TEXTS", 8)
    monkeypatch.setattr(work, "Workers", SameProcess)
    source = tmp_path / "s.jsonl"
    documents = rows(12)
    for step in range(30):
        documents[step % 12]["body"] = f"Text {step}"
        write_jsonl(source, documents)
        report = run(source, tmp_path / "index", update=bool(step))
        assert report.documents_analysed == (1 if step else 12)
    cache = Cache(tmp_path / "index")
    shelves = [Shelf(cache, *path.name.rsplit("-", 1)) for path in cache.directory.iterdir() if path.is_dir()]
    assert len(shelves) == 2
    files = [path for path in cache.directory.rglob("*.rows")]
    assert 0 < len(files) <= 24
    run(source, tmp_path / "fresh")
    assert content(tmp_path / "index") == content(tmp_path / "fresh")


@pytest.mark.parametrize("damage", [b"", b"torn" * 9, None], ids=["empty", "torn", "altered"])
def test_a_damaged_file_of_the_cache_costs_time_only(damage: bytes | None, tmp_path: Path, write_jsonl: Write) -> None:
    """A power cut may leave files torn; what they held is made again."""
    source = write_jsonl(tmp_path / "s.jsonl", rows(6))
    run(source, tmp_path / "index")
    for path in (tmp_path / "index" / ".cache").rglob("*.rows"):
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 2] ^= 1
        path.write_bytes(bytes(whole) if damage is None else damage)
    write_jsonl(source, rows(7))
    report = run(source, tmp_path / "index", update=True)
    assert report.documents_analysed == 7
    run(source, tmp_path / "fresh")
    assert content(tmp_path / "index") == content(tmp_path / "fresh")
