"""Ten ways to spoil a help centre, planted at once into the real one: what the gate must find, and by what name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.replay.causes import Cause

Row = dict[str, Any]
COPIES = 8


@dataclass(frozen=True, slots=True)
class Planted:
    """One loss, and how to tell that the report names it."""

    what: str
    named: Callable[[Cause], bool]


@dataclass(frozen=True, slots=True)
class Targets:
    """What the losses are done to."""

    popular: Sequence[str]
    """Documents that customers find most, of languages that stay, each of another group with translations."""
    gone: str
    """A language whose articles are all removed."""
    marked: tuple[str, str]
    """A language whose articles are all marked as another, and that other."""
    typed: str
    """A word that customers type."""
    found: str
    """What else a synonym makes it find."""
    model: str
    """A worse model, which the candidate is built with."""
    ruled: str
    """A word in queries for the fifth of the popular ones, which a rule then hides."""


def plant(rows: dict[str, Row], targets: Targets) -> tuple[list[Planted], Mapping[str, str]]:
    """Spoil `rows` (by id) in place; return what was planted, and files of the editor by name."""
    deleted, untranslated, hidden, renamed, ruled, copied = targets.popular[:6]
    group = rows[deleted]["group"]
    gone = [name for name, row in rows.items() if row["group"] == group]
    title = str(rows[copied]["title"])
    for name in [*gone, untranslated, *(name for name, row in rows.items() if row["lang"] == targets.gone)]:
        rows.pop(name, None)
    for row in rows.values():
        if row["lang"] == targets.marked[0]:
            row["lang"] = targets.marked[1]
    rows[hidden]["audience"] = ["agent"]
    old_title = rows[renamed]["title"]
    rows[renamed] |= {"title": "Untitled", "body": "This page is being moved."}
    for number in range(COPIES):
        name = f"copy-{number}.{rows[copied]['lang']}"
        rows[name] = {"id": name, "lang": rows[copied]["lang"], "title": title, "body": f"{title}. Read more. " * 3}
    editing = {
        "synonyms.csv": f"words\n{targets.typed} => {targets.found}\n",
        "rules.csv": f"query,action,target,match\n{targets.ruled},hide,{ruled},contains\n",
    }

    def cause(kind: str, subject: str | None = None) -> Callable[[Cause], bool]:
        return lambda cause: cause.kind == kind and subject in (None, cause.subject)

    planted = [
        Planted(f"article deleted: {deleted}", cause("deleted", str(group))),
        Planted(f"translation deleted: {untranslated}", cause("translation", untranslated)),
        Planted(f"public article for agents only: {hidden}", cause("hidden", hidden)),
        Planted(f"language gone: {targets.gone}", cause("language", targets.gone)),
        Planted(f"language marked as another: {' as '.join(targets.marked)}", cause("language", targets.marked[0])),
        Planted(f"article overwritten: {renamed} (“{old_title}”)", cause("title", renamed)),
        Planted(
            f"hidden by a rule that meets too much: {ruled}",
            lambda found: found.kind == "rule" and ruled in found.subject,
        ),
        Planted(f"wrong synonym: {targets.typed} => {targets.found}", cause("synonym")),
        Planted(
            f"{COPIES} pages with the title of {copied}",
            lambda found: found.kind == "newcomer" and found.subject.startswith("copy-"),
        ),
        Planted(f"worse model: {Path(targets.model).name}", cause("model")),
    ]
    return planted, editing
