"""Zendesk Help Center: an export file, or saved pages of its API, one document a translation.

Read: `{"articles": […]}` with `sections`, `categories`, `translations` and `user_segments` beside it where they were
loaded too, a list of such pages, or a list of articles. Names of sections and categories are also looked for in
`sections.json` and `categories.json` in the same folder. Field names: Zendesk's Help Center API reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from indexer.loaders.fields import FieldError, make_document
from indexer.loaders.report import Found, Item, Note, Problem, SourceFile
from indexer.loaders.whole import Unreadable, decode_marked, read_bytes
from kbsearch.amounts import amount

EXTENSIONS = (".json",)
MAX_EXPORT = 512 * 1024 * 1024
"""Bytes; a hundred thousand articles."""

_PARTS = ("articles", "sections", "categories", "translations", "user_segments")
_AUDIENCES = {"signed_in_users": "signed_in", "staff": "agent"}
# A segment that says one of these is not everybody of its user type.
_SELECTING = ("tags", "or_tags", "organization_ids", "group_ids", "added_user_ids")
_DEEPEST_SECTION = 10

Object = Mapping[str, Any]


def read(source: SourceFile) -> Iterator[Item]:
    """Yield a document for each published translation of each article."""
    try:
        parts = _parts(orjson.loads(_text(read_bytes(source, MAX_EXPORT))))
    except Unreadable as error:
        yield Problem(source.name, error.line, str(error))
        return
    except orjson.JSONDecodeError as error:
        yield Problem(source.name, error.lineno, f"not JSON: {error.msg}")
        return
    if parts is None:
        yield Note(f"{source.name}: holds no Zendesk Help Center export; left out")
        return
    if not parts["articles"]:
        return  # names for the articles in the files beside it
    for name in ("sections", "categories"):
        parts[name] += _beside(source, name)
    yield from _articles(source, parts)


def _articles(source: SourceFile, parts: Mapping[str, list[Object]]) -> Iterator[Item]:
    names = _Names(parts)
    translations: dict[str, list[Object]] = {}
    for translation in parts["translations"]:
        translations.setdefault(str(translation.get("source_id")), []).append(translation)
    unseen, seen = 0, set()
    for article in _changed_last(parts["articles"]):
        number = article.get("id")
        if not _is_id(number):
            yield Problem(source.name, None, f"article {str(number)[:80]}: id must be a number or text")
            continue
        own = article.get("translations")
        further = [*(own if isinstance(own, list) else ()), *translations.get(str(number), ())]
        for version in (article, *(each for each in further if isinstance(each, dict))):
            locale = version.get("locale") or article.get("locale") or ""
            identity = f"{number}.{locale}".strip(".").lower()
            if identity in seen:
                continue
            seen.add(identity)
            if version.get("draft") or version.get("hidden"):
                unseen += 1
                continue
            try:
                yield Found(make_document({"id": identity, **names.fields(article, version, locale)}))
            except FieldError as error:
                yield Problem(source.name, None, f"article {number} ({locale or 'no locale'}): {error}")
    if unseen:
        yield Note(f"{source.name}: {amount(unseen, 'version')} left out that nobody may see yet: drafts, hidden ones")


def _changed_last(articles: Iterable[Object]) -> Iterable[Object]:
    """Each article once a locale, in the order of the export.

    Pages of the API overlap where something changed between two of them. Of copies the one that changed last is meant,
    and of two that changed at the same time the one that is not for everybody.
    """
    kept: dict[object, Object] = {}
    for place, article in enumerate(articles):
        number, locale = article.get("id"), article.get("locale")
        key = (str(number), str(locale)) if _is_id(number) else place
        if key not in kept or _recency(article) >= _recency(kept[key]):
            kept[key] = article
    return kept.values()


def _recency(article: Object) -> tuple[str, bool]:
    return str(article.get("updated_at")), bool(article.get("user_segment_id") or article.get("user_segment_ids"))


class _Names:
    """What the numbers in an article stand for."""

    def __init__(self, parts: Mapping[str, list[Object]]) -> None:
        self._sections, self._categories, self._segments = (
            {each["id"]: each for each in parts[name] if _is_id(each.get("id"))}
            for name in ("sections", "categories", "user_segments")
        )

    def fields(self, article: Object, version: Object, locale: object) -> dict[str, object]:
        """Everything but the id, in the article format."""
        return {
            "group": str(article.get("id")),
            "lang": locale,
            "title": version.get("title") or version.get("name"),
            "body": version.get("body"),
            "format": "html",
            "url": version.get("html_url") or article.get("html_url"),
            "category": self._path(_id(article, "section_id")),
            "tags": article.get("label_names"),
            "audience": self._audience(article),
            "updated_at": version.get("updated_at") or article.get("updated_at"),
        }

    def _path(self, section: object) -> list[str]:
        """Category and sections, outermost first, as far as their names are known."""
        path: list[str] = []
        while section in self._sections and len(path) < _DEEPEST_SECTION:
            found = self._sections[section]
            path.insert(0, str(found.get("name")))
            section = _id(found, "parent_section_id")
            if section is None and (category := _id(found, "category_id")) in self._categories:
                path.insert(0, str(self._categories[category].get("name")))
        return path

    def _audience(self, article: Object) -> list[str]:
        """Without a user segment everybody may read an article."""
        segments = [_id(article, "user_segment_id"), *_ids(article, "user_segment_ids")]
        numbers = dict.fromkeys(number for number in segments if number is not None)
        return [self._name_of(number) for number in numbers] or ["public"]

    def _name_of(self, number: object) -> str:
        """What a segment is called: its own audience where it is not named here, or is not everybody of a type."""
        segment = self._segments.get(number, {})
        own = f"segment-{number}"
        if any(segment.get(name) for name in _SELECTING):
            return own
        return _AUDIENCES.get(str(segment.get("user_type")), own)


def _is_id(value: object) -> bool:
    return type(value) in (int, str)


def _id(each: Object, name: str) -> Any:
    """The number under a name, None where there is none.

    :raises FieldError: where it is no number.
    """
    value = each.get(name)
    if value is not None and not _is_id(value):
        raise FieldError(f"{name} must be a number or text, not {str(value)[:80]}")
    return value


def _ids(each: Object, name: str) -> list[Any]:
    """The numbers under a name.

    :raises FieldError: where it is no list of them.
    """
    value = each.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(number is None or _is_id(number) for number in value):
        raise FieldError(f"{name} must be a list of numbers or texts, not {str(value)[:80]}")
    return value


def _parts(content: object) -> dict[str, list[Any]] | None:
    """Objects by kind; None where the content is none of Zendesk's."""
    pages = content if isinstance(content, list) else [content]
    parts: dict[str, list[Any]] = {name: [] for name in _PARTS}
    known = False
    for page in pages:
        if not isinstance(page, dict):
            return None
        if "body" in page and {"locale", "section_id", "html_url"} & page.keys():
            page = {"articles": [page]}
        elif isinstance(page.get("article"), dict):
            page = {**page, "articles": [page["article"]]}
        for name in _PARTS:
            if isinstance(page.get(name), list):
                known = True
                parts[name] += [each for each in page[name] if isinstance(each, dict)]
    return parts if known else None


def _text(data: bytes) -> bytes | str:
    """JSON is UTF-8; programs on Windows put a mark before it, or write UTF-16."""
    marked = decode_marked(data)
    return data if marked is None else marked


def _beside(source: SourceFile, name: str) -> Sequence[Object]:
    path = source.path.with_name(f"{name}.json")
    if path == source.path or not path.is_file():
        return ()
    try:
        parts = _parts(orjson.loads(_text(path.read_bytes())))
    except (Unreadable, orjson.JSONDecodeError):
        return ()  # read as a file of its own it is reported
    return parts[name] if parts else ()
