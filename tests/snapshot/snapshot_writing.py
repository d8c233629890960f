"""A few documents, and versions of them: written, published, or published with a line in the history."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from indexer.cut import cut
from indexer.prepare import columns
from kbsearch import versions
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.index.corpus import whole
from kbsearch.index.dense import build_dense
from kbsearch.manifest import publish
from kbsearch.snapshot_writer import Content, write_snapshot
from kbsearch.types import Document

DOCUMENTS = (
    Document("a.en", "First article", "The **first** body.", "a", "en", category=("One", "Two"), tags=("t",)),
    Document("a.lv", "Pirmais raksts", "Pirmais teksts 🙂.", "a", "lv", audience=("agent", "public"), type="faq"),
    Document("b.en", "Second article", "## Part\n\nText.\n\n## Other\n\nMore.", "b", "en", url="https://x.example/b"),
    Document("c.lt", "Trečias", "Tekstas.", "c", "lt", updated_at="2026-01-02T03:04:05Z"),
)


def write(root: Path, documents: tuple[Document, ...] = DOCUMENTS, **parts: bytes) -> str:
    cuts = [cut(document) for document in documents]
    embedder = HashingEmbedder()
    vectors = embedder.encode_passages([passage.text for ready in cuts for passage in ready.passages])
    content = Content(
        whole(columns(cuts)),
        partial(build_dense, vectors, vectors),
        embedder.encode_passages([cut.document.title for cut in cuts]),
        embedder.info,
        "cutter-1",
        ["source.jsonl"],
        {"problems": 0},
        parts=parts,
    )
    return write_snapshot(root, content)


def release(root: Path, documents: tuple[Document, ...] = DOCUMENTS) -> str:
    version = write(root, documents)
    publish(root, version)
    return version


def served(root: Path, count: int) -> str:
    """A version that is published as the indexer does it, with a line in the history."""
    version = write(root, DOCUMENTS[:count])
    versions.release(root, version, "build")
    return version
