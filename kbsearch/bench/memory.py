"""What processes take of memory, from Linux's own accounts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_KIB = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Mebibytes."""

    resident: float
    """Pages in memory, shared ones counted for each process."""
    proportional: float
    """Each shared page divided by those who share it: adds up to what is really taken."""
    own: float
    """Pages that nobody else has."""


def memory_of(server: int) -> dict[int, Memory]:
    """The memory of a process and its children, by process id; nothing where the system does not tell."""
    found = {}
    for process in (server, *_children(server)):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        size = {name: int(rest.split()[0]) / _KIB for name, _, rest in (line.partition(":") for line in lines[1:])}
        found[process] = Memory(size["Rss"], size["Pss"], size["Private_Clean"] + size["Private_Dirty"])
    return found


def _children(process: int) -> list[int]:
    try:
        listed = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in listed.split()]
