"""Which part of a thread is its accepted answer."""

from __future__ import annotations

from time import process_time

import pytest

from kbsearch.forum import accepted_answer
from kbsearch.types import Passage


def accepted(*passages: Passage) -> list[str]:
    return [passages[place].text[start:end] for place, start, end in accepted_answer(passages)]


@pytest.mark.parametrize(
    ("question", "reply", "marker"),
    [
        ("Question", "Reply", "Accepted answer"),
        ("Jautājums", "Atbilde — Ilze_V", "Atzītā atbilde — Mārtiņš R."),
        ("Klausimas – Rasa_K", "Atsakymas – Rasa_K", "Priimtas atsakymas – Ieva, „Brize“ pagalba"),
        ("Küsimus", "Vastus: Mati", "Parim vastus: Kati"),
        ("Вопрос", "Ответ (Анна)", "Принятый ответ (Иван)"),
        ("Pytanie", "Odpowiedź, Ola", "Zaakceptowana odpowiedź"),
        ("Frage", "Antwort | Max", "✔ AKZEPTIERTE ANTWORT"),
    ],
)
def test_it_goes_from_its_line_to_the_next_post(question: str, reply: str, marker: str) -> None:
    """In every language of the page, with or without who wrote it."""
    thread = f"{question}\nIt ticks.\n{reply}\nMine too.\n{marker}\nTake the foam out.\nIt is white.\n{reply}\nThanks!"
    assert accepted(Passage(thread)) == ["Take the foam out.\nIt is white."]
    assert accepted(Passage(thread.replace(marker, reply))) == []


def test_it_may_stand_below_a_heading_and_in_several_passages() -> None:
    """Until another post begins; headings of its own end it no more than a line that says something."""
    post = Passage("It is the dock.\nAnswer: move it back.", ("Best answer",))
    more = Passage("Open Map.", ("Best answer", "Steps"))
    other = Passage("Thanks!", ("Reply — Marta",))
    assert accepted(Passage("My map is gone.", ("Question",)), post, more, other) == [post.text, more.text]


@pytest.mark.parametrize(
    "line",
    [
        "Solution: hold the button for ten seconds",
        "Answer: fill the tank of the humidifier to the mark",
        "Answer: yes, it works",
        "Risinājums: Izslēdziet robotu",
        "Ответ: надо нажать кнопку",
        "Question – why does it blink?",
        "Answer: Hold The Red Button Down",
        f"Answer: Https://shop.example/{'a' * 60}",
    ],
)
def test_what_somebody_writes_begins_no_post(line: str) -> None:
    """Neither where nothing is accepted nor within what is."""
    assert accepted(Passage(f"Question\nIt ticks.\nReply — Bob\n{line}\nWorks for me.")) == []
    text = f"{line}\nThen the red drop goes out."
    assert accepted(Passage(f"Question\nIt ticks.\nAccepted answer — Tom, support\n{text}")) == [text]


@pytest.mark.parametrize(
    "marker", ["Solution", "Lösung:", "✔ Sprendimas", "Best answer — max77", "Best answer: Rasa_K"]
)
def test_a_solution_stands_alone_and_a_user_has_a_name(marker: str) -> None:
    """On a line of its own; of users, what only they are called like."""
    assert accepted(Passage(f"Question\nIt ticks.\n{marker}\nPress it.")) == ["Press it."]


def test_the_innermost_heading_says_which_post_it_is() -> None:
    """Replies may stand below the question's heading."""
    replies = [
        Passage(text, ("Question", kind)) for kind, text in (("Reply", "Mine too."), ("Best answer", "Dock it."))
    ]
    assert accepted(Passage("It ticks.", ("Question",)), *replies) == ["Dock it."]


def test_a_line_of_marks_takes_no_time() -> None:
    """Dot leaders, and whatever else people fill a line with: each is looked at a few times, not a thousand."""
    started = process_time()
    assert accepted(Passage(f"Question\nPage{' .' * 1500} 5\nBest answer\nTurn it{'!' * 3000} off.")) != []
    assert process_time() - started < 2.0
