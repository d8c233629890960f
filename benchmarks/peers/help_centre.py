"""Makes the corpus of a real help centre: the articles of seven languages in one index, and their titles as questions.

Articles stand there without their titles, which are then asked; the article of the same group in any language is right.
Needs the texts beside the project (../shared/eval/alchemy).
"""

from __future__ import annotations

import re
from collections import defaultdict

from benchmarks.peers.corpus import Corpus
from benchmarks.peers.generate import MOST_WORDS, nearest
from benchmarks.quality_sets import ALCHEMY_EVAL, ALCHEMY_LANGUAGES
from indexer.cut import cut
from indexer.loaders import LoadReport, load_sources
from kbsearch.embed.registry import load_embedder
from kbsearch.evaluate import read_queries

MODEL = "kbsearch-mini"
QUERIES = 100
"""Of each language."""
NOT_WORDS = re.compile(r"\W+")
MOST_CHARS = 2_000
"""kbsearch cuts what is longer than 2,300."""


def help_centre() -> Corpus:
    """The beginning of each article, one passage for all engines, with vectors of the default model.

    Raises SystemExit where the texts are not here.
    """
    if not ALCHEMY_EVAL.is_dir():
        raise SystemExit(f"{ALCHEMY_EVAL} is not here; measure with --corpus generated")
    sources = [ALCHEMY_EVAL / f"docs.{lang}.jsonl" for lang in ALCHEMY_LANGUAGES]
    articles = list(load_sources(sources, report=LoadReport()))
    asked = [
        query for lang in ALCHEMY_LANGUAGES for query in read_queries(ALCHEMY_EVAL / f"titles.{lang}.jsonl")[:QUERIES]
    ]
    members = defaultdict(list)
    for number, article in enumerate(articles):
        members[article.group].append(number)
    texts = [" ".join(cut(article).passages[0].text.split()[:MOST_WORDS])[:MOST_CHARS].strip() for article in articles]
    langs, query_langs = [article.lang for article in articles], [query.lang for query in asked]
    model = load_embedder(MODEL)
    vectors, query_vectors = model.encode_passages(texts), model.encode_queries([query.query for query in asked])
    exact, exact_filtered = nearest(query_vectors @ vectors.T, query_langs, langs)
    return Corpus(
        titles=[article.title for article in articles],
        texts=texts,
        langs=langs,
        vectors=vectors,
        # Several engines take quotes and colons for a language of their own.
        queries=[NOT_WORDS.sub(" ", query.query).strip() for query in asked],
        query_langs=query_langs,
        query_vectors=query_vectors,
        exact=exact,
        exact_filtered=exact_filtered,
        right=[[number for group in query.relevant for number in members[group]] for query in asked],
    )
