"""Can the figures be trusted: the hold-out, its comparison, and the health of the facts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from metrics_facts import at, event, measured, search

from kbsearch.metrics.costs import Costs
from kbsearch.metrics.definitions import DEFINITIONS
from kbsearch.metrics.health import Health, examine
from kbsearch.metrics.holdout import in_holdout
from kbsearch.metrics.incremental import compare, needed_visits
from kbsearch.metrics.moments import moment_of
from kbsearch.metrics.queries import UNKNOWN_NETWORK, askers, count_askers, is_printable, network_of

SESSIONS = [f"session-{number}" for number in range(20_000)]


class TestHoldout:
    def test_it_is_stable(self) -> None:
        """The same on every machine, for ever: these are written down."""
        assert [session for session in SESSIONS[:40] if in_holdout(session, 0.05, "salt")] == KNOWN

    def test_its_size_is_its_share(self) -> None:
        """Within four standard deviations; nobody at 0."""
        for share in (0.0, 0.05, 0.5):
            held = sum(in_holdout(session, share, "salt") for session in SESSIONS)
            assert abs(held - 20_000 * share) <= 4 * (20_000 * share * (1 - share)) ** 0.5

    def test_a_larger_share_adds_and_another_salt_draws_afresh(self) -> None:
        """So that raising the share moves nobody back; two salts agree by chance only."""
        small = {session for session in SESSIONS if in_holdout(session, 0.05, "a")}
        assert small < {session for session in SESSIONS if in_holdout(session, 0.1, "a")}
        both = small & {session for session in SESSIONS if in_holdout(session, 0.05, "b")}
        assert len(both) < 100

    def test_who_cannot_be_followed_is_not_held_out(self) -> None:
        """A session without an id."""
        assert not in_holdout("", 0.99, "salt")


KNOWN = ["session-17", "session-18", "session-23", "session-37"]


def visits(treated: int, treated_filed: int, held: int, held_filed: int) -> Counter[str]:
    return Counter(
        form_treated=treated, form_treated_filed=treated_filed, form_held_out=held, form_held_out_filed=held_filed
    )


class TestComparison:
    def test_by_hand(self) -> None:
        """80 % of 1,000 file without suggestions, 60 % of 19,000 with: 20 in 100, 3,800 tickets less at 10.56."""
        found = compare(visits(19_000, 11_400, 1_000, 800), Costs())
        assert found.deflection.value == pytest.approx(0.2)
        assert found.saved.value == pytest.approx(0.2 * 19_000 * (15.56 - 5))
        assert found.deflection.interval == (pytest.approx(0.1732, abs=1e-4), pytest.approx(0.2246, abs=1e-4))
        assert found.sentence.startswith(
            "Suggestions spare 20.0 in 100 visits to the form (95 % interval 17.3 to 22.5)"
        )

    def test_too_few(self) -> None:
        """The estimate is there, the cost is not, and the sentence says how many are missing."""
        found = compare(visits(1_178, 700, 62, 50), Costs())
        assert found.deflection.value is not None
        assert found.sentence == found.saved.reason == f"not enough sessions yet: 1,240 of {found.needed:,}"
        assert (found.saved.value, found.saved.n) == (None, 1_240)

    @pytest.mark.parametrize(
        ("counts", "words"),
        [
            (visits(0, 0, 0, 0), "The hold-out is switched off"),
            (visits(95_000, 57_000, 5_000, 3_000), "No effect can be told from chance"),
            (visits(95_000, 76_000, 5_000, 3_000), "Suggestions bring more tickets"),
            (visits(500, 100, 0, 0), "not enough sessions yet: 500 of"),
        ],
    )
    def test_sentences(self, counts: Counter[str], words: str) -> None:
        """For whoever reads nothing else."""
        assert compare(counts, Costs()).sentence.startswith(words)

    def test_trouble_stands_before_the_sentence_and_beside_the_figures(self) -> None:
        """Whoever reads the sentence alone reads that it may be wrong; where nothing is said, nothing is wrong."""
        found = compare(visits(19_000, 11_400, 1_000, 800), Costs(), trouble="5 of 9 are lost")
        assert found.sentence.startswith("Unreliable: 5 of 9 are lost. Suggestions spare 20.0 in 100 visits")
        assert found.deflection.unreliable == found.saved.unreliable == "5 of 9 are lost"
        few = compare(visits(1_178, 700, 62, 50), Costs(), trouble="5 of 9 are lost")
        assert few.sentence.startswith("Unreliable: 5 of 9 are lost. Not enough sessions yet")
        assert (few.deflection.unreliable, few.saved.unreliable) == ("5 of 9 are lost", None)
        assert "Unreliable" not in compare(visits(0, 0, 0, 0), Costs(), trouble="5 of 9 are lost").sentence

    def test_needed_size_by_hand(self) -> None:
        """(1.96 + 0.8416)² × (0.25/0.5 + 0.2475/0.5) / 0.05² for halves, and more for an uneven split."""
        assert needed_visits(0.5, 0.05, 0.5) == 3_124
        assert needed_visits(0.5, 0.05, 0.05) > 5 * needed_visits(0.5, 0.05, 0.5)

    def test_costs_are_parameters(self) -> None:
        """A ticket that costs no more than a contact saves nothing."""
        assert compare(visits(19_000, 11_400, 1_000, 800), Costs(5, 5)).saved.value == 0


HEALTHY: dict[str, int] = {
    "facts": 1000,
    "events": 600,
    "searches_with_hits": 300,
    "openings": 120,
    "click_position=1": 60,
    "click_position=2": 40,
    "impressions": 200,
    "busiest_client_facts": 20,
    "form_held_out": 50,
    "form_treated": 950,
    "seasoned_confirmed": 200,
    "seasoned_confirmed_seen_again": 3,
    "searched": 100,
}


def judged(dropped: int = 0, **changes: int) -> Health:
    return examine({**HEALTHY, **changes}, dropped, 0.05)


class TestHealth:
    def test_honest_traffic_is_healthy(self) -> None:
        """Every check has enough to judge, and none complains."""
        found = judged()
        assert found.verdict == "healthy"
        assert [check.ok for check in found.checks] == [True] * len(found.checks)

    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("clicks_missing", {"openings": 0}),
            ("one_position", {"click_position=2": 0}),
            ("repeated", {"events_repeated": 31}),
            ("skew", {"events_skewed": 31}),
            ("one_client", {"busiest_client_facts": 251}),
            ("bots", {"bot_facts": 101}),
            ("bots", {"bot_searched": 11}),
            ("orphans", {"impressions_orphaned": 41}),
            ("sample_ratio", {"form_held_out": 90, "form_treated": 910}),
            ("returns_unseen", {"seasoned_confirmed_seen_again": 0}),
            ("dropped", {"dropped": 11}),
        ],
    )
    def test_each_illness_is_found_alone(self, name: str, changes: dict[str, int]) -> None:
        """And says so in words with figures."""
        if name == "one_position":
            counts = {key: count for key, count in HEALTHY.items() if key != "click_position=2"}
            found = examine(counts, 0, 0.05)
        else:
            found = judged(**changes)
        (sick,) = [check for check in found.checks if check.ok is False]
        assert (sick.id, found.verdict) == (name, "sick")
        assert any(letter.isdigit() for letter in sick.words)
        assert found.trouble((name,)) == sick.words
        assert found.trouble(("another",)) is None

    def test_nothing_is_judged_on_too_few(self) -> None:
        """No facts, no verdict."""
        found = examine({}, 0, 0.05)
        assert (found.verdict, {check.ok for check in found.checks}) == ("no data", {None})

    def test_returns_that_nothing_shows_to_be_seen_mark_a_figure_at_any_number(self) -> None:
        """The verdict waits for two hundred: of few, nobody may have come back."""
        for confirmed in (1, 199):
            found = judged(seasoned_confirmed=confirmed, seasoned_confirmed_seen_again=0)
            assert (found.verdict, "send client ids" in str(found.trouble(("returns_unseen",)))) == ("healthy", True)
        for seen in ({"seasoned_confirmed": 0}, {"seasoned_confirmed": 1, "seasoned_confirmed_seen_again": 1}):
            assert judged(**{"seasoned_confirmed_seen_again": 0, **seen}).trouble(("returns_unseen",)) is None

    def test_every_figure_names_checks_that_exist(self) -> None:
        """And every check makes some figure unreliable."""
        known = {check.id for check in judged().checks}
        assert {name for definition in DEFINITIONS for name in definition.sick} == known


def test_sick_inputs_make_figures_unreliable() -> None:
    """Sixty searches and never a click: CTR is printed, with the reason not to believe it; CSAT is not touched."""
    facts: list[Any] = [search(f"c{number}", at(f"10:{number:02}")) for number in range(60)]
    facts.append(event("x", at("10:00"), "feedback", attributes={"csat": 5}))
    found = measured(*facts)
    assert found.metrics["search_ctr"].value == 0
    assert "clicks do not arrive" in str(found.metrics["search_ctr"].unreliable)
    assert found.metrics["csat"].unreliable is None
    assert found.health.verdict == "sick"


def test_illness_is_counted_in_facts() -> None:
    """A clock ahead, a click before its search, a repeated click, an impression of nothing, a bot."""
    asked = search("a", at("10:00"), device="bot")
    facts = [
        asked,
        event("a", at("10:10"), "click", asked, received_at=at("10:04"), position=1),
        event("a", at("09:59"), "click", asked, object_id="hub"),
        event("a", at("10:11"), "view", asked),
        event("a", at("10:11:01"), "view", asked),
        event("a", at("10:11:02.001"), "view", asked),
        event("a", at("10:12"), "impression", query_id="nowhere"),
        event("a", at("10:13"), "impression", asked),
    ]
    counts = measured(*facts).counts
    assert [
        counts[name]
        for name in ("events_skewed", "events_repeated", "impressions", "impressions_orphaned", "bot_facts")
    ] == [2, 1, 2, 1, 8]
    assert (counts["facts"], counts["busiest_client_facts"]) == (8, 8)


def test_programs_are_counted_by_the_journeys_that_figures_count() -> None:
    """Half of the journeys, and one fact in twelve: each program only asks, each visitor asks and is shown ten hits."""
    facts: list[Any] = []
    for number in range(60):
        asked = search(f"c{number}", at(f"10:{number:02}"))
        facts += [asked, search(f"b{number}", at(f"11:{number:02}"), device="bot")]
        facts += [event(f"c{number}", at(f"10:{number:02}:01"), "impression", asked, position=n) for n in range(1, 11)]
    found = measured(*facts)
    (check,) = [check for check in found.health.checks if check.id == "bots"]
    assert (check.ok, check.words) == (False, "60 of 120 (50.0%) journeys that searched were made by programs")
    assert found.counts["bot_facts"] / found.counts["facts"] < 0.1


def test_a_clock_that_is_behind_is_seen_in_another_journey() -> None:
    """Hours before the search that it names, as facts of before the clock was set right on receipt are."""
    asked = search("a", at("10:00"), query_id=f"{moment_of(at('10:00')):012x}7abc8{'0' * 15}")
    behind = event("a", at("08:01"), "click", asked, received_at=at("10:01"))
    found = measured(*(fact for n in range(20) for fact in (asked, replace(behind, event_id=f"e{n}"))))
    assert found.counts["events_skewed"] == 20
    assert all("clocks" in str(found.metrics[name].unreliable) for name in ("abandoned_rate", "search_ctr"))


def test_five_names_on_one_network_are_one_who_asked() -> None:
    """As many asked as there are clients, and no more than there are networks, where these are known."""
    home, office = (network_of(search("c", at("10:00"), voucher=voucher)) for voucher in ("aa17", "b017"))
    assert home != office != UNKNOWN_NETWORK
    assert network_of(search("c", at("10:00"))) == UNKNOWN_NETWORK
    for asked, sure in (
        ([("a", home)] * 9, 1),
        ([(name, home) for name in "abcde"], 1),
        ([(name, home) for name in "abcde"] + [("f", office)], 2),
        ([("a", home), ("a", office)], 1),
        ([(name, UNKNOWN_NETWORK) for name in "abcde"], 5),
        ([(name, UNKNOWN_NETWORK) for name in "abc"] + [(name, home) for name in "abcde"], 4),
    ):
        assert askers(asked) == sure
        clients = np.array([ord(name) for name, _ in asked], np.uint64)
        networks = np.array([network for _, network in asked])
        assert count_askers(np.ones(len(asked), np.int64), clients, networks, 3).tolist() == [0, sure, 0]


def test_what_was_asked_with_a_key_or_holds_something_personal_is_not_printable() -> None:
    assert is_printable(search("c", at("10:00"), "parole"))
    assert not is_printable(search("c", at("10:00"), "internal", public=False))
    assert not is_printable(search("c", at("10:00"), "call [phone]"))
