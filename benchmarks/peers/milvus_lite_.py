"""Milvus Lite by its embedded engine, without the gRPC that pymilvus adds: one segment, HNSW with 8-bit vectors, its
BM25 function, its RRF of the two, an inverted index of the languages.
"""

from __future__ import annotations

import os
from importlib.metadata import version

# All passages in one segment: its indexes are one a segment. Read when the library is imported.
os.environ["MILVUS_LITE_MEMTABLE_MEMORY_LIMIT_BYTES"] = os.environ["MILVUS_LITE_WAL_SIZE_LIMIT_BYTES"] = str(2**33)

from corpus import DEPTH
from milvus_lite import CollectionSchema, DataType, FieldSchema, MilvusLite
from milvus_lite.adapter.grpc.reranker import rerank
from milvus_lite.schema.types import Function, FunctionType

REQUIRES = ("milvus-lite==3.2.2", "pymilvus==3.0.2", "numpy")
BLOCK = 10_000
CANDIDATES = 100


class Peer:
    """One collection."""

    version = version("milvus-lite")

    def build(self, folder, corpus):
        base = MilvusLite(str(folder / "base"))
        schema = CollectionSchema(
            fields=[
                FieldSchema(name="number", dtype=DataType.INT64, is_primary=True),
                FieldSchema(name="lang", dtype=DataType.VARCHAR, max_length=8),
                FieldSchema(name="text", dtype=DataType.VARCHAR, max_length=65_535, enable_analyzer=True),
                FieldSchema(name="vector", dtype=DataType.FLOAT_VECTOR, dim=corpus.vectors.shape[1]),
                FieldSchema(name="words", dtype=DataType.SPARSE_FLOAT_VECTOR, is_function_output=True),
            ],
            functions=[
                Function(
                    name="bm25",
                    function_type=FunctionType.BM25,
                    input_field_names=["text"],
                    output_field_names=["words"],
                )
            ],
        )
        collection = base.create_collection("passages", schema)
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
            collection.insert(rows)
        collection.flush()
        dense = {"M": 16, "efConstruction": 128}
        collection.create_index("vector", {"index_type": "HNSW_SQ", "metric_type": "IP", "params": dense})
        collection.create_index("words", {"index_type": "SPARSE_INVERTED_INDEX", "metric_type": "BM25", "params": {}})
        collection.create_index("lang", {"index_type": "INVERTED", "params": {}})
        collection.load()
        base.close()

    def open(self, folder, corpus):
        self._collection = MilvusLite(str(folder / "base")).get_collection("passages")
        self._collection.load()

    def keyword(self, text):
        return self._numbers(self._words(text, DEPTH))

    def vector(self, vector):
        return self._numbers(self._near(vector, DEPTH))

    def hybrid(self, text, vector, within=None):
        legs = [self._near(vector, CANDIDATES, within), self._words(text, CANDIDATES, within)]
        return self._numbers(rerank("rrf", {"k": 60}, legs, DEPTH))

    def filtered(self, text, vector, lang):
        return self.hybrid(text, vector, f'lang == "{lang}"')

    def filtered_vector(self, vector, lang):
        return self._numbers(self._near(vector, DEPTH, f'lang == "{lang}"'))

    def _near(self, vector, limit, within=None):
        asked = {"top_k": limit, "expr": within, "output_fields": [], "search_params": {"ef": 128}}
        return self._collection.search([vector.tolist()], anns_field="vector", **asked)

    def _words(self, text, limit, within=None):
        return self._collection.search([text], top_k=limit, anns_field="words", expr=within, output_fields=[])

    def _numbers(self, results):
        return [hit["id"] for hit in results[0]]
