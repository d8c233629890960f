"""Xapian: its Python module of Debian, TermGenerator without a stemmer, BM25Weight, any word may match."""

from __future__ import annotations

import xapian
from corpus import DEPTH

DEBIAN = ("python3-xapian", "python3-venv")
REQUIRES = ("numpy",)


class Peer:
    """Words only: one compacted database on disk, the document's number in its id."""

    version = xapian.version_string()

    def build(self, folder, corpus):
        base = xapian.WritableDatabase(str(folder / "growing"), xapian.DB_CREATE)
        generator = xapian.TermGenerator()
        for number, (title, text) in enumerate(zip(corpus.titles, corpus.texts, strict=True)):
            document = xapian.Document()
            generator.set_document(document)
            generator.index_text_without_positions(f"{title} {text}")
            base.replace_document(number + 1, document)  # ids begin with 1
        base.commit()
        base.compact(str(folder / "whole"), xapian.DBCOMPACT_NO_RENUMBER)
        base.close()

    def open(self, folder, corpus):
        base = xapian.Database(str(folder / "whole"))
        self._parser = xapian.QueryParser()
        self._parser.set_default_op(xapian.Query.OP_OR)
        self._enquire = xapian.Enquire(base)
        self._enquire.set_weighting_scheme(xapian.BM25Weight())

    def keyword(self, text):
        self._enquire.set_query(self._parser.parse_query(text, 0))  # 0: words only, no syntax
        return [match.docid - 1 for match in self._enquire.get_mset(0, DEPTH)]
