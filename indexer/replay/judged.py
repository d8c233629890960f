"""Judged questions (docs/evaluation.md) as successes to keep: each counts once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from indexer.replay.successes import Success
from kbsearch.evaluate import read_queries
from kbsearch.snapshot import Snapshot


def read_judged(path: Path, published: Snapshot) -> list[Success]:
    """Read a file of judged questions.

    A question is asked as the public where the public may read what answers it, else as somebody who may see all.
    Raises SourceError naming the line that cannot be used.
    """
    return [
        Success(
            query=query.query,
            lang=query.lang,
            public=not query.answerable or any(_public(documents, published)),
            documents=documents,
            kind="judged" if query.answerable else "unanswerable",
            by_group=query.by_group,
        )
        for query in read_queries(path)
        for documents in [tuple(name for name, grade in query.relevant.items() if grade > 0)]
    ]


def _public(documents: tuple[str, ...], published: Snapshot) -> Iterator[bool]:
    """Of each article that is there, whether everybody may see it; of a group's name nothing is known."""
    for document in documents:
        number = published.number_of(document)
        yield number is None or "public" in published.record(number)["audience"]
