"""The evaluation sets of the quality benchmark: which sources are indexed, which questions are asked of them."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from benchmarks.report import ROOT
from indexer.loaders import LoadReport, load_sources
from kbsearch.evaluate import JudgedQuery, read_queries
from kbsearch.text.normalise import fold
from kbsearch.text.words import surfaces

SHARED = ROOT.parent / "shared"
SAMPLE_KB = ROOT / "sample_kb"
ALCHEMY = SHARED / "kb" / "alchemy"
ALCHEMY_EVAL = SHARED / "eval" / "alchemy"
NATURAL_QUERIES = ROOT / "benchmarks" / "queries" / "alchemy.jsonl"

ALCHEMY_LANGUAGES = ("lv", "lt", "en", "et", "ru", "pl", "de")
CROSS_PAIRS = (("lv", "en"), ("lt", "en"), ("en", "lv"))
TITLES_PER_LANGUAGE = 200
LONG_TITLE = 4
COPIED_PER_LANGUAGE = 100
SEED = 3
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_QUOTE = re.compile(r"[\"„“«']([^\"„“”«»']{12,120})[\"”“»']")


@dataclass(frozen=True, slots=True)
class EvalSet:
    """An index and its questions."""

    name: str
    title: str
    index: str
    """Sets with the same index name share one index."""
    sources: tuple[Path, ...]
    queries: tuple[JudgedQuery, ...]


def available_sets(only: Sequence[str] | None = None) -> list[EvalSet]:
    """Every set whose files are here and whose name begins with one of `only`."""
    return [item for item in _all_sets() if only is None or item.name.startswith(tuple(only))]


def natural_queries() -> list[dict[str, Any]]:
    """Hand-written queries for the real help centre, without judgements."""
    return [orjson.loads(line) for line in NATURAL_QUERIES.read_bytes().splitlines()]


def _all_sets() -> Iterator[EvalSet]:
    questions = read_queries(SAMPLE_KB / "questions.jsonl")
    yield EvalSet("sample_kb", "sample_kb, all languages in one index", "sample_kb", (SAMPLE_KB,), tuple(questions))
    if ALCHEMY_EVAL.is_dir():
        for lang in ALCHEMY_LANGUAGES:
            yield _alchemy_eval(lang, lang)
        for asked, indexed in CROSS_PAIRS:
            yield _alchemy_eval(asked, indexed)
    if ALCHEMY.is_dir():
        sources = tuple(sorted(ALCHEMY.glob("*.jsonl.xz")))
        titles = list(_sampled_titles())
        yield EvalSet("help_centre", "real help centre, titles as queries", "help_centre", sources, tuple(titles))
        longer = [query for query in titles if len(query.query.split()) >= LONG_TITLE]
        yield EvalSet(
            "help_centre_partial",
            f"real help centre, titles of {LONG_TITLE} words or more without one of them",
            "help_centre",
            sources,
            tuple(map(_without_one_word, longer)),
        )
        marked = (query for query in titles if fold(query.query) != query.query.lower())
        yield EvalSet(
            "help_centre_folded",
            "real help centre, titles without their diacritics (only those that have some)",
            "help_centre",
            sources,
            tuple(replace(query, query=fold(query.query)) for query in marked),
        )
        yield EvalSet(
            "help_centre_copied",
            "real help centre, words as one article holds them",
            "help_centre",
            sources,
            tuple(_copied()),
        )


def _copied() -> Iterator[JudgedQuery]:
    """Words as an article holds them and no other does: some in a row, and what stands in quotation marks (names of
    buttons, messages of errors)."""
    for lang in ALCHEMY_LANGUAGES:
        documents = list(load_sources([ALCHEMY / f"{lang}.jsonl.xz"], report=LoadReport(), strict=False))
        texts: dict[str, str] = {}
        for document in documents:
            words = f"{document.title} . {document.body}"
            texts[document.group] = f"{texts.get(document.group, ' ')}{' '.join(surfaces(words))} "
        for kind, pick in (("words_in_a_row", _some_words), ("quoted", _quoted)):
            draw = random.Random(f"{SEED}{lang}{kind}")
            draw.shuffle(documents)
            picked = ((document, pick(document.body, draw)) for document in documents)
            own = ((document, text) for document, text in picked if _owners(text, texts) == [document.group])
            for document, text in islice(own, COPIED_PER_LANGUAGE):
                yield JudgedQuery(
                    id=f"{kind} {document.id}",
                    query=text,
                    lang=lang,
                    relevant={document.group: 1},
                    answerable=True,
                    by_group=True,
                    kind=kind,
                )


def _some_words(body: str, draw: random.Random) -> str:
    """Four to eight words of one sentence, or nothing."""
    sentences = [words for words in map(str.split, _SENTENCE_END.split(body)) if len(words) >= LONG_TITLE]
    if not sentences:
        return ""
    words = draw.choice(sentences)
    count = draw.randint(LONG_TITLE, min(2 * LONG_TITLE, len(words)))
    start = draw.randint(0, len(words) - count)
    return " ".join(words[start : start + count])


def _quoted(body: str, draw: random.Random) -> str:
    """Three words or more out of quotation marks, or nothing."""
    quotes = [text for text in _QUOTE.findall(body) if len(surfaces(text)) >= LONG_TITLE - 1]
    return draw.choice(quotes) if quotes else ""


def _owners(text: str, texts: Mapping[str, str]) -> list[str]:
    """The groups whose texts hold the words of a text in a row."""
    words = f" {' '.join(surfaces(text))} "
    return [group for group, known in texts.items() if words in known] if text else []


def _without_one_word(query: JudgedQuery) -> JudgedQuery:
    """A title that is no longer typed word for word: that alone would put it first, whatever the legs find."""
    words = query.query.split()
    del words[random.Random(f"{SEED}{query.id}").randrange(len(words))]
    return replace(query, query=" ".join(words), kind="title_words")


def _alchemy_eval(asked: str, indexed: str) -> EvalSet:
    same = asked == indexed
    return EvalSet(
        name=f"alchemy_{asked}" if same else f"cross_{asked}_{indexed}",
        title=f"{asked}: title → body" if same else f"{asked} → {indexed}: title → body",
        index=f"alchemy_{indexed}",
        sources=(ALCHEMY_EVAL / f"docs.{indexed}.jsonl",),
        queries=tuple(_answerable_in(asked, indexed)),
    )


def _answerable_in(asked: str, indexed: str) -> Iterator[JudgedQuery]:
    """Questions whose article exists in the indexed language."""
    lines = (ALCHEMY_EVAL / f"docs.{indexed}.jsonl").read_bytes().splitlines()
    groups = {orjson.loads(line)["group"] for line in lines}
    for query in read_queries(ALCHEMY_EVAL / f"titles.{asked}.jsonl"):
        if groups & query.relevant.keys():
            yield query


def _sampled_titles() -> Iterator[JudgedQuery]:
    """Titles that name one group only: of a title that several share, nobody could say which is meant."""
    for lang in ALCHEMY_LANGUAGES:
        documents = list(load_sources([ALCHEMY / f"{lang}.jsonl.xz"], report=LoadReport(), strict=False))
        owners = Counter(fold(document.title) for document in documents)
        unique = [document for document in documents if owners[fold(document.title)] == 1]
        chosen = random.Random(f"{SEED}{lang}").sample(unique, min(TITLES_PER_LANGUAGE, len(unique)))
        for document in chosen:
            yield JudgedQuery(
                id=document.id,
                query=document.title,
                lang=lang,
                relevant={document.group: 1},
                answerable=True,
                by_group=True,
                kind="exact_title_words",
            )
