"""Chroma, embedded: its HNSW over float vectors, `ef_search` as in the other graphs; its words are only a filter."""

from __future__ import annotations

from importlib.metadata import version

import chromadb
from chromadb.config import Settings
from corpus import DEPTH

REQUIRES = ("chromadb==1.5.9", "numpy")
BLOCK = 5_000


class Peer:
    """Vectors, with and without a filter; it ranks by words only in its cloud."""

    version = version("chromadb")

    def build(self, folder, corpus):
        hnsw = {"space": "ip", "max_neighbors": 16, "ef_construction": 128, "ef_search": 128}
        hnsw["sync_threshold"] = len(corpus.texts)  # written once, when all are in
        collection = self._client(folder).create_collection(
            "passages", embedding_function=None, configuration={"hnsw": hnsw}
        )
        for start in range(0, len(corpus.texts), BLOCK):
            stop = min(start + BLOCK, len(corpus.texts))
            collection.add(
                ids=[str(number) for number in range(start, stop)],
                embeddings=corpus.vectors[start:stop],
                metadatas=[{"lang": lang} for lang in corpus.langs[start:stop]],
            )

    def open(self, folder, corpus):
        self._collection = self._client(folder).get_collection("passages", embedding_function=None)

    def vector(self, vector):
        return self._collection.query(query_embeddings=vector[None], n_results=DEPTH, include=[])["ids"][0]

    def filtered_vector(self, vector, lang):
        asked = {"query_embeddings": vector[None], "n_results": DEPTH, "include": []}
        return self._collection.query(**asked, where={"lang": lang})["ids"][0]

    def _client(self, folder):
        return chromadb.PersistentClient(str(folder / "base"), Settings(anonymized_telemetry=False))
