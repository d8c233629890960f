"""Sources in, published snapshot out: load → detect language → cut → embed and analyse → write → publish."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from tqdm import tqdm

from indexer.cut import CUTTER_VERSION, cut
from indexer.loaders import LoadReport, Problem, load_sources
from kbsearch.embed.protocol import Embedder, Vectors
from kbsearch.embed.registry import load_embedder
from kbsearch.snapshot import SnapshotWriter, publish
from kbsearch.text.language import PLAUSIBLE_LANGUAGES, LanguageDetector
from kbsearch.text.normalise import normalise
from kbsearch.types import CutDocument, Document, Passage

# Large enough that a batch's overhead vanishes, small enough for a transformer's memory.
BATCH = 256
# Titles look like queries, so they are what the dense leg's recall is measured with.
SAMPLE_TITLES = 200


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did."""

    version: str
    documents: int
    passages: int
    problems: tuple[Problem, ...]
    problem_count: int
    notes: tuple[str, ...]
    seconds: float
    peak_mebibytes: float


def build(
    sources: Sequence[Path],
    out: Path,
    *,
    model: str | None = None,
    strict: bool = False,
    embedder: Embedder | None = None,
) -> BuildReport:
    """Index the sources into a new snapshot under `out` and publish it.

    What was published before stays so until the last step, whatever goes wrong. Raises SourceError, ModelError and
    SnapshotError.
    """
    started = perf_counter()
    embedder = embedder or load_embedder(model)
    report = LoadReport()
    detector = LanguageDetector(PLAUSIBLE_LANGUAGES)
    writer = SnapshotWriter(out)
    try:
        documents = 0
        titles: list[str] = []
        pending: list[str] = []
        vectors: list[Vectors] = []
        quiet = not sys.stderr.isatty()
        with tqdm(desc="indexing", unit=" documents", disable=quiet) as progress:
            for document in load_sources(sources, report=report, strict=strict):
                ready = cut(with_language(tidy(document), detector))
                writer.add(ready)
                documents += 1
                titles.append(ready.document.title)
                pending += [passage_text(ready, passage) for passage in ready.passages]
                while len(pending) >= BATCH:
                    vectors.append(embedder.encode_passages(pending[:BATCH]))
                    del pending[:BATCH]
                progress.update()
            if pending:
                vectors.append(embedder.encode_passages(pending))
        matrix = np.concatenate(vectors)
        sample = titles[:: max(1, len(titles) // SAMPLE_TITLES)][:SAMPLE_TITLES]
        version = writer.finish(
            matrix,
            embedder.encode_queries(sample),
            embedder.info,
            CUTTER_VERSION,
            [str(source) for source in sources],
            {"problems": report.problem_count},
        )
    except BaseException:
        writer.abandon()
        raise
    publish(out, version)
    return BuildReport(
        version=version,
        documents=documents,
        passages=len(matrix),
        problems=tuple(report.problems),
        problem_count=report.problem_count,
        notes=tuple(report.notes),
        seconds=perf_counter() - started,
        peak_mebibytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def tidy(document: Document) -> Document:
    """The document with its title normalised."""
    return replace(document, title=normalise(document.title).replace("\n", " "))


def with_language(document: Document, detector: LanguageDetector) -> Document:
    """The document with its language, detected where the source does not say; "und" where nothing can be told."""
    if document.lang:
        return document
    guesses = detector.detect(f"{document.title}\n{document.body}")
    return replace(document, lang=guesses[0].lang if guesses else "und")


def passage_text(document: CutDocument, passage: Passage) -> str:
    """What is embedded: a passage reads best below its title and headings."""
    return "\n".join((document.document.title, *passage.headings, passage.text))
