"""Writes a snapshot from a corpus and its vectors: the same content gives the same bytes, whatever was there before."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kbsearch.disk import files_below, sha256, sync, sync_directories
from kbsearch.editing import EDITING_FILE, Editing
from kbsearch.embed.protocol import ModelInfo
from kbsearch.errors import SnapshotError
from kbsearch.index.arrays import group_pairs, hash_texts, write_array, write_records
from kbsearch.index.corpus import Corpus
from kbsearch.index.dense import BuiltDense
from kbsearch.index.heads import telling_titles, write_heads
from kbsearch.index.kernels import add_up
from kbsearch.index.lexical import write_lexical
from kbsearch.index.marks import write_marks
from kbsearch.index.protect import protect
from kbsearch.index.ragged import Ragged
from kbsearch.index.spelling import write_spelling
from kbsearch.index.titles import write_titles
from kbsearch.manifest import FORMAT_VERSION, MANIFEST, VERSION_TIME
from kbsearch.snapshot import ATTRIBUTES
from kbsearch.text.analyze import ANALYZER_VERSION
from kbsearch.text.normalise import fold
from kbsearch.versions import STAGING, version_name


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that a snapshot is written from."""

    corpus: Corpus
    dense: Callable[[], BuiltDense]
    """The index of the passages' vectors, which may be in the making until it is asked for."""
    heads: NDArray[np.floating[Any]]
    """One unit row a document: what its title and tags mean; stored in 16 bits."""
    model: ModelInfo
    cutter_version: str
    sources: Sequence[str]
    notes: Mapping[str, Any] = field(default_factory=dict)
    editing: Editing = field(default_factory=Editing)
    groups: Mapping[str, str] = field(default_factory=dict)
    """Id → group, for documents whose group is not the one in their record."""
    parts: Mapping[str, bytes] = field(default_factory=dict)
    """Further files by name."""
    inputs: str = ""
    """A digest of everything above where the caller has one; a version says what it was made from."""
    before: Path | None = None
    """A version of this format and analyzer, unharmed: what this one has in common with it is copied from there."""


def write_snapshot(root: Path, content: Content, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> str:
    """Write everything but the pointer; return the version's name. Nothing is visible to readers before it is whole.

    One process at a time writes in `root`. Raises SnapshotError; then nothing is left but what was there before.
    """
    started = now()
    directory = root / f"{STAGING}{started.strftime(VERSION_TIME)}-{os.getpid()}"
    try:
        directory.mkdir(parents=True)
        manifest = _write_parts(directory, content)
        (directory / EDITING_FILE).write_bytes(content.editing.to_json())
        for name, data in content.parts.items():
            (directory / name).write_bytes(data)
        paths = list(files_below(directory))
        with ThreadPoolExecutor() as pool:
            files = {
                path.relative_to(directory).as_posix(): said
                for path, said in zip(paths, pool.map(_sealed, paths), strict=True)
            }
        version = version_name(root, started, hashlib.sha256(orjson.dumps(files)).hexdigest())
        created_at = started.isoformat(timespec="seconds").replace("+00:00", "Z")
        head = {"format": FORMAT_VERSION, "version": version, "created_at": created_at}
        (directory / MANIFEST).write_bytes(orjson.dumps(head | manifest | {"files": files}, option=orjson.OPT_INDENT_2))
        sync(directory / MANIFEST)
        sync_directories(directory)
        directory.rename(root / version)
        sync(root)
    except (OSError, RuntimeError) as cause:  # faiss reports a full disk as a RuntimeError
        shutil.rmtree(directory, ignore_errors=True)
        raise cannot_write(root, cause) from cause
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return version


def _sealed(path: Path) -> dict[str, Any]:
    """Flush a file to the disk; what the manifest says of it."""
    sync(path)
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def cannot_write(root: Path, cause: Exception) -> SnapshotError:
    """What to say when the disk is full, read-only or gone."""
    reason = getattr(cause, "strerror", None) or str(cause).splitlines()[0]
    return SnapshotError(
        f"{root} cannot be written ({reason}); check its permissions and free space, or choose another --out, and "
        "run the command again: it continues with what is finished. What was published before still is."
    )


def remove_unfinished(root: Path) -> None:
    """Remove what killed processes left half-written or half-removed."""
    for path in root.glob(f"{STAGING}*"):
        with suppress(FileNotFoundError):  # prune removes it as well
            shutil.rmtree(path)


def _write_parts(directory: Path, content: Content) -> dict[str, Any]:
    """Write every file but the manifest; return what the manifest says of them."""
    corpus = content.corpus
    vocabulary = protect(corpus.vocabulary, frozenset(map(fold, content.editing.protected)))
    bags, weights = corpus.words_of_passages("bags"), corpus.of_passages("weights")
    # Compiled code, which leaves the interpreter to the rest.
    with ThreadPoolExecutor() as pool:
        lexical = pool.submit(write_lexical, directory / "lexical", bags, weights, vocabulary.terms)
        # A word of a title or heading counts more, as in the lexical index.
        times = np.zeros(len(vocabulary.words), dtype=np.int64)
        add_up(bags.values, weights.values, times)
        known = vocabulary.keys, vocabulary.words, vocabulary.langs, times
        before = content.before / "spelling" if content.before else None
        words = write_spelling(directory / "spelling", *known, before)
        write_marks(directory / "marks", *(corpus.of_passages(name) for name in ("starts", "ends", "stems")))
        titles = corpus.words_of_documents("titles")
        write_titles(titles, corpus.title_keys(), vocabulary, directory / "titles")
        write_heads(content.heads, telling_titles(titles, vocabulary), directory / "heads")
        languages, groups = _write_documents(directory, corpus, content.groups)
    dense = content.dense().write(directory / "dense")
    return {
        "model": asdict(content.model),
        "analyzer": ANALYZER_VERSION,
        "cutter": content.cutter_version,
        "documents": corpus.documents,
        "groups": groups,
        "passages": corpus.passages,
        "words": words,
        "languages": dict(sorted(languages.items())),
        "lexical": asdict(lexical.result()),
        "dense": asdict(dense),
        "sources": list(content.sources),
        "notes": dict(content.notes),
        "inputs": content.inputs,
    }


def _write_documents(directory: Path, corpus: Corpus, changed: Mapping[str, str]) -> tuple[Counter[str], int]:
    """Write documents, passages, ids, groups and attributes; return documents by language, and the number of groups.

    `changed`: id → group, for documents whose group is not the one in their record.
    """
    stored = corpus.of_documents("records")
    records = [orjson.loads(record) for record in stored.rows()]
    if changed:
        records = [record | {"group": changed.get(record["id"], record["group"])} for record in records]
        stored = Ragged.of_bytes([orjson.dumps(record) for record in records])
    write_records(directory, "documents", stored)
    write_records(directory, "bodies", corpus.of_documents("bodies"))
    write_records(directory, "passages", corpus.of_passages("texts"))
    write_array(directory / "passage_document.npy", corpus.passage_document)
    groups: dict[str, int] = {}
    values: dict[str, dict[str, int]] = {name: {} for name in ATTRIBUTES}
    pairs: dict[str, list[tuple[int, int]]] = {name: [] for name in ATTRIBUTES}
    group_of = [groups.setdefault(record["group"], len(groups)) for record in records]
    for number, record in enumerate(records):
        attributes = {
            "type": (record["type"],),
            "lang": (record["lang"],),
            "category": record["category"],
            "tag": record["tags"],
            "audience": record["audience"],
        }
        for name, held in attributes.items():
            known = values[name]
            pairs[name] += [(known.setdefault(value, len(known)), number) for value in held]
    write_array(directory / "document_ids.npy", hash_texts(record["id"] for record in records))
    write_array(directory / "document_group.npy", np.asarray(group_of, dtype=np.int32))
    for name in ATTRIBUTES:
        table = np.asarray(pairs[name], dtype=np.int64).reshape(-1, 2)
        indptr, documents = group_pairs(table[:, 0], table[:, 1], len(values[name]))
        write_array(directory / f"attribute_{name}.indptr.npy", indptr)
        write_array(directory / f"attribute_{name}.documents.npy", documents)
    listed = {name: list(known) for name, known in values.items()}
    (directory / "attributes.json").write_bytes(orjson.dumps(listed))
    return Counter(record["lang"] for record in records), len(groups)
