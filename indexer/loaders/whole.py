"""One whole text file into memory, bounded and decoded. Used by the formats where a file is a document."""

from __future__ import annotations

import codecs

from indexer.loaders.report import SourceFile

MAX_FILE = 32 * 1024 * 1024
"""Bytes; the same bound as for one line of JSON Lines."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Unreadable(ValueError):
    """A file that cannot be turned into text; `line` is where decoding failed, if anywhere."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def read_bytes(source: SourceFile, limit: int = MAX_FILE) -> bytes:
    """Return the file's bytes.

    :raises Unreadable: where it is empty or larger than the limit.
    """
    with source.path.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise Unreadable(f"the file is larger than {limit // 1024**2} MiB; split it")
    if not data.strip():
        raise Unreadable("the file is empty")
    return data


def read_text(source: SourceFile) -> str:
    """Return the file's text: UTF-8, or UTF-16 with a byte order mark; line breaks become "\\n".

    :raises Unreadable: where the bytes are neither.
    """
    data = read_bytes(source)
    text = decode_marked(data)
    if text is None:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise Unreadable("not UTF-8; save the file as UTF-8", line) from error
    if "\0" in text:
        raise Unreadable("holds zero bytes, so it is no text file", text.count("\n", 0, text.index("\0")) + 1)
    return unify_breaks(text)


def decode_marked(data: bytes) -> str | None:
    """Return the text where a byte order mark names the encoding, None where there is no mark.

    :raises Unreadable: where the bytes do not keep what the mark promises.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                line = data[: error.start].decode(encoding, "ignore").count("\n") + 1
                raise Unreadable(f"not {encoding.upper()}, although its byte order mark says so", line) from error
    return None


def unify_breaks(text: str) -> str:
    """Return the text with every line break as "\\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
