"""What each figure means: the one table that code, JSON, dashboard and docs/metrics.md read.

`top` and `bottom` name the counters (see `tally.py`) that are added up; a mean names its histogram instead. A changed
meaning is a new version; what is stored are raw facts, so old periods are computed anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["share", "mean", "difference", "money"]


@dataclass(frozen=True, slots=True)
class Definition:
    """One figure."""

    id: str
    version: int
    title: str
    words: str
    numerator: str
    denominator: str
    unit: str
    empty: str
    """Why there is no figure, where the denominator is 0."""
    kind: Kind
    top: tuple[str, ...] = ()
    bottom: tuple[str, ...] = ()
    histogram: str = ""
    """For means: the counters `name=value` that hold the values."""
    scale: tuple[float, float] | None = None
    """For means: the ends that no value can lie beyond; None where there is no upper one."""
    asked: str = ""
    """For surveys: the counter of journeys that were asked, for the response rate."""
    sick: tuple[str, ...] = ()
    """Data-health checks (see `health.py`) that make this figure unreliable when they fail."""


_OPENING = ("clicks_missing", "orphans", "dropped", "bots", "one_client", "repeated", "skew")
_SEARCH = ("dropped", "bots", "one_client")
_SURVEY = ("dropped", "one_client", "repeated")
_FORM = ("dropped", "bots", "one_client")

_NO_JOURNEYS = "no journey with a search whose 24-hour window has closed"
_NO_SEARCHES = "no searches"


def _of_searches(
    metric: str, title: str, words: str, numerator: str, counter: str, sick: tuple[str, ...]
) -> Definition:
    return Definition(
        metric,
        2,
        title,
        words,
        numerator,
        "searches",
        "share",
        _NO_SEARCHES,
        "share",
        (counter,),
        ("searches",),
        sick=sick,
    )


def _of_journeys(metric: str, title: str, words: str, outcome: str) -> Definition:
    return Definition(
        metric,
        2,
        title,
        words,
        f"journeys that searched and ended {outcome}",
        "journeys that searched, of which the window has closed",
        "share",
        _NO_JOURNEYS,
        "share",
        (f"searched:{outcome}",),
        ("searched_decided",),
        sick=_OPENING,
    )


DEFINITIONS: tuple[Definition, ...] = (
    _of_journeys(
        "confirmed_success_rate",
        "Confirmed success",
        "The customer said that it is solved, as the last word, and no ticket or hand-over came after it.",
        "confirmed",
    ),
    _of_journeys(
        "assumed_rate",
        "Assumed",
        "The customer opened an article or was shown an answer, did not end by saying that it is solved (silent, or "
        "with a “no”), and neither filed a ticket nor asked for a human. Never added to confirmed success.",
        "assumed",
    ),
    _of_journeys(
        "escalated_rate",
        "Escalated",
        "A ticket was created or a human asked for, in the journey or within 24 hours after it.",
        "escalated",
    ),
    _of_journeys(
        "abandoned_rate", "Abandoned", "Searched, opened nothing, and neither ticket nor hand-over.", "abandoned"
    ),
    Definition(
        "durable_success_rate",
        3,
        "Durable success",
        "Confirmed, and the same client did not come back to the same topic within 7 days.",
        "journeys that searched, were confirmed, and had no return",
        "journeys that searched, of which the 7 days have passed under one salt",
        "share",
        "no journey with a search that is 7 days old, under one salt",
        "share",
        ("durable_searched",),
        ("seasoned_searched",),
        sick=(*_OPENING, "returns_unseen"),
    ),
    Definition(
        "durable_share",
        2,
        "Confirmed that lasted",
        "Of what was confirmed, the part without a return to the same topic within 7 days.",
        "confirmed journeys without a return",
        "confirmed journeys of which the 7 days have passed under one salt",
        "share",
        "no confirmed journey that is 7 days old, under one salt",
        "share",
        ("durable",),
        ("seasoned_confirmed",),
        sick=(*_OPENING, "returns_unseen"),
    ),
    Definition(
        "hand_over_rate",
        1,
        "Hand-over rate",
        "A ticket was created or a human asked for, whether or not the customer searched or later said that it is "
        "solved.",
        "journeys with a ticket or hand-over in them or within 24 hours after",
        "journeys of which the window has closed",
        "share",
        "no journey whose 24-hour window has closed",
        "share",
        ("handed_over",),
        ("decided",),
        sick=_FORM,
    ),
    _of_searches(
        "search_ctr",
        "Searches with a click",
        "Searches after which a hit was clicked; several clicks count once.",
        "searches with a click",
        "searches_clicked",
        _OPENING,
    ),
    Definition(
        "mean_reciprocal_click_position",
        2,
        "Reciprocal click position",
        "1 ÷ position of a search's first click: 1 where the first hit is clicked, 0.5 for the second.",
        "sum of 1 ÷ position of the first click",
        "searches with a click that has a position",
        "mean of 1/position, 0 to 1",
        "no click with a position",
        "mean",
        histogram="click_position",
        scale=(0.0, 1.0),
        sick=(*_OPENING, "one_position"),
    ),
    _of_searches(
        "reformulation_rate",
        "Reformulated",
        "Searches from which nothing was opened, followed by another search of the same journey with nothing opened or "
        "answered in between.",
        "searches followed by another, nothing opened between",
        "searches_reformulated",
        _OPENING,
    ),
    _of_searches(
        "zero_nothing_lexical",
        "No word found",
        "Searches of which no visible passage holds a word.",
        "searches without a hit by words",
        "searches_no_words",
        _SEARCH,
    ),
    _of_searches(
        "zero_abstained",
        "Abstained",
        "Searches that ended in the decision to hand over: nothing found is good enough. May also be counted under "
        "“No word found”.",
        "searches with the decision hand_over",
        "searches_abstained",
        _SEARCH,
    ),
    _of_searches(
        "zero_nothing_opened",
        "Nothing opened",
        "Searches with results, not abstained, of which none was opened. Some were served by the answer "
        "shown, or held out at the ticket form.",
        "searches with results, none opened",
        "searches_unopened",
        _OPENING,
    ),
    Definition(
        "time_to_answer",
        1,
        "Time to answer",
        "From a journey's first search to the first article opened or answer shown.",
        "sum of seconds",
        "journeys with a search and something read after it",
        "seconds",
        "no journey in which something was read after a search",
        "mean",
        histogram="answer_s",
        sick=_OPENING,
    ),
    Definition(
        "article_helpfulness",
        1,
        "Article helpfulness",
        "“Did this help?” answered with yes; the last vote of a journey on an article counts.",
        "votes yes",
        "votes",
        "share",
        "no votes",
        "share",
        ("votes_helpful",),
        ("votes",),
        sick=_SURVEY,
    ),
    Definition(
        "csat",
        2,
        "Customer satisfaction (CSAT)",
        "“How satisfied are you?” on 1 to 5, answered with 4 or 5.",
        "answers of 4 and 5",
        "answers",
        "share",
        "no CSAT answers",
        "share",
        ("csat=4", "csat=5"),
        tuple(f"csat={value}" for value in range(1, 6)),
        asked="csat_asked",
        sick=_SURVEY,
    ),
    Definition(
        "ces",
        2,
        "Customer effort (CES)",
        "“It was easy to solve my problem” on 1 (strongly disagree) to 7 (strongly agree): more is better.",
        "sum of answers",
        "answers",
        "mean, 1 to 7",
        "no CES answers",
        "mean",
        histogram="ces",
        scale=(1.0, 7.0),
        asked="ces_asked",
        sick=_SURVEY,
    ),
    Definition(
        "nps",
        2,
        "Net promoter score (NPS)",
        "“How likely are you to recommend us?” on 0 to 10: percent of 9 and 10 minus percent of 0 to 6.",
        "answers of 9 and 10 minus answers of 0 to 6, times 100",
        "answers",
        "points, -100 to 100",
        "no NPS answers",
        "mean",
        histogram="nps",
        scale=(-100.0, 100.0),
        asked="nps_asked",
        sick=_SURVEY,
    ),
    Definition(
        "ticket_form_deflection",
        1,
        "Deflection at the ticket form",
        "Started a ticket, saw suggestions, and did not file. Overstates what suggestions do: some would have left "
        "anyway; see incremental deflection.",
        "visits to the form that saw suggestions and filed nothing",
        "visits to the form that saw suggestions, of which the window has closed",
        "share",
        "no visit to the ticket form that saw suggestions and whose window has closed",
        "share",
        ("form_saw_unfiled",),
        ("form_saw",),
        sick=_FORM,
    ),
    Definition(
        "incremental_deflection",
        1,
        "Incremental deflection",
        "Tickets that suggestions spare: share of visits to the form that file in the randomised hold-out, which sees "
        "no suggestions, minus that share in all other visits, whether they looked at suggestions or not.",
        "share that filed in the hold-out minus share that filed outside it",
        "visits to the form while the hold-out was switched on, of which the window has closed",
        "difference of shares, -1 to 1",
        "no visits on both sides of the hold-out whose window has closed",
        "difference",
        sick=(*_FORM, "sample_ratio"),
    ),
    Definition(
        "cost_saved",
        1,
        "Cost saved",
        "Incremental deflection × visits outside the hold-out × (cost of a ticket − cost of a portal contact).",
        "incremental deflection × visits outside the hold-out × cost difference",
        "visits to the form while the hold-out was switched on, of which the window has closed",
        "dollars in the period",
        "not enough visits to the form on both sides of the hold-out",
        "money",
        sick=(*_FORM, "sample_ratio"),
    ),
)

BY_ID = {definition.id: definition for definition in DEFINITIONS}
