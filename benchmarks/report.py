"""What every result carries (machine, date, commit) and how it is written: Markdown to read, JSON to compare."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
WORK = ROOT / "var" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where and when something was measured."""

    command: str
    machine: str
    load: float
    """Average number of running processes in the minute before: above the count of cores, others were at work too."""
    date: str
    commit: str

    def line(self) -> str:
        """One paragraph of Markdown."""
        return (
            f"Command: `{self.command}`. Machine: {self.machine}, load {self.load:.1f} at the start. "
            f"Date: {self.date}. Commit: {self.commit}."
        )


def stamp(command: str) -> Stamp:
    """Describe this machine and this moment."""
    return Stamp(
        command=command,
        machine=f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB, Python {platform.python_version()}",
        load=os.getloadavg()[0],
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
    )


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column to the left, the others to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def write_result(name: str, markdown: str, figures: Mapping[str, Any], measured: Stamp, directory: Path) -> None:
    """Write NAME.md and NAME.json into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.md").write_text(markdown.rstrip() + "\n", encoding="utf-8")
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    (directory / f"{name}.json").write_bytes(orjson.dumps({"stamp": asdict(measured), **figures}, option=options))


def _commit() -> str:
    """The short hash, with "-dirty" where files differ from it; "unknown" outside a checkout."""
    command = ["git", "--no-optional-locks", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gib() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
