"""`kbsearch-index watch`: an update whenever files under the sources changed and came to rest.

Files are looked at every few seconds (time, size, inode) rather than through the system's notices: those do not come
from network shares and container mounts, and looking at 100,000 files takes less than a second.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import orjson

from indexer.folders import source_folders
from kbsearch.amounts import amount
from kbsearch.command import Outcome, example, named_path, one_line, print_outcome
from kbsearch.errors import KbsearchError, UsageError

RETRIED_AFTER = 60.0
"""Seconds until a state that could not be indexed is tried again: the disk may have room by then."""
LONGEST_PAUSE = 86_400
"""Seconds between two looks: a day."""
_LOOKING = 0.1
"""Most of the time that goes into looking, as a share."""

State = dict[str, tuple[int, int, int]]


def add_watch_command(commands: Any, source: Callable[[str], Path | str]) -> None:
    """Add it to the parser; `source` reads an argument."""
    sub = commands.add_parser(
        "watch",
        help="update whenever files under the sources change",
        epilog=example("kbsearch-index watch sample_kb --out var/index"),
    )
    sub.add_argument("sources", nargs="+", type=source, metavar="SOURCE", help="file or folder; see docs/sources.md")
    sub.add_argument("--out", type=named_path, required=True, metavar="DIR", help="directory of snapshots")
    sub.add_argument("--model", help="bundled model, directory, or hub name (default: that of the published version)")
    sub.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="how often to look (default 2)")
    sub.add_argument("--json", action="store_true", help="print each update that published, one line of JSON each")
    sub.set_defaults(run=_watch)


def _watch(options: argparse.Namespace) -> Outcome:
    from indexer.pipeline import build

    paths = [source for source in options.sources if isinstance(source, Path)]
    if len(paths) < len(options.sources):
        raise UsageError(
            "watch looks at files and folders; for an address on the web run kbsearch-index update from time to time.",
            field="sources",
        )
    if not 0 < options.every <= LONGEST_PAUSE:
        raise UsageError(
            f"--every {options.every} is no pause; give more than 0 and at most {LONGEST_PAUSE} seconds.", field="every"
        )

    def update() -> bool:
        try:
            report = build(paths, options.out, model=options.model, update=True)
        except KbsearchError as error:
            _say(str(error))
            return False
        for line in report.complaints():
            _say(line)
        if not report.unchanged:
            counts = f"{amount(report.documents, 'document')} ({report.documents_analysed:,} analysed)"
            skipped = f"{amount(report.problem_count, 'line')} skipped"
            if options.json:
                print_outcome(orjson.dumps(asdict(report)).decode())
            _say(f"published {report.version}: {counts}, {skipped}, {report.seconds:.1f} s")
        return True

    try:
        Watch(paths, update, options.every).run()
    except KeyboardInterrupt:
        return "" if options.json else "Stopped; what was published stays."


class Watch:
    """Calls `update` at the start and after every change that came to rest; it says whether it went well."""

    def __init__(
        self,
        paths: Sequence[Path],
        update: Callable[[], bool],
        every: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paths = paths
        self._update = update
        self._every = every
        self._sleep = sleep
        self._clock = clock
        self._done: State | None = None
        self._failed: State | None = None
        self._tried_at = 0.0

    def run(self) -> NoReturn:
        """Until it is interrupted."""
        before = look(self._paths)
        while True:
            started = self._clock()
            state = look(self._paths)
            took = self._clock() - started
            if state == before and self._is_due(state):
                self._tried_at = self._clock()
                # What changes meanwhile differs from `state`, and is found next time.
                self._done, self._failed = (state, None) if self._update() else (None, state)
            before = state
            self._sleep(max(self._every, took / _LOOKING))

    def _is_due(self, state: State) -> bool:
        if state == self._failed:
            return self._clock() - self._tried_at >= RETRIED_AFTER
        return state != self._done


def look(paths: Sequence[Path]) -> State:
    """Every file under the paths that is a source's: when it was written, how long it is, which it is."""
    state: State = {}
    for path in paths:
        for folder, names in source_folders(path):
            for name in names:
                _note(state, os.path.join(folder, name))
        if path.is_file():
            _note(state, str(path))
    return state


def _note(state: State, path: str) -> None:
    try:
        found = os.stat(path)
    except OSError:  # gone between the two calls
        return
    state[path] = (found.st_mtime_ns, found.st_size, found.st_ino)


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {one_line(text)}\n")
    sys.stderr.flush()
