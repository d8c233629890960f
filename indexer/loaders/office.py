"""Word documents (DOCX), one document a file: headings, lists, tables and links through mammoth, which reads styles."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

import mammoth
from selectolax.lexbor import LexborHTMLParser

from indexer.loaders.fields import FieldError, make_document
from indexer.loaders.report import Found, Item, Problem, SourceFile
from indexer.loaders.whole import Unreadable, read_bytes

EXTENSIONS = (".docx",)
MAX_FILE = 256 * 1024 * 1024
"""Bytes; pictures make most of them."""
MAX_UNPACKED = 256 * 1024 * 1024
"""Bytes of text in it; pictures are not read. A thousand pages are about 20 MiB."""

_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => h2:fresh"
_DAMAGE = (zipfile.BadZipFile, OSError, KeyError, ValueError, AttributeError, EOFError, ElementTree.ParseError)
"""What mammoth and the standard library raise on a file that is not what its name says."""
_PROPERTIES = "docProps/core.xml"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_CHANGED = "{http://purl.org/dc/terms/}modified"


def read(source: SourceFile) -> Iterator[Item]:
    """Yield the file's document."""
    try:
        data = read_bytes(source, MAX_FILE)
    except Unreadable as error:
        yield Problem(source.name, None, str(error))
        return
    try:
        title, changed = _properties(data)
        html = mammoth.convert_to_html(io.BytesIO(data), style_map=_STYLES, convert_image=_picture).value
    except _DAMAGE as error:
        reason = f"no Word document, or a damaged or locked one ({error}); save it again as .docx"
        yield Problem(source.name, None, reason)
        return
    heading, body = _without_heading(html)
    fields = {
        "id": source.id,
        "title": title or heading or source.stem,
        "body": html if title and heading != title else body,
        "format": "html",
        "updated_at": changed,
    }
    try:
        yield Found(make_document(fields))
    except FieldError as error:
        yield Problem(source.name, None, str(error))


def _properties(data: bytes) -> tuple[str, str]:
    """Title and time of the last change, "" where the file does not say. Raises ValueError for a bomb."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        if sum(info.file_size for info in package.infolist() if info.filename.endswith(".xml")) > MAX_UNPACKED:
            raise ValueError(f"it unpacks to more than {MAX_UNPACKED // 1024**2} MiB")
        if _PROPERTIES not in package.namelist():
            return "", ""
        root = ElementTree.fromstring(package.read(_PROPERTIES))
        title, changed = root.findtext(_TITLE) or "", root.findtext(_CHANGED) or ""
        # Word's own words for a file that nobody named.
        named = "" if re.fullmatch(r"\s*|Word Document|Microsoft Word .*|Document\d*", title) else title.strip()
        return named, changed


def _without_heading(html: str) -> tuple[str, str]:
    """The text of a heading of level 1 that the document opens with, and the rest; ("", html) without one."""
    tree = LexborHTMLParser(html)
    first = tree.body.child if tree.body is not None else None
    if first is None or first.tag != "h1":
        return "", html
    heading = " ".join(first.text().split())
    first.decompose()
    return heading, (tree.body.inner_html if tree.body is not None else "") or ""


@mammoth.images.img_element  # type: ignore[untyped-decorator]
def _picture(image: object) -> dict[str, str]:
    """Pictures would be inlined whole; only what they show is kept (mammoth adds it as alt)."""
    return {}
