"""Which part of a forum thread answers its question: the accepted answer, where one is marked. Pure.

A post begins with a line, or a heading, that names its kind, with or without who wrote it: "Question", "Reply — Anna",
"Accepted answer: Tom, support" (docs/sources.md). The accepted answer ends where another post begins. What people
write below may look alike: "Answer: it is the battery", "Solution: press the button" begin no post.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kbsearch.text.normalise import fold
from kbsearch.types import Passage

_ACCEPTED = (
    *("accepted answer", "accepted solution", "best answer"),
    *("atzītā atbilde", "pieņemtā atbilde", "labākā atbilde"),
    *("priimtas atsakymas", "geriausias atsakymas"),
    *("aktsepteeritud vastus", "heakskiidetud vastus", "parim vastus"),
    *("принятый ответ", "лучший ответ"),
    *("zaakceptowana odpowiedź", "najlepsza odpowiedź"),
    *("akzeptierte antwort", "beste antwort"),
)
# Of the accepted answer where nothing follows.
_SOLUTION = ("solution", "risinājums", "sprendimas", "lahendus", "решение", "rozwiązanie", "lösung")
_OTHER = (
    *("question", "reply", "answer", "comment"),
    *("jautājums", "atbilde", "komentārs"),
    *("klausimas", "atsakymas", "komentaras"),
    *("küsimus", "vastus", "kommentaar"),
    *("вопрос", "ответ", "комментарий"),
    *("pytanie", "odpowiedź", "komentarz"),
    *("frage", "antwort", "kommentar"),
)


_IS_ACCEPTED = {fold(kind): True for kind in _ACCEPTED} | {fold(kind): False for kind in _OTHER}
_ALONE = frozenset(map(fold, _SOLUTION))
_PARTS = re.compile(r"\W*(?P<kind>(?:\w(?:[^-–—:|,(]*\w)?)?)\W*(?:[-–—:|,(]\s*(?P<author>\S.*?)?)?\W*")
_LONGEST_AUTHOR = 60
_LONGEST_NAME = 4
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
    parts = _PARTS.fullmatch(line)
    if parts is None:
        return None
    kind, author = fold(parts["kind"]), parts["author"] or ""
    if kind in _ALONE and not author:
        return True
    return _IS_ACCEPTED.get(kind) if not author or _is_author(author) else None


def _is_author(text: str) -> bool:
    """Whether this is who wrote a post: a name or two, or a user's ("Rasa_K", "max77"), and what he is ("support")."""
    words = text.partition(",")[0].split()
    named = all(word.lstrip("„“”\"'(")[:1].isupper() or any(map(_marks_a_user, word)) for word in words)
    return len(text) <= _LONGEST_AUTHOR and len(words) <= _LONGEST_NAME and named


def _marks_a_user(letter: str) -> bool:
    return letter.isdigit() or letter == "_"
