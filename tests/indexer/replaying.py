"""A published help centre, its log of searches that helped, and candidates with something lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.gate_log import BEGIN, Visit, write
from indexer.pipeline import build
from indexer.replay.gate import Terms, replay
from indexer.replay.report import Report
from kbsearch.events.sqlite import SqliteStore
from kbsearch.metrics.moments import DAY, moment_of

Row = dict[str, Any]
Change = Callable[[dict[str, Row]], None]

START = moment_of(BEGIN.isoformat())

VISITS = (
    *[Visit("where is my order", "en", "track-order.en")] * 40,
    *[Visit("reset password", "en", "reset-password.en")] * 30,
    *[Visit("ka atjaunot paroli", "lv", "reset-password.lv")] * 30,
    *[Visit("kaip pakeisti slaptažodį", "lt", "reset-password.lt")] * 20,
    *[Visit("kur yra mano užsakymas", "lt", "track-order.lt")] * 10,
    *[Visit("garantijos pratęsimas", "lt", "extend-warranty.lt")] * 6,
    *[Visit("shipping to riga", "en", "city-00.en")] * 20,
    *[Visit("preces atgriešana", "lv", "return-item.lv")] * 20,
    *[Visit("kur atrast rēķinu", "lv", "find-invoice.lv")] * 15,
    *[Visit("parcel light", "en", "track-order.en")] * 7,
    *[Visit("router green light", "en", "hub-setup.en")] * 10,
    *[Visit("obsidian refund", "en", "refund-limit.en", public=False)] * 9,
    *[Visit("opening hours", "en", "twin-first.en")] * 3,
)


class Desk:
    """Builds versions side by side in one folder, from rows and files of the editor."""

    def __init__(self, folder: Path, rows: Iterable[Row], write_jsonl: Callable[..., Path]) -> None:
        self.folder = folder
        self.out = folder / "index"
        self.events = f"sqlite:///{folder / 'events.db'}"
        self._rows = [dict(row) for row in rows]
        self._write = write_jsonl
        self.store = SqliteStore(folder / "events.db")
        write(self.store, VISITS)
        self.published = self.candidate()
        from kbsearch.versions import release

        release(self.out, self.published, "build")

    def source(self, change: Change = lambda rows: None, editing: Mapping[str, str] | None = None) -> Path:
        """A folder of sources: the rows after a change, and files of the editor by name."""
        rows = {str(row["id"]): dict(row) for row in self._rows}
        change(rows)
        folder = self.folder / "source"
        self._write(folder / "articles.jsonl", list(rows.values()))
        for name in ("synonyms.csv", "rules.csv"):
            (folder / name).unlink(missing_ok=True)
        for name, text in (editing or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    def candidate(
        self,
        change: Change = lambda rows: None,
        editing: Mapping[str, str] | None = None,
        embedder: Any = None,
    ) -> str:
        """A version that is not published."""
        from kbsearch.embed.hashing import HashingEmbedder

        source = self.source(change, editing)
        return build([source], self.out, embedder=embedder or HashingEmbedder(), publishing=False).version

    def replay(self, candidate: str, **terms: Any) -> Report:
        """Against the published version, with all of the log."""
        options = {"facts": self.store, "since": START, "until": START + 2 * DAY, **terms}
        return replay(self.out / candidate, self.out / self.published, Terms(**options))
