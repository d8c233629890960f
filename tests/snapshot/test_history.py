"""Versions side by side: list, roll back, prune, and who did what."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from snapshot_writing import DOCUMENTS, release, served, write

import indexer.cli
from kbsearch import calibration, manifest, snapshot_writer, versions
from kbsearch.calibration import publish_calibrated
from kbsearch.disk import only_one
from kbsearch.errors import SnapshotDamaged, SnapshotError, SnapshotMissing
from kbsearch.snapshot import (
    CURRENT,
    MANIFEST,
    open_snapshot,
    published_version,
)
from kbsearch.snapshot_writer import remove_unfinished
from kbsearch.versions import list_snapshots, prune, publish_existing, rollback

pytestmark = pytest.mark.usefixtures("clock")


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


@pytest.fixture
def stopped_clock(clock: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every build begins in the same second; instead of `clock`, and so after it."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2026, 11, 22, 3, 15, 59, tzinfo=UTC)

    for module in (snapshot_writer, calibration):
        monkeypatch.setattr(module, "datetime", Stopped)


@pytest.mark.usefixtures("stopped_clock")
def test_builds_of_the_same_second_are_versions_in_their_order(tmp_path: Path) -> None:
    """A small help centre is built in a fraction of a second, perhaps twice from the same files."""
    built = [release(tmp_path, DOCUMENTS[:count]) for count in (2, 2, 1, 3)]
    assert [entry.version for entry in list_snapshots(tmp_path)] == built[::-1]
    assert rollback(tmp_path) == built[2]


@pytest.mark.usefixtures("stopped_clock")
def test_a_version_that_was_removed_leaves_the_order_alone(tmp_path: Path) -> None:
    """Three builds within one second, and the first of them gone: the last is still the newest."""
    first, second = write(tmp_path, DOCUMENTS[:1]), write(tmp_path, DOCUMENTS[:2])
    assert versions.discard(tmp_path, first)
    third = write(tmp_path, DOCUMENTS[:3])
    assert [entry.version for entry in list_snapshots(tmp_path)] == [third, second]


@pytest.mark.usefixtures("stopped_clock")
def test_a_calibrated_version_is_newer_than_the_one_it_was_made_from(tmp_path: Path) -> None:
    """Also where builds of one second have names that are ahead of the clock; rolling back leads to its source."""
    for count in (1, 2, 3):
        source = served(tmp_path, count)
    first = publish_calibrated(tmp_path, b"{}", source)
    second = publish_calibrated(tmp_path, b"[]", source)
    assert [entry.version for entry in list_snapshots(tmp_path)][:3] == [second, first, source]
    assert rollback(tmp_path) == first
    assert rollback(tmp_path) == source


def test_nothing_is_published_beside_somebody_who_writes_a_version(tmp_path: Path) -> None:
    """What they publish at the end would undo it, and nobody would notice."""
    first, second = (served(tmp_path, count) for count in (1, 2))
    for publishing in (lambda: rollback(tmp_path), lambda: publish_existing(tmp_path, first)):
        with (
            only_one(tmp_path / versions.LOCK, "update"),
            pytest.raises(SnapshotError, match=r"\(update, since .*wait until it is done"),
        ):
            publishing()
        assert published_version(tmp_path) == second
    publish_existing(tmp_path, first)
    assert published_version(tmp_path) == first


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


def test_a_copy_of_a_version_is_served_under_its_own_name(tmp_path: Path) -> None:
    """A service that took it for the first one would open it again at every look at CURRENT."""
    copied = release(tmp_path, DOCUMENTS) + "-kept"
    shutil.copytree(tmp_path / published_version(tmp_path), tmp_path / copied)
    assert rollback(tmp_path, copied) == copied
    assert open_snapshot(tmp_path).version == published_version(tmp_path) == copied


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
    path = tmp_path / first / "passages.bin"
    content = path.read_bytes()
    for damaged in (b"", bytes([content[0] ^ 1]) + content[1:]):
        path.write_bytes(damaged)
        for publishing in (lambda: rollback(tmp_path), lambda: publish_existing(tmp_path, first)):
            with pytest.raises(SnapshotDamaged):
                publishing()
    assert published_version(tmp_path) == second


def test_prune_keeps_the_newest_and_the_published(tmp_path: Path) -> None:
    """However old the published one is."""
    built = [served(tmp_path, count) for count in (1, 2, 3, 4)]
    rollback(tmp_path, built[0])
    assert prune(tmp_path, 2) == [built[1]]
    assert sorted(entry.version for entry in list_snapshots(tmp_path)) == [built[0], *built[2:]]
    assert open_snapshot(tmp_path).version == built[0]
    assert prune(tmp_path, 2) == []


@pytest.mark.parametrize("pointer", [None, "", "20990101T000000Z-ffff"])
def test_prune_removes_nothing_while_nothing_is_published(pointer: str | None, tmp_path: Path) -> None:
    """The version that a damaged pointer led to may be the oldest one."""
    built = [served(tmp_path, count) for count in (1, 2, 3)]
    rollback(tmp_path, built[0])
    if pointer is None:
        (tmp_path / manifest.CURRENT).unlink()
    else:
        (tmp_path / manifest.CURRENT).write_text(pointer)
    with pytest.raises(SnapshotMissing, match="nothing is removed; run: kbsearch-index rollback"):
        prune(tmp_path, 1)
    assert [entry.version for entry in list_snapshots(tmp_path)] == built[::-1]


def test_what_was_removed_meanwhile_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for prune to let go of a version finds it gone, and the pointer stays where it was."""
    old, published = served(tmp_path, 1), served(tmp_path, 2)

    def wait_for_prune(path: Path) -> int:
        descriptor = os.open(path, os.O_RDONLY)
        assert prune(tmp_path, 1) == [old]
        return descriptor

    monkeypatch.setattr(manifest, "hold_open", wait_for_prune)
    with pytest.raises(SnapshotMissing, match=old):
        manifest.publish(tmp_path, old)
    monkeypatch.undo()
    with pytest.raises(SnapshotMissing, match=old):
        manifest.publish(tmp_path, old)
    assert published_version(tmp_path) == published


def test_a_version_is_not_pruned_while_it_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else half of its files were there, and a sound version would be called damaged."""
    old = served(tmp_path, 1)
    served(tmp_path, 2)
    sha256 = manifest.sha256

    def sha256_beside_prune(path: Path) -> str:
        assert prune(tmp_path, 1) == []
        return sha256(path)

    monkeypatch.setattr(manifest, "sha256", sha256_beside_prune)
    manifest.verify_snapshot(tmp_path / old)
    assert prune(tmp_path, 1) == [old]


def test_what_another_prune_removed_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two at once, a list and a check beside them: each version is removed by one of them, and nobody fails."""
    old, middle, published = (served(tmp_path, count) for count in (1, 2, 3))
    unless_in_use = versions.unless_in_use

    @contextmanager
    def late(path: Path) -> Iterator[bool]:
        monkeypatch.setattr(versions, "unless_in_use", unless_in_use)
        assert prune(tmp_path, 2) == [old]
        with unless_in_use(path) as free:
            yield free

    @contextmanager
    def later(path: Path) -> Iterator[bool]:
        monkeypatch.setattr(versions, "unless_in_use", unless_in_use)
        with path.open():
            assert prune(tmp_path, 1) == [middle]
            yield True

    listed = list_snapshots(tmp_path)
    monkeypatch.setattr(versions, "unless_in_use", late)
    assert prune(tmp_path, 2) == []
    monkeypatch.setattr(versions, "unless_in_use", later)
    assert prune(tmp_path, 1) == []
    monkeypatch.setattr(indexer.cli, "list_snapshots", lambda root: listed)
    assert indexer.cli.main(["verify", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"1 version verified: {published}.\n"
    found = versions._versions(tmp_path)
    monkeypatch.setattr(versions, "_versions", lambda root: ([*found[0], old], found[1]))
    assert [entry.version for entry in list_snapshots(tmp_path)] == [published]


def test_what_a_killed_prune_leaves_is_removed_by_the_next_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its first step on it is no version any more."""
    served(tmp_path, 1)
    published = served(tmp_path, 2)

    def killed(path: Path) -> None:
        (path / MANIFEST).unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(versions.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        prune(tmp_path, 1)
    monkeypatch.undo()
    assert [entry.version for entry in list_snapshots(tmp_path)] == [published]
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [published]


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


def test_of_refused_versions_the_last_is_kept_and_those_published_all_the_same(tmp_path: Path) -> None:
    """Somebody may fall back on a version that served, whatever the gate said of it."""
    first = served(tmp_path, 1)
    refused = [write(tmp_path, DOCUMENTS[:count]) for count in (2, 3, 4)]
    versions.refuse(tmp_path, refused[0], "broke 3")
    publish_existing(tmp_path, refused[0])
    rollback(tmp_path, first)
    for version in refused[1:]:
        versions.refuse(tmp_path, version, "broke 3")
    assert [entry.version for entry in list_snapshots(tmp_path)] == [refused[2], refused[0], first]


def test_what_follows_a_torn_line_is_not_lost(tmp_path: Path) -> None:
    """A line that a full disk cut short swallows no other: what was held back is still not gone back to."""
    first = served(tmp_path, 1)
    path = tmp_path / versions.HISTORY
    path.write_bytes(path.read_bytes() + b'{"at": "2026')
    held = write(tmp_path, DOCUMENTS[:2])
    versions.hold_back(tmp_path, held, "update")
    served(tmp_path, 3)
    told = [fact.keys() & {"published", "written"} for fact in versions.history(tmp_path)]
    assert told == [{"published"}, {"written"}, {"published"}]
    assert path.read_bytes().count(b"\n") == 4
    assert rollback(tmp_path) == first


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


def test_a_user_without_a_name_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As containers have it: publishing works, and the history says the number."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    version = served(tmp_path, 1)
    assert published_version(tmp_path) == version
    assert versions.history(tmp_path)[0]["by"].startswith("uid-3999999999@")


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
