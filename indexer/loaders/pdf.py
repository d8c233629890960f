"""PDF files with text in them, one document a file: paragraphs put together again, headings told by their size.

A PDF knows no paragraphs, only lines; pypdf gives them in reading order with the size of their letters.
"""

from __future__ import annotations

import html
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pypdf import PageObject, PdfReader
from pypdf.errors import PyPdfError

from indexer.loaders.fields import FieldError, make_document
from indexer.loaders.report import Found, Item, Problem, SourceFile

EXTENSIONS = (".pdf",)
MAX_PAGES = 3_000

_HEADING = 1.15
"""Letters so many times larger than the text's are a heading's."""
_HEADING_CHARS = 150
_LINE = 0.75
"""A line shorter than this share of a long one ends its paragraph."""
_ITEM = re.compile(r"(?:[•▪◦●○■\-–*]|\d{1,3}[.)])\s+\S")
_BROKEN = re.compile(r"(\w+)([-\u00ad\u2010])$")
_WORD = re.compile(r"\w+")
_COMPOUND = re.compile(r"\w+-\w+")
_JOINING = frozenset(["un", "vai", "ir", "ar", "bei", "ja", "või", "and", "or", "und", "oder", "и", "или"])
"""What stands between the parts of "pre- and post-paid": no end of a word."""
_ENDS = (".", "!", "?", ":", "…", ";")

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what is wrong with a file is reported as a Problem


@dataclass(frozen=True, slots=True)
class Line:
    """One line of print, and the size of its letters in points."""

    text: str
    size: float


def read(source: SourceFile) -> Iterator[Item]:
    """Yield the file's document."""
    try:
        with source.path.open("rb") as stream:
            reader = PdfReader(stream)
            if reader.is_encrypted and not reader.decrypt(""):
                yield Problem(source.name, None, "is locked by a password; save it without one")
                return
            if len(reader.pages) > MAX_PAGES:
                yield Problem(source.name, None, f"has more than {MAX_PAGES} pages; split it")
                return
            lines = [line for page in reader.pages for line in _lines(page)]
            said = str((reader.metadata and reader.metadata.title) or "").strip()
            lang = str(reader.root_object.get("/Lang") or "")
            changed = reader.metadata.modification_date if reader.metadata else None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        yield Problem(source.name, None, f"no PDF, or a damaged one ({error or type(error).__name__}); print it anew")
        return
    if not lines:
        yield Problem(source.name, None, "holds no text, only pictures; recognise its text (OCR) first")
        return
    title, body = to_html(lines)
    # Many programs write the name of the file they printed.
    named = "" if re.search(r"\.\w{2,4}$|^Microsoft Word|^untitled", said, re.IGNORECASE) else said
    fields = {
        "id": source.id,
        "title": named or title or source.stem,
        "body": body,
        "format": "html",
        "lang": lang if re.fullmatch(r"[A-Za-z]{2,3}([-_]\w{2,8})*", lang) else "",
        "updated_at": changed,
    }
    try:
        yield Found(make_document(fields))
    except FieldError as error:
        yield Problem(source.name, None, str(error))


def to_html(lines: list[Line]) -> tuple[str, str]:
    """The text of the first and largest heading ("" without one), and all of it as HTML."""
    sizes = Counter[float]()
    for line in lines:
        sizes[line.size] += len(line.text)
    usual = sizes.most_common(1)[0][0]
    larger = sorted({line.size for line in lines if _is_heading(line, usual)}, reverse=True)[:4]
    long = sorted(len(line.text) for line in lines)[int(len(lines) * 0.9)]
    compounds = {word.lower() for line in lines for word in _COMPOUND.findall(line.text)}
    parts: list[str] = []
    held: list[str] = []
    title = ""

    def end() -> None:
        if held:
            parts.append(f"<p>{html.escape(_joined(held, compounds), quote=False)}</p>")
            held.clear()

    for line in lines:
        if line.size in larger and _is_heading(line, usual):
            end()
            level = larger.index(line.size) + 1
            title = title or (line.text if level == 1 else "")
            parts.append(f"<h{level}>{html.escape(line.text, quote=False)}</h{level}>")
            continue
        if held and (_ITEM.match(line.text) or _ends_paragraph(held[-1], long)):
            end()
        held.append(line.text)
    end()
    return title, "\n".join(parts)


def _ends_paragraph(line: str, long: int) -> bool:
    return line.endswith(_ENDS) or (len(line) < _LINE * long and _BROKEN.search(line) is None)


def _joined(lines: list[str], compounds: Collection[str]) -> str:
    """Lines as one text; a word that was broken at the end of one is whole again."""
    text = lines[0]
    for line in lines[1:]:
        broken, rest = _BROKEN.search(text), _WORD.match(line)
        if broken is None or rest is None or rest[0] in _JOINING:
            text += f" {line}"
        elif broken[2] == "-" and _is_compound(broken[1], rest[0], compounds):
            text += line
        else:
            text = text[:-1] + line
    return text


def _is_compound(first: str, second: str, compounds: Collection[str]) -> bool:
    """Whether a hyphen belongs to the word: "e-mail", "ISO-9001", "Riga-Tallinn", or one that stands so elsewhere."""
    return len(first) == 1 or not second.islower() or f"{first}-{second}".lower() in compounds


def _is_heading(line: Line, usual: float) -> bool:
    return line.size >= _HEADING * usual and len(line.text) <= _HEADING_CHARS


def _lines(page: PageObject) -> Iterator[Line]:
    """The lines of a page; a line's size is that of most of its letters."""
    pieces: list[tuple[str, float]] = []

    def take(text: str, _cm: object, matrix: list[float], _font: object, size: float) -> None:
        scale = abs(matrix[3]) or abs(matrix[1]) or 1.0
        pieces.append((text, round(size * scale * 2) / 2))

    page.extract_text(visitor_text=take)
    text, sizes = "", Counter[float]()
    for piece, size in [*pieces, ("\n", 0.0)]:
        first, *others = piece.split("\n")
        text += first
        sizes[size] += len(first.strip())
        for other in others:
            if line := " ".join(text.split()):
                yield Line(line, sizes.most_common(1)[0][0])
            text, sizes = other, Counter({size: len(other.strip())})
