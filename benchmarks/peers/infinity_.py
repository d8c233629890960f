"""Infinity, embedded: HNSW with LVQ as its documentation advises for speed, its BM25, RRF of the two, an index of the
languages.
"""

from __future__ import annotations

from importlib.metadata import version

import infinity_embedded as infinity
from corpus import DEPTH
from infinity_embedded.index import IndexInfo, IndexType

REQUIRES = ("infinity-embedded-sdk==0.5.2",)
BLOCK = 2_000
CANDIDATES = 100
# Without this file it writes below /var/infinity, whatever the folder, and logs several lines for a filtered query.
SETTINGS = """
[general]
version = "0.5.0"
time_zone = "utc-0"
[network]
[log]
log_dir = "{folder}/base/log"
log_to_stdout = false
log_level = "critical"
[storage]
data_dir = "{folder}/base/data"
persistence_dir = "{folder}/base/persistence"
[buffer]
buffer_manager_size = "8GB"
temp_dir = "{folder}/base/tmp"
[wal]
wal_dir = "{folder}/base/wal"
[resource]
resource_dir = "{folder}/base/resource"
"""


class Peer:
    """One table."""

    version = version("infinity-embedded-sdk")

    def build(self, folder, corpus):
        connection = _connect(folder)
        width = corpus.vectors.shape[1]
        table = connection.get_database("default_db").create_table(
            "passages",
            {
                "number": {"type": "integer"},
                "lang": {"type": "varchar"},
                "text": {"type": "varchar"},
                "vector": {"type": f"vector,{width},float"},
            },
        )
        for start in range(0, len(corpus.texts), BLOCK):
            numbers = range(start, min(start + BLOCK, len(corpus.texts)))
            rows = [
                {
                    "number": number,
                    "lang": corpus.langs[number],
                    "text": f"{corpus.titles[number]} {corpus.texts[number]}",
                    "vector": corpus.vectors[number].tolist(),
                }
                for number in numbers
            ]
            table.insert(rows)
        near = {"M": "16", "ef_construction": "128", "metric": "ip", "encode": "lvq"}
        table.create_index("near", IndexInfo("vector", IndexType.Hnsw, near))
        table.create_index("words", IndexInfo("text", IndexType.FullText, {"ANALYZER": "standard"}))
        table.create_index("langs", IndexInfo("lang", IndexType.Secondary))
        connection.disconnect()

    def open(self, folder, corpus):
        self._connection = _connect(folder)
        self._table = self._connection.get_database("default_db").get_table("passages")

    def keyword(self, text):
        return self._numbers(self._words(self._query(), text, DEPTH))

    def vector(self, vector):
        return self._numbers(self._near(self._query(), vector, DEPTH))

    def hybrid(self, text, vector, **within):
        query = self._near(self._query(), vector, CANDIDATES, **within)
        query = self._words(query, text, CANDIDATES, **within)
        return self._numbers(query.fusion("rrf", DEPTH))

    def filtered(self, text, vector, lang):
        return self.hybrid(text, vector, filter=f"lang = '{lang}'")

    def filtered_vector(self, vector, lang):
        return self._numbers(self._near(self._query(), vector, DEPTH, filter=f"lang = '{lang}'"))

    def _query(self):
        return self._table.output(["number"])

    def _near(self, query, vector, limit, **within):
        return query.match_dense("vector", vector.tolist(), "float", "ip", limit, {"ef": "128", **within})

    def _words(self, query, text, limit, **within):
        return query.match_text("text", text, limit, within or None)

    def _numbers(self, query):
        return query.to_result()[0]["number"]


def _connect(folder):
    settings = folder / "settings.toml"
    settings.write_text(SETTINGS.format(folder=folder))
    return infinity.connect(str(folder / "base"), str(settings))
