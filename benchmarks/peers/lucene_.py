"""Lucene with Java's vector module: BM25, HNSW over float vectors, its own RRF of the two, one segment.

Jars and Java are those that arcadedb-embedded carries; Lucene is called straight, through JPype. All queries are asked
several times before they count, since Java compiles what it has often run.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import jpype
from corpus import DEPTH

REQUIRES = ("arcadedb-embedded==26.10.2.post1", "jpype1==1.7.1", "numpy")
CARRIER = Path(find_spec("arcadedb_embedded").origin).parent
CANDIDATES = 100
EF = 128  # as many nearest passages as are asked for are kept while the graph is walked
WARM_UP = 10

jpype.startJVM(
    "-Xmx2g",
    "-XX:+UseSerialGC",
    "--add-modules=jdk.incubator.vector",
    "--enable-native-access=ALL-UNNAMED",
    jvmpath=str(CARRIER / "jre" / "lib" / "server" / "libjvm.so"),
    classpath=[str(jar) for jar in CARRIER.glob("jars/lucene-*.jar")],
)
lucene = jpype.JPackage("org").apache.lucene
search = lucene.search


class Peer:
    """Documents are numbered as they are added."""

    version = str(lucene.util.Version.LATEST.toString())

    def build(self, folder, corpus):
        config = lucene.index.IndexWriterConfig(lucene.analysis.standard.StandardAnalyzer())
        config.setRAMBufferSizeMB(1900.0)  # nothing is written before the end: one segment, in the order of adding
        config.setMergePolicy(lucene.index.NoMergePolicy.INSTANCE)
        writer = lucene.index.IndexWriter(_directory(folder), config)
        document, no = lucene.document, lucene.document.Field.Store.NO
        near = lucene.index.VectorSimilarityFunction.DOT_PRODUCT
        rows = zip(corpus.titles, corpus.texts, corpus.langs, corpus.vectors, strict=True)
        for title, text, lang, vector in rows:
            added = document.Document()
            added.add(document.TextField("text", f"{title} {text}", no))
            added.add(document.StringField("lang", lang, no))
            added.add(document.KnnFloatVectorField("vector", jpype.JArray.of(vector), near))
            writer.addDocument(added)
        writer.close()

    def open(self, folder, corpus):
        reader = lucene.index.DirectoryReader.open(_directory(folder))
        if reader.leaves().size() != 1:
            raise SystemExit(
                f"{folder} has {reader.leaves().size()} segments: document numbers are not those of passages"
            )
        self._searcher = search.IndexSearcher(reader)
        self._parser = lucene.queryparser.classic.QueryParser("text", lucene.analysis.standard.StandardAnalyzer())
        self._langs = {lang: search.TermQuery(lucene.index.Term("lang", lang)) for lang in sorted(set(corpus.langs))}
        for _ in range(WARM_UP):
            for text, vector, lang in zip(corpus.queries, corpus.query_vectors, corpus.query_langs, strict=True):
                self.keyword(text)
                self.vector(vector)
                self.hybrid(text, vector)
                self.filtered(text, vector, lang)
                self.filtered_vector(vector, lang)

    def keyword(self, text):
        return _numbers(self._searcher.search(self._words(text), DEPTH))

    def vector(self, vector):
        return _numbers(self._searcher.search(self._near(vector), DEPTH))

    def hybrid(self, text, vector):
        return self._fused((self._words(text), self._near(vector)))

    def filtered(self, text, vector, lang):
        within = search.BooleanQuery.Builder()
        within.add(self._words(text), search.BooleanClause.Occur.MUST)
        within.add(self._langs[lang], search.BooleanClause.Occur.FILTER)
        return self._fused((within.build(), self._near(vector, lang)))

    def filtered_vector(self, vector, lang):
        return _numbers(self._searcher.search(self._near(vector, lang), DEPTH))

    def _words(self, text):
        return self._parser.parse(self._parser.escape(text))

    def _near(self, vector, lang=None):
        return search.KnnFloatVectorQuery("vector", jpype.JArray.of(vector), EF, self._langs.get(lang))

    def _fused(self, queries):
        legs = [self._searcher.search(query, CANDIDATES) for query in queries]
        return _numbers(search.TopDocs.rrf(DEPTH, 60, legs))


def _numbers(found):
    return [hit.doc for hit in found.scoreDocs]


def _directory(folder):
    return lucene.store.FSDirectory.open(jpype.JClass("java.nio.file.Path").of(str(folder / "index")))
