"""Sources in, published snapshot out: load → rows (language, cut, words) → vectors → write → publish.

Finished rows and vectors are kept (batches.py): an interrupted run continues from them, and an update makes only those
that are new. A snapshot is a function of the documents, the model and the code: update and build give the same bytes.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import orjson
from tqdm import tqdm

from indexer.batches import Cache, Shelf, shelf_name
from indexer.carry import carried
from indexer.cut import CUTTER_VERSION
from indexer.editing import complain, editing_digest, load_editing, load_groups
from indexer.loaders import LoadReport, Problem, load_sources
from indexer.share import Sparing
from indexer.ties import tied_groups
from indexer.web import DELAY, copy_folder, fetch, is_address
from indexer.work import RowMaker, VectorMaker, corpus_of, tidy_rows, tidy_vectors, vectors_of
from kbsearch.collector import without_collector
from kbsearch.disk import sha256
from kbsearch.embed.protocol import Embedder, ModelInfo
from kbsearch.embed.registry import load_embedder
from kbsearch.errors import SnapshotDamaged, SnapshotError, SnapshotMissing, SourceError
from kbsearch.index.arrays import wide_hash
from kbsearch.index.corpus import Corpus
from kbsearch.index.dense import build_dense
from kbsearch.manifest import CALIBRATION, FORMAT_VERSION, MANIFEST, published_version, read_manifest
from kbsearch.snapshot_writer import Content, cannot_write, remove_unfinished, write_snapshot
from kbsearch.text.analyze import ANALYZER_VERSION
from kbsearch.version import __version__
from kbsearch.versions import discard, hold_back, only_writer, release, version_directories

# More would scroll the summary away; all are counted.
SHOWN_PROBLEMS = 20
# Titles look like queries, so they are what the dense leg's recall is measured with.
SAMPLE_TITLES = 200
_SAME = ("files", "model", "analyzer", "cutter", "sources", "notes")


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build or update did."""

    version: str
    published: bool
    unchanged: bool
    """An update found nothing new; the version is the one that was published already."""
    documents: int
    passages: int
    documents_analysed: int
    """The others were used again."""
    passages_embedded: int
    problems: tuple[Problem, ...]
    problem_count: int
    notes: tuple[str, ...]
    seconds: float
    peak_mebibytes: float

    def complaints(self) -> Iterator[str]:
        """Yield what a person has to read besides the summary, a line each: what was skipped and why, and notes."""
        for problem in self.problems[:SHOWN_PROBLEMS]:
            yield f"skipped {problem}"
        if self.problem_count > SHOWN_PROBLEMS:
            yield f"… and {self.problem_count - SHOWN_PROBLEMS} more"
        for note in self.notes:
            yield f"note: {note}"


def build(
    sources: Sequence[Path | str],
    out: Path,
    *,
    model: str | None = None,
    strict: bool = False,
    embedder: Embedder | None = None,
    update: bool = False,
    publishing: bool = True,
    cores: float | None = None,
    delay: float = DELAY,
) -> BuildReport:
    """Index the sources (paths, or addresses on the web) into a new snapshot under `out` and publish it.

    `update`: use every unchanged row and vector again, and the published version's model unless one is named.
    `cores`: how many embedding may keep busy on average; None: all.
    `delay`: seconds between two requests to a website.
    What was published before stays so until the last step, whatever goes wrong. Raises SourceError, ModelError and
    SnapshotError.
    """
    started = perf_counter()
    purpose = "update" if update else "build"
    _keep_apart(sources, out)
    with _alone(out, purpose), without_collector():
        before = _published_manifest(out) if update else {}
        embedder = embedder or load_embedder(before["model"]["name"] if before and model is None else model)
        if cores is not None:
            embedder = Sparing(embedder, cores)
        remove_unfinished(out)
        cache = Cache(out)
        cache.start(keep=update)
        report = LoadReport()
        paths = [_local(source, cache, report, strict, delay) for source in sources]
        work = _work(cache, embedder, paths, strict, report)
        parts = carried(out, _published_manifest(out), embedder.info, report)
        inputs = _inputs(work.keys, paths, sources, embedder.info, report)
        if before and _unchanged(before, inputs, parts, strict):
            manifest, unchanged = before, True
            report.problem_count = before["notes"]["problems"]
            report.problems += [Problem(*fields) for fields in before["notes"].get("editing", ())]
        else:
            work.vector_maker.add_rows(work.rows, work.keys)
            with ThreadPoolExecutor() as pool:
                content = replace(
                    _content(work, embedder, paths, strict, report, pool),
                    sources=[str(source) for source in sources],
                    parts=parts,
                    inputs=inputs,
                    before=_like(out, before),
                )
                manifest = read_manifest(out / write_snapshot(out, content))
            unchanged = bool(before) and _same(before, manifest)
            manifest = _settled(out, before if unchanged else {}, manifest, purpose, publishing)
            work.tidy(content.corpus, embedder.info.dimension)
        work.vectors.end()
        kept = {work.rows.name, work.vectors.name, *(path.name for path in paths)}
        cache.finish(kept | _shelves_of_versions(out, cache, report))
    return BuildReport(
        version=str(manifest["version"]),
        published=publishing or unchanged,
        unchanged=unchanged,
        documents=manifest["documents"],
        passages=manifest["passages"],
        documents_analysed=work.rows_made,
        passages_embedded=work.vector_maker.made,
        problems=tuple(report.problems),
        problem_count=report.problem_count,
        notes=tuple(report.notes),
        seconds=perf_counter() - started,
        peak_mebibytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


@dataclass(slots=True)
class _Work:
    """What is finished of the sources' documents: a row for each, and the vectors of those that are new."""

    rows: Shelf
    vectors: Shelf
    vector_maker: VectorMaker
    keys: list[bytes]
    """Of every document, in the order of the sources."""
    rows_made: int

    def tidy(self, corpus: Corpus, dimension: int) -> None:
        """Write files together of which little is in use."""
        tidy_rows(self.rows, self.keys)
        tidy_vectors(self.vectors, np.concatenate([corpus.text_keys(), corpus.head_keys()]), dimension)


def _work(cache: Cache, embedder: Embedder, paths: Sequence[Path], strict: bool, report: LoadReport) -> _Work:
    """Read the sources, and see to it that every document has a row."""
    rows = Shelf(cache, "rows", f"{CUTTER_VERSION} {ANALYZER_VERSION}")
    vectors = Shelf(cache, "vectors", _fingerprint(embedder.info))
    vectors.begin()
    vector_maker = VectorMaker(vectors, embedder)
    return _Work(rows, vectors, vector_maker, *_make_rows(paths, strict, report, rows, vector_maker))


def _content(
    work: _Work, embedder: Embedder, paths: Sequence[Path], strict: bool, report: LoadReport, pool: Executor
) -> Content:
    """What a snapshot of the documents holds, with what the editor's files beside them say."""
    corpus = corpus_of(work.rows, work.keys)
    records = [orjson.loads(record) for record in corpus.of_documents("records").rows()]
    dimension = embedder.info.dimension
    vectors = vectors_of(work.vectors, corpus.text_keys(), dimension)
    # What takes longest begins first: compiled code, which leaves the interpreter to the rest.
    dense = pool.submit(build_dense, vectors, embedder.encode_queries(_sample_titles(records)))
    said = len(report.problems)
    accepted = load_groups(paths, _names(records, {}), report=report, strict=strict)
    groups = tied_groups(corpus, records, accepted, report)
    editing = load_editing(paths, _names(records, groups), report=report, strict=strict)
    return Content(
        corpus,
        dense.result,
        vectors_of(work.vectors, corpus.head_keys(), dimension, np.float16),
        embedder.info,
        CUTTER_VERSION,
        sources=(),
        notes={
            "problems": report.problem_count,
            # An update that finds nothing new says these again; it does not read the files.
            "editing": [[one.file, one.line, one.reason] for one in report.problems[said:][:SHOWN_PROBLEMS]],
        },
        editing=editing,
        groups=groups,
    )


def _settled(
    out: Path, same: Mapping[str, Any], written: Mapping[str, Any], purpose: str, publishing: bool
) -> Mapping[str, Any]:
    """The manifest of the version that counts from now on: the one written, unless it is the `same` as one before."""
    version = str(written["version"])
    if same:
        discard(out, version)
        return same
    if publishing:
        release(out, version, purpose)
    else:
        hold_back(out, version, purpose)
    return written


def _local(source: Path | str, cache: Cache, report: LoadReport, strict: bool, delay: float) -> Path:
    """Where a source can be read: of an address on the web, its copy."""
    if not is_address(str(source)):
        return Path(source)
    folder = cache.directory / copy_folder(str(source))
    for item in fetch(str(source), folder, delay):
        if isinstance(item, Problem):
            complain(item, report, strict)
        else:
            report.add_note(item.text)
    return folder


def _keep_apart(sources: Sequence[Path | str], out: Path) -> None:
    """Refuse a source that would become the index: from then on nothing would be read there."""
    for source in sources:
        if not is_address(str(source)) and Path(source).resolve() == out.resolve():
            raise SourceError(f"{source} is the source and --out at once; give --out a directory of its own.")


@contextmanager
def _alone(out: Path, purpose: str) -> Iterator[None]:
    """Make the directory and be the only one who writes into it; say what to do where it cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with only_writer(out, purpose):
            yield
    except OSError as cause:
        if cause.filename is not None and not Path(os.fsdecode(cause.filename)).is_relative_to(out):
            raise  # not this directory's fault
        raise cannot_write(out, cause) from cause


def _make_rows(
    sources: Sequence[Path], strict: bool, report: LoadReport, shelf: Shelf, vectors: VectorMaker
) -> tuple[list[bytes], int]:
    """Rows for every document, and vectors for those made now; the documents' keys in the order of the sources, and
    how many rows were made."""
    there = [source for source in sources if source.exists()]
    with (
        tqdm(desc="indexing", unit=" documents", disable=not sys.stderr.isatty()) as progress,
        RowMaker(shelf, vectors.add, len(os.sched_getaffinity(0))) as maker,
    ):
        for document in load_sources(sources, report=report, strict=strict):
            maker.add(document)
            progress.update()
        for source in there:
            if not source.exists():
                raise SourceError(f"{source} disappeared while it was read; nothing was published. Run it again.")
        maker.finish()
        return maker.keys, maker.made


def _names(records: Sequence[Mapping[str, Any]], groups: Mapping[str, str]) -> dict[str, str]:
    """Id of each document, and of each group → a document; `groups` are those that the records do not say."""
    named = {groups.get(record["id"], record["group"]): record["id"] for record in reversed(records)}
    return named | {record["id"]: record["id"] for record in records}


def _sample_titles(records: Sequence[Mapping[str, Any]]) -> list[str]:
    titles = [record["title"] for record in records]
    return titles[:: max(1, len(titles) // SAMPLE_TITLES)][:SAMPLE_TITLES]


def _published_manifest(out: Path) -> Mapping[str, Any]:
    try:
        return read_manifest(out / published_version(out))
    except SnapshotError:
        return {}


def _inputs(
    keys: Sequence[bytes], paths: Sequence[Path], sources: Sequence[Path | str], model: ModelInfo, report: LoadReport
) -> str:
    """A digest of everything that a version's bytes depend on; what is carried over from version to version apart."""
    settings = [__version__, FORMAT_VERSION, asdict(model), CUTTER_VERSION, ANALYZER_VERSION]
    read = [[str(source) for source in sources], report.by_source, report.problem_count]
    return wide_hash(orjson.dumps([settings, read]) + editing_digest(paths) + b"".join(keys)).hex()


def _unchanged(before: Mapping[str, Any], inputs: str, parts: Mapping[str, bytes], strict: bool) -> bool:
    """Whether the version `before` is what would be written; the editor's bad rows are complained of where `strict`."""
    kept = set(parts) == {CALIBRATION} & set(before["files"])
    return before.get("inputs") == inputs and kept and not (strict and before["notes"]["problems"])


def _like(out: Path, before: Mapping[str, Any]) -> Path | None:
    """The version `before`, if a new one may copy words from it: of our format and analyzer, and as it was written."""
    if (before.get("format"), before.get("analyzer")) != (FORMAT_VERSION, ANALYZER_VERSION):
        return None
    directory = out / str(before["version"])
    files = {name: file for name, file in before["files"].items() if name.startswith("spelling/")}
    try:
        unharmed = all(sha256(directory / name) == file["sha256"] for name, file in files.items())
    except OSError:
        return None
    return directory if unharmed else None


def _same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(before.get(name) == after.get(name) for name in _SAME)


def _fingerprint(model: ModelInfo) -> str:
    return orjson.dumps(asdict(model)).decode()


def _shelves_of_versions(out: Path, cache: Cache, report: LoadReport) -> set[str]:
    """Where the vectors of every model lie that a version here was built with; a damaged version keeps them all."""
    shelves = set()
    for directory in version_directories(out):
        try:
            shelves.add(shelf_name("vectors", orjson.dumps(read_manifest(directory)["model"]).decode()))
        except SnapshotMissing:  # removed meanwhile
            continue
        except (SnapshotDamaged, KeyError):
            report.add_note(
                f"{directory / MANIFEST} is damaged and names no model, so the vectors of every model are kept; "
                f"to remove old versions: kbsearch-index prune {out} --keep N"
            )
            shelves |= {path.name for path in cache.directory.glob("vectors-*")}
    return shelves
