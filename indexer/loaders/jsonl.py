"""JSON Lines, one document a line, plain or compressed. The article format itself (docs/sources.md)."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from indexer.loaders.fields import FieldError, make_document
from indexer.loaders.lines import MAX_LINE, read_lines
from indexer.loaders.report import Found, Item, Note, Problem, SourceFile
from kbsearch.errors import SourceError

EXTENSIONS = (".jsonl", ".jsonl.gz", ".jsonl.xz", ".jsonl.bz2")


def read(source: SourceFile) -> Iterator[Item]:
    """Yield a document or a problem for each line that is not blank.

    :raises SourceError: where a compressed file ends too early: half of one would look like deleted articles.
    """
    number, empty, judged = 0, True, False
    try:
        with _open(source.path) as stream:
            for line in read_lines(stream):
                number = line.number
                if line.data is not None and not line.data.strip():
                    continue
                empty = False
                row = _parse(line.data)
                if isinstance(row, str):
                    yield Problem(source.name, number, row)
                    continue
                if not judged and "query" in row and "title" not in row:
                    yield Note(f"{source.name}: holds queries for kbsearch eval, not documents; left out")
                    return
                judged = True
                try:
                    yield Found(make_document(row), number)
                except FieldError as error:
                    yield Problem(source.name, number, str(error))
    except (EOFError, lzma.LZMAError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # the system's own; the others tell of the packing
            raise
        place = f" after line {number}" if number else ""
        raise SourceError(
            f"{source.name} is damaged or cut short{place} ({error}), and half of it would look like "
            "deleted articles; nothing was published. Pack or copy it again, or take it away."
        ) from error
    if empty:
        yield Problem(source.name, None, "the file is empty")


def _open(path: Path) -> BinaryIO:
    match path.suffix.lower():
        case ".gz":
            return cast(BinaryIO, gzip.open(path, "rb"))
        case ".xz":
            return cast(BinaryIO, lzma.open(path, "rb"))
        case ".bz2":
            return cast(BinaryIO, bz2.open(path, "rb"))
        case _:
            return path.open("rb")


def _read(data: bytes) -> object:
    """What a line says; orjson is quicker, and refuses some that the standard library reads (half a character)."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data.decode("utf-8"))


def _parse(data: bytes | None) -> dict[str, object] | str:
    """The object on a line, or the reason why there is none."""
    if data is None:
        return f"the line is longer than {MAX_LINE // 1024**2} MiB; split the document or the lines"
    try:
        row = _read(data)
    except UnicodeDecodeError as error:
        return f"not UTF-8 (byte {error.start + 1} of the line); save the file as UTF-8"
    except RecursionError:
        return "not JSON: nested too deeply"
    except ValueError as error:
        return f"not JSON: {error}"
    if not isinstance(row, dict):
        return f"not a JSON object but {type(row).__name__}; write one {{…}} a line"
    return row
