"""Geometry of the dashboard's charts, by hand and by properties: nothing is drawn that the figures do not say."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.service.dashboard.flow import draw_flow
from kbsearch.service.dashboard.lines import HEIGHT, WIDTH, Series, chart, short_day, spark

DAYS = [f"2026-11-{day:02}" for day in range(1, 6)]
STEPS = (("opened", "Opened"), ("listed", "Listed"))
OUTCOMES = (("confirmed", "Confirmed"), ("abandoned", "Abandoned"), ("escalated", "Escalated"))


def numbers(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", path)]


def test_a_hole_stays_a_hole() -> None:
    """Two days, a day without data, one day alone: a line, nothing, a dot."""
    values = [0.2, 0.1, None, 0.4, None]
    intervals = [(0.1, 0.3), (0.0, 0.2), None, (0.3, 0.5), None]
    drawn = chart("t", "w", DAYS, [Series("s", "c", values, intervals, [10] * 5, 0.25)])
    (line,) = drawn.series
    assert line.line.count("M") == 1
    assert numbers(line.line) == [100.0, 200.0, 300.0, 250.0]  # the scale ends at 60 %
    assert line.dots == "M700.0 100.0h0"
    assert line.whole == "25.0 %"
    assert drawn.rows[2][1] == "–"
    assert drawn.rows[0][1] == "20.0 % (10.0–30.0), n = 10"
    assert (drawn.scale[0], drawn.scale[-1]) == ("60 %", "0 %")


@pytest.mark.parametrize(
    ("days", "labels"), [(0, []), (1, [0]), (6, [0, 1, 2, 3, 4, 5]), (8, [0, 2, 4, 6]), (28, [0, 5, 10, 15, 20, 25])]
)
def test_a_day_is_named_where_it_lies(days: int, labels: list[int]) -> None:
    """A label for each place, six with words at most."""
    named = [f"2026-11-{day:02}" for day in range(1, days + 1)]
    drawn = chart("t", "w", named, [Series("s", "c", [0.1] * days, [(0.0, 0.2)] * days, [10] * days, 0.1)])
    assert len(drawn.labels) == days
    assert {place: words for place, words in enumerate(drawn.labels) if words} == {n: f"{n + 1} Nov" for n in labels}


def test_no_data_draws_nothing() -> None:
    drawn = chart("t", "w", DAYS, [Series("s", "c", [None] * 5, [None] * 5, [0] * 5, None)])
    assert (drawn.series[0].line, drawn.series[0].band, drawn.series[0].dots) == ("", "", "")
    assert drawn.series[0].whole == "–"


shares = st.floats(0, 1)


@given(st.lists(st.one_of(st.none(), st.tuples(shares, shares, shares).map(sorted)), min_size=1, max_size=40))
def test_everything_lies_within_the_chart(found: list[list[float] | None]) -> None:
    """Whatever the figures; the interval's ends are never cut off."""
    series = Series(
        "s", "c", [one and one[1] for one in found], [one and (one[0], one[2]) for one in found], [5] * len(found), None
    )
    drawn = chart("t", "w", [f"2026-10-{n % 31 + 1:02}" for n in range(len(found))], [series]).series[0]
    for path in (drawn.line, drawn.band, drawn.dots.replace("h0", "")):
        places = numbers(path)
        assert all(0 <= x <= WIDTH for x in places[::2])
        assert all(0 <= y <= HEIGHT for y in places[1::2])


def test_small_lines_and_days() -> None:
    assert spark([1, 2, 4]) == "M0.0 20.0 L60.0 14.0 L120.0 2.0"
    assert spark([3]) == "M0.0 2.0 H120"
    assert spark([0, 0]) == "M0.0 26.0 L120.0 26.0"
    assert short_day("2026-03-09") == "9 Mar"


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([s for s, _ in STEPS]), st.sampled_from([o for o, _ in OUTCOMES])),
        st.integers(1, 5000),
        min_size=1,
    )
)
def test_streams_are_as_wide_as_they_are_many(counts: dict[tuple[str, str], int]) -> None:
    """What leaves a bar is what arrives; columns sum to all journeys; nothing overlaps or leaves the picture."""
    flow = draw_flow(counts, STEPS, OUTCOMES, width=800, height=300, margin=150)
    first, *bars = flow.bars
    assert first.count == sum(counts.values()) == flow.total
    middle = [bar for bar in bars if bar.css in dict(STEPS)]
    right = [bar for bar in bars if bar.css in dict(OUTCOMES)]
    for column in (middle, right):
        assert sum(bar.count for bar in column) == flow.total
        for above, below in pairwise(column):
            assert above.y + above.height < below.y
        assert column[0].y >= 0
    assert len(flow.streams) == len(middle) + len(counts)
    arriving: Counter[str] = Counter()
    for stream in flow.streams[len(middle) :]:
        arriving[stream.css] += int(re.search(r": ([\d,]+)$", stream.title)[1].replace(",", ""))  # type: ignore[index]
    assert {bar.css: bar.count for bar in right} == dict(arriving)


def test_shares_of_outcomes_are_of_those_that_are_decided() -> None:
    """60 + 20 of 100 are: 75 % and 25 %, as the figures above have it; how far searches led is known of all 100."""
    counts = {
        ("opened", "confirmed"): 60,
        ("opened", "unknown"): 10,
        ("listed", "unknown"): 10,
        ("listed", "abandoned"): 20,
    }
    flow = draw_flow(counts, STEPS, (*OUTCOMES, ("unknown", "Still open")), width=800, height=300, margin=150)
    shares = {bar.name: bar.share for bar in flow.bars[1:]}
    assert shares == {
        "Opened": "70.0 %", "Listed": "30.0 %", "Confirmed": "75.0 %", "Abandoned": "25.0 %", "Still open": ""
    }  # fmt: skip
    assert flow.open == 20
    (_, _, bar) = draw_flow(
        {("opened", "unknown"): 3}, STEPS, (("unknown", "Still open"),), width=8, height=300, margin=1
    ).bars
    assert (bar.count, bar.share) == (3, "")


def test_a_flow_without_journeys_is_empty() -> None:
    flow = draw_flow({}, STEPS, OUTCOMES, width=800, height=300, margin=150)
    assert (flow.total, flow.streams) == (0, ())


@pytest.mark.parametrize("high", [0.01, 0.09, 0.35, 0.99])
def test_scales_end_just_above_what_is_drawn(high: float) -> None:
    """At a round number, and never at twice the height that is needed, tiny shares apart."""
    drawn = chart("t", "w", DAYS[:1], [Series("s", "c", [high], [(0.0, high)], [5], high)])
    top = float(drawn.scale[0].rstrip(" %")) / 100
    assert high <= top <= max(0.02, 1.6 * high)
