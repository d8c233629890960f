"""Which articles a ticket finds that tells a story around its question: `python -m benchmarks.tickets`.

Tickets are made up of the questions of sample_kb and of sentences written for this benchmark: greetings, thanks, and
two stories, one that has nothing to do with the shop and one that mentions orders, parcels and devices, to which
articles exist; stories also as many people type them, without marks or with commas only. Searched for are subject and
message as one query, the subject alone where it has three words (else both), and every sentence by itself, as
`/v1/deflect` does it. The questions are divided by topic into halves; each half is asked after the other calibrated.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import orjson

from benchmarks.report import RESULTS, stamp, table, write_result
from benchmarks.traffic import SAMPLE
from indexer.pipeline import build
from kbsearch.calibrate import as_json, calibrate, topic_of
from kbsearch.calibration import publish_calibrated
from kbsearch.engine import Engine, open_engine
from kbsearch.evaluate import Judged, read_queries, run_queries
from kbsearch.types import MAX_QUERY, Action, SearchOutcome, SearchRequest

ERROR = 0.05
SEED = 5
SHOWN = 3

SUBJECTS = {
    "en": ("Question", "Problem with my order", "Help please", "Urgent", "Need help with my device"),
    "lv": ("Jautājums", "Problēma ar pasūtījumu", "Lūdzu palīdziet", "Steidzami", "Vajag palīdzību ar ierīci"),
    "lt": ("Klausimas", "Problema dėl užsakymo", "Prašau pagalbos", "Skubu", "Reikia pagalbos dėl prietaiso"),
}
OPENINGS = {
    "en": ("Hello,", "Good afternoon!", "Hi there. I have been your customer for two years.", "Dear team,"),
    "lv": ("Labdien!", "Sveiki,", "Labvakar! Esmu jūsu klients jau divus gadus.", "Cienījamā komanda,"),
    "lt": ("Laba diena!", "Sveiki,", "Labas vakaras. Esu jūsų klientas jau dvejus metus.", "Gerbiama komanda,"),
}
CLOSINGS = {
    "en": ("Thank you in advance, Anna", "Please answer soon.", "Best regards, John Smith"),
    "lv": ("Jau iepriekš paldies, Anna", "Lūdzu, atbildiet drīz.", "Ar cieņu, Jānis Bērziņš"),
    "lt": ("Iš anksto dėkoju, Ona", "Prašau greitai atsakyti.", "Pagarbiai, Jonas Jonaitis"),
}
STORIES = {
    "en": (
        "I bought it for my mother last month and so far we were happy.",
        "I have looked around on the page for half an hour.",
        "I turned everything off and on again, nothing changed.",
        "My husband says that it was different before.",
    ),
    "lv": (
        "Nopirku to mammai pagājušajā mēnesī, un līdz šim bijām apmierināti.",
        "Jau pusstundu meklēju lapā.",
        "Visu izslēdzu un ieslēdzu no jauna, nekas nemainījās.",
        "Vīrs saka, ka agrāk bija citādi.",
    ),
    "lt": (
        "Nupirkau mamai praėjusį mėnesį ir iki šiol buvome patenkinti.",
        "Jau pusvalandį ieškau puslapyje.",
        "Viską išjungiau ir vėl įjungiau, niekas nepasikeitė.",
        "Vyras sako, kad anksčiau buvo kitaip.",
    ),
}
SHOP_STORIES = {
    "en": (
        "I ordered a robot vacuum three weeks ago and paid by card.",
        "The parcel came on Tuesday with a courier.",
        "My account is under my wife's e-mail address.",
        "I also have your watch and the air purifier.",
    ),
    "lv": (
        "Pirms trim nedēļām pasūtīju robotu putekļsūcēju un samaksāju ar karti.",
        "Sūtījums atnāca otrdien ar kurjeru.",
        "Mans konts ir uz sievas e-pasta adresi.",
        "Man ir arī jūsu pulkstenis un gaisa attīrītājs.",
    ),
    "lt": (
        "Prieš tris savaites užsisakiau robotą siurblį ir sumokėjau kortele.",
        "Siunta atėjo antradienį su kurjeriu.",
        "Mano paskyra yra žmonos el. pašto adresu.",
        "Taip pat turiu jūsų laikrodį ir oro valytuvą.",
    ),
}
ENDS = ("?", ".", "")
"""After a question: a third of those who ask in a message write the mark."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a customer writes into the form."""

    subject: str
    body: str


def question_as_subject(query: str, lang: str, draw: random.Random) -> Ticket:
    """The question, and a message that says nothing more of it."""
    return Ticket(query, f"{draw.choice(OPENINGS[lang])} {draw.choice(STORIES[lang])} {draw.choice(CLOSINGS[lang])}")


def question_as_message(query: str, lang: str, draw: random.Random) -> Ticket:
    """A subject that says little, and the question between greeting and thanks."""
    asked = _as_sentence(query, draw)
    body = f"{draw.choice(OPENINGS[lang])} {asked} {draw.choice(CLOSINGS[lang])}"
    return Ticket(draw.choice(SUBJECTS[lang]), body)


def question_in_a_story(query: str, lang: str, draw: random.Random) -> Ticket:
    """Two more sentences around it, which have nothing to do with the shop."""
    return _told(query, lang, draw, STORIES)


def question_in_a_story_of_the_shop(query: str, lang: str, draw: random.Random) -> Ticket:
    """Two more sentences around it, to each of which there is an article."""
    return _told(query, lang, draw, SHOP_STORIES)


def story_without_marks(query: str, lang: str, draw: random.Random) -> Ticket:
    """The story that has nothing to do with the shop, in small letters and without a mark."""
    return _without_marks(question_in_a_story(query, lang, draw), " ")


def story_of_the_shop_without_marks(query: str, lang: str, draw: random.Random) -> Ticket:
    """The other story in small letters and without a mark."""
    return _without_marks(question_in_a_story_of_the_shop(query, lang, draw), " ")


def story_between_commas(query: str, lang: str, draw: random.Random) -> Ticket:
    """The story that has nothing to do with the shop, in small letters with commas for all marks."""
    return _without_marks(question_in_a_story(query, lang, draw), ", ")


def story_of_the_shop_between_commas(query: str, lang: str, draw: random.Random) -> Ticket:
    """The other story in small letters with commas for all marks."""
    return _without_marks(question_in_a_story_of_the_shop(query, lang, draw), ", ")


def story_without_marks_then_the_question(query: str, lang: str, draw: random.Random) -> Ticket:
    """The story that has nothing to do with the shop; at its end the question, with the only mark."""
    return _asked_at_last(query, lang, draw, STORIES)


def story_of_the_shop_without_marks_then_the_question(query: str, lang: str, draw: random.Random) -> Ticket:
    """The other story; at its end the question, with the only mark."""
    return _asked_at_last(query, lang, draw, SHOP_STORIES)


def _without_marks(ticket: Ticket, between: str) -> Ticket:
    parts = [part.strip() for part in re.split(r"[.!?…,\n]+(?!\d)", ticket.body.lower())]
    return Ticket(ticket.subject, between.join(filter(None, parts)))


def _asked_at_last(query: str, lang: str, draw: random.Random, stories: Mapping[str, Sequence[str]]) -> Ticket:
    told = " ".join([draw.choice(OPENINGS[lang]), *draw.sample(stories[lang], 2), query])
    ticket = _without_marks(Ticket(draw.choice(SUBJECTS[lang]), told), " ")
    return Ticket(ticket.subject, f"{ticket.body}?")


def _told(query: str, lang: str, draw: random.Random, stories: Mapping[str, Sequence[str]]) -> Ticket:
    before, after = draw.sample(stories[lang], 2)
    asked = _as_sentence(query, draw)
    body = f"{draw.choice(OPENINGS[lang])} {before}\n{asked}\n{after} {draw.choice(CLOSINGS[lang])}"
    return Ticket(draw.choice(SUBJECTS[lang]), body)


def _as_sentence(query: str, draw: random.Random) -> str:
    query = query.strip()
    return query[:1].upper() + query[1:] + ("" if query.endswith((".", "?", "!")) else draw.choice(ENDS))


def in_one(ticket: Ticket) -> SearchRequest:
    """Subject and message as one query, as far as a query may be long."""
    return SearchRequest(q=" ".join(f"{ticket.subject} {ticket.body}".split())[:MAX_QUERY])


def subject_first(ticket: Ticket) -> SearchRequest:
    """The subject, where it has three words."""
    return SearchRequest(q=ticket.subject) if len(ticket.subject.split()) >= 3 else in_one(ticket)


def by_sentence(ticket: Ticket) -> SearchRequest:
    """As the ticket form does it."""
    return SearchRequest(q=ticket.subject, body=ticket.body)


KINDS: tuple[Callable[[str, str, random.Random], Ticket], ...] = (
    question_as_subject,
    question_as_message,
    question_in_a_story,
    question_in_a_story_of_the_shop,
    story_between_commas,
    story_of_the_shop_between_commas,
    story_without_marks,
    story_of_the_shop_without_marks,
    story_without_marks_then_the_question,
    story_of_the_shop_without_marks_then_the_question,
)
WAYS: dict[str, Callable[[Ticket], SearchRequest]] = {
    "one query": in_one,
    "subject first": subject_first,
    "by sentence": by_sentence,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write benchmarks/results/tickets.{md,json}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tickets", description=__doc__)
    parser.add_argument("--model", metavar="NAME", help="embedding model (default: the bundled default)")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    measured = stamp("python -m benchmarks.tickets" + (f" --model {options.model}" if options.model else ""))
    figures: dict[str, dict[str, dict[str, float]]] = {kind.__name__: {} for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        build([SAMPLE], Path(folder) / "index", model=options.model)
        halves = list(halved(Path(folder) / "index"))
        for kind in KINDS:
            for way, request in WAYS.items():
                figures[kind.__name__][way] = _figures(
                    [pair for engine, judged in halves for pair in asked(engine, judged, kind, request)]
                )
        alone = _figures([pair for engine, judged in halves for pair in asked(engine, judged, None, None)])
    rows = [("the question alone, as a query", "", *alone.values())]
    for name, by_way in figures.items():
        rows += [(name.replace("_", " "), way, *counted.values()) for way, counted in by_way.items()]
    header = (
        "ticket",
        "searched for",
        "right article first, %",
        f"among {SHOWN}, %",
        "answered, %",
        "wrong among answers, %",
        "handed over although answerable, %",
        "unanswerable answered, %",
        "unanswerable handed over, %",
    )
    markdown = "\n\n".join(
        [
            "# Tickets",
            measured.line(),
            f"{sum(len(judged) for _, judged in halves)} questions of `sample_kb` in Latvian, Lithuanian and English, "
            f"each in a ticket; calibrated to {ERROR:.0%} on the half of the topics that is not asked. What is around "
            "the questions is invented (`benchmarks/tickets.py`): the figures compare ways of searching, and say "
            "nothing of what customers write.",
            table(header, rows),
        ]
    )
    write_result("tickets", markdown, {"alone": alone, "tickets": figures}, measured, options.out)
    print(markdown)


def halved(index: Path) -> Iterator[tuple[Engine, list[Judged]]]:
    """The questions of one half of the topics, with an engine that the other half has calibrated; then the other."""
    engine = open_engine(index)
    judged = run_queries(engine, read_queries(SAMPLE / "questions.jsonl"))
    topics = sorted({topic_of(item) for item in judged})
    first = set(np.random.default_rng(SEED).permutation(topics)[: len(topics) // 2].tolist())
    for mine in (True, False):
        others = [item.query for item in judged if (topic_of(item) in first) != mine]
        publish_calibrated(index, orjson.dumps(as_json(calibrate(engine, others, ERROR)[0])), engine.snapshot)
        yield open_engine(index), [item for item in judged if (topic_of(item) in first) == mine]


def asked(
    engine: Engine,
    judged: Sequence[Judged],
    kind: Callable[[str, str, random.Random], Ticket] | None,
    way: Callable[[Ticket], SearchRequest] | None,
) -> Iterator[tuple[Judged, SearchOutcome]]:
    """Each question with what its ticket finds; without a kind, with what it finds as a query."""
    draw = random.Random(SEED)
    for item in judged:
        query, lang = item.query.query, item.query.lang
        request = way(kind(query, lang, draw)) if kind and way else SearchRequest(q=query)
        fields = {"lang": lang, "limit": SHOWN, "audiences": None}
        yield item, engine.search(SearchRequest(q=request.q, body=request.body, **fields))  # type: ignore[arg-type]


def _figures(pairs: Sequence[tuple[Judged, SearchOutcome]]) -> dict[str, Any]:
    answerable = [(item, outcome) for item, outcome in pairs if item.query.answerable]
    unanswerable = [outcome for item, outcome in pairs if not item.query.answerable]
    answered = [(item, outcome) for item, outcome in pairs if outcome.decision.action is Action.ANSWER]
    return {
        "first": _percent(_right(item, outcome, 1) for item, outcome in answerable),
        "shown": _percent(_right(item, outcome, SHOWN) for item, outcome in answerable),
        "answered": _percent(outcome.decision.action is Action.ANSWER for _, outcome in answerable),
        "wrong": _percent(not _right(item, outcome, 1) for item, outcome in answered) if answered else None,
        "answerable_handed_over": _percent(outcome.decision.action is Action.HAND_OVER for _, outcome in answerable),
        "unanswerable_answered": _percent(outcome.decision.action is Action.ANSWER for outcome in unanswerable),
        "unanswerable_handed_over": _percent(outcome.decision.action is Action.HAND_OVER for outcome in unanswerable),
    }


def _right(item: Judged, outcome: SearchOutcome, places: int) -> bool:
    return any(item.relevant.get(hit.group, 0) > 0 for hit in outcome.hits[:places])


def _percent(flags: Iterable[bool]) -> float:
    return round(100 * mean(map(float, flags)), 1)


if __name__ == "__main__":
    main()
