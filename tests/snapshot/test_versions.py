"""Versions side by side and one pointer: publish, verify, list, roll back, prune, and every kind of damage."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from indexer.cut import cut
from indexer.prepare import columns
from kbsearch import snapshot as module
from kbsearch import snapshot_writer, versions
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.errors import SnapshotDamaged, SnapshotError, SnapshotMissing
from kbsearch.index.corpus import whole
from kbsearch.snapshot import (
    CURRENT,
    MANIFEST,
    Snapshot,
    open_snapshot,
    publish,
    published_version,
)
from kbsearch.snapshot_writer import Content, remove_unfinished, write_snapshot
from kbsearch.text.analyze import ANALYZER_VERSION
from kbsearch.types import CutDocument, Document
from kbsearch.versions import list_snapshots, prune, rollback

DOCUMENTS = (
    Document("a.en", "First article", "The **first** body.", "a", "en", category=("One", "Two"), tags=("t",)),
    Document("a.lv", "Pirmais raksts", "Pirmais teksts 🙂.", "a", "lv", audience=("agent", "public"), type="faq"),
    Document("b.en", "Second article", "## Part\n\nText.\n\n## Other\n\nMore.", "b", "en", url="https://x.example/b"),
    Document("c.lt", "Trečias", "Tekstas.", "c", "lt", updated_at="2026-01-02T03:04:05Z"),
)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each version is a minute younger than the one before it."""
    ticks = iter(range(10**6))

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2026, 11, 22, 3, 15, tzinfo=UTC) + timedelta(minutes=next(ticks))

    monkeypatch.setattr(snapshot_writer, "datetime", Clock)


def write(root: Path, documents: tuple[Document, ...] = DOCUMENTS, **parts: bytes) -> str:
    cuts = [cut(document) for document in documents]
    embedder = HashingEmbedder()
    vectors = embedder.encode_passages([passage.text for ready in cuts for passage in ready.passages])
    content = Content(
        whole(columns(cuts)),
        vectors,
        embedder.encode_passages([cut.document.title for cut in cuts]),
        vectors,
        embedder.info,
        "cutter-1",
        ["source.jsonl"],
        {"problems": 0},
        parts=parts,
    )
    return write_snapshot(root, content)


def release(root: Path, documents: tuple[Document, ...] = DOCUMENTS) -> str:
    version = write(root, documents)
    publish(root, version)
    return version


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("master") / "index"
    version = write(root)
    publish(root, version)
    return root


@pytest.fixture
def root(master: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(master, tmp_path / "index"))


def current(root: Path) -> Path:
    return root / published_version(root)


@pytest.fixture(scope="module")
def opened(master: Path) -> Snapshot:
    return open_snapshot(master)


@pytest.fixture(scope="module")
def cuts() -> list[CutDocument]:
    return [cut(document) for document in DOCUMENTS]


def test_documents_come_back_whole(opened: Snapshot, cuts: list[CutDocument]) -> None:
    """Every field of every document, with the HTML and text of the cutter."""
    assert opened.document_count == len(DOCUMENTS)
    for number, ready in enumerate(cuts):
        stored, document = opened.stored(number), ready.document
        for name in ("id", "group", "lang", "type", "title", "url", "category", "tags", "audience", "updated_at"):
            assert getattr(stored, name) == getattr(document, name)
        assert (stored.html, stored.text) == (ready.html, ready.text)


def test_passages_come_back_in_order(opened: Snapshot, cuts: list[CutDocument]) -> None:
    """Each document's own, with text and headings."""
    for number, ready in enumerate(cuts):
        assert tuple(opened.passage(place) for place in opened.passages_of(number)) == ready.passages
        assert set(opened.passage_document[list(opened.passages_of(number))]) == {number}


def test_documents_are_found_by_id(opened: Snapshot) -> None:
    """By exact id; anything else is unknown."""
    assert [opened.number_of(document.id) for document in DOCUMENTS] == [0, 1, 2, 3]
    for unknown in ("", "A.EN", "a", "a.en "):
        assert opened.number_of(unknown) is None


def test_groups_and_translations(opened: Snapshot) -> None:
    """Members in reading order; the member in a language, −1 where there is none."""
    assert [opened.group_members(group).tolist() for group in range(3)] == [[0, 1], [2], [3]]
    groups = np.asarray([0, 1, 2], dtype=np.int32)
    by_lang = {lang: opened.translation(groups, code).tolist() for code, lang in enumerate(opened.values["lang"])}
    assert by_lang == {"en": [0, 2, -1], "lv": [1, -1, -1], "lt": [-1, -1, 3]}


@pytest.mark.parametrize(
    ("name", "values", "numbers"),
    [
        ("lang", ["en"], [0, 2]),
        ("lang", ["lv", "lt"], [1, 3]),
        ("type", ["faq"], [1]),
        ("category", ["Two"], [0]),
        ("tag", ["t"], [0]),
        ("audience", ["public"], [0, 1, 2, 3]),
        ("audience", ["agent"], [1]),
        ("lang", ["xx"], []),
        ("lang", [], []),
    ],
)
def test_attributes_say_which_documents(opened: Snapshot, name: str, values: list[str], numbers: list[int]) -> None:
    """Any of the values; an unknown value has no document."""
    assert np.flatnonzero(opened.documents_with(name, values)).tolist() == numbers


def test_categories_of_a_document(opened: Snapshot) -> None:
    """In the order in which the values were first seen."""
    assert [opened.values["category"][code] for code in opened.category_codes(0)] == ["One", "Two"]
    assert opened.category_codes(3).tolist() == []


def test_the_manifest_says_what_is_inside(opened: Snapshot) -> None:
    """Fingerprints, counts, recall, sources and a checksum for each file but itself."""
    manifest = opened.manifest
    assert manifest["format"] == module.FORMAT_VERSION
    assert manifest["version"] == opened.directory.name
    assert manifest["model"]["name"] == "hashing"
    assert manifest["analyzer"] == ANALYZER_VERSION
    assert manifest["cutter"] == "cutter-1"
    assert (manifest["documents"], manifest["groups"]) == (4, 3)
    assert manifest["languages"] == {"en": 2, "lt": 1, "lv": 1}
    assert manifest["dense"]["recall_at_10"] == 1.0
    assert manifest["sources"] == ["source.jsonl"]
    files = {str(path.relative_to(opened.directory)) for path in opened.directory.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == files - {MANIFEST}


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    """A build is a function of its source: every checksum agrees."""
    one, other = write(tmp_path / "one"), write(tmp_path / "two")
    files = [
        orjson.loads((tmp_path / place / MANIFEST).read_bytes())["files"] for place in (f"one/{one}", f"two/{other}")
    ]
    assert files[0] == files[1]


def test_nothing_is_visible_before_publish(tmp_path: Path) -> None:
    """A finished but unpublished version is listed, never opened by default."""
    version = write(tmp_path)
    with pytest.raises(SnapshotMissing, match="No index is published"):
        open_snapshot(tmp_path)
    assert [(entry.version, entry.published) for entry in list_snapshots(tmp_path)] == [(version, False)]
    assert open_snapshot(tmp_path, version).version == version


def test_an_unfinished_version_is_no_version(tmp_path: Path) -> None:
    """What a killed process left half-written is invisible, and the next run removes it."""
    version = release(tmp_path)
    staged = shutil.copytree(tmp_path / version, tmp_path / ".building-20261122T031500Z-1")
    assert [entry.version for entry in list_snapshots(tmp_path)] == [version]
    assert prune(tmp_path, 1) == []
    remove_unfinished(tmp_path)
    assert not staged.exists()
    assert open_snapshot(tmp_path).version == version


def test_further_parts_are_files_like_the_others(tmp_path: Path) -> None:
    """Whoever adds a part to a snapshot names it and gives its bytes; it is checked when the snapshot is opened."""
    version = write(tmp_path, **{"calibration.json": b"{}"})
    assert (tmp_path / version / "calibration.json").read_bytes() == b"{}"
    (tmp_path / version / "calibration.json").write_bytes(b"[]")
    with pytest.raises(SnapshotDamaged, match=r"calibration\.json was altered"):
        open_snapshot(tmp_path, version)


def test_publish_replaces_the_pointer_in_one_step(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CURRENT is renamed into place: at every moment it names one whole version, and no other file is touched."""
    old, before = published_version(root), tree(root)
    new = write(root, DOCUMENTS[:2])
    seen: list[tuple[str, str]] = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        seen.append((published_version(root), self.read_text().strip()))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    publish(root, new)
    assert seen == [(old, new)]
    assert published_version(root) == new
    after = tree(root)
    assert {name: after[name] for name in before if name != CURRENT} == {
        name: content for name, content in before.items() if name != CURRENT
    }
    assert not [name for name in after if name.startswith(".")]


def test_publishing_a_version_that_is_not_there_changes_nothing(root: Path) -> None:
    """The pointer never names nothing."""
    before = tree(root)
    with pytest.raises(SnapshotMissing, match="20990101T000000Z-ffff"):
        publish(root, "20990101T000000Z-ffff")
    assert tree(root) == before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """--out on a file is one sentence."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(SnapshotError, match=r"file cannot be written .*choose another --out"):
        write(tmp_path / "file")


def test_versions_are_listed_newest_first(tmp_path: Path) -> None:
    """With their size and which one is published; strangers in the directory are passed over."""
    built = [release(tmp_path, DOCUMENTS[:count]) for count in (1, 2, 3)]
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "events").mkdir()
    entries = list_snapshots(tmp_path)
    assert [entry.version for entry in entries] == built[::-1]
    assert [entry.published for entry in entries] == [True, False, False]
    for entry in entries:
        assert entry.bytes == sum(
            path.stat().st_size for path in (tmp_path / entry.version).rglob("*") if path.is_file()
        )


def test_builds_of_the_same_second_are_versions_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small help centre is built in a fraction of a second, perhaps twice from the same files."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2026, 11, 22, 3, 15, 59, tzinfo=UTC)

    monkeypatch.setattr(snapshot_writer, "datetime", Stopped)
    built = [release(tmp_path, DOCUMENTS[:count]) for count in (2, 2, 1, 3)]
    assert [entry.version for entry in list_snapshots(tmp_path)] == built[::-1]
    assert rollback(tmp_path) == built[2]


def test_rollback_goes_one_version_back_or_to_a_named_one(tmp_path: Path) -> None:
    """And refuses to go where there is nothing."""
    first, second, third = (release(tmp_path, DOCUMENTS[:count]) for count in (1, 2, 3))
    assert rollback(tmp_path) == second
    assert rollback(tmp_path) == first
    with pytest.raises(SnapshotMissing, match="no version older"):
        rollback(tmp_path)
    assert rollback(tmp_path, third) == third == published_version(tmp_path)
    with pytest.raises(SnapshotMissing, match="no version 'nonsense'"):
        rollback(tmp_path, "nonsense")
    assert published_version(tmp_path) == third


def test_rollback_rescues_from_a_damaged_published_version(tmp_path: Path) -> None:
    """The one moment when it is needed most: also with an unreadable manifest."""
    first, second = (release(tmp_path, DOCUMENTS[:count]) for count in (1, 2))
    (tmp_path / second / MANIFEST).write_bytes(b"{")
    assert rollback(tmp_path, first) == first
    publish_pointer = tmp_path / CURRENT
    publish_pointer.write_text(second + "\n")
    assert rollback(tmp_path) == first
    assert open_snapshot(tmp_path).version == first


def test_rollback_to_a_damaged_version_is_refused(tmp_path: Path) -> None:
    """What would not open is not published."""
    first, second = (release(tmp_path, DOCUMENTS[:count]) for count in (1, 2))
    (tmp_path / first / "passages.bin").write_bytes(b"")
    with pytest.raises(SnapshotDamaged):
        rollback(tmp_path)
    assert published_version(tmp_path) == second


def served(root: Path, count: int) -> str:
    """A version that is published as the indexer does it, with a line in the history."""
    version = write(root, DOCUMENTS[:count])
    versions.release(root, version, "build")
    return version


def test_prune_keeps_the_newest_and_the_published(tmp_path: Path) -> None:
    """However old the published one is."""
    built = [served(tmp_path, count) for count in (1, 2, 3, 4)]
    rollback(tmp_path, built[0])
    assert prune(tmp_path, 2) == [built[1]]
    assert sorted(entry.version for entry in list_snapshots(tmp_path)) == [built[0], *built[2:]]
    assert open_snapshot(tmp_path).version == built[0]
    assert prune(tmp_path, 2) == []


def test_a_refused_candidate_is_neither_gone_back_to_nor_kept_instead_of_a_good_version(tmp_path: Path) -> None:
    """What was never published is no version to fall back on; one that may still be published stays."""
    first, second = served(tmp_path, 1), served(tmp_path, 2)
    refused = write(tmp_path, DOCUMENTS[:3])
    versions.hold_back(tmp_path, refused, "update")
    third = served(tmp_path, 4)
    waiting = write(tmp_path, DOCUMENTS[1:])
    versions.hold_back(tmp_path, waiting, "update")
    assert rollback(tmp_path) == second
    assert rollback(tmp_path, third) == third
    assert prune(tmp_path, 2) == [refused, first]
    assert [entry.version for entry in list_snapshots(tmp_path)] == [waiting, third, second]


def test_a_version_in_use_is_not_pruned(tmp_path: Path) -> None:
    """A service may serve an older version than the published one; it goes when nobody holds it any more."""
    old = release(tmp_path)
    opened = open_snapshot(tmp_path)
    release(tmp_path, DOCUMENTS[:1])
    assert prune(tmp_path, 1) == []
    assert [opened.record(number)["id"] for number in range(4)] == [document.id for document in DOCUMENTS]
    assert opened.lexical.search(["~articl"], 5) is not None
    del opened
    gc.collect()
    assert prune(tmp_path, 1) == [old]
    assert not (tmp_path / old).exists()


def test_another_process_holds_a_version_as_well(tmp_path: Path) -> None:
    """And lets go of it by ending, however it ends."""
    old = release(tmp_path)
    release(tmp_path, DOCUMENTS[:1])
    code = (
        "import sys; from pathlib import Path; from kbsearch.snapshot import open_snapshot\n"
        f"held = open_snapshot(Path({str(tmp_path)!r}), {old!r}); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        assert prune(tmp_path, 1) == []
        reader.kill()
        reader.wait()
        assert prune(tmp_path, 1) == [old]


def test_the_history_says_who_published_what(tmp_path: Path) -> None:
    """With the list; a torn last line, as a crash leaves it, hides nothing else."""
    first, second = (write(tmp_path, DOCUMENTS[:count]) for count in (1, 2))
    versions.release(tmp_path, first, "build")
    versions.release(tmp_path, second, "update")
    rollback(tmp_path)
    with (tmp_path / versions.HISTORY).open("ab") as file:
        file.write(b'{"at": "2026')
    listed = {entry.version: entry.history for entry in list_snapshots(tmp_path)}
    assert [fact["published"] for fact in listed[first]] == ["build", "rollback"]
    assert [fact["published"] for fact in listed[second]] == ["update"]
    assert all("@" in fact["by"] and fact["at"].endswith("Z") for facts in listed.values() for fact in facts)


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_no_file_of_a_version_is_written_again(root: Path) -> None:
    """Opening and searching leave every byte and time as they were."""
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    opened = open_snapshot(root)
    opened.lexical.search(["~text"], 5)
    opened.spelling.correct("articlle", ["en"])
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == before
