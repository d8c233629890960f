"""Suggestions, votes and followers in one SQLite file (WAL).

Takes text that is redacted already and hashes in place of voters; gives `Suggestion`s without anything personal. The
e-mail addresses of followers stand in a table of their own that nothing but `followers` and `forget` reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kbsearch.errors import LimitError, TooMany, UsageError
from kbsearch.sqlite_file import SqliteFile, folder_beside

PENDING = "pending"
SHOWN = ("open", "planned", "done")
"""What others may see; somebody of the company has read it."""
STATUSES = (PENDING, *SHOWN, "rejected")
MIN_TITLE, MAX_TITLE, MAX_TEXT = 3, 120, 2000
MAX_PENDING = 5
"""Unread suggestions that one network may have waiting."""
MAX_FOLLOWERS = 5
"""Addresses of one network that may follow a suggestion: the company writes to them, whosesoever they are."""
MAX_LISTED = 200

_MIGRATIONS = (
    """
CREATE TABLE suggestions (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, lang TEXT NOT NULL, status TEXT NOT NULL,
    created_at TEXT NOT NULL, filed_by TEXT NOT NULL
);
CREATE TABLE votes (suggestion TEXT NOT NULL, voter TEXT NOT NULL, PRIMARY KEY (suggestion, voter));
CREATE TABLE followers (suggestion TEXT NOT NULL, email TEXT NOT NULL, PRIMARY KEY (suggestion, email));
""",
    "ALTER TABLE followers ADD COLUMN network TEXT NOT NULL DEFAULT ''",
)
_COLUMNS = "id, title, text, lang, status, created_at, (SELECT COUNT(*) FROM votes WHERE suggestion = id) AS votes"


def suggestions_path(index: Path, events: str) -> Path:
    """Return where suggestions are kept."""
    return folder_beside(events, index) / "suggestions.db"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One suggestion with its votes."""

    id: str
    title: str
    text: str
    lang: str
    status: str
    """One of `STATUSES`."""
    created_at: str
    votes: int


class SuggestionStore:
    """Suggestions in a file. Every method may be called by any thread.

    :raises StoreError: from any method, when the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, creating it where there is none.

        :raises StoreError: it cannot be opened.
        """
        self._file = SqliteFile(path, "suggestions", _MIGRATIONS)

    def file(self, suggestion: Suggestion, filed_by: str) -> None:
        """Keep a new suggestion, unread.

        :raises LimitError: `filed_by` has too many unread ones already.
        """
        with self._file.transaction() as writer:
            (waiting,) = writer.execute(
                "SELECT COUNT(*) FROM suggestions WHERE filed_by = ? AND status = ?", (filed_by, PENDING)
            ).fetchone()
            if waiting >= MAX_PENDING:
                raise LimitError(f"{waiting} suggestions from here are still unread; try again in a few days", "title")
            given = (suggestion.id, suggestion.title, suggestion.text, suggestion.lang, PENDING, suggestion.created_at)
            writer.execute("INSERT INTO suggestions VALUES (?, ?, ?, ?, ?, ?, ?)", (*given, filed_by))

    def shown(self) -> list[Suggestion]:
        """Return what anybody may see, most votes first."""
        return self._read(f"status IN {SHOWN} ORDER BY status = 'done', votes DESC, created_at DESC LIMIT {MAX_LISTED}")

    def listed(self) -> list[Suggestion]:
        """Return everything, unread ones first; for the company's eyes."""
        return self._read(f"true ORDER BY status != '{PENDING}', created_at")

    def vote(self, suggestion: str, voter: str) -> int:
        """Count a vote once a voter; returns the votes.

        :raises UsageError: there is no such suggestion that anybody may see.
        """
        self._find_shown(suggestion)
        with self._file.transaction() as writer:
            writer.execute("INSERT OR IGNORE INTO votes VALUES (?, ?)", (suggestion, voter))
        return self._find_shown(suggestion).votes

    def follow(self, suggestion: str, email: str, network: str) -> None:
        """Remember who wants to hear of changes.

        :raises UsageError: there is no such suggestion that anybody may see.
        :raises TooMany: enough others from this network follow it already.
        """
        self._find_shown(suggestion)
        email = email.casefold()
        with self._file.transaction() as writer:
            (others,) = writer.execute(
                "SELECT COUNT(*) FROM followers WHERE suggestion = ? AND network = ? AND email != ?",
                (suggestion, network, email),
            ).fetchone()
            if others >= MAX_FOLLOWERS:
                raise TooMany(f"{others} addresses from here follow this suggestion already; vote for it", "email")
            writer.execute("INSERT OR IGNORE INTO followers VALUES (?, ?, ?)", (suggestion, email, network))

    def decide(self, suggestion: str, status: str) -> None:
        """Give a suggestion a status.

        :raises UsageError: there is no such suggestion, or no such status.
        """
        if status not in STATUSES:
            raise UsageError(f"there is no status {status!r}; use one of: {', '.join(STATUSES)}", "status")
        with self._file.transaction() as writer:
            changed = writer.execute("UPDATE suggestions SET status = ? WHERE id = ?", (status, suggestion)).rowcount
        if not changed:
            raise UsageError(f"there is no suggestion {suggestion!r}", "suggestion")

    def followers(self, suggestion: str) -> list[str]:
        """Return the e-mail addresses of those who follow it; for the company's mail only.

        :raises UsageError: there is no such suggestion.
        """
        if not self._file.ask("SELECT 1 FROM suggestions WHERE id = ?", (suggestion,)):
            raise UsageError(f"there is no suggestion {suggestion!r}", "suggestion")
        return [email for (email,) in self._file.ask("SELECT email FROM followers WHERE suggestion = ?", (suggestion,))]

    def forget(self, email: str) -> int:
        """Remove an address from everything it follows; returns from how many."""
        with self._file.transaction() as writer:
            return writer.execute("DELETE FROM followers WHERE email = ?", (email.casefold(),)).rowcount

    def close(self) -> None:
        """Let go of the file; what was written stays."""
        self._file.close()

    def _find_shown(self, suggestion: str) -> Suggestion:
        found = self._read(f"status IN {SHOWN} AND id = ?", (suggestion,))
        if not found:
            raise UsageError(f"there is no suggestion {suggestion[:60]!r}", "suggestion")
        return found[0]

    def _read(self, condition: str, values: Sequence[object] = ()) -> list[Suggestion]:
        return [
            Suggestion(*row) for row in self._file.ask(f"SELECT {_COLUMNS} FROM suggestions WHERE {condition}", values)
        ]
