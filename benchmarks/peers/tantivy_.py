"""Tantivy: its default BM25 over one text field, one merged segment."""

from __future__ import annotations

from importlib.metadata import version

import tantivy
from corpus import DEPTH

REQUIRES = ("tantivy==0.27.0", "numpy")


class Peer:
    """Words only."""

    version = version("tantivy")

    def build(self, folder, corpus):
        schema = tantivy.SchemaBuilder()
        schema.add_integer_field("number", stored=True, fast=True)
        schema.add_text_field("text", tokenizer_name="default")
        writer = tantivy.Index(schema.build(), path=str(folder)).writer(heap_size=256_000_000, num_threads=1)
        for number, (title, text) in enumerate(zip(corpus.titles, corpus.texts, strict=True)):
            writer.add_document(tantivy.Document(number=number, text=f"{title} {text}"))
        writer.commit()
        writer.wait_merging_threads()

    def open(self, folder, corpus):
        self._index = tantivy.Index.open(str(folder))
        self._searcher = self._index.searcher()

    def keyword(self, text):
        hits = self._searcher.search(self._index.parse_query(text, ["text"]), DEPTH).hits
        return [self._searcher.doc(address)["number"][0] for _score, address in hits]
