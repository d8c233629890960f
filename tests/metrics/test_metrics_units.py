"""Searches, journeys and outcomes by hand: each rule of contract section 6 with cases on both sides of its limit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from metrics_facts import LATER, MemoryStore, at, event, measured, said, search

from kbsearch.metrics.acts import read_acts
from kbsearch.metrics.journeys import article_key, read_journey, split_journeys
from kbsearch.metrics.moments import day_after, day_of, days_between, moment_of, start_of, timestamp_of
from kbsearch.metrics.outcomes import Outcome
from kbsearch.metrics.report import report
from kbsearch.metrics.searches import fold_searches


def test_moments_go_there_and_back() -> None:
    """Milliseconds, zones and days."""
    assert moment_of("1970-01-02T00:00:00.001Z") == 86_400_001
    assert moment_of("2026-11-10T02:00:00+02:00") == moment_of("2026-11-10T00:00:00Z") == start_of("2026-11-10")
    assert timestamp_of(moment_of("2026-11-10T23:59:59.999Z")) == "2026-11-10T23:59:59.999Z"
    assert day_of(start_of("2026-11-10") - 1) == "2026-11-09" == day_after("2026-11-10", -1)
    assert days_between("2026-02-27", "2026-03-01") == ["2026-02-27", "2026-02-28", "2026-03-01"]


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        ([("10:00:00", "pass"), ("10:00:30", "password")], ["password"]),
        ([("10:00:00", "pass"), ("10:00:30.001", "password")], ["pass", "password"]),
        ([("10:00:00", "password reset"), ("10:00:02", "password")], ["password"]),
        ([("10:00:00", "pasword reset"), ("10:00:09", "password reset")], ["password reset"]),
        ([("10:00:00", "Parole"), ("10:00:01", "  parolē ")], ["  parolē "]),
        ([("10:00:00", "reset password"), ("10:00:09", "refund an order")], ["reset password", "refund an order"]),
        ([("10:00:00", "p"), ("10:00:20", "pa"), ("10:00:40", "par"), ("10:01:00", "parole")], ["parole"]),
        ([("10:00:00", "paroli"), ("10:00:05", "aizmirsu Paroli")], ["aizmirsu Paroli"]),
        ([("10:00:00", "how to cancel my order"), ("10:00:05", "cancel")], ["cancel"]),
        ([("10:00:00", "port"), ("10:00:05", "passport")], ["port", "passport"]),
        ([("10:00:00", "cat"), ("10:00:01", "dog")], ["cat", "dog"]),
        ([("10:00:00", "abcdefgh"), ("10:00:01", "abcdefxy")], ["abcdefxy"]),
        ([("10:00:00", "abcdefgh"), ("10:00:01", "abcdewxy")], ["abcdefgh", "abcdewxy"]),
    ],
)
def test_queries_fold_into_searches(queries: list[tuple[str, str]], expected: list[str]) -> None:
    """Within 30 s, and only what extends or edits; the final query stands for all."""
    acts = read_acts([search("c", at(time), text) for time, text in queries], [])
    assert [found.final.user_query for found in fold_searches(acts)] == expected


def test_sessions_fold_apart_and_pages_belong_to_their_search() -> None:
    """Two tabs are two searches; page two is none, however late."""
    tabs = [
        search("c", at("10:00:00"), "pass", session_id="a"),
        search("c", at("10:00:05"), "password", session_id="b"),
    ]
    assert len(fold_searches(read_acts(tabs, []))) == 2
    pages = [search("c", at("10:00")), search("c", at("10:05"), offset=10, hit_ids=("x",))]
    (found,) = fold_searches(read_acts(pages, []))
    assert found.final == pages[0]
    assert found.query_ids == {pages[0].query_id, pages[1].query_id}


@pytest.mark.parametrize("read_at", ["10:00:01", "10:00:50"])
def test_a_search_that_was_answered_is_not_reformulated(read_at: str) -> None:
    """Before its second page as well as after it."""
    first = search("a", at("10:00"))
    asked = [first, search("a", at("10:00:40"), offset=10), search("a", at("10:02"), "opening hours")]
    figure = measured(*asked, event("a", at(read_at), "answer_shown", first)).metrics["reformulation_rate"]
    assert (figure.numerator, figure.n) == (0, 2)


def test_a_pause_of_half_an_hour_ends_a_journey() -> None:
    """Under 30 minutes is one, 30 minutes are two."""
    times = ["10:00:00", "10:29:59.999", "10:59:59.998", "11:29:59.998"]
    acts = read_acts([search("c", at(time)) for time in times], [])
    assert [len(run) for run in split_journeys(acts)] == [3, 1]


@pytest.mark.parametrize(
    ("trail", "expected"),
    [
        ([], "abandoned"),
        (["impression"], "abandoned"),
        (["click"], "assumed"),
        (["view"], "assumed"),
        (["answer_shown"], "assumed"),
        (["answer_abstained"], "abandoned"),
        (["click", "yes"], "confirmed"),
        (["yes"], "confirmed"),
        (["resolved_declared"], "confirmed"),
        (["click", "yes", "no"], "assumed"),
        (["no", "yes"], "confirmed"),
        (["no"], "abandoned"),
        (["resolved_declared", "no"], "abandoned"),
        (["click", "ticket_started"], "assumed"),
        (["click", "ticket_created"], "escalated"),
        (["handover"], "escalated"),
        (["yes", "handover"], "escalated"),
        (["handover", "yes"], "confirmed"),
        (["yes", "click"], "confirmed"),
        (["suggestion", "vote", "return_visit"], "abandoned"),
    ],
)
def test_outcomes(trail: list[str], expected: str) -> None:
    """What follows a search, minute by minute, and how it ended."""
    asked = search("c", at("10:00"))
    votes = {"yes": True, "no": False}
    events = [
        said("c", at(f"10:{minute:02}"), helpful=votes[name])
        if name in votes
        else event("c", at(f"10:{minute:02}"), name, asked)
        for minute, name in enumerate(trail, 1)
    ]
    found = measured(asked, *events)
    assert found.outcomes == {**dict.fromkeys(map(str, Outcome), 0), expected: 1, "journeys": 1}
    assert found.outcomes_searched == found.outcomes


def test_without_a_search_nothing_is_abandoned() -> None:
    """A ticket alone is escalated, a vote alone unknown; neither searched."""
    found = measured(event("a", at("10:00"), "ticket_created"), event("b", at("10:00"), "vote"))
    assert (found.outcomes["escalated"], found.outcomes["unknown"], found.outcomes_searched["journeys"]) == (1, 1, 0)
    assert found.metrics["confirmed_success_rate"].value is None


@pytest.mark.parametrize(
    ("later", "expected"),
    [(("10:05", "2026-11-11"), "escalated"), (("10:05:00.001", "2026-11-11"), "confirmed"), (("15:00",), "escalated")],
)
def test_a_ticket_within_the_window_undoes_a_success(later: tuple[str, ...], expected: str) -> None:
    """24 hours after the last act, to the millisecond; the ticket's own journey did not search."""
    asked = search("c", at("10:00"))
    found = measured(asked, said("c", at("10:05"), helpful=True), event("c", at(*later), "ticket_created"))
    assert found.outcomes_searched == {**dict.fromkeys(map(str, Outcome), 0), expected: 1, "journeys": 1}


def test_an_open_window_is_unknown_whatever_happened() -> None:
    """Until 24 hours after the last act; another window moves that."""
    facts = [search("c", at("10:00")), event("c", at("10:05"), "handover")]
    closes = moment_of(at("10:05", "2026-11-11"))
    assert measured(*facts, as_of=closes - 1).outcomes["unknown"] == 1
    assert measured(*facts, as_of=closes).outcomes["escalated"] == 1
    assert measured(*facts, as_of=moment_of(at("10:05")), window=0).outcomes["escalated"] == 1
    found = measured(*facts, as_of=closes - 1).metrics["escalated_rate"]
    assert (found.value, found.n) == (None, 0)
    assert "window" in str(found.reason)


@pytest.mark.parametrize(
    ("back", "durable"),
    [
        (search("c", at("10:02", "2026-11-17")), 0),
        (search("c", at("10:02:00.001", "2026-11-17")), 1),
        (search("c", at("10:00", "2026-11-12"), "refund", hit_ids=("refund.lv",)), 1),
        (search("c", at("10:00", "2026-11-12"), "RESET  passwōrd", hit_ids=()), 0),
        (search("c", at("10:00", "2026-11-12"), "forgot it", hit_ids=("reset-password.lt",)), 0),
        (search("c", at("10:00", "2026-11-12"), "forgot it", hit_ids=("reset-password.lt",), decision="hand_over"), 1),
        (event("c", at("10:00", "2026-11-12"), "view", object_id="reset-password.en"), 0),
        (event("c", at("10:00", "2026-11-12"), "view", object_id="hub.lv"), 1),
        (event("c", at("10:00", "2026-11-12"), "return_visit", object_id="reset-password.en"), 0),
        (event("c", at("10:00", "2026-11-12"), "return_visit", object_id="hub.lv"), 1),
        (search("other", at("10:00", "2026-11-12")), 1),
    ],
)
def test_durable_is_confirmed_without_a_return(back: object, durable: int) -> None:
    """The same query, or the same article in any language, within 7 days."""
    asked = search("c", at("10:00"))
    facts = [asked, event("c", at("10:01"), "click", asked), said("c", at("10:02"), helpful=True)]
    counts = measured(*facts, back).counts  # type: ignore[arg-type]
    assert counts["durable"] == counts["durable_searched"] == durable
    assert counts["seasoned_confirmed"] >= 1


@pytest.mark.parametrize(
    ("salts", "seen"),
    [
        ((), True),
        (("2026-11-12",), True),
        (("2026-10-11", "2026-11-10"), True),
        (("2026-10-12", "2026-11-11"), False),
        (("2026-10-18", "2026-11-17"), False),
        (("2026-10-19", "2026-11-18"), True),
        (("2026-12-18", "2026-10-19", "2026-11-14"), False),
    ],
)
def test_durable_needs_seven_days_under_one_salt(salts: tuple[str, ...], seen: bool) -> None:
    """Under another one the client who comes back is a stranger; there is no change before the first."""
    asked = search("c", at("10:00"))
    store = MemoryStore([asked, said("c", at("10:02"), helpful=True)])
    store.salt_days = salts
    found = report(store, as_of=LATER)
    assert (found.counts["seasoned_searched"], found.counts["seasoned_confirmed"], found.counts["durable"]) == (
        seen,
    ) * 3
    assert found.metrics["confirmed_success_rate"].value == 1
    for name in ("durable_success_rate", "durable_share"):
        figure = found.metrics[name]
        assert (figure.value, "salt" in str(figure.reason)) == ((1, False) if seen else (None, True))


def test_a_journey_across_the_change_of_the_salt_is_left_out() -> None:
    """It began under the one and ended under the other."""
    store = MemoryStore([search("c", at("23:50")), said("c", at("00:10", "2026-11-11"), helpful=True)])
    store.salt_days = ("2026-10-12", "2026-11-11")
    assert report(store, as_of=LATER).counts["seasoned_confirmed"] == 0


def test_topics_ignore_the_language_of_an_article() -> None:
    """Translations share a group in their id."""
    assert article_key("reset-password.lv") == article_key("reset-password.en-GB") == "reset-password"
    assert article_key("release-2.10") == "release-2.10"


def test_facts_of_one_session_or_query_are_one_client() -> None:
    """A search knows only its session, a ticket system only the query: the earliest event names the client."""
    asked = search("hash of session", at("10:00"), session_id="s")
    click = event("hash of client", at("10:01"), "click", asked, session_id="s")
    ticket = event("hash of address", at("10:02"), "ticket_created", asked, session_id="")
    alone = search("hash of address", at("10:03"), session_id="")
    acts = read_acts([alone, asked], [ticket, click])
    assert [act.client for act in acts] == ["hash of client"] * 3 + ["hash of address"]
    journey, searches = read_journey(acts[:3])
    assert (journey.opened, len(journey.handovers), len(searches)) == (True, 1, 1)


@pytest.mark.parametrize("action", ["impression", "ticket_started", "answer_shown", "handover", "ticket_created"])
def test_what_the_service_notes_itself_names_nobody_whom_others_name(action: str) -> None:
    """It knows a session only; where nothing else is known, its hash stands for the client."""
    noted = event("~session", at("10:00"), action, session_id="s")
    asked = search("~session", at("09:59"), session_id="s")
    click = event("anna", at("10:01"), "click", session_id="s")
    assert {act.client for act in read_acts([asked], [noted, click])} == {"anna"}
    assert {act.client for act in read_acts([asked], [noted])} == {"~session"}


def test_a_ticket_system_names_nobody_whom_others_name() -> None:
    """Whether or not it sends an id of its own: what it says is whose query it was."""
    asked = search("~session", at("10:00"), session_id="s")
    for sender in ("~address", "help desk"):
        ticket = event(sender, at("10:02"), "ticket_created", asked, session_id="")
        assert {act.client for act in read_acts([asked], [ticket])} == {"~session"}
    alone = [event("~address", at("10:02"), "ticket_created", session_id="", query_id=query) for query in ("q1", "q2")]
    assert len({act.client for act in read_acts([], alone)}) == 2, "two queries are two customers', whoever says so"
    assert [act.client for act in read_acts([], [ticket])] == ["help desk"]


def test_a_visit_that_begins_at_the_ticket_form_is_its_clients() -> None:
    """A return on the next day, a ticket two hours later: both begin with what the service notes."""
    asked = search("~s1", at("10:00"), session_id="s1")
    helped = [asked, event("anna", at("10:01"), "feedback", asked, session_id="s1", attributes={"helpful": True})]
    started = event("~s2", at("10:00", "2026-11-11"), "ticket_started", session_id="s2")
    view = event("anna", at("10:01", "2026-11-11"), "view", session_id="s2", object_id="reset-password.en")
    assert measured(*helped, started, view).counts["durable"] == 0
    started = replace(started, timestamp=at("12:00"))
    ticket = event("anna", at("12:01"), "ticket_created", session_id="s2")
    assert measured(*helped, started, ticket).outcomes_searched["escalated"] == 1


def test_what_comes_late_of_a_search_has_not_searched() -> None:
    """A ticket, or a word of thanks, that names a query of an hour before counts in the journey that asked it."""
    query = f"{moment_of(at('10:00')):012x}7" + "0" * 3 + "8" + "0" * 15
    asked = search("c", at("10:00"), query_id=query)
    read = event("c", at("10:01"), "click", asked)
    for late in (event("c", at("11:00"), "ticket_created", asked), said("c", at("11:00"), helpful=True)):
        found = measured(asked, read, late)
        assert (found.outcomes["journeys"], found.outcomes_searched["journeys"]) == (2, 1)
    lost = measured(event("c", at("10:00:05"), "click", asked), event("d", at("11:00"), "click", query_id="another's"))
    assert lost.outcomes_searched["journeys"] == 2, "searches that the log does not hold"


def test_a_chain_of_sessions_is_one_client_and_read_in_steps_of_its_length() -> None:
    """Each query is named by a new session and by the first one."""

    class Session(str):
        asked = 0

        def __hash__(self) -> int:
            Session.asked += 1
            return super().__hash__()

    pairs = [(Session(session), f"q{number}") for number in range(500) for session in (f"s{number}", "first")]
    events = [
        event(session, at("10:00"), "click", session_id=session, query_id=query, event_id=f"e{number:03}")
        for number, (session, query) in enumerate(pairs)
    ]
    assert {act.client for act in read_acts([], events)} == {"s0"}
    assert Session.asked < 50 * len(events)
