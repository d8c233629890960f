"""Other processes that make rows: `python -m indexer.workers` reads jobs from its input until that ends.

Not multiprocessing: its processes run the caller's script again, and outlive a parent that is killed. These end with
the pipe that their jobs come through, however the parent ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import orjson

from indexer.batches import write_batch
from indexer.prepare import prepare
from kbsearch.collector import without_collector
from kbsearch.errors import SnapshotError
from kbsearch.types import Document


class Workers:
    """Processes that take jobs in turn; each does its own one after the other."""

    def __init__(self, count: int) -> None:
        # Where the parent finds its modules, its children do too.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
        self._processes = [_Process(environment) for _ in range(count)]
        self._given = 0
        self._taken = 0

    @property
    def running(self) -> int:
        """Jobs given whose end was not waited for."""
        return self._given - self._taken

    def give(self, path: Path, documents: Sequence[Document]) -> None:
        """Have the rows of some documents written to `path`."""
        job = path.with_name(f".{path.stem}.job")
        job.write_bytes(orjson.dumps(list(documents)))
        process = self._processes[self._given % len(self._processes)]
        with suppress(BrokenPipeError):  # `wait` says so
            process.jobs.write(orjson.dumps([str(job), str(path)]) + b"\n")
            process.jobs.flush()
        self._given += 1

    def wait(self) -> None:
        """Wait for the oldest job. Raises SnapshotError where it failed."""
        process = self._processes[self._taken % len(self._processes)]
        self._taken += 1
        answer = process.answers.readline()
        if not answer:
            raise SnapshotError(
                f"A process that analyses documents ended early (exit code {process.handle.wait()}); the machine may "
                "be out of memory. Run the command again: it continues with what is finished."
            )
        problem = orjson.loads(answer)
        if problem is not None:
            raise SnapshotError(f"{problem}; run the command again: it continues with what is finished.")

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if error is not None:
                process.handle.kill()
            with suppress(BrokenPipeError):
                process.jobs.close()
            process.handle.wait()
            process.answers.close()


class _Process:
    """One of them: its handle, and the two pipes."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.handle = subprocess.Popen(
            [sys.executable, "-m", "indexer.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # an interrupt from the keyboard is for the parent
        )
        self.jobs = cast(BinaryIO, self.handle.stdin)
        self.answers = cast(BinaryIO, self.handle.stdout)


def main() -> None:
    """Do jobs until there are no more."""
    for line in sys.stdin.buffer:
        job, path = map(Path, orjson.loads(line))
        problem = None
        try:
            documents = [_document(fields) for fields in orjson.loads(job.read_bytes())]
            job.unlink()
            with without_collector():
                write_batch(path, prepare(documents))
        except OSError as error:
            problem = f"{path} cannot be written ({error.strerror or error})"
        try:
            os.write(sys.stdout.fileno(), orjson.dumps(problem) + b"\n")
        except BrokenPipeError:
            return  # the parent is gone


def _document(fields: dict[str, object]) -> Document:
    return Document(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
