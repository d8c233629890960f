"""`kbsearch-index watch`: changes that came to rest are indexed; a bad state is said, and waited out."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

import indexer.cli
import indexer.watch
from indexer.pipeline import build
from indexer.watch import RETRIED_AFTER, Watch, look
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.snapshot import open_snapshot, published_version


class Stop(Exception):
    """Ends a watch."""


def watched(
    path: Path, script: list[Callable[[], Any] | None], outcomes: Iterator[bool], step: float = 1.0
) -> list[float]:
    """Run a watch through a script of what happens between two looks; returns when updates ran."""
    now = [0.0]
    updates: list[float] = []
    steps = iter(script)

    def sleep(seconds: float) -> None:
        now[0] += max(step, seconds)
        action = next(steps, Stop)
        if action is Stop:
            raise Stop
        if action is not None:
            action()

    def update() -> bool:
        updates.append(now[0])
        return next(outcomes)

    with pytest.raises(Stop):
        Watch([path], update, 1.0, sleep=sleep, clock=lambda: now[0]).run()
    return updates


def always() -> Iterator[bool]:
    while True:
        yield True


def test_an_update_at_the_start_and_after_each_change(tmp_path: Path) -> None:
    """Once each, when two looks in a row agree; deleting and renaming are changes too."""
    (tmp_path / "a.md").write_text("a")
    script = [
        None,
        None,
        lambda: (tmp_path / "a.md").write_text("longer"),  # at 3: seen at 3, at rest at 4
        None,
        None,
        lambda: (tmp_path / "a.md").rename(tmp_path / "b.md"),  # at 6
        None,
        lambda: (tmp_path / "b.md").unlink(),  # at 8
        None,
        None,
    ]
    assert watched(tmp_path, script, always()) == [0.0, 4.0, 7.0, 9.0]


def test_a_copy_in_progress_is_waited_for(tmp_path: Path) -> None:
    """Files that grow at every look are indexed once, when they do no more."""

    def grow() -> None:
        with (tmp_path / "a.md").open("a") as file:
            file.write("more")

    assert watched(tmp_path, [grow] * 6 + [None] * 4, always()) == [0.0, 7.0]


def test_what_changes_during_an_update_is_indexed_next(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")

    def outcomes() -> Iterator[bool]:
        (tmp_path / "b.md").write_text("b")
        yield True
        yield True

    assert watched(tmp_path, [None] * 5, outcomes()) == [0.0, 2.0]


def test_a_bad_state_is_tried_again_after_a_minute_or_a_change(tmp_path: Path) -> None:
    """Not at every look."""
    (tmp_path / "a.md").write_text("a")
    script = [None] * 70 + [lambda: (tmp_path / "a.md").write_text("changed")] + [None] * 5
    updates = watched(tmp_path, script, iter([False, False, True]))
    assert updates == [0.0, RETRIED_AFTER, 72.0]


def test_hidden_files_do_not_count(tmp_path: Path) -> None:
    """Nor do their folders: an editor's swap file is no article."""
    for name in ("a.md", ".a.md.swp", ".git/index", "sub/b.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert sorted(Path(name).name for name in look([tmp_path])) == ["a.md", "b.md"]
    assert list(look([tmp_path / "a.md"])) == [str(tmp_path / "a.md")]
    assert look([tmp_path / "absent"]) == {}


def test_a_publication_is_no_change(tmp_path: Path) -> None:
    """Where the index lies among the sources; else every update would be followed by another one."""
    source = tmp_path / "kb"
    source.mkdir()
    (source / "a.md").write_text("# Reset a password\n\nOpen the page.\n")
    before = look([source])
    for publishing in (False, True):  # the index is one before its first publication as well
        build([source], source / "index", embedder=HashingEmbedder(), publishing=publishing)
        assert look([source]) == before


def test_what_is_skipped_is_said_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    """As build says it, with each update."""

    class Once(Watch):
        def run(self) -> NoReturn:
            assert self._update()
            raise KeyboardInterrupt

    monkeypatch.setattr(indexer.watch, "Watch", Once)
    source = tmp_path / "kb.jsonl"
    source.write_text('{"id": "a", "title": "Reset a password", "body": "Open the page."}\nbroken\n')
    index = tmp_path / "i"
    assert indexer.cli.main(["watch", str(source), "--out", str(index), "--model", "hashing", "--json"]) == 0
    printed = capfd.readouterr()
    assert f"skipped {source}:2: " in printed.err
    assert "1 line skipped" in printed.err
    report = json.loads(printed.out)
    assert (report["version"], report["documents"]) == (published_version(index), 1)


@pytest.mark.parametrize("command", ["build", "watch"])
def test_names_of_files_do_not_steer_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any, command: str
) -> None:
    """Nor do they make a line of their own: an archive from outside may call its files anything."""

    class Once(Watch):
        def run(self) -> NoReturn:
            assert self._update()
            raise KeyboardInterrupt

    monkeypatch.setattr(indexer.watch, "Watch", Once)
    (tmp_path / "a.md").write_text("# Reset a password\n\nOpen the page.\n")
    (tmp_path / "b\x1b[2J\nskipped.md").write_text("")
    arguments = [command, str(tmp_path), "--out", str(tmp_path / "i"), "--model", "hashing"]
    assert indexer.cli.main(arguments) == 0
    said = capfd.readouterr().err
    assert f"skipped {tmp_path}/b\\u001b[2J skipped.md: the file is empty\n" in said
    assert "\x1b" not in said


@pytest.mark.slow
def test_the_command_keeps_going(tmp_path: Path) -> None:
    """A real process: it publishes, survives sources that disappear, and publishes again when they are back."""
    source, index = tmp_path / "kb", tmp_path / "index"
    source.mkdir()
    (source / "a.md").write_text("# Reset a password\n\nOpen the page.\n")
    code = "import sys; from indexer.cli import main; sys.exit(main())"
    arguments = ["watch", str(source), "--out", str(index), "--model", "hashing", "--every", "0.2"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said: queue.Queue[str] = queue.Queue()
    assert process.stderr is not None
    reader = threading.Thread(target=lambda: [said.put(line) for line in process.stderr or ()])
    reader.start()
    try:
        assert "1 document (1 analysed)" in said.get(timeout=90)
        (source / "b.md").write_text("# Track an order\n\nLook at the map.\n")
        assert "2 documents (1 analysed)" in said.get(timeout=60)
        shutil.move(source, tmp_path / "away")
        assert "kb does not exist" in said.get(timeout=60)
        assert open_snapshot(index).document_count == 2
        shutil.move(tmp_path / "away", source)
        (source / "b.md").unlink()
        assert "1 document (0 analysed)" in said.get(timeout=60)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        reader.join()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    assert open_snapshot(index).document_count == 1
    assert os.listdir(source) == ["a.md"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["https://x.example/sitemap.xml"], "watch looks at files and folders"),
        (["kb", "--every", "0"], "is no pause"),
        (["kb", "--every", "inf"], "is no pause"),
    ],
)
def test_wrong_use(arguments: list[str], said: str, tmp_path: Path, capsys: Any) -> None:
    assert indexer.cli.main(["watch", *arguments, "--out", str(tmp_path / "i")]) == 2
    assert said in capsys.readouterr().err
