"""Visits to a help centre written as a script, and what each must count for, worked out by its author.

A `Visitor` plays one customer over HTTP at times of its own choosing and states in `leave` how the journey ended; the
`Truth` adds that up. Nothing here uses the code that computes metrics.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

HOUR, DAY = 3600.0, 86400.0
QUERIES = {
    "en": ["change delivery address", "cancel my order", "reset password", "return an item", "warranty claim"],
    "lv": ["mainīt piegādes adresi", "atcelt pasūtījumu", "atjaunot paroli", "preces atgriešana", "garantijas termiņš"],
    "lt": ["pakeisti pristatymo adresą", "atšaukti užsakymą", "pamiršau slaptažodį", "grąžinti prekę", "garantija"],
}
NONSENSE = "zzqxv wkjhq"
AGENTS = {
    "desktop": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
    "mobile": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "tablet": "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
}


@dataclass
class Truth:
    """What must come out: counts by split and label."""

    as_of: float
    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def add(self, labels: dict[str, str], counts: Counter[str]) -> None:
        """Add to the whole and to each label."""
        for place in [("all", "all"), *labels.items()]:
            self.counts.setdefault(place, Counter()).update(counts)


class Desk:
    """What a visitor needs of the world: a server to ask, a clock to turn, and the post for what is sent late."""

    def __init__(self, send: Callable[..., Any], set_clock: Callable[[float], None], truth: Truth) -> None:
        self.send, self.set_clock, self.truth = send, set_clock, truth
        self.late: list[dict[str, Any]] = []


class Visitor:
    """One customer. `moment` is in seconds since 1970 and moves with what is done."""

    def __init__(self, desk: Desk, number: int, moment: float, rng: random.Random) -> None:
        self.rng, self._desk, self._number = rng, desk, number
        self.device = rng.choice(list(AGENTS))
        self.lang = rng.choice(list(QUERIES))
        self.known = rng.random() < 0.7
        """Whether the page gives the visitor a client id; else the session is all there is."""
        self.late = rng.random() < 0.2
        """Whether the events arrive long after, in somebody else's batch."""
        self._visit = 0
        self._begin(moment)

    def _begin(self, moment: float) -> None:
        # Journeys lie within a UTC day, well before the next one.
        self.moment = moment - moment % DAY + min(moment % DAY, 22 * HOUR)
        self.moment = round(self.moment, 3)
        self._visit += 1
        self.session = f"visit-{self._number}-{self._visit if self.known else 0}"
        self._first = self._last = 0.0
        self._batch: list[dict[str, Any]] = []
        self._counts: Counter[str] = Counter()
        self._labels: dict[str, str] = {"device": self.device, "language": "unknown"}
        self._searches: list[dict[str, Any]] = []
        self._first_search = self._answered = 0.0

    def wait(self, low: float, high: float) -> None:
        """Let some time pass, in whole milliseconds."""
        self.moment = round(self.moment + self.rng.uniform(low, high), 3)

    def _act(self) -> None:
        self._first = self._first or self.moment
        self._last = self.moment

    def search(
        self, text: str = "", *, opened: bool = False, counts: bool = True, words: bool = True, again: bool = False,
        **parameters: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """Search. Say whether a hit is opened later, whether it counts (what is typed letter by letter counts once),
        whether the help centre knows a word of it, and whether it is given up for another one."""
        self._act()
        self._desk.set_clock(self.moment)
        query = {"q": text or self.rng.choice(QUERIES[self.lang]), "lang": self.lang, "session": self.session}
        answer: dict[str, Any] = self._desk.send("GET", "/v1/search", {**query, **parameters}, agent=self.device)
        abstained = answer["decision"]["action"] == "hand_over"
        if counts:
            self._first_search = self._first_search or self.moment
            self._labels["language"] = answer["detected_lang"]
            mine = Counter(searches=1, no_words=not words, abstained=abstained, reformulated=again)
            mine["unopened"] = answer["found"] > 0 and not abstained and not opened
            self._searches.append({"language": answer["detected_lang"], "counts": mine})
        else:
            self._first_search = self._first_search or self.moment
        return answer

    def click(self, answer: dict[str, Any], position: int, *, shape: str = "ubi", first: bool = True) -> None:
        """Open a hit of a search, or the last one where there are fewer."""
        self.wait(1, 20)
        position = min(position, len(answer["hits"]))
        hit = answer["hits"][position - 1]
        if shape == "insights":
            self._act()
            self._batch.append({
                "eventType": "click", "eventName": "Article opened", "index": "help", "queryID": answer["query_id"],
                "userToken": self.client(), "timestamp": round(self.moment * 1000), "objectIDs": [hit["id"]],
                "positions": [position],
            })  # fmt: skip
        else:
            self.event("click", answer, hit["id"], position=position)
        if first:
            self._searches[-1]["counts"].update({"clicked": 1, f"position={position}": 1})
        self._read()

    def _read(self) -> None:
        if self._first_search and not self._answered:
            self._answered = self.moment
            self._counts.update({"answered": 1, "answer_ms": round(1000 * (self.moment - self._first_search))})

    def answer_shown(self, answer: dict[str, Any]) -> None:
        """Be shown the answer."""
        self.wait(0, 1)
        self.event("answer_shown", answer, answer["hits"][0]["id"])
        self._read()

    def client(self) -> str:
        """Return the id that the page gives this visitor."""
        return f"visitor-{self._number}"

    def event(
        self, action: str, answer: dict[str, Any] | None = None, object_id: str = "", *, kind: str = "document",
        position: int | None = None, **attributes: Any,
    ) -> None:  # fmt: skip
        """Do something."""
        self._act()
        if object_id:
            attributes["object"] = {"object_id": object_id, "object_id_type": kind}
        if position is not None:
            attributes["position"] = {"ordinal": position}
        self._batch.append({
            "action_name": action,
            "event_id": f"{self.session}-{self._visit}-{len(self._batch)}",
            "session_id": self.session,
            "timestamp": datetime.fromtimestamp(self.moment, UTC).isoformat(timespec="milliseconds"),
            **({"query_id": answer["query_id"]} if answer else {}),
            **({"client_id": self.client()} if self.known else {}),
            **({"event_attributes": attributes} if attributes else {}),
        })  # fmt: skip

    def say(self, **attributes: Any) -> None:
        """Give feedback a little later."""
        self.wait(5, 60)
        self.event("feedback", **attributes)

    def vote(self, helpful: bool, article: str = "place-order.en", *, counts: bool = True) -> None:
        """Say whether an article helped; a later vote on the same article counts instead."""
        self.wait(5, 60)
        self.event("feedback", None, article, helpful=helpful)
        if counts:
            self._counts.update(votes=1, yes=helpful)

    def count(self, **counts: int) -> None:
        """State what this journey adds beside its outcome."""
        self._counts.update(counts)

    def leave(
        self, outcome: str, *, searched: bool = True, durable: bool = True, handed: bool = False,
        filed_form: str = "",
    ) -> None:  # fmt: skip
        """Send what is left and state how it ends: `durable` where confirmed and without a return, `handed` where a
        ticket or hand-over is in it or within a day after it."""
        self._send()
        as_of, counts = self._desk.truth.as_of, self._counts
        closed, seasoned = as_of >= self._last + DAY, as_of >= self._last + 7 * DAY
        ended = outcome if closed else "unknown"
        counts.update({"journeys": 1, f"outcome:{ended}": 1})
        if searched:
            counts.update({"searched": 1, f"searched:{ended}": 1})
        if closed:
            counts.update(decided=1, decided_searched=searched, handed=handed)
            if filed_form:
                counts.update({f"{filed_form}": 1, f"{filed_form}_filed": handed})
                if filed_form == "treated":
                    counts.update(saw=1, saw_unfiled=not handed)
        if seasoned:
            counts.update(seasoned_searched=searched)
            if outcome == "confirmed":
                counts.update(seasoned_confirmed=1, durable=durable, durable_searched=durable and searched)
        labels = {**self._labels, "day": datetime.fromtimestamp(self._first, UTC).date().isoformat()}
        self._desk.truth.add(labels, counts)
        for search in self._searches:
            self._desk.truth.add({**labels, "language": search["language"]}, search["counts"])

    def come_back(self, after: float) -> None:
        """Begin another journey so many seconds later."""
        self._begin(self.moment + after)

    def _send(self) -> None:
        if self.late and self._searches:
            self._desk.late += self._batch
        elif self._batch:
            self._desk.set_clock(self.moment)
            twice = self.rng.random() < 0.1
            for _ in range(1 + twice):
                self._desk.send("POST", "/v1/events", {"events": self._batch}, agent=self.device)


def moments(first: datetime, days: int, count: int, rng: random.Random) -> Iterator[float]:
    """Yield when visitors come: any time of the day, any day."""
    for _ in range(count):
        day = first + timedelta(days=rng.randrange(days))
        yield round(day.timestamp() + rng.uniform(0, 22 * HOUR), 3)
