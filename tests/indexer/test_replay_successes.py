"""Which searches of the log are known to have helped: by hand, one rule at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from benchmarks.gate_log import BEGIN, Visit, facts
from indexer.replay.successes import Log, read_log
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.metrics.moments import DAY, HOUR, moment_of

START = moment_of(BEGIN.isoformat())
LATER = START + 30 * DAY


class Facts:
    """A store of facts in memory."""

    def __init__(self, *given: SearchRecord | Event) -> None:
        self._facts = given

    def searches(self, since: str = "", until: str = "") -> Any:
        return (fact for fact in self._between(since, until) if isinstance(fact, SearchRecord))

    def events(self, since: str = "", until: str = "") -> Any:
        return (fact for fact in self._between(since, until) if isinstance(fact, Event))

    def _between(self, since: str, until: str) -> Any:
        return [fact for fact in self._facts if since <= fact.timestamp < until]


def log(*visits: Visit, more: tuple[Event, ...] = (), as_of: int = LATER, until: int = LATER) -> Log:
    return read_log(Facts(*facts(visits), *more), START, until, as_of)


def found(*visits: Visit, **options: Any) -> list[tuple[str, str, str, int]]:
    """(query, article, kind, searches) of each success."""
    successes = log(*visits, **options).successes
    return [(item.query, item.documents[0], item.kind, item.searches) for item in successes]


def event(seconds: float, action: str, document: str = "", client: str = "c", **attributes: object) -> Event:
    """What client c, who searched at the very beginning, did then; or another, who did not."""
    at = (BEGIN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = f"{action}-{seconds}"
    return Event(
        name,
        action,
        "306-0" if client == "c" else "",
        f"session-{client}",
        client,
        at,
        at,
        document,
        attributes=attributes,
    )


OPENED = Visit("reset password", "en", "reset.en", client="c")
SHOWN = Visit("opening hours", "en", "hours.en", answered=True, client="c")


@pytest.mark.parametrize(
    ("visit", "kinds"),
    [
        (OPENED, ["opened"]),
        (SHOWN, ["answered"]),
        (Visit("q", "en", "a", helpful=False), []),
        (Visit("q", "en", "a", ticket=True), []),
        (Visit("q", "en", "a", answered=True, ticket=True), []),
    ],
    ids=["opened and confirmed", "answered", "not helpful", "ticket after the vote", "ticket after the answer"],
)
def test_what_counts_as_a_success(visit: Visit, kinds: list[str]) -> None:
    """Opened and confirmed, or answered and not escalated; nothing else."""
    assert [kind for _, _, kind, _ in found(visit)] == kinds


def test_an_opening_that_nobody_confirmed_proves_nothing() -> None:
    """A click alone is no success."""
    assert [item for item in facts([OPENED]) if isinstance(item, Event)][1].action_name == "feedback"
    without_vote = [fact for fact in facts([OPENED]) if not isinstance(fact, Event) or fact.action_name == "click"]
    assert read_log(Facts(*without_vote), START, LATER, LATER).successes == ()


def test_a_ticket_of_the_next_day_still_counts_against_it() -> None:
    """Within 24 hours after the journey, as in `kbsearch metrics`; not afterwards."""
    assert found(SHOWN, more=(event(23 * 3600, "ticket_created"),)) == []
    assert len(found(SHOWN, more=(event(25 * 3600, "ticket_created"),))) == 1
    assert len(found(SHOWN, more=(event(23 * 3600, "ticket_created", client="other"),))) == 1


def test_what_may_still_end_in_a_ticket_is_not_counted() -> None:
    """A search of an hour ago is not decided."""
    read = log(SHOWN, as_of=START + HOUR)
    assert (read.successes, read.searches, read.undecided) == ((), 1, 1)


def test_a_vote_against_the_answer_takes_it_back() -> None:
    """Also one that names no article; one about another article does not."""
    assert found(SHOWN, more=(event(20, "feedback", "hours.en", helpful=False),)) == []
    assert found(SHOWN, more=(event(20, "feedback", helpful=False),)) == []
    assert len(found(SHOWN, more=(event(20, "feedback", "other.en", helpful=False),))) == 1


def test_what_was_opened_and_confirmed_outweighs_the_answer() -> None:
    """One search, one success: the article that the customer says helped."""
    more = (event(5, "click", "holidays.en"), event(30, "feedback", "holidays.en", helpful=True))
    assert found(SHOWN, more=more) == [("opening hours", "holidays.en", "opened", 1)]
    more = (event(5, "click", "hours.en"), event(30, "feedback", "hours.en", helpful=True))
    assert found(SHOWN, more=more) == [("opening hours", "hours.en", "answered", 1)]


def test_declared_as_solved_means_the_article_opened_last() -> None:
    """`resolved_declared` names none."""
    click = [fact for fact in facts([OPENED]) if not isinstance(fact, Event) or fact.action_name == "click"]
    more = (event(8, "click", "second.en"), event(40, "resolved_declared"))
    read = read_log(Facts(*click, *more), START, LATER, LATER)
    assert [item.documents for item in read.successes] == [("second.en",)]


def test_equal_queries_are_one_success_with_their_traffic() -> None:
    """Letter case and spaces do not count; language, article and kind do. The most frequent spelling is asked."""
    visits = [Visit("Reset  password", "en", "reset.en"), Visit("reset password", "en", "reset.en")]
    visits += [Visit("reset password", "en", "reset.en"), Visit("reset password", "lv", "reset.en")]
    visits += [Visit("reset password", "en", "other.en")]
    assert found(*visits) == [
        ("reset password", "reset.en", "opened", 3),
        ("reset password", "other.en", "opened", 1),
        ("reset password", "reset.en", "opened", 1),
    ]


def test_only_what_five_people_asked_in_public_may_be_printed() -> None:
    """k-anonymity, as in every other report of queries."""
    five = [Visit("common question", "en", "a") for _ in range(5)]
    four = [Visit("rare question", "en", "a") for _ in range(4)]
    one = [Visit("mine alone", "en", "a", client="same") for _ in range(9)]
    named = [Visit("I am [name]", "en", "a") for _ in range(5)]
    keyed = [Visit("internal question", "en", "a", public=False) for _ in range(5)]
    printable = {item.query: item.printable for item in log(*five, *four, *one, *named, *keyed).successes}
    assert printable == {
        "common question": True,
        "rare question": False,
        "mine alone": False,
        "I am [name]": False,
        "internal question": False,
    }


def test_programs_are_no_customers() -> None:
    """Neither who says so nor who searches over a hundred times in one journey; they vouch for no printing either."""
    monitor = [
        replace(fact, device="bot") for fact in facts([Visit("opening hours", "en", "hours", answered=True)] * 9)
    ]
    busy = facts([Visit("is it up", "en", "up", answered=True, client="busy")] * 101, BEGIN + timedelta(days=1))
    most = facts([Visit("is it here", "en", "here", answered=True, client="most")] * 100, BEGIN + timedelta(days=2))
    people = facts([Visit("opening hours", "en", "hours")] * 4, BEGIN + timedelta(days=3))
    read = read_log(Facts(*monitor, *busy, *most, *people), START, LATER, LATER)
    assert [(item.query, item.searches, item.printable) for item in read.successes] == [
        ("is it here", 100, False),
        ("opening hours", 4, False),
    ]
    assert (read.searches, read.programs, read.undecided) == (214, 110, 0)


def test_only_journeys_of_the_period_count() -> None:
    """Half-open, by their beginning; a ticket after the period still counts against one of them."""
    assert found(SHOWN, until=START) == []
    assert len(found(SHOWN, until=START + 1)) == 1
    assert found(SHOWN, until=START + 1, more=(event(3600, "ticket_created"),)) == []


def test_a_journey_over_midnight_is_one() -> None:
    """The vote of the next day belongs to the search of the evening before; it counts on the day on which it began."""
    evening = BEGIN + timedelta(hours=23, minutes=59, seconds=50)
    given = Facts(*facts([OPENED], evening))
    assert [item.kind for item in read_log(given, START, LATER, LATER).successes] == ["opened"]
    assert read_log(given, START + DAY, LATER, LATER).successes == ()


def test_long_logs_give_what_short_ones_give() -> None:
    """Ten days of visits at once are the sum of ten days one by one."""
    visits = [Visit(f"q{number % 7}", "en", f"a{number % 3}", answered=number % 2 == 0) for number in range(200)]
    whole = Facts(*(fact for day in range(10) for fact in facts(visits, BEGIN + timedelta(days=day))))
    at_once = read_log(whole, START, LATER, LATER)
    by_day = [read_log(whole, START + day * DAY, START + (day + 1) * DAY, LATER) for day in range(10)]
    assert at_once.searches == sum(log.searches for log in by_day) == 2000
    assert sum(item.searches for item in at_once.successes) == 2000
    for item in at_once.successes:
        same = (one.searches for log in by_day for one in log.successes if _name(one) == _name(item))
        assert item.searches == sum(same)


def _name(item: Any) -> tuple[str, Any, str]:
    return item.query, item.documents, item.kind
