"""What each part of the index is worth: it is built without the part, or cut otherwise, and asked the same questions.

    python -m benchmarks.index_parts [--only NAME …]

Parts of the analyzer (kinds of terms, stop words, repeats of titles), how long passages are and whether they overlap,
and what is embedded with them. Each difference is that of the same questions on the two indexes, with a 95 % interval
(bootstrap over pairs).
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.ablations import by_language, compare, describe
from benchmarks.quality_indexes import RememberingEmbedder
from benchmarks.quality_sets import EvalSet, available_sets
from benchmarks.report import RESULTS, WORK, stamp, write_result
from indexer import cut, prepare, work
from indexer.pipeline import build
from indexer.sentences import sentences
from kbsearch.embed.protocol import Embedder
from kbsearch.embed.registry import load_embedder
from kbsearch.engine import open_engine
from kbsearch.evaluate import per_query, run_queries
from kbsearch.text import analyze
from kbsearch.types import CutDocument, Document, Mode

SETS = ("sample_kb", "alchemy_lv", "alchemy_lt", "alchemy_en")
BY_WORDS: tuple[Mode, ...] = ("lexical", "hybrid")
BY_MEANING: tuple[Mode, ...] = ("dense", "hybrid")
ALL: tuple[Mode, ...] = ("lexical", "dense", "hybrid")


@contextmanager
def _patched(target: Any, **values: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for name, value in values.items():
            stack.enter_context(patch.object(target, name, value))
        yield


@contextmanager
def _both(one: Any, other: Any) -> Iterator[None]:
    with one, other:
        yield


def _embedding(name: str, text: Any) -> Any:
    """Another text to embed, where it is hashed and where it is made."""
    return _both(_patched(prepare, **{name: text}), _patched(work, **{name: text}))


def _without_kind(mark: str) -> Callable[[], Any]:
    joined = analyze._joined_terms  # the kinds of terms are its private matter, and what is measured here

    def others(lowered: str, lang: str) -> list[str]:
        return [term for term in joined(lowered, lang) if not term.startswith(mark)]

    return lambda: _patched(analyze, _joined_terms=others)


_cut = cut.cut


def _overlapping(document: Document) -> CutDocument:
    """Passages that begin with the last sentence of the one before."""
    ready = _cut(document)
    passages = list(ready.passages)
    for place in range(len(passages) - 1, 0, -1):
        before = list(sentences(passages[place - 1].text))
        passages[place] = replace(passages[place], text=f"{before[-1]} {passages[place].text}")
    return replace(ready, passages=tuple(passages))


def _length(words: int) -> Callable[[], Any]:
    ratio = words / cut.MAX_WORDS
    return lambda: _patched(
        cut, MAX_WORDS=words, MAX_CHARS=int(cut.MAX_CHARS * ratio), MIN_WORDS=int(cut.MIN_WORDS * min(ratio, 1.0))
    )


VARIANTS: Mapping[str, tuple[Callable[[], Any], tuple[Mode, ...]]] = {
    "as it is": (ExitStack, ALL),
    "without stems": (lambda: _patched(analyze, stem=lambda folded, lang: folded), BY_WORDS),
    "without first letters": (_without_kind("^"), BY_WORDS),
    "without letters as typed": (_without_kind("="), BY_WORDS),
    "without inner letters": (_without_kind("+"), BY_WORDS),
    "without stop words": (lambda: _patched(analyze, is_stop=lambda word, lang: False), BY_WORDS),
    "a title's words count once": (lambda: _patched(prepare, TITLE_WEIGHT=1), BY_WORDS),
    "words of headings and tags count once": (lambda: _patched(prepare, HEADING_WEIGHT=1, TAG_WEIGHT=1), BY_WORDS),
    "passages of up to 120 words": (_length(120), ALL),
    "passages of up to 200 words": (_length(200), ALL),
    "passages of up to 500 words": (_length(500), ALL),
    "120 words, a sentence of overlap": (
        lambda: _both(_length(120)(), _patched(prepare, cut=_overlapping)),
        ALL,
    ),
    "passages embedded without their title": (
        lambda: _embedding("passage_text", lambda head, passage: "\n".join((*passage.headings, passage.text))),
        BY_MEANING,
    ),
    "titles embedded without their tags": (
        lambda: _embedding("head_text", lambda title, tags: title),
        BY_MEANING,
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write benchmarks/results/index_parts.{md,json}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index_parts", description=__doc__)
    parser.add_argument("--only", nargs="+", default=SETS, metavar="NAME", help=f"sets (default: {' '.join(SETS)})")
    parser.add_argument("--model", metavar="NAME", help="embedding model (default: the bundled default)")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    command = "python -m benchmarks.index_parts" + (f" --model {options.model}" if options.model else "")
    measured = stamp(command + ("" if options.only == SETS else f" --only {' '.join(options.only)}"))
    embedder = RememberingEmbedder(load_embedder(options.model))
    parts, figures = [], {}
    for item in available_sets(options.only):
        figures[item.name] = rows = take_away(item, embedder)
        parts += [f"## {item.title}", describe("index", rows)]
        print(f"{item.name} done", flush=True)
    head = "Cells: recall in per cent, and its difference from the index as it is in points (95 % interval)."
    markdown = "\n\n".join(
        ["# What each part of the index is worth", measured.line(), f"Model: `{embedder.info.name}`. {head}", *parts]
    )
    write_result("index_parts", markdown, figures, measured, options.out)


def take_away(item: EvalSet, embedder: Embedder) -> dict[str, Any]:
    """Language → variant and mode → its figures beside those of the index as it is."""
    queries = [query for query in item.queries if query.answerable]
    directory = WORK / f"index-parts-{item.index}"
    values: dict[str, dict[str, Any]] = {}
    for name, (without, modes) in VARIANTS.items():
        shutil.rmtree(directory, ignore_errors=True)
        _forget()
        with without():
            build(item.sources, directory, embedder=embedder)
            engine = open_engine(directory, embedder=embedder)
            values[name] = {mode: per_query(run_queries(engine, queries, mode)) for mode in modes}
    _forget()
    shutil.rmtree(directory, ignore_errors=True)
    default = values["as it is"]
    return {
        lang: {
            f"{name}, {mode}": compare(own, own, default[mode], found)
            for name, by_mode in values.items()
            for mode, found in by_mode.items()
        }
        for lang, own in by_language(queries)
    }


def _forget() -> None:
    """Terms that were made with other parts."""
    analyze.word_terms.cache_clear()
    prepare._word.cache_clear()


if __name__ == "__main__":
    main()
