"""CSV: `question,answer` sheets, or the full article format with one column a field. Imported by the package.

The delimiter is a comma, semicolon or tab, whichever makes the first line a known header.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from indexer.loaders.fields import FieldError, make_document
from indexer.loaders.lines import read_lines
from indexer.loaders.report import Found, Item, Note, Problem, SourceFile
from indexer.loaders.rows import Row, read_rows
from indexer.loaders.slug import slug

EXTENSIONS = (".csv",)

_FIELDS = {
    "question",
    "answer",
    "id",
    "group",
    "lang",
    "type",
    "title",
    "body",
    "format",
    "url",
    "category",
    "tags",
    "audience",
    "updated_at",
}
_LISTS = ("category", "tags", "audience")
_NOTION = re.compile(r"[ /][0-9a-f]{32}(_all)?$")
# Excel's "CSV (Macintosh)" ends lines so; inside quotes the reader joins them again.
_LINE = re.compile(r"[^\r\n]*(?:\r?\n|\r)")
_UNDECODED = re.compile(r"[\ud800-\udfff]")


def read(source: SourceFile) -> Iterator[Item]:
    """Yield a document or a problem for each row that is not blank; line numbers are those of the row's start."""
    with source.path.open("rb") as stream:
        text = (part for line in read_lines(stream) for part in _LINE.findall(_decode(line.data)))
        line, header = next(((number, row) for number, row in enumerate(text, 1) if row.strip()), (0, ""))
        if not header:
            yield Problem(source.name, None, "the file is empty")
            return
        delimiter = max(",;\t", key=lambda mark: (len(_FIELDS & set(_cells(header, mark))), header.count(mark)))
        columns = _cells(header, delimiter)
        if (fault := _header_fault(columns)) and _NOTION.search(source.id):
            yield Note(f"{source.name}: a table of Notion; its pages are read instead")
            return
        if fault:
            yield Problem(source.name, line, fault)
            return
        for row in read_rows(text, delimiter, line + 1):
            if row.fault:
                yield Problem(source.name, row.line, row.fault)
            elif any(cell.strip() for cell in row.cells):
                yield _item(source, row, columns)


def _item(source: SourceFile, row: Row, columns: list[str]) -> Item:
    if any(cell.strip() for cell in row.cells[len(columns) :]):
        return Problem(source.name, row.line, row.too_wide(columns))
    if _UNDECODED.search("".join(row.cells)):
        return Problem(source.name, row.line, "not UTF-8, or longer than 32 MiB; save the file as CSV UTF-8")
    cells = {name: cell for name, cell in zip(columns, row.cells, strict=False) if name and cell.strip()}
    fields: dict[str, object] = dict(cells)
    for name in _LISTS:
        if name in cells:
            fields[name] = cells[name].split(";")
    if "question" in columns:
        for name, field in (("question", "title"), ("answer", "body")):
            if not cells.keys() & {name, field}:
                return Problem(source.name, row.line, f"{name} is missing or empty")
        question = cells.get("question", "")
        fields = {
            "title": question,
            "body": cells.get("answer"),
            "type": "faq",
            "format": "text",
            "id": f"{source.id}#{slug(question)}",
            **fields,
        }
    try:
        return Found(make_document(fields), row.line)
    except FieldError as error:
        return Problem(source.name, row.line, str(error))


def _decode(data: bytes | None) -> str:
    """The line as text; what is not UTF-8, or too long, becomes lone surrogates, which `_item` reports."""
    return "\ud800\n" if data is None else data.decode("utf-8", "surrogateescape") + "\n"


def _cells(header: str, delimiter: str) -> list[str]:
    return [cell.strip().lower() for cell in next(csv.reader([header], delimiter=delimiter), [])]


def _header_fault(columns: list[str]) -> str:
    """What is wrong with the header, "" where nothing is."""
    twice = sorted({name for name in columns if name in _FIELDS and columns.count(name) > 1})
    if twice:
        return f"the header names {', '.join(twice)} twice"
    if {"question", "answer"} <= set(columns) or {"id", "title", "body"} <= set(columns):
        return ""
    found = ", ".join(name or "(empty)" for name in columns)[:200]
    return f"the first line must name the columns question,answer or id,title,body; it holds: {found}"
