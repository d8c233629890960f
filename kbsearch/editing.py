"""What an editor says about words and queries beside the articles: synonyms, protected words, rules.

Read from files by the indexer, stored in the snapshot as one JSON file, used by `text.synonyms`, `understand` and
`rules`. How an editor writes the files is in docs/ranking.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import orjson

from kbsearch.errors import REBUILD, SnapshotDamaged

EDITING_FILE = "editing.json"


@dataclass(frozen=True, slots=True)
class Synonym:
    """Typing any of `typed` also finds `found`; both hold words or short phrases."""

    typed: tuple[str, ...]
    found: tuple[str, ...]
    lang: str
    """The language of the words, "" for every language."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One article pinned to the first place of a query, or hidden from it."""

    query: str
    match: Literal["exact", "contains"]
    action: Literal["pin", "hide"]
    target: str
    """A document of the article: every translation of it is meant."""
    lang: str = ""
    """The user's language, "" for any."""


@dataclass(frozen=True, slots=True)
class Editing:
    """All of it."""

    synonyms: tuple[Synonym, ...] = ()
    protected: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def to_json(self) -> bytes:
        """What the snapshot stores."""
        return orjson.dumps(asdict(self))


def read_editing(directory: Path) -> Editing:
    """What the snapshot in a directory holds; nothing where it has no such file. Raises SnapshotDamaged."""
    path = directory / EDITING_FILE
    if not path.is_file():
        return Editing()
    try:
        fields = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as cause:
        raise SnapshotDamaged(f"{path} cannot be read ({cause}); {REBUILD}") from cause
    return Editing(
        synonyms=tuple(Synonym(tuple(s["typed"]), tuple(s["found"]), s["lang"]) for s in fields["synonyms"]),
        protected=tuple(fields["protected"]),
        rules=tuple(Rule(**rule) for rule in fields["rules"]),
    )
