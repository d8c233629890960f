"""What loading found besides documents: problems, counts and notes.

Filled by `load_sources`, printed by the command line. Memory stays bounded however bad the source is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kbsearch.types import Document

KEPT = 200
"""Problems and notes kept word for word; a broken export of 100,000 lines is only counted beyond it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One piece of a source that was left out, and why."""

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.reason}"


@dataclass(slots=True)
class LoadReport:
    """Running totals of one load; `problems` and `notes` hold the first 200, `problem_count` counts all."""

    documents: int = 0
    by_source: list[int] = field(default_factory=list)
    """Documents of each source, in their order."""
    files: int = 0
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_problem(self, problem: Problem) -> None:
        """Count a problem and keep it while there is room."""
        self.problem_count += 1
        if len(self.problems) < KEPT:
            self.problems.append(problem)

    def add_note(self, note: str) -> None:
        """Keep a note while there is room."""
        if len(self.notes) < KEPT:
            self.notes.append(note)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read: where it is, how messages call it, and the id its document has by default."""

    path: Path
    name: str
    """The path as the user wrote it; the beginning of every message about this file."""
    id: str
    """Path relative to the given folder, without extension, with forward slashes."""

    @property
    def stem(self) -> str:
        """What a document is called that has no title of its own."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Found:
    """A good document and the line it starts on (None where the whole file is the document)."""

    document: Document
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something the user should know that is no problem."""

    text: str


Item = Found | Problem | Note
"""What a loader yields."""
