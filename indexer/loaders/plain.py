"""Plain text pages: the first line is the title. A page that carries FAQPage JSON-LD gives its questions as well."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.loaders.faqpage import blocks_in_text, questions
from indexer.loaders.fields import FieldError, make_document
from indexer.loaders.report import Found, Item, Problem, SourceFile
from indexer.loaders.whole import Unreadable, read_text

EXTENSIONS = (".txt",)

_TITLE = 120
"""Characters; a longer first line is a paragraph, so the title is its beginning and the line stays in the body."""


def read(source: SourceFile) -> Iterator[Item]:
    """Yield the page without its JSON-LD, then one faq document a question."""
    try:
        text = read_text(source)
    except Unreadable as error:
        yield Problem(source.name, error.line, str(error))
        return
    blocks = blocks_in_text(text)
    page = text
    for start, end in reversed(blocks):
        page = f"{page[:start]}\n{page[end:]}"
    if page.strip():
        title, body = _title_and_body(page)
        try:
            yield Found(make_document({"id": source.id, "title": title, "body": body, "format": "text"}))
        except FieldError as error:
            yield Problem(source.name, None, str(error))
    for start, end in blocks:
        yield from questions(source, text[start:end], line=text.count("\n", 0, start) + 1, page={})


def _title_and_body(page: str) -> tuple[str, str]:
    first, _, rest = page.strip().partition("\n")
    first = first.strip()
    if len(first) > _TITLE:
        return f"{first[:_TITLE].rsplit(maxsplit=1)[0]}…", page
    while rest.strip().partition("\n")[0].strip() == first:  # scraped pages often repeat their title
        rest = rest.strip().partition("\n")[2]
    return first, rest if rest.strip() else first
