"""Builds that are killed, locked out, or run out of disk: what is published stays, and the next run goes on."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from glob import glob
from pathlib import Path
from typing import Any

import orjson
import pytest

from indexer import pipeline
from indexer.pipeline import build
from kbsearch.disk import only_one
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.errors import SnapshotError, SourceError
from kbsearch.snapshot import CURRENT, MANIFEST, open_snapshot, published_version, verify_snapshot
from kbsearch.versions import LOCK, version_directories

Write = Callable[..., Path]
Row = dict[str, Any]

COMMAND = [sys.executable, "-c", "import sys; from indexer.cli import main; sys.exit(main())"]


def articles(count: int, edition: int = 0) -> list[Row]:
    """`edition` changes a tenth of them."""
    return [
        {
            "id": f"a{number}",
            "title": f"Article {number}",
            "body": f"How to do thing {number}. " * 12 + (f"Edition {edition}." if number % 10 == edition % 10 else ""),
            "lang": "en",
        }
        for number in range(count)
    ]


def start(command: str, source: Path, out: Path, **options: Any) -> subprocess.Popen[bytes]:
    arguments = [*COMMAND, command, str(source), "--out", str(out), "--model", "hashing", "--json"]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout.decode(), stderr.decode()


def workers_of(pid: int) -> list[int]:
    """Its child processes, from /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


def content(root: Path) -> dict[str, bytes]:
    directory = root / published_version(root)
    files = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    manifest = orjson.loads(files.pop(MANIFEST))
    del manifest["version"], manifest["created_at"]
    return files | {MANIFEST: orjson.dumps(manifest)}


@pytest.fixture
def published(tmp_path: Path, write_jsonl: Write) -> Path:
    """A directory with one version of three articles."""
    build([write_jsonl(tmp_path / "first.jsonl", articles(3))], tmp_path / "index", embedder=HashingEmbedder())
    return tmp_path / "index"


def test_the_second_run_says_who_is_at_it(published: Path, tmp_path: Path) -> None:
    """Process, host, what and since when; the first one is not disturbed."""
    with only_one(published / LOCK, "build"), pytest.raises(SnapshotError) as caught:
        build([tmp_path / "first.jsonl"], published, embedder=HashingEmbedder())
    message = str(caught.value)
    assert f"process {os.getpid()} on {os.uname().nodename} (build, since 20" in message
    assert "wait until it is done" in message


def test_the_lock_of_a_dead_process_is_no_lock(published: Path, tmp_path: Path) -> None:
    """A killed process leaves the file and its own name in it, but not the lock."""
    code = (
        "import sys, time; from pathlib import Path; from kbsearch.disk import only_one\n"
        f"with only_one(Path({str(published / LOCK)!r}), 'build'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(SnapshotError, match=f"process {holder.pid} "):
            build([tmp_path / "first.jsonl"], published, embedder=HashingEmbedder())
        holder.kill()
        holder.wait()
    assert build([tmp_path / "first.jsonl"], published, embedder=HashingEmbedder()).documents == 3


@pytest.mark.slow
def test_a_killed_build_goes_on_where_it_was(tmp_path: Path, write_jsonl: Write, published: Path) -> None:
    """Finished batches are not made again, no worker outlives its parent, and the result is that of one run."""
    source = write_jsonl(tmp_path / "s.jsonl", articles(6000))
    before = published_version(published)
    rows = str(published / ".cache" / "rows-*" / "[0-9]*.rows")
    process = start("build", source, published)
    deadline = time.monotonic() + 60
    while len(glob(rows)) < 2:  # unlike Path.glob, it bears a folder that the build removes meanwhile
        assert process.poll() is None, finish(process)
        assert time.monotonic() < deadline
        time.sleep(0.005)
    workers = workers_of(process.pid)
    assert workers
    process.kill()
    finish(process)
    assert published_version(published) == before
    assert [path.name for path in version_directories(published)] == [before]
    verify_snapshot(published / before)
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    code, stdout, stderr = finish(start("build", source, published))
    assert code == 0, stderr
    report = json.loads(stdout)
    assert report["documents"] == 6000
    assert 0 < report["documents_analysed"] <= 4000
    assert [path.name for path in published.iterdir() if path.name.startswith(".building-")] == []
    build([source], tmp_path / "fresh", embedder=HashingEmbedder())
    assert content(published) == content(tmp_path / "fresh")


@pytest.mark.slow
def test_a_worker_that_dies_ends_the_run_in_one_sentence(tmp_path: Path, write_jsonl: Write, published: Path) -> None:
    """As the kernel does when memory is short."""
    before = published_version(published)
    process = start("build", write_jsonl(tmp_path / "s.jsonl", articles(6000)), published)
    deadline = time.monotonic() + 60
    while not (workers := workers_of(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(workers[0], signal.SIGKILL)
    code, _, stderr = finish(process)
    assert code == 1
    assert "ended early" in stderr
    assert "Traceback" not in stderr
    assert published_version(published) == before


@pytest.mark.slow
def test_an_interrupt_from_the_keyboard_stops_quietly(tmp_path: Path, write_jsonl: Write, published: Path) -> None:
    """Exit code 130 and one line."""
    process = start("build", write_jsonl(tmp_path / "s.jsonl", articles(6000)), published, start_new_session=True)
    deadline = time.monotonic() + 60
    while not workers_of(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    code, _, stderr = finish(process)
    assert code == 130
    assert stderr.count("\n") == 1
    assert "nothing was published" in stderr


def test_a_source_that_disappears_half_way(
    tmp_path: Path, write_jsonl: Write, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share that is unmounted must not look like a help centre whose articles were deleted."""
    before = published_version(published)
    folder = tmp_path / "share"
    for row in articles(9):
        write_jsonl(folder / f"{row['id']}.jsonl", [row])
    given = []
    really = pipeline.RowMaker.add

    def add(self: pipeline.RowMaker, document: Any) -> None:
        given.append(document.id)
        if len(given) == 3:
            shutil.rmtree(folder)
        really(self, document)

    monkeypatch.setattr(pipeline.RowMaker, "add", add)
    with pytest.raises(SourceError, match="share disappeared while it was read; nothing was published"):
        build([folder], published, embedder=HashingEmbedder(), update=True)
    assert 3 <= len(given) < 9
    assert published_version(published) == before


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


@pytest.mark.slow
def test_a_disk_that_takes_no_more(tmp_path: Path, write_jsonl: Write, published: Path) -> None:
    """One sentence, nothing half-published; with room again the same command works."""
    before = names(published)
    source = write_jsonl(tmp_path / "s.jsonl", articles(2500))
    code, _, stderr = finish(start("build", source, published, preexec_fn=limit_files))
    assert code == 1
    assert "cannot be written" in stderr
    assert "Traceback" not in stderr
    assert_untouched(published, before)
    assert finish(start("build", source, published))[0] == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk(small_disk: Path, tmp_path: Path, write_jsonl: Write) -> None:
    """Wherever the room ends: among the finished batches or in the snapshot."""
    index = small_disk / "index"
    build([write_jsonl(tmp_path / "first.jsonl", articles(3))], index, embedder=HashingEmbedder())
    before = names(index)
    for count in (300, 500, 1000, 2500):
        source = write_jsonl(tmp_path / "s.jsonl", articles(count))
        code, _, stderr = finish(start("build", source, index))
        if code:
            assert (code, "Traceback" in stderr) == (1, False), stderr
            assert "cannot be written (No space left on device)" in stderr
            assert_untouched(index, before)
            break
        before = names(index)
    else:
        pytest.fail("two megabytes were enough")


def test_a_disk_that_cannot_be_written(small_disk: Path, tmp_path: Path, write_jsonl: Write) -> None:
    """Read-only: said at once."""
    index = small_disk / "index"
    source = write_jsonl(tmp_path / "first.jsonl", articles(3))
    build([source], index, embedder=HashingEmbedder())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for command in ("build", "update"):
        code, _, stderr = finish(start(command, source, index))
        assert code == 1
        assert "cannot be written (Read-only file system)" in stderr
    assert open_snapshot(index).document_count == 3


def assert_untouched(root: Path, before: list[str]) -> None:
    """The same versions, the newest of them published, each whole."""
    assert [path.name for path in version_directories(root)] == before
    assert published_version(root) == before[0]
    for version in before:
        verify_snapshot(root / version)


def names(root: Path) -> list[str]:
    return [path.name for path in version_directories(root)]


@pytest.mark.slow
def test_kills_at_random_moments_hurt_nobody(tmp_path: Path) -> None:
    """Every request answered, every version whole, the end that of an undisturbed build; 200: benchmarks/kills.py."""
    from benchmarks.kills import torture

    figures = torture(tmp_path, kills=8)
    assert figures["kills"] == 8
    assert figures["failed_requests"] == figures["damaged_versions"] == 0
    assert figures["searches_answered"] > 8
    assert figures["equals_undisturbed_build"]


def test_the_pointer_is_the_last_thing_written(published: Path, tmp_path: Path) -> None:
    """Whatever is killed before it leaves the old version published; CURRENT is never half-written."""
    assert (published / CURRENT).read_text() == published_version(published) + "\n"
    report = build([tmp_path / "first.jsonl"], published, embedder=HashingEmbedder(), publishing=False)
    assert not report.published
    assert published_version(published) != report.version
    assert open_snapshot(published, report.version).document_count == 3
