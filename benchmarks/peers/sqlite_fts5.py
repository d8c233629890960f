"""SQLite FTS5: contentless table, diacritics removed, bm25 rank; what a small portal would use by itself."""

from __future__ import annotations

import sqlite3

from corpus import DEPTH

REQUIRES = ("numpy",)


class Peer:
    """Words only; any word may match, as in the other engines."""

    version = sqlite3.sqlite_version

    def build(self, folder, corpus):
        base = sqlite3.connect(folder / "words.db")
        base.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='unicode61 remove_diacritics 2')"
        )
        rows = (
            (number, f"{title} {text}")
            for number, (title, text) in enumerate(zip(corpus.titles, corpus.texts, strict=True))
        )
        base.executemany("INSERT INTO words(rowid, text) VALUES (?, ?)", rows)
        base.execute("INSERT INTO words(words) VALUES ('optimize')")
        base.commit()

    def open(self, folder, corpus):
        self._base = sqlite3.connect(folder / "words.db")

    def keyword(self, text):
        words = " OR ".join(f'"{word}"' for word in text.replace('"', " ").split())
        query = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?"
        return [number for (number,) in self._base.execute(query, (words, DEPTH))]
