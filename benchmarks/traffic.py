"""Believable weeks at the help centre of sample_kb, as facts: ordinary visits, and gaps that are known because planted.

For the test of gap triage and for the pictures of the dashboard. Every search is answered by the real engine, and what
customers then do is drawn with a fixed seed; nothing here is a measurement of real customers.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kbsearch.engine import Engine
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.events.store import Fact
from kbsearch.metrics.holdout import in_holdout
from kbsearch.metrics.moments import DAY, HOUR, MINUTE, SECOND, day_after, start_of, timestamp_of
from kbsearch.types import Action, SearchOutcome, SearchRequest

SAMPLE = Path(__file__).resolve().parent.parent / "sample_kb"
_DEVICES = ("desktop", "mobile", "tablet")
_DEVICE_SHARES = (60, 38, 2)
_HOURS = (1, 1, 0, 0, 0, 1, 2, 4, 7, 9, 10, 11, 10, 9, 9, 8, 7, 6, 6, 7, 7, 6, 4, 2)
_HOLDOUT = 0.05


@dataclass(frozen=True, slots=True)
class Planted:
    """A gap that was put there: what is asked in which language, and how it goes."""

    kind: str
    queries: tuple[tuple[str, str], ...]
    """(language, query)."""
    article: str = ""
    """What is opened and does not help, or is found later by some; "" where nothing is."""
    weight: float = 1.0
    grows: bool = False


PLANTED: tuple[Planted, ...] = (
    Planted(
        "missing",
        (
            ("en", "pay with bitcoin"),
            ("lv", "maksāt ar bitkoiniem"),
            ("lt", "mokėti bitkoinais"),
            ("lv", "bitkoini maksājums"),
        ),
        weight=1.2,
        grows=True,
    ),
    Planted(
        "missing",
        (("en", "merge two accounts into one"), ("lv", "apvienot divus kontus"), ("lt", "sujungti dvi paskyras")),
        weight=0.8,
    ),
    Planted(
        "other_language",
        (("en", "log in with smart-id"), ("en", "smart-id login"), ("en", "sign in using smart-id or bank link")),
        weight=0.9,
    ),
    Planted(
        "other_language",
        (("lt", "pranešti kai prekė vėl bus"), ("lt", "pranešimas kada bus prekė")),
        article="out-of-stock-notify.en",
        weight=0.6,
    ),
    Planted(
        "unfound",
        (("lv", "nav atnācis cipars no kastes"), ("lv", "kur ir cipari kastei")),
        article="locker-code-missing.lv",
        weight=1.0,
    ),
    Planted(
        "unhelpful", (("lv", "robots nelādējas"), ("en", "vacuum not charging")), article="vac-not-charging", weight=1.3
    ),
)


def facts(engine: Engine, last_day: str, days: int, visits_a_day: int, seed: int = 1) -> Iterator[list[Fact]]:
    """Yield visits of `days` UTC days up to and with `last_day`, each a list of facts, roughly in the order of time."""
    return _Town(engine, seed).visits(day_after(last_day, 1 - days), days, visits_a_day)


class _Town:
    """Customers, and an engine that remembers what it answered."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._seed, self._rng = seed, random.Random(seed)
        self._answers: dict[tuple[str, str], SearchOutcome] = {}
        self._asked = self._judged()
        self._number = self._visits = 0

    def visits(self, first: str, days: int, visits_a_day: int) -> Iterator[list[Fact]]:
        """Yield visits day by day: fewer at weekends, a few more each week."""
        rng = self._rng
        for number in range(days):
            day = day_after(first, number)
            weekend = (start_of(day) // DAY + 3) % 7 > 4
            today = visits_a_day * (0.55 if weekend else 1.0) * (0.9 + 0.2 * number / days) * rng.uniform(0.92, 1.08)
            for _ in range(round(today)):
                hour = rng.choices(range(24), _HOURS)[0]
                moment = start_of(day) + hour * HOUR + rng.randrange(HOUR)
                yield self._visit(moment, number / days)

    def _visit(self, moment: int, progress: float) -> list[Fact]:
        # Each has a chance of its own: what one customer finds changes nothing for the others.
        self._visits += 1
        rng = random.Random(f"{self._seed} {self._visits}")
        client = f"{rng.randrange(1 << 48):012x}{'0' * 20}"
        visit = _Visit(self, rng, moment, client, rng.choices(_DEVICES, _DEVICE_SHARES)[0])
        if rng.random() < 0.14:
            weights = [gap.weight * (progress if gap.grows else 0.6) for gap in PLANTED]
            visit.planted(rng.choices(PLANTED, weights)[0])
        else:
            article = ""
            while not article:
                lang, query, groups = rng.choice(self._asked)
                article = self._found(lang, query, groups)
            visit.ordinary(lang, query, article, progress)
        return visit.facts

    def ask(self, query: str, lang: str) -> SearchOutcome:
        """Return what the engine answers."""
        key = (query, lang)
        if key not in self._answers:
            self._answers[key] = self._engine.search(SearchRequest(q=query, lang=lang, limit=5))
        return self._answers[key]

    def number(self) -> int:
        """Return the next number for ids."""
        self._number += 1
        return self._number

    def _judged(self) -> list[tuple[str, str, frozenset[str]]]:
        """Return (language, query, groups of its articles) of judged questions that are no planted gap, as often as
        asked."""
        lines = (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        judged = []
        for question in map(json.loads, lines):
            groups = frozenset(article.rpartition(".")[0] for article in question["relevant"])
            if groups and not any(gap.article.startswith(tuple(groups)) for gap in PLANTED if gap.article):
                often = {"lv": 3, "lt": 2}.get(question["lang"], 1)
                judged += [(question["lang"], question["query"], groups)] * often
        return judged

    def _found(self, lang: str, query: str, groups: frozenset[str]) -> str:
        """Return the article that the engine finds in the question's language, or "" where it finds none."""
        hits = self.ask(query, lang).hits[:3]
        return next((hit.id for hit in hits if hit.group in groups and hit.lang == lang), "")


class _Visit:
    """One customer's visit, written down."""

    def __init__(self, town: _Town, rng: random.Random, moment: int, client: str, device: str) -> None:
        self.facts: list[Fact] = []
        self._town, self._rng = town, rng
        self._moment, self._client, self._device = moment, client, device
        self._session = f"{town.number():032x}"

    def ordinary(self, lang: str, query: str, article: str, progress: float) -> None:
        """Ask something that is answered, mostly with success."""
        rng = self._rng
        outcome, query_id = self._search(query, lang)
        chance = rng.random()
        if outcome.decision.action is Action.ANSWER and chance < 0.35:
            self._add("answer_shown", query_id, outcome.hits[0].id, outcome.hits[0].type)
        elif chance < 0.9:
            self._open(outcome, query_id, article)
        else:
            return
        chance = rng.random()
        confirmed = 0.30 + 0.10 * progress
        if chance < confirmed:
            self._add("feedback", query_id, article, "article", helpful=True)
        elif chance < confirmed + 0.03:
            self._add("feedback", query_id, article, "article", helpful=False)
        elif chance < confirmed + 0.11:
            self._form(query_id, 0.5)
        self._survey()

    def planted(self, gap: Planted) -> None:
        """Ask something that goes wrong."""
        rng = self._rng
        lang, query = rng.choice(gap.queries)
        outcome, query_id = self._search(query, lang)
        if gap.kind == "unhelpful":
            self._open(outcome, query_id, f"{gap.article}.{lang}")
            chance = rng.random()
            if chance < 0.55:
                self._form(query_id, 0.9)
            elif chance < 0.75:
                self._add("feedback", query_id, f"{gap.article}.{lang}", "article", helpful=chance > 0.7)
        elif gap.article and rng.random() < 0.4:
            self._moment += 40 * SECOND
            _, query_id = self._search(gap.article.rpartition(".")[0].replace("-", " "), lang)
            self._add("click", query_id, gap.article, "article", position=1)
        elif rng.random() < 0.5:
            self._form(query_id, 0.85)

    def _search(self, query: str, lang: str) -> tuple[SearchOutcome, str]:
        outcome = self._town.ask(query, lang)
        first = outcome.hits[0] if outcome.hits else None
        record = SearchRecord(
            query_id=f"q{self._town.number():x}",
            user_query=query,
            lang=lang,
            detected_lang=outcome.detected_lang,
            found=outcome.found,
            decision=outcome.decision.action.value,
            confidence=outcome.decision.confidence,
            hit_ids=tuple(hit.id for hit in outcome.hits),
            offset=0,
            took_ms=1.5,
            snapshot=outcome.snapshot,
            session_id=self._session,
            client_id=self._client,
            timestamp=timestamp_of(self._moment),
            public=True,
            device=self._device,
            surface="portal",
            top_type=first.type if first else "",
            top_category=first.category[0] if first and first.category else "",
            words_found=outcome.words_found,
        )
        self.facts.append(record)
        for hit in outcome.hits[:3]:
            self._add("impression", record.query_id, hit.id, hit.type, position=hit.position, wait=0)
        return outcome, record.query_id

    def _open(self, outcome: SearchOutcome, query_id: str, article: str) -> None:
        position = next((hit.position for hit in outcome.hits if hit.id == article), 1)
        self._add("click", query_id, article, "article", position=position)

    def _form(self, query_id: str, filing: float) -> None:
        """Go to the ticket form; suggestions there keep some from filing, except in the hold-out."""
        held_out = in_holdout(self._session, _HOLDOUT, "deflect")
        self._add("ticket_started", query_id, suggestions_shown=not held_out, holdout=held_out)
        if self._rng.random() < filing + (0.12 if held_out else 0.0):
            self._add("ticket_created", query_id)

    def _survey(self) -> None:
        rng = self._rng
        survey, attribute, answers, weights = rng.choice(
            (
                ("csat", "rating", (1, 2, 3, 4, 5), (3, 3, 8, 30, 56)),
                ("ces", "effort", (2, 3, 4, 5, 6, 7), (3, 5, 10, 22, 35, 25)),
                ("nps", "nps", (0, 4, 6, 7, 8, 9, 10), (3, 4, 6, 12, 20, 25, 30)),
            )
        )
        if rng.random() < 0.3:
            self._add("impression", "", survey, "survey")
            if rng.random() < 0.28:
                self._add("feedback", "", "", "", **{attribute: rng.choices(answers, weights)[0]})

    def _add(
        self,
        action: str,
        query_id: str,
        object_id: str = "",
        kind: str = "",
        position: int | None = None,
        wait: int = 1,
        **attributes: object,
    ) -> None:
        self._moment += wait * self._rng.randrange(3 * SECOND, MINUTE)
        time = timestamp_of(self._moment)
        values = (action, query_id, self._session, self._client, time, time, object_id, kind, position, attributes)
        self.facts.append(Event(f"e{self._town.number():x}", *values, device=self._device, surface="portal"))
