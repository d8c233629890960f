"""schema.org FAQPage JSON-LD into faq documents, also where the JSON is broken.

Pages in the wild carry it with typographic quotes, HTML entities, raw line breaks, trailing commas or without the
last braces. `json_repair` gives strict JSON back where the structure can still be told; where it cannot, pairs of
"name" and "text" are picked out; what is left is reported. Imported by the html and plain text loaders.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from indexer.loaders.fields import FieldError, make_document
from indexer.loaders.json_repair import QUOTE, end_of_object, repair
from indexer.loaders.report import Found, Item, Note, Problem, SourceFile
from indexer.loaders.slug import slug

_ANY_QUOTE = rf"(?:{QUOTE}|&quot;|&#34;)"
_MARK = re.compile(rf"@type{_ANY_QUOTE}\s*:\s*\[?\s*{_ANY_QUOTE}(?:https?://schema\.org/)?FAQPage{_ANY_QUOTE}")
_TAG = re.compile(r"<[a-zA-Z/!][^>]*>")
_KEY = re.compile(rf"{QUOTE}([@\w]{{1,40}}){QUOTE}?\s*:|$")


def blocks_in_text(text: str) -> list[tuple[int, int]]:
    """Return the ranges of a plain text that are FAQPage JSON-LD, braces included."""
    ranges: list[tuple[int, int]] = []
    for mark in _MARK.finditer(text):
        if ranges and mark.start() < ranges[-1][1]:
            continue
        start = text.rfind("{", ranges[-1][1] if ranges else 0, mark.start())
        if start >= 0:
            ranges.append((start, end_of_object(text, start)))
    return ranges


def questions(source: SourceFile, block: str, *, line: int, page: Mapping[str, object]) -> Iterator[Item]:
    """Yield a faq document for each question of a JSON-LD block; `page` gives fields they share (lang, url).

    A block without a FAQPage yields nothing.
    """
    if "FAQPage" not in block:
        return
    pairs, how = _pairs(block)
    if not pairs:
        yield Problem(source.name, line, "FAQPage JSON-LD that is broken beyond recovery, or without any question")
        return
    if how:
        yield Note(f"{source.name}:{line}: FAQPage JSON-LD was broken; {len(pairs)} questions recovered by {how}")
    for name, answer, lang in pairs:
        title = _plain(name)
        if not title or not answer.strip():
            missing = "answer" if title else "name"
            yield Problem(source.name, line, f"FAQPage question {title[:80]!r} has no {missing}")
            continue
        body = answer if _TAG.search(answer) else html.unescape(answer)
        fields = {
            **page,
            "id": f"{source.id}#{slug(title)}",
            "title": title,
            "body": body,
            "type": "faq",
            "format": "html" if _TAG.search(body) else "text",
        }
        if lang:
            fields["lang"] = lang
        try:
            yield Found(make_document(fields), line)
        except FieldError as error:
            yield Problem(source.name, line, f"FAQPage question {title[:80]!r}: {error}")


def _pairs(block: str) -> tuple[list[tuple[str, str, str]], str]:
    """(question, answer, language) triples, and how they were recovered ("" where nothing was broken)."""
    for text, how in _readings(block):
        try:
            found = list(_walk(json.loads(text, strict=False)))
        except (ValueError, RecursionError):
            continue
        if found and (not how or all(name and answer for name, answer, _ in found)):
            return found, how
    return _picked(html.unescape(block)), "picking out names and texts"


def _readings(block: str) -> Iterator[tuple[str, str]]:
    yield block.strip().rstrip(";"), ""
    yield repair(block), "repair"
    yield repair(html.unescape(block)), "repair of its HTML entities"


def _picked(block: str) -> list[tuple[str, str, str]]:
    """Each "name" with the next "text", whatever stands between; the last resort."""
    pairs: list[tuple[str, str, str]] = []
    name = ""
    for key, following in pairwise(_KEY.finditer(block)):
        value = block[key.end() : following.start()].strip().rstrip(",{}[] \t\n")
        value = value[bool(re.match(QUOTE, value)) :]
        value = value[:-1] if re.match(QUOTE, value[-1:]) else value
        if key[1] == "name":
            name = value
        elif key[1] == "text" and name and value:
            pairs.append((name, value, ""))
            name = ""
    return pairs


def _walk(node: object) -> Iterator[tuple[str, str, str]]:
    """Every Question in the tree, in document order, wherever it hangs (mainEntity, @graph, lists)."""
    waiting: list[tuple[object, str]] = [(node, "")]
    while waiting:
        current, lang = waiting.pop()
        if isinstance(current, list):
            waiting.extend((entry, lang) for entry in reversed(current))
        elif isinstance(current, dict):
            own = current.get("inLanguage")
            lang = own if isinstance(own, str) else lang
            if _is_question(current.get("@type")):
                yield _string(current, "name", "text", "headline"), _answer(current), lang
            else:
                waiting.extend((value, lang) for value in reversed(current.values()))


def _is_question(kind: object) -> bool:
    """Whether one of the types is schema.org's Question, by its name or its whole address."""
    kinds = kind if isinstance(kind, list) else [kind]
    return any(isinstance(one, str) and re.split("[/:#]", one)[-1] == "Question" for one in kinds)


def _answer(question: dict[str, object]) -> str:
    answer = question.get("acceptedAnswer") or question.get("suggestedAnswer")
    if isinstance(answer, list):
        answer = answer[0] if answer else None
    if isinstance(answer, dict):
        return _string(answer, "text", "articleBody", "description")
    return answer if isinstance(answer, str) else ""


def _string(node: dict[str, object], *names: str) -> str:
    return next((value for name in names if isinstance(value := node.get(name), str) and value.strip()), "")


def _plain(name: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", html.unescape(name))).split())
