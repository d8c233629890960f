"""Sums, budgets and what is merged: arithmetic by hand and properties."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.replay.compare import ANSWERED, LISTED, LOST, Compared, Shown, Standing
from indexer.replay.report import Counts, Section, count, over_budget, section, together
from indexer.replay.successes import Kind, Success
from kbsearch.types import Action

SHOWN = Shown("a", "A", "en", 1)


def compared(before: int, after: int, searches: int = 1, lang: str = "en", kind: Kind = "answered") -> Compared:
    def standing(level: int) -> Standing:
        return Standing(level, Action.ANSWER if level == ANSWERED else Action.LIST, SHOWN if level else None)

    success = Success("q", lang, True, ("a",), kind, searches)
    return Compared(success, standing(before), standing(after), None)


def test_every_search_is_counted_for_what_became_of_it() -> None:
    """By hand: an answer that is only listed is broken and still served; a listed one that is answered is won."""
    items = [
        compared(ANSWERED, ANSWERED, 100),
        compared(ANSWERED, LISTED, 10),
        compared(LISTED, LOST, 4),
        compared(LOST, LISTED, 3),
        compared(LISTED, ANSWERED, 2),
        compared(LOST, LOST, 1),
    ]
    assert count(items) == Counts(asked=120, held=116, served=115, broken=14, won=5, lost_before=1)
    assert count(items).share == 14 / 116
    assert count([]).share is None


LEVELS = st.sampled_from((LOST, LISTED, ANSWERED))
ITEMS = st.lists(
    st.builds(
        compared,
        LEVELS,
        LEVELS,
        st.integers(1, 50),
        st.sampled_from(("en", "lv", "lv-lv", "")),
        st.sampled_from(("answered", "opened")),
    ),
    max_size=12,
)


@given(ITEMS)
def test_languages_add_up_to_the_whole(items: list[Compared]) -> None:
    """Nothing is lost or counted twice; regions belong to their language."""
    part = section("log", items)
    for name in ("asked", "held", "served", "broken", "won", "lost_before"):
        assert getattr(part.total, name) == sum(getattr(counts, name) for counts in part.by_lang.values())
    assert part.by_lang.keys() <= {"en", "lv", "unknown"}
    assert part.total.broken <= part.total.held <= part.total.asked


@given(ITEMS)
def test_merging_changes_no_sum(items: list[Compared]) -> None:
    """Only rows become fewer."""
    merged = together(items)
    assert count(merged) == count(items)
    assert len(merged) == len(set(merged))
    searches = [item.success.searches for item in merged]
    assert searches == sorted(searches, reverse=True)


def test_answers_that_were_only_listed_are_one_row_with_what_was_opened() -> None:
    """The same query, article and standing; one that was the answer stays a row of its own."""
    items = [compared(LISTED, LOST, 2, kind="opened"), compared(LISTED, LOST, 3), compared(ANSWERED, LOST, 4)]
    assert [(item.success.kind, item.success.searches) for item in together(items)] == [("opened", 5), ("answered", 4)]


def judged(**by_lang: tuple[int, int]) -> Section:
    """Language → (broken, held)."""
    counts = {lang: Counts(held, held, held - broken, broken) for lang, (broken, held) in by_lang.items()}
    held, broken = (sum(getattr(one, name) for one in counts.values()) for name in ("held", "broken"))
    return Section("log", Counts(held, held, held - broken, broken), counts)


def test_the_budget_holds_for_the_whole() -> None:
    """At the budget is within it."""
    assert over_budget([judged(en=(5, 1000))], 0.005) == ()
    assert over_budget([judged(en=(6, 1000))], 0.005) == ("log 6 of 1,000 (0.60%)",)
    assert over_budget([judged(en=(1, 1000))], 0.0) == ("log 1 of 1,000 (0.10%)",)


def test_a_small_language_cannot_disappear_behind_a_big_one() -> None:
    """All twenty Lithuanian searches are one thousandth of the whole; a few by chance are no trend.

    Wilson's lower end for 20 of 20 is 0.839, for 5 of 800 it is 0.0027, for 4 of 4 the language is too small.
    """
    whole = {"en": (0, 20_000)}
    assert over_budget([judged(**whole, lt=(20, 20))], 0.005) == ("log in lt 20 of 20 (100.00%)",)
    assert over_budget([judged(**whole, lt=(5, 800))], 0.005) == ()
    assert over_budget([judged(**whole, lt=(4, 4))], 0.005) == ()
