"""Ten ways to spoil a help centre, planted at once into the real one: what the gate must find, and by what name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from indexer.replay.causes import Cause

Row = dict[str, Any]
WORSE_MODEL = "hashing"
GONE, MARKED, MARKED_AS = "fi", "sv", "de"
"""A language whose articles are all gone; one whose articles are all marked as another."""
COPIES = 8


@dataclass(frozen=True, slots=True)
class Planted:
    """One loss, and how to tell that the report names it."""

    what: str
    named: Callable[[Cause], bool]


def plant(
    rows: dict[str, Row], popular: Sequence[str], synonym: tuple[str, str]
) -> tuple[list[Planted], Mapping[str, str]]:
    """Spoil `rows` (by id) in place; return what was planted, and files of the editor by name.

    `popular`: documents that customers find most, in English or Latvian, each of another group; `synonym`: a word they
    type, and what it is made to find.
    """
    deleted, untranslated, hidden, renamed, ruled, copied = popular[:6]
    group = rows[deleted]["group"]
    gone = [name for name, row in rows.items() if row["group"] == group]
    title = str(rows[copied]["title"])
    for name in [*gone, untranslated, *(name for name, row in rows.items() if row["lang"] == GONE)]:
        rows.pop(name, None)
    for row in rows.values():
        if row["lang"] == MARKED:
            row["lang"] = MARKED_AS
    rows[hidden]["audience"] = ["agent"]
    old_title = rows[renamed]["title"]
    rows[renamed] |= {"title": "Untitled", "body": "This page is being moved."}
    for number in range(COPIES):
        name = f"copy-{number}.{rows[copied]['lang']}"
        rows[name] = {"id": name, "lang": rows[copied]["lang"], "title": title, "body": f"{title}. Read more. " * 3}
    typed, found = synonym
    editing = {
        "synonyms.csv": f"words\n{typed} => {found}\n",
        "rules.csv": f"query,action,target,match\n{_first_word(str(rows[ruled]['title']))},hide,{ruled},contains\n",
    }

    def cause(kind: str, *subjects: str) -> Callable[[Cause], bool]:
        return lambda cause: cause.kind == kind and (not subjects or cause.subject in subjects)

    planted = [
        Planted(f"article deleted: {deleted}", cause("deleted", *gone)),
        Planted(f"translation deleted: {untranslated}", cause("translation", untranslated)),
        Planted(f"public article for agents only: {hidden}", cause("hidden", hidden)),
        Planted(f"language gone: {GONE}", cause("language", GONE)),
        Planted(f"language marked as another: {MARKED} as {MARKED_AS}", cause("language", MARKED)),
        Planted(f"article overwritten: {renamed} (“{old_title}”)", cause("title", renamed)),
        Planted(
            f"hidden by a rule that meets too much: {ruled}",
            lambda found: found.kind == "rule" and ruled in found.subject,
        ),
        Planted(f"wrong synonym: {typed} => {found}", cause("synonym")),
        Planted(
            f"{COPIES} pages with the title of {copied}",
            lambda found: found.kind == "newcomer" and found.subject.startswith("copy-"),
        ),
        Planted(f"worse model: {WORSE_MODEL}", cause("model")),
    ]
    return planted, editing


def _first_word(title: str) -> str:
    return max(title.split(), key=len).strip(".,:()")
