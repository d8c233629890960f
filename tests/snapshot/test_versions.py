"""Versions side by side and one pointer: what is written is read back, and publishing replaces the pointer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray
from snapshot_writing import DOCUMENTS, release, write

from indexer.cut import cut
from kbsearch import snapshot as module
from kbsearch.calibration import publish_calibrated
from kbsearch.errors import SnapshotDamaged, SnapshotError, SnapshotMissing
from kbsearch.grouping import name_facets
from kbsearch.index.arrays import hash_texts
from kbsearch.index.candidate_kernels import with_group_in
from kbsearch.index.result_kernels import best_members, count_codes
from kbsearch.snapshot import (
    CURRENT,
    MANIFEST,
    Snapshot,
    open_snapshot,
    publish,
    published_version,
)
from kbsearch.snapshot_writer import remove_unfinished
from kbsearch.text.analyze import ANALYZER_VERSION
from kbsearch.types import CutDocument
from kbsearch.versions import list_snapshots, prune

pytestmark = pytest.mark.usefixtures("clock")


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


def test_what_a_word_is_corrected_to_counts_as_it_does_in_the_lexical_index(opened: Snapshot) -> None:
    """Four times in a title, twice in a heading or tag, once in the text of each passage."""
    words = opened.spelling._words
    counted = {folded: forms for folded, forms in map(orjson.loads, (words[n] for n in range(len(words))))}
    assert counted["first"] == [[5, "first", "en"]]
    assert counted["body"] == [[1, "body", "en"]]
    assert counted["part"] == [[2, "part", "en"]]


def test_an_id_that_shares_another_ones_number_is_unknown(opened: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two texts with one hash are two texts: what is asked for by id is shown by id."""
    monkeypatch.setattr(module, "hash_texts", lambda _: hash_texts([DOCUMENTS[0].id]))
    assert opened.number_of(DOCUMENTS[0].id) == 0
    assert opened.number_of("another") is None


def shown_members(
    opened: Snapshot, documents: NDArray[np.int32], welcome: NDArray[np.float32], allowed: NDArray[np.bool_]
) -> list[int]:
    places = (opened.document_group, opened.group_start, opened.group_documents, opened.document_lang)
    shown: list[int] = best_members(documents, *places, welcome, allowed).tolist()
    return shown


def in_groups_with(
    opened: Snapshot, documents: NDArray[np.int32], tags: tuple[str, ...], allowed: NDArray[np.bool_]
) -> list[bool]:
    places = (opened.document_group, opened.group_start, opened.group_documents, opened.document_lang)
    found: list[bool] = with_group_in(documents, *places, opened.spoken(tags), allowed).tolist()
    return found


def test_groups_and_translations(opened: Snapshot) -> None:
    """Members in reading order; which groups speak a language, and the member to show to who prefers one."""
    assert [opened.group_members(group).tolist() for group in range(3)] == [[0, 1], [2], [3]]
    names = opened.values["lang"]
    documents = np.asarray([0, 1, 2, 3], dtype=np.int32)
    assert {lang: in_groups_with(opened, documents, (lang,), np.empty(0, np.bool_)) for lang in names} == {
        "en": [True, True, True, False],
        "lv": [True, True, False, False],
        "lt": [False, False, False, True],
    }
    latvian = np.asarray([float(name == "lv") for name in names], dtype=np.float32)
    assert shown_members(opened, documents, latvian, np.empty(0, np.bool_)) == [1, 1, 2, 3]


def test_a_translation_that_may_not_be_seen_is_none(opened: Snapshot) -> None:
    """The group does not speak its language, and what was found is shown instead."""
    seen = np.asarray([True, False, True, True])
    latvian = np.asarray([name == "lv" for name in opened.values["lang"]])
    first = np.asarray([0], dtype=np.int32)
    assert in_groups_with(opened, first, ("lv",), seen) == [False]
    assert shown_members(opened, first, latvian.astype(np.float32), seen) == [0]


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


def test_facets_of_documents(opened: Snapshot) -> None:
    """Each document in each of its categories, most frequent first, then in the order in which they were first seen."""

    def facets(*documents: int) -> dict[str, dict[str, int]]:
        types, starts, categories, type_count = opened.articles[-1]
        counts = np.zeros(opened.facets_size, np.int64)
        parts = np.split(counts, [type_count, type_count + len(opened.values["lang"])])
        count_codes(np.asarray(documents, np.int32), types, opened.document_lang, starts, categories, *parts)
        return name_facets(opened, counts)

    assert facets(0)["category"] == {"One": 1, "Two": 1}
    assert facets(3)["category"] == {}
    both = facets(3, 0, 1)
    assert list(both["lang"].items()) == [("en", 1), ("lv", 1), ("lt", 1)]


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


def test_a_version_is_on_the_disk_before_it_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each directory is flushed after what it holds, as written and as calibrated."""
    flushed: list[int] = []
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        flush(descriptor)
        flushed.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    version = release(tmp_path)
    for name in (version, publish_calibrated(tmp_path, b"{}", version)):
        of = {path: flushed.index(path.stat().st_ino) for path in (tmp_path / name).rglob("*")}
        of[tmp_path / name] = flushed.index((tmp_path / name).stat().st_ino)
        new = {path for path in of if path.is_dir() or path.stat().st_nlink == 1}
        assert all(of[path] < of[path.parent] for path in new if path.parent in of)
        assert max(of.values()) < flushed.index((tmp_path / CURRENT).stat().st_ino)


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


def test_a_version_that_lacks_a_file_is_not_published(root: Path) -> None:
    """Nor one whose file was cut short; what was published stays."""
    old, new = published_version(root), write(root, DOCUMENTS[:2])
    path = root / new / "documents.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SnapshotDamaged, match=r"documents\.bin holds"):
        publish(root, new)
    path.unlink()
    with pytest.raises(SnapshotDamaged, match=r"documents\.bin is missing"):
        publish(root, new)
    assert published_version(root) == old


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """--out on a file is one sentence."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(SnapshotError, match=r"file cannot be written .*choose another --out"):
        write(tmp_path / "file")


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_no_file_of_a_version_is_written_again(root: Path) -> None:
    """Opening and searching leave every byte and time as they were."""
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    opened = open_snapshot(root)
    opened.lexical.search(["~text"], 5)
    opened.spelling.correct("articlle", ["en"])
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == before
