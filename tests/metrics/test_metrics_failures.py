"""Which searches failed and why, by hand: what is read from a journey, and what triage makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_demand import Dated, as_row, asked_in, demand_of, failures_in
from metrics_facts import DAY, LATER, Fact, MemoryShelf, MemoryStore, at, event, said, search
from metrics_walk import Failure, Walk, trace_of
from numpy.typing import NDArray
from test_metrics_properties import _stranger, fact_lists, moments

from kbsearch.editing import Synonym
from kbsearch.metrics.articles import table
from kbsearch.metrics.clusters import cluster, distinct, nearest_groups
from kbsearch.metrics.demand import join_demand
from kbsearch.metrics.gaps import Triage, triage
from kbsearch.metrics.library import Article, Nearest
from kbsearch.metrics.moments import days_between, moment_of, start_of
from kbsearch.metrics.outcomes import WINDOW, Outcome
from kbsearch.metrics.remedies import Remedy, find_remedy
from kbsearch.metrics.report import report
from kbsearch.metrics.rollup import DayCounts
from kbsearch.metrics.traces import Trace

START, END = start_of("2026-11-01"), start_of("2026-12-01")
DAYS = days_between("2026-11-01", "2026-11-30")
PERIOD = (DAYS[0], DAYS[-1])


def traced(*facts: Fact, as_of: int = LATER) -> Trace:
    """Return the one trace that facts leave."""
    (trace,) = DayCounts(MemoryStore(facts), as_of).traces(*PERIOD)
    return trace


def failed(*facts: Fact, **options: Any) -> list[tuple[str, str, tuple[str, ...], bool]]:
    found = failures_in(traced(*facts, **options).demand)
    return [(row[1], row[7], row[8], row[6]) for row in found]  # type: ignore[misc]


def test_a_search_from_which_nothing_was_opened_failed() -> None:
    asked = search("c", at("10:00"), "bitcoin")
    assert failed(asked) == [("bitcoin", "", (), False)]
    assert failed(asked, event("c", at("10:01"), "ticket_created", asked)) == [("bitcoin", "", (), True)]


def test_what_was_opened_or_answered_did_not_fail() -> None:
    asked = search("c", at("10:00"))
    assert failed(asked, event("c", at("10:01"), "click", asked)) == []
    assert failed(asked, event("c", at("10:01"), "answer_shown", asked)) == []


def test_an_article_that_did_not_help_is_named() -> None:
    """The customer said so, or filed a ticket after it; the one opened last is blamed."""
    asked = search("c", at("10:00"))
    opened = event("c", at("10:01"), "click", asked)
    assert failed(asked, opened, replace(said("c", at("10:02"), helpful=False), object_id="reset-password.lv")) == [
        ("reset password", "reset-password.lv", (), False)
    ]
    second = search("c", at("10:05"), "something else")
    then = event("c", at("10:06"), "view", second, object_id="hub.lv")
    ticket = event("c", at("12:00"), "ticket_created")
    assert failed(asked, opened, second, then, ticket) == [("something else", "hub.lv", (), True)]


def test_what_helped_later_is_a_witness() -> None:
    """Another search of the same journey, unless that one failed as well; or an article that an agent sent."""
    asked = search("c", at("10:00"), "digits")
    second = search("c", at("10:05"), "parcel locker code")
    opened = event("c", at("10:06"), "click", second, object_id="locker.lv")
    assert failed(asked, second, opened) == [("digits", "", ("locker.lv",), False)]
    bad = replace(said("c", at("10:07"), helpful=False), object_id="locker.lv")
    assert failed(asked, second, opened, bad)[0] == ("digits", "", (), False)
    ticket = event("c", at("10:02"), "handover", asked)
    for sent in (
        event("c", at("15:00"), "resolved_declared", asked, object_id="locker.lv"),
        event("c", at("15:00"), "view", object_id="locker.lv"),
        event("c", at("10:02:00.001"), "handover", asked, object_id="locker.lv", object_id_type="article"),
    ):
        assert failed(asked, ticket, sent) == [("digits", "", ("locker.lv",), True)]


def test_what_is_not_decided_or_not_meant_is_left_out() -> None:
    """Open windows, programs, and the hold-out, which sees nothing on purpose."""
    asked = search("c", at("10:00"))
    assert failed(asked, as_of=moment_of(at("20:00"))) == []
    assert failed(replace(asked, device="bot")) == []
    assert failed(asked, event("c", at("10:01"), "ticket_started", attributes={"holdout": True})) == []
    assert failed(*(search("c", at(f"10:{n // 60:02}:{n % 60:02}"), f"{n} " * 9) for n in range(0, 1700, 16))) == []


def test_articles_are_counted_by_hand() -> None:
    """Two readers, three openings, a vote changed to no, and a ticket after one reading and before the other."""
    first, other = search("a", at("10:00")), search("b", at("11:00"))
    facts = (
        first,
        event("a", at("10:01"), "click", first),
        event("a", at("10:02"), "view", first),
        replace(said("a", at("10:03"), helpful=True), object_id="reset-password.lv"),
        replace(said("a", at("10:04"), helpful=False), object_id="reset-password.lv"),
        event("a", at("10:30"), "ticket_created"),
        event("b", at("10:59"), "ticket_created"),
        other,
        event("b", at("11:01"), "click", other),
    )
    counts = traced(*facts).articles
    assert counts == {"reset-password.lv": [3, 1, 0, 2, 1]}
    listed = table({**counts, "gone.lv": [7, 0, 0, 0, 0]}, Shelf({}))
    assert (listed.rows[0].views, listed.rows[0].helpful.hits, listed.rows[0].escalated.n) == (3, 0, 2)
    assert (listed.unlisted, listed.unlisted_views) == (1, 7)


@settings(max_examples=60, deadline=None)
@given(fact_lists())
def test_the_flow_always_sums_to_the_report(facts: list[Fact]) -> None:
    """Whatever happens around midnight, and whether or not days are kept."""
    store, shelf = MemoryStore(facts), MemoryShelf()
    made = report(store, START, END, as_of=LATER)
    for _ in range(2):
        ends = {str(outcome): 0 for outcome in Outcome}
        for trace in DayCounts(store, LATER, shelf=shelf).traces(*PERIOD):
            for (_, outcome), journeys in trace.flow.items():
                ends[outcome] += journeys
        assert {**ends, "journeys": sum(ends.values())} == made.outcomes_searched


def left(trace: Trace) -> tuple[object, ...]:
    """Return all that a trace says, in no order."""
    failures = Counter(failures_in(trace.demand))
    return trace.day, Counter(trace.flow), trace.articles, asked_in(trace.demand), failures


def walked(store: MemoryStore, day: str, as_of: int, window: int) -> tuple[object, ...]:
    """Return the same, journey by journey."""
    trace = trace_of(day, Walk(store, as_of, window).on(day))
    failures = Counter(as_row(day, failure) for failure in trace.failures)
    return trace.day, trace.flow, trace.articles, trace.asked, failures


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(fact_lists(), fact_lists(10), st.sampled_from([WINDOW, 0, 3 * 3_600_000]), st.sampled_from("abc"), moments)
def test_traces_are_what_journeys_leave(
    facts: list[Fact], late: list[Fact], window: int, erased: str, as_of: int
) -> None:
    """Whatever is kept, and after late facts and an erasure."""
    store, shelf = MemoryStore(facts), MemoryShelf()
    strangers = [_stranger(fact) for fact in late]
    # Of the same clients, with ids of their own, as a store has them.
    own = [
        replace(new, client_id=old.client_id, session_id=old.session_id)
        for old, new in zip(late, strangers, strict=True)
    ]
    for change in (
        lambda: None,
        lambda: store.add(*strangers[::2]),
        lambda: store.add(*own[1::2]),
        lambda: store.erase(erased),
    ):
        change()
        for moment in (as_of, LATER):
            made = [left(trace) for trace in DayCounts(store, moment, window, shelf).traces(*PERIOD)]
            plain = [left(trace) for trace in DayCounts(store, moment, window).traces(*PERIOD)]
            expected = [walked(store, day, moment, window) for day in sorted(store.days())]
            assert made == plain == expected


class Shelf:
    """A knowledge base of which a table says what is near; texts mean the same when their first word is the same."""

    def __init__(self, near: dict[str, tuple[str, float]], known: AbstractSet[str] = frozenset()) -> None:
        self._near = near
        self._known = known

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        first = sorted({text.split()[0] for text in texts})
        return np.eye(len(first), dtype=np.float32)[[first.index(text.split()[0]) for text in texts]]

    def nearest(self, text: str, lang: str) -> Nearest | None:
        name, score = self._near.get(text.split()[0], ("", 0.0))
        article = self.article(name)
        return Nearest(article, score, score, 1.0) if article else None

    def article(self, article_id: str) -> Article | None:
        group, _, lang = article_id.rpartition(".")
        return Article(article_id, group, group.title(), lang, (lang,)) if group and group != "gone" else None

    def in_language(self, article: Article, lang: str) -> Article:
        return article

    def knows(self, word: str, lang: str) -> bool:
        return word in self._known

    def finds_first(self, texts: Sequence[str], lang: str, article: Article, synonym: Synonym | None) -> list[bool]:
        """A query that holds the synonym's words finds what it is for; others find nothing."""
        return [synonym is not None and f" {synonym.typed[0]} " in f" {text} " for text in texts]


def failures(count: int, text: str = "bitcoin", lang: str = "lv", first: int = 0, **changes: Any) -> list[Dated]:
    """Return failures of so many customers."""
    made = Failure(text, text, True, lang, "", False, "", ())._replace(**changes)
    return [(DAY, made._replace(client=f"c{first + number}")) for number in range(count)]


def sorted_out(
    *groups: list[Dated], near: dict[str, tuple[str, float]] | None = None, known: AbstractSet[str] = frozenset()
) -> Triage:
    everything = [one for group in groups for one in group]
    readers = {failure.unhelpful: 10 for _, failure in everything if failure.unhelpful}
    return triage(demand_of(everything), readers, Shelf(near or {}, known), DAYS, 10.0)


def test_too_few_customers_are_not_printed() -> None:
    """Four who asked are counted, and nothing of them is shown; five are."""
    few = sorted_out(failures(4))
    assert (few.gaps, few.unnamed, few.failed) == ((), 4, 4)
    (gap,) = sorted_out(failures(5)).gaps
    assert (gap.kind, gap.examples, gap.words, gap.clients) == ("missing", ("bitcoin",), ("bitcoin",), 5)
    assert sorted_out([one for one in failures(1) for _ in range(9)]).gaps == ()


def test_one_person_under_five_names_gets_no_text_printed() -> None:
    """Neither the query nor a word of many queries; the failures are counted all the same."""
    for networks, shown in (([7] * 6, False), ([7, 7, 7, 7, 8, 9], False), ([4, 5, 6, 7, 8, 8], True)):
        same = [failures(1, first=n, network=network) for n, network in enumerate(networks)]
        (gap,) = sorted_out(*same).gaps
        assert (gap.clients, gap.examples, gap.words) == (6, *(((("bitcoin",),) * 2) if shown else ((), ())))
        varied = [failures(1, f"bitcoin {word}", first=n, network=networks[n]) for n, word in enumerate("abcdef")]
        (gap,) = sorted_out(*varied).gaps
        assert (gap.examples, gap.words) == ((), ("bitcoin",) if shown else ())


def test_a_trend_is_what_chance_does_not_explain() -> None:
    """Nine on one side of the middle of the month; six and three are nothing yet."""
    early, late = "2026-11-03", "2026-11-27"
    for before, after, trend in ((0, 9, "rising"), (9, 0, "falling"), (3, 6, "steady")):
        (gap,) = sorted_out([(early if n < before else late, one) for n, (_, one) in enumerate(failures(9))]).gaps
        assert (gap.trend, gap.recent.hits, gap.expected) == (trend, after, 0.5)


def test_rare_wordings_show_only_words_that_enough_used() -> None:
    """Six customers, six wordings, one word in common; names and numbers of one customer stay unseen."""
    (gap,) = sorted_out(*(failures(1, f"bitcoin {word}", first=n) for n, word in enumerate("abcdef"))).gaps
    assert (gap.examples, gap.words, gap.clients) == ((), ("bitcoin",), 6)


def test_private_queries_count_and_are_never_printed() -> None:
    (gap,) = sorted_out(failures(9, public=False)).gaps
    assert (gap.failed.hits, gap.examples, gap.words) == (9, (), ())


@pytest.mark.parametrize(
    ("near", "lang", "kind"),
    [
        (("a.lv", 0.5), "lv", "unfound"),
        (("a.lv", 0.5), "lt", "other_language"),
        (("a.lv", 0.1), "lv", "missing"),
        (("", 0.0), "lv", "missing"),
    ],
)
def test_the_knowledge_base_decides_where_nobody_found_anything(near: tuple[str, float], lang: str, kind: str) -> None:
    (gap,) = sorted_out(failures(8, lang=lang), near={"bitcoin": near}).gaps
    assert gap.kind == kind
    assert (gap.article is None) == (kind == "missing")


NEAR = {"bitcoin": ("crypto.lv", 0.5)}


def test_a_word_that_is_not_known_is_offered_as_a_synonym() -> None:
    """The line for the editor's file, and what trying it gave."""
    (gap,) = sorted_out(failures(6), failures(2, "bitcoin wallet", first=6), near=NEAR).gaps
    assert gap.remedy is not None
    assert (gap.remedy.line, gap.remedy.searches) == ("bitcoin => Crypto,lv", 8)
    assert (gap.remedy.before, gap.remedy.after) == (0, 8)


def test_a_known_word_is_offered_within_a_query_only() -> None:
    """Alone it leads somewhere already."""
    (gap,) = sorted_out(failures(8), near=NEAR, known={"bitcoin"}).gaps
    assert gap.remedy is None
    (gap,) = sorted_out(failures(8, "bitcoin wallet"), near=NEAR, known={"bitcoin", "wallet"}).gaps
    assert gap.remedy is not None
    assert gap.remedy.line == "bitcoin wallet => Crypto,lv"


def test_marks_alone_are_no_synonym() -> None:
    """Nor is what would part words in the editor's file."""
    article, shelf = Article("crypto.lv", "crypto", "Crypto", "lv", ("lv",)), Shelf(NEAR)
    assert find_remedy(article, "lv", ("???", "=>"), [("??? =>", 9)], shelf) is None
    parted = replace(article, title="https://a.example/b;c")
    assert find_remedy(parted, "lv", ("bitcoin",), [("bitcoin", 9)], shelf) is None


def test_a_synonym_that_helps_less_than_half_of_the_searches_is_not_offered() -> None:
    """Nor one of words that too few used, nor where there is no article to lead to."""
    many = [failures(1, f"bitcoin {word}", first=n) for n, word in enumerate("abcdef")]
    (gap,) = sorted_out(*many, failures(5, "bitcoin coin", first=6), near=NEAR, known={"bitcoin"}).gaps
    assert (gap.examples, gap.remedy) == (("bitcoin coin",), None)
    assert [gap.remedy for gap in sorted_out(failures(8)).gaps] == [None]


def test_a_line_reads_as_the_editors_file_does() -> None:
    """A title with a comma is quoted; what parts words there cannot be in one."""
    plain, quoted = (
        Remedy(Synonym(("x",), (title,), "lv"), 1, 0, 1).line for title in ("Crypto", "From 1,5 to 2,5 kg")
    )
    assert (plain, quoted) == ("x => Crypto,lv", '"x => From 1,5 to 2,5 kg",lv')


def test_witnesses_outweigh_the_knowledge_base() -> None:
    """Two of ten found it later; one alone would not do."""
    one = sorted_out(failures(9), failures(1, first=9, found_later=("b.lv",)))
    two = sorted_out(failures(8), failures(2, first=8, found_later=("b.lv",)))
    assert [gap.kind for gap in one.gaps] == ["missing"]
    assert [(gap.kind, gap.article and gap.article.id) for gap in two.gaps] == [("unfound", "b.lv")]
    lost = sorted_out(failures(8), failures(2, first=8, found_later=("gone.lv",)))
    assert [gap.kind for gap in lost.gaps] == ["missing"]


def test_an_article_is_unhelpful_when_it_is_worse_than_the_others() -> None:
    """8 of 10 readers against 1 of 10; not when all are alike at a low rate."""
    found = sorted_out(failures(8, unhelpful="bad.lv", escalated=True), failures(1, unhelpful="good.lv"))
    (gap,) = found.gaps
    assert (gap.kind, gap.article and gap.article.id, gap.failed.hits, gap.failed.n) == ("unhelpful", "bad.lv", 8, 10)
    assert (gap.escalated, gap.cost, gap.trend) == (8, 80.0, "falling")
    assert sorted_out(failures(5, unhelpful="a.lv"), failures(5, unhelpful="b.lv")).gaps == ()


def test_one_ticket_costs_one_ticket() -> None:
    """Whoever rephrases four times, and looks for two things, files once; also where the days of a month are joined."""
    words = ("bitcoin", "bitcoin wallet", "litecoin", "litecoin wallet")
    found = sorted_out(*(failures(6, text=text, escalated=True) for text in words))
    assert [(gap.failed.hits, gap.escalated, gap.cost) for gap in found.gaps] == [(12, 6, 60.0)] * 2
    assert (found.escalated, found.cost) == (6, 60.0)
    days = [DAY, "2026-11-11"]
    facts = [
        fact
        for day in days
        for client in "abcdef"
        for fact in (
            *(search(client, at(f"10:0{number}", day), "bitcoin") for number in range(4)),
            event(client, at("10:30", day), "ticket_created"),
        )
    ]
    traces = DayCounts(MemoryStore(facts), LATER).traces(*PERIOD)
    whole = triage(join_demand([trace.demand for trace in traces]), {}, Shelf({}), DAYS, 10.0)
    assert (whole.failed, [gap.escalated for gap in whole.gaps], whole.cost) == (48, [12], 120.0)


def test_what_all_texts_share_is_taken_out() -> None:
    """Rows that point one way differ by what is left; few rows, and rows of zeros, stay as they are."""
    random = np.random.default_rng(3)
    topics = np.repeat(random.normal(size=(30, 300)), 4, axis=0) + random.normal(scale=0.1, size=(120, 300))
    rows = topics + 40 * np.eye(300)[0]
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    left = distinct(np.vstack([rows, np.zeros((1, 300), np.float32)]))
    assert np.allclose(np.linalg.norm(left[:-1], axis=1), 1, atol=1e-5)
    assert not left[-1].any()
    assert len(set(cluster(rows))) == 1
    assert cluster(left[:-1]) == [place // 4 for place in range(120)]
    assert np.array_equal(distinct(rows[:99]), rows[:99])


def test_a_query_joins_the_group_whose_members_it_is_like() -> None:
    """By mean cosine: 0.5 to two members, one of which is the same and one at right angles."""
    members = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    rows = np.array([[1, 0, 0], [0, 0, 1], [0, 0, -1]], np.float32)
    assert nearest_groups(rows, members, [0, 0, 1], 0.4) == [0, 1, None]
    assert nearest_groups(rows, members, [0, 0, 1], 0.6) == [None, 1, None]
    assert nearest_groups(rows, members[:0], []) == [None, None, None]


def test_texts_without_meaning_stand_alone() -> None:
    """Rows of zeros are neither near each other nor near anything; numbers follow the first rows."""
    rows = np.array([[0, 0], [1, 0], [0, 0], [1, 0], [0, 1]], np.float32)
    assert cluster(rows) == [0, 1, 2, 1, 3]
    assert cluster(rows[:1]) == [0]
