"""Every formula against figures worked out by hand, and every interval against published or exact ones."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from metrics_facts import DAY, LATER, Fact, MemoryStore, at, event, measured, said, search

from kbsearch.errors import UsageError
from kbsearch.metrics.definitions import BY_ID, DEFINITIONS
from kbsearch.metrics.intervals import Z, bootstrap_mean, mean_of_equals, newcombe, wilson
from kbsearch.metrics.moments import moment_of, start_of
from kbsearch.metrics.report import report
from kbsearch.metrics.tally import seconds_bucket


def visits() -> list:
    """Ten clients; what each adds to the figures is written beside it."""
    facts = []
    # a: confirmed and durable. CTR 1, click at 2 (the second click, at 1, is not the first), 20 s to the click,
    # helpful yes (after a no).
    asked = search("a", at("10:00:00"), device="mobile", top_type="faq", top_category="Konts")
    facts += [asked, event("a", at("10:00:20"), "click", asked, position=2)]
    facts += [event("a", at("10:00:40"), "click", asked, position=1, object_id="hub.lv")]
    facts += [event("a", at("10:01"), "feedback", asked, object_id="x", attributes={"helpful": False})]
    facts += [event("a", at("10:02"), "feedback", asked, object_id="x", attributes={"helpful": True})]
    # b: confirmed, not durable. Asked twice without opening (reformulated once), then an answer after 65.5 s.
    first, second = search("b", at("11:00:00"), "refund"), search("b", at("11:01:00"), "money back", lang="en")
    facts += [first, second, event("b", at("11:01:05.500"), "answer_shown", second)]
    facts += [event("b", at("11:02"), "resolved_declared"), search("b", at("11:00", "2026-11-12"), "money back")]
    # c: assumed, in Lithuanian; click without position.
    asked = search("c", at("12:00"), detected_lang="lt")
    facts += [asked, event("c", at("12:00:04.500"), "click", asked, position=None)]
    # d: escalated by the ticket form; saw suggestions, outside the hold-out. Abstained, no word found.
    asked = search("d", at("13:00"), "zzz", decision="hand_over", words_found=False, found=0, hit_ids=())
    facts += [
        asked,
        event("d", at("13:01"), "ticket_started", attributes={"suggestions_shown": True, "holdout": False}),
    ]
    facts += [event("d", at("13:02"), "ticket_created")]
    # e: saw suggestions at the form and left; outside the hold-out. Votes no.
    facts += [event("e", at("13:00"), "ticket_started", attributes={"suggestions_shown": True, "holdout": False})]
    facts += [said("e", at("13:03"), helpful=False)]
    # f: held out, and filed by other means three hours later.
    facts += [event("f", at("13:00"), "ticket_started", attributes={"suggestions_shown": False, "holdout": True})]
    facts += [event("f", at("16:00"), "handover")]
    # g: abandoned; asked for CSAT and answered, asked for NPS and did not.
    facts += [
        search("g", at("14:00"), decision="answer"),
        said("g", at("14:02"), csat=4),
        said("g", at("14:03"), nps=9),
    ]
    facts += [event("g", at("14:01"), "impression", object_id="csat", object_id_type="survey")]
    # h: surveys without being asked, each answer corrected (the last on the scale counts), and one on an article;
    # i: asked for NPS and silent; j: surveys without being asked.
    facts += [said("h", at("15:00"), csat=3), said("h", at("15:01"), rating=5), said("h", at("15:02"), nps=0)]
    facts += [said("h", at("15:03"), nps=7), said("h", at("15:04"), nps=10), said("h", at("15:05"), ces=7)]
    facts += [said("h", at("15:06"), effort=2), said("h", at("15:07"), ces=8), said("h", at("15:08"), csat=True)]
    facts += [event("h", at("15:09"), "feedback", object_id="x", attributes={"nps": 7})]
    facts += [event("i", at("15:00"), "impression", object_id="nps", object_id_type="survey")]
    facts += [said("j", at("15:00"), csat=2, ces=7, nps=0)]
    return facts


EXPECTED = {
    # journeys that searched: a, b, b two days later, c, d, g
    "confirmed_success_rate": (2, 6),
    "assumed_rate": (1, 6),
    "escalated_rate": (1, 6),
    "abandoned_rate": (2, 6),
    "durable_success_rate": (1, 6),
    "durable_share": (1, 2),
    # all journeys: those six, e, f twice, h, i, j; d, f and f's later hand-over handed over
    "hand_over_rate": (3, 12),
    # searches: a, b twice, b later, c, d, g
    "search_ctr": (2, 7),
    "mean_reciprocal_click_position": (0.5, 1),
    "reformulation_rate": (1, 7),
    "zero_nothing_lexical": (1, 7),
    "zero_abstained": (1, 7),
    "zero_nothing_opened": (4, 7),
    "time_to_answer": (20 + 65.5 + 4.5, 3),
    "article_helpfulness": (1, 2),
    "csat": (2, 3),
    "ces": (9, 2),
    "nps": (100, 4),
    "ticket_form_deflection": (1, 2),
    "incremental_deflection": (1 / 1 - 1 / 2, None),
    "cost_saved": (None, None),
}


def test_every_definition_has_a_case_by_hand() -> None:
    """So that a new one is not forgotten."""
    assert list(EXPECTED) == list(BY_ID)
    assert len(BY_ID) == len(DEFINITIONS)


@pytest.mark.parametrize("name", EXPECTED)
def test_formulas(name: str) -> None:
    """Numerator, denominator, value, n, and an interval around the value."""
    top, bottom = EXPECTED[name]
    figure = measured(*visits()).metrics[name]
    if top is None:
        assert figure.value is None
        assert "not enough sessions yet: 3 of " in str(figure.reason)
        return
    assert figure.value == pytest.approx(top / (bottom or 1))
    if bottom:
        assert (figure.numerator, figure.denominator, figure.n) == (pytest.approx(top), bottom, bottom)
    if figure.n > 1:
        assert figure.interval is not None
        assert figure.interval[0] <= figure.value <= figure.interval[1]


@pytest.mark.parametrize("name", BY_ID)
def test_no_data_is_null_with_a_reason(name: str) -> None:
    """Never 0."""
    figure = measured().metrics[name]
    assert (figure.value, figure.interval, figure.n) == (None, None, 0)
    assert figure.reason


def test_response_rates_count_those_who_were_asked() -> None:
    """One of one for CSAT; none of one for NPS, though three answered unasked; nobody was asked for CES."""
    found = measured(*visits()).metrics
    assert [(found[name].response_rate, found[name].asked) for name in ("csat", "nps", "ces")] == [
        (1.0, 1),
        (0.0, 1),
        (None, 0),
    ]


def test_splits_add_up_to_the_whole() -> None:
    """Every split has the same searches in total; labels come from the facts."""
    found = measured(*visits(), splits=("language", "type", "device", "category", "snapshot", "day"))
    total = found.metrics["search_ctr"].denominator
    for labels in found.by.values():
        assert sum(figures["search_ctr"].denominator for figures in labels.values()) == total
    assert found.by["language"]["lt"]["search_ctr"].value == 1
    assert found.by["device"]["mobile"]["article_helpfulness"].value == 1
    assert found.by["category"]["Konts"]["confirmed_success_rate"].numerator == 1
    assert {"faq", "unknown"} == set(found.by["type"])
    assert set(found.by["day"]) == {DAY, "2026-11-12"}
    assert found.by["day"]["2026-11-12"]["search_ctr"].denominator == 1
    assert found.outcomes_by_day["2026-11-12"]["abandoned"] == 1


def test_a_vote_counts_for_the_type_of_its_article() -> None:
    """Where the event says it; else for that of the journey."""
    asked = search("a", at("10:00"), top_type="faq")
    vote = event(
        "a", at("10:01"), "feedback", asked, object_id="v", object_id_type="video", attributes={"helpful": True}
    )
    found = measured(asked, vote, splits=["type"]).by["type"]
    assert (found["video"]["article_helpfulness"].n, found["faq"]["article_helpfulness"].n) == (1, 0)


def test_periods_hold_the_journeys_that_began_in_them() -> None:
    """From the first day to the last one; what comes later still decides."""
    facts = [search("a", at("23:50", "2026-11-09")), search("a", at("00:10", "2026-11-10"), "other words")]
    facts += [search("b", at("11:00")), event("b", at("09:00", "2026-11-11"), "ticket_created")]
    store = MemoryStore(facts)

    def outcomes(since: str, until: str) -> Counter[str]:
        found = report(store, start_of(since), start_of(until), as_of=LATER)
        return Counter({name: number for name, number in found.outcomes.items() if number})

    assert outcomes("2026-11-09", "2026-11-10") == {"abandoned": 1, "journeys": 1}
    assert outcomes("2026-11-10", "2026-11-11") == {"escalated": 1, "journeys": 1}
    assert outcomes("2026-11-10", "2026-11-10") == {}
    whole = report(store, start_of("2026-11-09"), start_of("2026-11-12"), as_of=LATER)
    assert whole.outcomes == report(store, as_of=LATER).outcomes


def test_wrong_use_is_said() -> None:
    """An unknown split, a period that ends before it begins, one that is not of days."""
    with pytest.raises(UsageError, match="unknown split 'colour'; use any of: language"):
        report(MemoryStore(), splits=["colour"])
    with pytest.raises(UsageError, match=r"ends .* before it begins"):
        report(MemoryStore(), start_of("2026-11-11"), start_of("2026-11-10"))
    with pytest.raises(UsageError, match=r"from 2026-11-10T10:00:00\.000Z is no midnight UTC"):
        report(MemoryStore(), moment_of(at("10:00")))


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(hits: int, n: int, low: float, high: float) -> None:
    """To four digits."""
    assert wilson(hits, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(n - hits, n) == (pytest.approx(1 - high, abs=5e-5), pytest.approx(1 - low, abs=5e-5))


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    # Newcombe (1998), "Interval estimation for the difference between independent proportions", table II, method 10
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)],
)
def test_newcombe_as_published(a: tuple[int, int], b: tuple[int, int], low: float, high: float) -> None:
    """To four digits."""
    assert newcombe(*a, *b) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_bootstrap_is_near_the_normal_interval_of_a_large_sample() -> None:
    """Where theory says what it should be; and the same counts always give the same bounds."""
    values = {1.0: 300, 4.0: 500, 7.0: 200}
    n, mean = 1000, (300 + 2000 + 1400) / 1000
    spread = math.sqrt(sum(count * (value - mean) ** 2 for value, count in values.items()) / n)
    low, high = bootstrap_mean(values)
    reach = 1.96 * spread / math.sqrt(n)
    assert (low, high) == (pytest.approx(mean - reach, rel=0.01), pytest.approx(mean + reach, rel=0.01))
    assert bootstrap_mean(dict(reversed(values.items()))) == (low, high)


def test_equal_values_are_no_certainty() -> None:
    """Twenty times 7 of 1 to 7: with 95 % confidence at most 16.1 % (Wilson) would answer otherwise, at worst with 1.
    Times have no end, so that equal ones have no interval."""
    reached = Z**2 / (20 + Z**2)
    assert mean_of_equals(7, 20, 1, 7) == (pytest.approx(7 - 6 * reached), 7)
    assert mean_of_equals(0, 20, -100, 100) == (pytest.approx(-100 * reached), pytest.approx(100 * reached))
    facts: list[Fact] = [said(f"c{number}", at("10:00"), ces=7, nps=9 + number % 2) for number in range(20)]
    for number in range(20):
        asked = search(f"s{number}", at("10:00"))
        facts += [asked, event(f"s{number}", at("10:00:05"), "click", asked, position=1)]
    found = measured(*facts).metrics
    assert found["ces"].interval == mean_of_equals(7, 20, 1, 7)
    assert found["nps"].interval == (pytest.approx(100 - 200 * reached), 100)
    assert found["mean_reciprocal_click_position"].interval == (pytest.approx(1 - reached), 1)
    assert (found["time_to_answer"].value, found["time_to_answer"].interval) == (5, None)


def test_no_interval_of_a_time_begins_below_zero() -> None:
    """Times are kept in buckets: what these are off must not push the interval of a few beyond what can be."""
    facts = []
    for client, clicked in (("a", "10:00:00"), ("b", "10:16:40")):
        asked = search(client, at("10:00"))
        facts += [asked, event(client, at(clicked), "click", asked, position=1)]
    figure = measured(*facts).metrics["time_to_answer"]
    assert figure.value == 500
    assert figure.interval is not None
    assert 0 <= figure.interval[0] <= 500 <= figure.interval[1]
    assert figure.interval[1] == pytest.approx(1000, rel=0.01)


def test_buckets_of_seconds_are_narrow() -> None:
    """A bucket's middle is within a tenth of the time, and half a second below ten."""
    for seconds in (0.0, 0.2, 1.0, 7.3, 60.0, 599.0, 1800.0):
        assert abs(seconds_bucket(seconds) - seconds) <= max(0.5, seconds / 10)


def test_nobody_writes_labels_into_a_report() -> None:
    """Events name categories; only those that searches met as well are printed, and no journey is lost."""
    asked = search("a", at("10:00"), top_category="Konts")
    facts: list[Fact] = [asked, event("b", at("10:00"), "view")]
    for number in range(50):
        named = "Konts" if number == 0 else f"Anna Ozola, diagnosis {number}"
        facts.append(event(f"c{number}", at("10:00"), "view", attributes={"object": {"category": named}}))
    found = measured(*facts, splits=["category"])
    counted = {label: figures["hand_over_rate"].n for label, figures in found.by["category"].items()}
    assert counted == {"Konts": 2, "(other)": 49, "unknown": 1}
