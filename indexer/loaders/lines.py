"""Lines of a byte stream, in bounded memory, with their numbers.

Used by the line formats (JSON Lines, CSV). UTF-16 is recognised by its byte order mark and handed on as UTF-8.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_LINE = 32 * 1024 * 1024
"""Bytes. The longest real article seen is far under 1 MB; a line beyond this is a broken export."""

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its line break; `data` is None where it is longer than the limit."""

    number: int
    data: bytes | None


def read_lines(stream: BinaryIO, limit: int = MAX_LINE) -> Iterator[Line]:
    """Yield the lines of `stream`, holding at most `limit` bytes plus one piece in memory."""
    held: list[bytes] = []
    number, size = 1, 0
    for piece in _utf8_pieces(stream):
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            size += end - start
            if size <= limit:
                held.append(piece[start:end])
                yield Line(number, b"".join(held).removesuffix(b"\r"))
            else:
                yield Line(number, None)
            number, held, size, start = number + 1, [], 0, end + 1
        size += len(piece) - start
        if size <= limit:
            held.append(piece[start:])
        else:
            held = []
    if size:
        yield Line(number, b"".join(held) if size <= limit else None)


def _utf8_pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Pieces of the stream without byte order mark; broken UTF-16 becomes bytes that are not UTF-8."""
    first = stream.read(_PIECE)
    if not first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield first.removeprefix(codecs.BOM_UTF8)
        while piece := stream.read(_PIECE):
            yield piece
        return
    decoder = codecs.getincrementaldecoder("utf-16")(errors="surrogatepass")
    piece = first
    while piece:
        yield decoder.decode(piece).encode("utf-8", "surrogatepass")
        piece = stream.read(_PIECE)
    if decoder.getstate()[0]:  # half a character at the end
        yield b"\xff"
