"""The two costly steps of a build, each kept as soon as it is done: documents into rows, texts into vectors."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from indexer.batches import Shelf, split_keys, write_batch
from indexer.prepare import document_key, head_text, passage_text, prepare
from indexer.workers import Workers
from kbsearch.embed.protocol import Embedder
from kbsearch.index.corpus import Batch, Corpus, column
from kbsearch.index.ragged import places_by
from kbsearch.types import Document, Passage

# A second or two of work: what a kill costs at most.
ROWS = 1_000
TEXTS = 1_024
# Rows that are made in less time than other processes need to start.
FEW_ROWS = 2_000


class RowMaker:
    """Cuts and analyses documents in batches, in other processes once there are more than a few."""

    def __init__(self, shelf: Shelf, done: Callable[[Batch], None], processes: int) -> None:
        self._shelf = shelf
        self._done = done
        self._processes = processes
        self._pool = ExitStack()
        self._workers: Workers | None = None
        self._waiting: list[Document] = []
        self._running: deque[tuple[Workers, Path]] = deque()
        self.keys: list[bytes] = []
        """Of every document given, in order."""
        self.made = 0

    def __enter__(self) -> RowMaker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    def add(self, document: Document) -> None:
        """Take the next document; its row is made unless it is there already."""
        key = document_key(document)
        self.keys.append(key)
        if key in self._shelf:
            return
        self.made += 1
        self._waiting.append(document)
        if len(self._waiting) == (ROWS if self._workers else FEW_ROWS):
            self._give(self._workers or self._start_workers())
            while len(self._running) > 2 * self._processes:
                self._take_first()

    def finish(self) -> None:
        """Make what is left; afterwards the shelf has a row for every key."""
        if self._waiting and self._workers:
            self._give(self._workers)
        elif self._waiting:
            path = self._shelf.next_path()
            write_batch(path, prepare(self._waiting))
            self._accept(path)
        while self._running:
            self._take_first()

    def _start_workers(self) -> Workers:
        self._workers = self._pool.enter_context(Workers(self._processes))
        return self._workers

    def _give(self, workers: Workers) -> None:
        for start in range(0, len(self._waiting), ROWS):
            path = self._shelf.next_path()
            workers.give(path, self._waiting[start : start + ROWS])
            self._running.append((workers, path))
        self._waiting = []

    def _take_first(self) -> None:
        workers, path = self._running.popleft()
        workers.wait()
        self._accept(path)

    def _accept(self, path: Path) -> None:
        number = self._shelf.accept(path)
        if number is not None:
            self._done(self._shelf.file(number))


class VectorMaker:
    """Embeds texts that no shelf knows yet."""

    def __init__(self, shelf: Shelf, embedder: Embedder) -> None:
        self._shelf = shelf
        self._embedder = embedder
        self._waiting: dict[bytes, str] = {}
        self.made = 0
        """Passages, of which the vectors were not there already."""

    def add_rows(self, shelf: Shelf, keys: Sequence[bytes]) -> None:
        """See to it that all documents of some keys, and their passages, have vectors."""
        for number, rows, _ in by_file(*shelf.places(keys)):
            self.add(shelf.file(number), rows)
        self.finish()

    def add(self, batch: Batch, rows: NDArray[np.int64] | None = None) -> None:
        """See to it that the documents of a batch (all, or those in `rows`) and their passages have vectors."""
        counts = batch["passage_counts"]
        owners = np.repeat(np.arange(len(counts)), counts)
        asked = np.zeros(len(counts), dtype=np.bool_)
        asked[... if rows is None else rows] = True
        head_keys, text_keys = split_keys(batch["head_keys"]), split_keys(batch["text_keys"])
        heads, missing = self._missing(head_keys, asked), self._missing(text_keys, asked[owners])
        if not heads and not missing:
            return
        texts, records = column(batch, "texts"), column(batch, "records")

        @cache
        def head_of(document: int) -> str:
            record = orjson.loads(records[document].tobytes())
            return head_text(record["title"], record["tags"])

        for number in heads:
            self._want(head_keys[number], head_of(number))
        for number in missing:
            text, headings = orjson.loads(texts[number].tobytes())
            self.made += text_keys[number] not in self._waiting
            self._want(text_keys[number], passage_text(head_of(int(owners[number])), Passage(text, tuple(headings))))

    def _missing(self, keys: Sequence[bytes], asked: NDArray[np.bool_]) -> list[int]:
        """Which of the keys that are asked for have no vector and do not wait for one."""
        unknown = np.flatnonzero((self._shelf.places(keys)[0] < 0) & asked)
        return [number for number in unknown.tolist() if keys[number] not in self._waiting]

    def _want(self, key: bytes, text: str) -> None:
        self._waiting[key] = text
        if len(self._waiting) == TEXTS:
            self.finish()

    def finish(self) -> None:
        """Embed and keep what is waiting."""
        if self._waiting:
            keys = np.frombuffer(b"".join(self._waiting), dtype=np.uint64).reshape(-1, 2)
            vectors = self._embedder.encode_passages(list(self._waiting.values()))
            path = self._shelf.next_path()
            write_batch(path, {"keys": keys, "vectors": vectors})
            self._shelf.accept(path)
            self._waiting = {}


def by_file(
    files: NDArray[np.int64], rows: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Each file among some places, the rows in it, and where among the places they stand."""
    numbers, compact = np.unique(files, return_inverse=True)
    for number, mine in zip(numbers.tolist(), places_by(compact, len(numbers)), strict=True):
        yield number, rows[mine], mine


def corpus_of(shelf: Shelf, keys: Sequence[bytes]) -> Corpus:
    """The rows of some keys, in their order."""
    source, rows = shelf.places(keys)
    numbers, compact = np.unique(source, return_inverse=True)
    return Corpus([shelf.file(number) for number in numbers.tolist()], compact.astype(np.int32), rows)


def vectors_of(
    shelf: Shelf, keys: NDArray[np.uint64], dimension: int, dtype: type[np.floating[Any]] = np.float32
) -> NDArray[Any]:
    """The vectors of some texts, in their order."""
    matrix = np.empty((len(keys), dimension), dtype=dtype)
    for number, rows, mine in by_file(*shelf.places(split_keys(keys))):
        matrix[mine] = shelf.file(number)["vectors"][rows]
    return matrix


def tidy_rows(shelf: Shelf, keys: Sequence[bytes]) -> None:
    """Write files that are mostly dead together."""
    numbers = shelf.thin(keys, ROWS)
    kept = _lying_in(shelf, numbers, keys)
    for start in range(0, len(kept), ROWS):
        path = shelf.next_path()
        write_batch(path, corpus_of(shelf, kept[start : start + ROWS]).as_batch())
        shelf.accept(path)
    shelf.remove(numbers)


def tidy_vectors(shelf: Shelf, keys: NDArray[np.uint64], dimension: int) -> None:
    """Write files that are mostly dead together."""
    live = list(dict.fromkeys(split_keys(keys)))  # texts that stand twice have one vector
    numbers = shelf.thin(live, TEXTS)
    kept = _lying_in(shelf, numbers, live)
    for start in range(0, len(kept), TEXTS):
        some = np.frombuffer(b"".join(kept[start : start + TEXTS]), dtype=np.uint64).reshape(-1, 2)
        path = shelf.next_path()
        write_batch(path, {"keys": some, "vectors": vectors_of(shelf, some, dimension)})
        shelf.accept(path)
    shelf.remove(numbers)


def _lying_in(shelf: Shelf, numbers: Sequence[int], keys: Sequence[bytes]) -> list[bytes]:
    """The keys that lie in some files."""
    if not numbers:
        return []
    return [keys[place] for place in np.flatnonzero(np.isin(shelf.places(keys)[0], numbers)).tolist()]
