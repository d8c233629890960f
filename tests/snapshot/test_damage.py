"""Every kind of damage to a snapshot is noticed before it serves, and named together with the way out."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest
from snapshot_writing import served

import indexer.cli
from kbsearch import snapshot as module
from kbsearch.errors import SnapshotDamaged, SnapshotError, SnapshotMismatch, SnapshotMissing
from kbsearch.snapshot import CURRENT, MANIFEST, open_snapshot, published_version, verify_snapshot
from kbsearch.versions import list_snapshots, rollback


@pytest.fixture
def root(handmade_index: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(handmade_index, tmp_path / "index"))


def current(root: Path) -> Path:
    return root / published_version(root)


FILES = sorted(
    [
        "attributes.json",
        "bodies.bin",
        "bodies.offsets.npy",
        "document_group.npy",
        "document_ids.npy",
        "documents.bin",
        "documents.offsets.npy",
        "editing.json",
        "passage_document.npy",
        "passages.bin",
        "passages.offsets.npy",
        "dense/report.json",
        "dense/vectors.faiss",
        "heads/telling.npy",
        "heads/vectors.npy",
        "lexical/contributions.npy",
        "lexical/hashes.npy",
        "lexical/idf.npy",
        "lexical/indptr.npy",
        "lexical/passages.npy",
        "lexical/statistics.json",
        "marks/ends.npy",
        "marks/offsets.npy",
        "marks/starts.npy",
        "marks/stems.npy",
        "spelling/hashes.npy",
        "spelling/keys.npy",
        "spelling/owner.npy",
        "spelling/owners.npy",
        "spelling/times.npy",
        "spelling/words.bin",
        "spelling/words.offsets.npy",
        "titles/documents.npy",
        "titles/indptr.npy",
        "titles/keyed.npy",
        "titles/keys.npy",
        "titles/stem_count.npy",
        "titles/stem_documents.npy",
        "titles/stem_start.npy",
        "titles/stems.npy",
        "titles/words.txt",
    ]
    + [f"attribute_{name}.{part}.npy" for name in module.ATTRIBUTES for part in ("indptr", "documents")]
)


def test_the_list_of_files_is_complete(handmade_index: Path) -> None:
    """The damage below is done to every file of a snapshot."""
    assert sorted(orjson.loads((current(handmade_index) / MANIFEST).read_bytes())["files"]) == FILES


@pytest.mark.parametrize("name", FILES)
def test_verify_finds_damage_in_every_file(name: str, root: Path) -> None:
    """Missing, cut short or altered by one bit: named, with the command that repairs it, and not opened."""
    path = current(root) / name
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    for damage, said in ((None, "is missing"), (content[:-1], "holds"), (bytes(flipped), "was altered")):
        path.unlink(missing_ok=True)
        if damage is not None:
            path.write_bytes(damage)
        for check in (lambda: verify_snapshot(current(root)), lambda: open_snapshot(root)):
            with pytest.raises(SnapshotDamaged, match=said) as caught:
                check()
            assert str(path) in str(caught.value)
            assert "kbsearch-index build" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1}'], ids=repr)
def test_a_damaged_manifest_is_named(content: bytes, root: Path) -> None:
    """Whatever stands in it instead, the sentence names the file."""
    (current(root) / MANIFEST).write_bytes(content)
    with pytest.raises(SnapshotError, match=str(current(root))):
        open_snapshot(root)


def test_a_missing_manifest_is_named(root: Path) -> None:
    """A directory without manifest is no snapshot."""
    (current(root) / MANIFEST).unlink()
    with pytest.raises(SnapshotMissing, match="is no snapshot"):
        open_snapshot(root)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("format", 2, "has format 2, this kbsearch reads 1"),
        ("format", None, "has format None"),
        ("analyzer", "0", "was analysed by version 0"),
    ],
)
def test_what_another_version_wrote_is_told_apart_from_damage(field: str, value: object, said: str, root: Path) -> None:
    """A mismatch says which side differs and the rebuild command."""
    path = current(root) / MANIFEST
    manifest = orjson.loads(path.read_bytes()) | {field: value}
    path.write_bytes(orjson.dumps(manifest))
    with pytest.raises(SnapshotMismatch, match=said) as caught:
        open_snapshot(root)
    assert f"kbsearch-index build SOURCE --out {root}" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"../elsewhere", b".hidden", b"\xff\xfe\x00", 20 * b"\0"], ids=repr)
def test_a_broken_pointer_is_repaired_by_the_command_it_names(content: bytes, root: Path) -> None:
    """The message says `rollback`, and rollback works."""
    version = published_version(root)
    (root / CURRENT).write_bytes(content)
    with pytest.raises(SnapshotDamaged, match="kbsearch-index rollback"):
        open_snapshot(root)
    assert rollback(root) == version
    assert open_snapshot(root).version == version


def test_a_pointer_to_a_removed_version_is_named(root: Path) -> None:
    """Somebody deleted the directory by hand."""
    version = published_version(root)
    shutil.rmtree(root / version)
    with pytest.raises(SnapshotMissing, match=version):
        open_snapshot(root)


def test_an_absent_or_empty_directory(tmp_path: Path) -> None:
    """Says what to run."""
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(SnapshotMissing, match=r"kbsearch-index build SOURCE --out"):
            open_snapshot(root)
    with pytest.raises(SnapshotMissing):
        list_snapshots(tmp_path / "absent")


@pytest.mark.parametrize("content", [b"{}", b"[]", b"\xff"], ids=repr)
def test_a_damaged_version_hides_no_other(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever looks for a version to go back to sees all of them, and which one is not to be trusted."""
    first, second = served(tmp_path, 4), served(tmp_path, 2)
    (tmp_path / second / MANIFEST).write_bytes(content)
    for command, whole in (("list", first), ("verify", f"1 version verified: {first}.")):
        assert indexer.cli.main([command, str(tmp_path)]) == 1
        said = capsys.readouterr()
        assert whole in said.out
        assert str(tmp_path / second) in said.err
        assert f"rebuild it: kbsearch-index build SOURCE --out {tmp_path}" in said.err
    assert f"serve a whole one: kbsearch-index rollback {tmp_path}" in said.err
    assert indexer.cli.main(["list", str(tmp_path), "--json"]) == 1
    damaged, whole_one = orjson.loads(capsys.readouterr().out)
    assert damaged["version"] == second
    assert damaged["published"]
    assert MANIFEST in damaged["fault"]
    assert (whole_one["version"], whole_one["documents"]) == (first, 4)
    assert indexer.cli.main(["verify", str(tmp_path), "--json"]) == 1
    verified = orjson.loads(capsys.readouterr().out)
    assert (verified["verified"], list(verified["faults"])) == ([first], [second])
    assert indexer.cli.main(["rollback", str(tmp_path)]) == 0
    assert published_version(tmp_path) == first
