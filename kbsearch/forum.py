"""Which part of a forum thread answers its question: the accepted answer, where one is marked. Pure.

A post begins with a line, or a heading, that names its kind, with or without who wrote it: "Question", "Reply — Anna",
"Accepted answer: Tom, support" (docs/sources.md). The accepted answer ends where another post begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kbsearch.text.normalise import fold
from kbsearch.types import Passage

_ACCEPTED = (
    *("accepted answer", "accepted solution", "best answer", "solution"),
    *("atzītā atbilde", "pieņemtā atbilde", "labākā atbilde", "risinājums"),
    *("priimtas atsakymas", "geriausias atsakymas", "sprendimas"),
    *("aktsepteeritud vastus", "heakskiidetud vastus", "parim vastus", "lahendus"),
    *("принятый ответ", "лучший ответ", "решение"),
    *("zaakceptowana odpowiedź", "najlepsza odpowiedź", "rozwiązanie"),
    *("akzeptierte antwort", "beste antwort", "lösung"),
)
_OTHER = (
    *("question", "reply", "answer", "comment"),
    *("jautājums", "atbilde", "komentārs"),
    *("klausimas", "atsakymas", "komentaras"),
    *("küsimus", "vastus", "kommentaar"),
    *("вопрос", "ответ", "комментарий"),
    *("pytanie", "odpowiedź", "komentarz"),
    *("frage", "antwort", "kommentar"),
)


def _any_of(phrases: Iterable[str]) -> str:
    return "|".join(re.escape(fold(phrase)) for phrase in phrases)


# After the kind at most a name: "Reply — Anna K." begins a post, "Answer: it is the battery." does not.
_NAME = r"\s*[-–—:|,(](?!.*\w\w[.!?…]\W*$).{0,60}"
_POST = re.compile(rf"\W*(?:(?P<accepted>{_any_of(_ACCEPTED)})|{_any_of(_OTHER)})(?:\W*|{_NAME})")
_LINE = re.compile(r".+")


def accepted_answer(passages: Iterable[Passage]) -> Iterator[tuple[int, int, int]]:
    """The pieces of a thread's passages (place, start and end of each) that are its accepted answer; none where no post
    is marked so."""
    within = False
    headings: tuple[str, ...] = ()
    for place, passage in enumerate(passages):
        if passage.headings != headings:
            headings = passage.headings
            kinds = [kind for heading in headings if (kind := _is_accepted(heading)) is not None]
            within = kinds[-1] if kinds else within
        start = 0
        for line in _LINE.finditer(passage.text):
            kind = _is_accepted(line[0])
            if kind is None:
                continue
            if within and start < line.start():
                yield place, start, line.start() - 1
            within, start = kind, line.end() + 1
        if within and start < len(passage.text):
            yield place, start, len(passage.text)


def _is_accepted(line: str) -> bool | None:
    """Whether the post that a line begins is the accepted answer; None where it begins none."""
    post = _POST.fullmatch(fold(line))
    return post and post["accepted"] is not None
