"""A snapshot: one immutable index on disk, and the pointer that says which one is published.

    DIR/CURRENT                         the published version's name; replaced atomically, the only thing that changes
    DIR/20261122T031500Z-1f3a/          a version: files written once, listed with checksums in manifest.json
        manifest.json                   format, model, analyzer, cutter, counts, recall, sources, checksums
        documents.* bodies.*            what is shown; passages.* what is searched and quoted
        attributes.json attribute_*     type, lang, category, tag, audience → documents
        lexical/ dense/ heads/ spelling/ titles/ marks/

The indexer writes through snapshot_writer.py; everybody else reads through `open_snapshot`. The manifest and the
pointer are the business of manifest.py, whose names can be had here as well; what stands side by side in DIR, of
versions.py.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kbsearch.editing import read_editing
from kbsearch.embed.protocol import ModelInfo
from kbsearch.index.arrays import (
    Records,
    find_hashes,
    group_pairs,
    hash_texts,
    open_array,
)
from kbsearch.index.dense import DenseIndex
from kbsearch.index.heads import Heads
from kbsearch.index.lexical import LexicalIndex
from kbsearch.index.marks import Marks
from kbsearch.index.spelling import SpellingIndex
from kbsearch.index.titles import TitleIndex
from kbsearch.manifest import (
    CURRENT,
    FORMAT_VERSION,
    MANIFEST,
    VERSION_TIME,
    hold_version,
    publish,
    published_version,
    read_manifest,
    verify_snapshot,
)
from kbsearch.text.tags import primary
from kbsearch.types import Passage, StoredDocument

__all__ = [
    "ATTRIBUTES",
    "CURRENT",
    "FACETS",
    "FORMAT_VERSION",
    "MANIFEST",
    "VERSION_TIME",
    "Snapshot",
    "open_snapshot",
    "publish",
    "published_version",
    "read_manifest",
    "verify_snapshot",
]

ATTRIBUTES = ("type", "lang", "category", "tag", "audience")
FACETS = ("type", "lang", "category")
"""Of which attributes it is counted how many results have each value."""


class Snapshot:
    """An open, verified, memory-mapped version. Immutable and safe to share between threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # Until this object is gone, prune leaves the version alone.
        weakref.finalize(self, os.close, hold_version(directory))
        self.manifest = read_manifest(directory)
        # As CURRENT names it: a copy of a version, under a name of its own, holds the manifest of the first.
        self.version = directory.name
        self.model = ModelInfo(**self.manifest["model"])
        self.languages: tuple[str, ...] = tuple(self.manifest["languages"])
        self.lexical = LexicalIndex(directory / "lexical")
        self.dense = DenseIndex(directory / "dense")
        self.heads = Heads(directory / "heads")
        self.spelling = SpellingIndex(directory / "spelling")
        self.titles = TitleIndex(directory / "titles")
        self.marks = Marks(directory / "marks")
        self.editing = read_editing(directory)
        self._documents = Records(directory, "documents")
        self._bodies = Records(directory, "bodies")
        self._passages = Records(directory, "passages")
        self.document_group: NDArray[np.int32] = open_array(directory / "document_group.npy")
        self.passage_document: NDArray[np.int32] = open_array(directory / "passage_document.npy")
        ids = open_array(directory / "document_ids.npy")
        self._id_order = np.argsort(ids, kind="stable")
        self._sorted_ids: NDArray[np.uint64] = ids[self._id_order]
        self.group_start, self.group_documents = group_pairs(
            self.document_group, np.arange(len(ids)), int(self.manifest["groups"])
        )
        self._passage_start = np.searchsorted(self.passage_document, np.arange(len(ids) + 1))
        self.values: dict[str, list[str]] = orjson.loads((directory / "attributes.json").read_bytes())
        self._codes = {name: {value: code for code, value in enumerate(listed)} for name, listed in self.values.items()}
        self._attribute = {
            name: (
                open_array(directory / f"attribute_{name}.indptr.npy"),
                open_array(directory / f"attribute_{name}.documents.npy"),
            )
            for name in ATTRIBUTES
        }
        self._spoken: dict[tuple[str, ...], NDArray[np.bool_]] = {}
        self.document_lang = self._single_valued("lang")
        indptr, documents = self._attribute["category"]
        categories = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        kinds = self._single_valued("type"), *group_pairs(documents, categories, len(ids)), len(self.values["type"])
        members = self.document_group, self.group_start, self.group_documents
        self.articles = self.passage_document, self._passage_start, self.document_lang, members, kinds
        """What a compiled search takes of documents: that of each passage; the first passage of each, and the end;
        their languages; their groups, and where the members of each group stand; their types, where the categories of
        each stand, and how many types there are."""
        self.facets_size = sum(len(self.values[name]) for name in FACETS)

    @property
    def document_count(self) -> int:
        return len(self._documents)

    def record(self, number: int) -> Mapping[str, Any]:
        """A document's fields without its body."""
        fields: Mapping[str, Any] = self._documents.value(number)
        return fields

    def stored(self, number: int) -> StoredDocument:
        """A whole document, without its translations."""
        fields = dict(self.record(number))
        html, text = orjson.loads(self._bodies[number])
        for name in ("category", "tags", "audience"):
            fields[name] = tuple(fields[name])
        return StoredDocument(**fields, html=html, text=text)

    def passage(self, number: int) -> Passage:
        """A passage's text and heading path."""
        text, headings = self._passages.value(number)
        return Passage(text, tuple(headings))

    def text(self, number: int) -> str:
        """A passage's text alone."""
        text: str = self._passages.value(number)[0]
        return text

    def number_of(self, document_id: str) -> int | None:
        """A document's number from its id."""
        place = int(find_hashes(self._sorted_ids, hash_texts([document_id]))[0])
        if place < 0:
            return None
        number = int(self._id_order[place])
        return number if self.record(number)["id"] == document_id else None

    def group_members(self, group: int) -> NDArray[np.int32]:
        """The documents of a group, in the order in which they were read."""
        return self.group_documents[self.group_start[group] : self.group_start[group + 1]]

    def passages_of(self, document: int) -> range:
        """The passages of a document."""
        return range(int(self._passage_start[document]), int(self._passage_start[document + 1]))

    def first_passages(self, documents: NDArray[np.int32]) -> NDArray[np.int64]:
        """The first passage of each document."""
        first: NDArray[np.int64] = self._passage_start[documents].astype(np.int64)
        return first

    def spoken(self, tags: tuple[str, ...]) -> NDArray[np.bool_]:
        """One flag for each of `values["lang"]`: whether it is one of these languages, in whatever region."""
        flags = self._spoken.get(tags)
        if flags is None:
            wanted = {primary(tag) for tag in tags}
            flags = np.asarray([primary(name) in wanted for name in self.values["lang"]], dtype=np.bool_)
            self._spoken[tags] = flags
        return flags

    def documents_with(self, name: str, values: Sequence[str]) -> NDArray[np.bool_]:
        """One flag a document: whether attribute `name` has any of the values."""
        flags = np.zeros(self.document_count, dtype=np.bool_)
        indptr, documents = self._attribute[name]
        for value in values:
            code = self._codes[name].get(value)
            if code is not None:
                flags[documents[indptr[code] : indptr[code + 1]]] = True
        return flags

    def _single_valued(self, name: str) -> NDArray[np.int32]:
        indptr, documents = self._attribute[name]
        codes = np.zeros(self.document_count, dtype=np.int32)
        codes[documents] = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        return codes


def open_snapshot(root: Path, version: str | None = None) -> Snapshot:
    """Verify and open a version, by default the published one. Raises SnapshotError kinds."""
    directory = root / (version or published_version(root))
    verify_snapshot(directory)
    return Snapshot(directory)
