"""What the page shows, as plain values for the template. Pure: takes outcomes and the address, gives dicts.

The template escapes everything; highlights come as (text, marked) pairs, so no markup is ever made from text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from itertools import count

from kbsearch.service.address import FILTERS, PAGE_SIZE, PageState
from kbsearch.service.transcript import read_video
from kbsearch.service.wire import MAX_REACH
from kbsearch.types import Action, Hit, SearchOutcome, StoredDocument

Values = dict[str, object]
Texts = Mapping[str, str]

_MAX_FACET_VALUES = 12
_CLOSEST = 3
"""Hits shown below “nothing here answers this”: a long list would say the opposite."""
_RIGHT_TO_LEFT = frozenset(["ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"])
# Whole tags, so that nothing within an attribute's value passes for one.
_TAG = re.compile(r'<(?:"[^"]*"|[^">])*>')
_UNKNOWN = ("", "und")
_OTHER_NAMES = {
    "es": "Español", "fr": "Français", "it": "Italiano", "pt": "Português", "nl": "Nederlands", "sv": "Svenska",
    "da": "Dansk", "nb": "Norsk", "no": "Norsk", "fi": "Suomi", "cs": "Čeština", "uk": "Українська",
}  # fmt: skip


def language_names(messages: Mapping[str, Texts]) -> dict[str, str]:
    """Return what each language calls itself."""
    return {**_OTHER_NAMES, **{code: texts["language_name"] for code, texts in messages.items()}}


def direction(lang: str) -> str:
    """Return the direction of a text: that of its language, where it is known, whatever letters the text begins with.

    >>> direction("ar"), direction("en-GB"), direction("und")
    ('rtl', 'ltr', 'auto')
    """
    if not is_known(lang):
        return "auto"
    return "rtl" if lang.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def is_known(lang: str) -> bool:
    """Tell whether a text's language is known: "und" says that nothing could be told of it."""
    return lang not in _UNKNOWN


def results_values(
    outcome: SearchOutcome, query_id: str, state: PageState, texts: Texts, names: Mapping[str, str]
) -> Values:
    """Return what the result page shows."""
    hits = [hit_values(hit, query_id, state, names) for hit in shown_hits(outcome)]
    action = outcome.decision.action
    answer = hits.pop(0) if action is Action.ANSWER and hits and state.offset == 0 else None
    if answer and outcome.answer:
        answer["segments"] = segments(outcome.answer.text, outcome.answer.highlights)
    end = state.offset + len(outcome.hits)
    more = action is not Action.HAND_OVER and end < min(outcome.found, MAX_REACH - PAGE_SIZE)
    meant = outcome.did_you_mean
    before = max(0, state.offset - PAGE_SIZE)
    return {
        "action": action.value,
        "answer": answer,
        "hits": hits,
        "list_title": _list_title(outcome, state, texts, is_answered=answer is not None),
        "facets": _facets(outcome, state, texts, names) if action is not Action.HAND_OVER or state.filters() else [],
        "clear_href": state.href(type=(), language=(), category=(), offset=0) if state.filters() else None,
        "did_you_mean": {"text": meant, "href": state.href(q=meant, offset=0)} if meant else None,
        "previous_href": state.href(offset=before) if state.offset else None,
        "more_href": state.href(offset=state.offset + PAGE_SIZE) if more else None,
    }


def _list_title(outcome: SearchOutcome, state: PageState, texts: Texts, *, is_answered: bool) -> str:
    if is_answered:
        return texts["other_results"]
    if outcome.decision.action is Action.HAND_OVER:
        return texts["closest"]
    # Others than the first take the place of those before, which nothing else says.
    title = texts["results_range" if state.offset else "results_count"]
    last = state.offset + len(outcome.hits)
    places = {"from": state.offset + 1, "to": last, "count": max(outcome.found, last)}
    for name, value in places.items():
        title = title.replace(f"{{{name}}}", str(value))
    return title


def last_offset(outcome: SearchOutcome) -> int:
    """Return where the last page of the results begins."""
    return min(max(0, outcome.found - 1), MAX_REACH - PAGE_SIZE) // PAGE_SIZE * PAGE_SIZE


def shown_hits(outcome: SearchOutcome) -> tuple[Hit, ...]:
    """Return the hits that a page shows: all, or the first few where nothing answers the question."""
    return outcome.hits[:_CLOSEST] if outcome.decision.action is Action.HAND_OVER else outcome.hits


def article_values(document: StoredDocument, state: PageState, names: Mapping[str, str]) -> Values:
    """Return what the article page shows."""
    return {
        "id": document.id,
        "title": document.title,
        "html": with_scrolling_tables(document.html, document.title),
        "lang": document.lang,
        "dir": direction(document.lang),
        "language": names.get(document.lang, document.lang),
        "has_language": is_known(document.lang),
        "language_match": True,
        "type": document.type,
        "category": document.category[0] if document.category else "",
        "updated": document.updated_at[:10],
        "position": state.position,
        "video": read_video(document.text, document.url) if document.type == "video" else None,
        "translations": [
            {"lang": lang, "language": names.get(lang, lang), "href": state.href(doc=other, translation="")}
            for lang, other in document.translations.items()
            if is_known(lang)
        ],
    }


def with_scrolling_tables(body: str, title: str) -> str:
    """Put each table of an article into a box that the keyboard can reach, and so scroll where it is too wide.

    >>> with_scrolling_tables("<table><tr><td>E01</td></tr></table>", "Codes")
    '<div class="scroll" role="region" tabindex="0" aria-label="Codes"><table><tr><td>E01</td></tr></table></div>'
    """
    places = count(1)

    def boxed(tag: re.Match[str]) -> str:
        if tag[0] == "</table>":
            return "</table></div>"
        if not tag[0].startswith(("<table>", "<table ")):
            return tag[0]
        place = next(places)
        label = escape(title if place == 1 else f"{title} {place}")
        return f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">{tag[0]}'

    return _TAG.sub(boxed, body)


def segments(text: str, highlights: Sequence[Sequence[int]]) -> list[tuple[str, bool]]:
    """Cut a snippet into marked and unmarked pieces.

    >>> segments("reset password", [(6, 14)])
    [('reset ', False), ('password', True)]
    """
    pieces: list[tuple[str, bool]] = []
    end = 0
    for start, stop in highlights:
        pieces += [(text[end:start], False), (text[start:stop], True)]
        end = stop
    pieces.append((text[end:], False))
    return [piece for piece in pieces if piece[0]]


def hit_values(hit: Hit, query_id: str, state: PageState, names: Mapping[str, str]) -> Values:
    """Return what a page shows of a hit; its links name the search and the place."""

    def link(translation: str) -> str:
        return state.href(doc=hit.id, translation=translation, query=query_id, position=hit.position)

    return {
        "id": hit.id,
        "title": hit.title,
        "href": link(""),
        "lang": hit.lang,
        "dir": direction(hit.lang),
        "language": names.get(hit.lang, hit.lang),
        "has_language": is_known(hit.lang),
        "language_match": hit.language_match,
        "type": hit.type,
        "category": hit.category[0] if hit.category else "",
        "updated": "",
        "position": hit.position,
        "segments": segments(hit.snippet, hit.highlights),
        "translations": [
            {"lang": lang, "language": names.get(lang, lang), "href": link(lang)}
            for lang in hit.translations
            if is_known(lang)
        ],
    }


def _facets(outcome: SearchOutcome, state: PageState, texts: Texts, names: Mapping[str, str]) -> list[Values]:
    # A topic is in the language of its articles; of one that is on another page of the results nobody knows it.
    topic_langs = {topic: hit.lang for hit in reversed(outcome.hits) for topic in hit.category}
    shown: list[Values] = []
    for name, field in FILTERS.items():
        counts = {**dict.fromkeys(state.chosen(name), 0), **outcome.facets.get(field, {})}
        ordered = sorted(counts.items(), key=lambda item: -item[1])[:_MAX_FACET_VALUES]
        if len(ordered) < 2 and not state.chosen(name):
            continue
        choices = [
            {
                "name": _facet_name(field, value, texts, names),
                "lang": _lang_of(field, value, topic_langs),
                "count": count,
                "chosen": value in state.chosen(name),
                "href": state.toggled(name, value),
            }
            for value, count in ordered
        ]
        shown.append({"title": texts[f"filter_{field}"], "choices": choices})
    return shown


def _lang_of(field: str, value: str, topic_langs: Mapping[str, str]) -> str:
    """Return the language that the name of a choice is in; "" where that is the page's, or nobody knows it."""
    if field == "lang":
        return value if is_known(value) else ""
    return topic_langs.get(value, "") if field == "category" else ""


def _facet_name(field: str, value: str, texts: Texts, names: Mapping[str, str]) -> str:
    if field == "type":
        return texts.get(f"type_{value}", value)
    if field == "lang" and not is_known(value):
        return texts["unknown_language"]
    return names.get(value, value.upper()) if field == "lang" else value
