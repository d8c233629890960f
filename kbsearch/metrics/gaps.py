"""What to write, translate, reword or rewrite: failed searches grouped by meaning, each group with one action. Pure.

| kind | when | action |
|---|---|---|
| unhelpful | an article was opened and did not help, more often than other articles | rewrite it |
| unfound | it exists in the customer's language: others found it later, an agent sent it, or it lies near | reword it |
| other_language | it exists, but not in the customer's language | translate it |
| missing | nothing near in any language | write it |

A group is a gap where its searches fail more often than all others, or than not, beyond chance: some failures are
everywhere. Only groups of at least `least` customers are named, with queries and words that as many customers used
(`queries.py` counts them).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from kbsearch.metrics.content import NOTHING
from kbsearch.metrics.demand import ESCALATED, PRINTABLE, Demand, Integers
from kbsearch.metrics.labels import UNFOUND, UNHELPFUL, WITNESS_SHARE, WITNESSES, label
from kbsearch.metrics.library import Article, Library
from kbsearch.metrics.meanings import Meanings, group_by_meaning
from kbsearch.metrics.queries import LEAST_CLIENTS, count_different
from kbsearch.metrics.remedies import Remedy, find_remedy
from kbsearch.metrics.shares import Share
from kbsearch.metrics.wording import common_queries, common_words

_LEVEL, _MOST_USUAL = 0.05, 0.5
_MOST_REMEDIES = 25
"""Gaps for which a synonym is looked for, dearest first: each takes a hundred searches or so."""
_ASKED = 8
"""Queries of a group that the knowledge base is asked, most frequent first."""


@dataclass(slots=True)
class Gap:
    """One thing to do."""

    kind: str
    article: Article | None
    """What to reword, translate or rewrite; None where nothing is there, or no one article."""
    languages: dict[str, int]
    """Language of the customers → failed searches."""
    failed: Share
    """Of searches of this meaning (of an unhelpful article: of the journeys that read it), those that failed."""
    clients: int
    """Customers; where the page sends no client ids, visits."""
    escalated: int
    """Journeys with one of these searches that ended with a ticket or a human, each once."""
    by_day: dict[str, int]
    recent: Share
    """Failed searches that lie in the second half of the period's days."""
    expected: float
    """The share that would lie there, were they spread evenly."""
    examples: tuple[str, ...]
    """Queries that at least `least` customers asked, most first."""
    words: tuple[str, ...]
    """Words that at least so many used."""
    cost: float
    """`escalated` × cost of a ticket, in dollars."""
    remedy: Remedy | None = None
    """A synonym that was tried on what failed, of the dearest unfound gaps; None where none helps."""

    @property
    def trend(self) -> str | None:
        """Rising or falling where chance does not explain it, else steady; None where the period is a single day."""
        span = self.recent.interval
        if span is None or self.expected == 1:
            return None
        return "rising" if span[0] > self.expected else "falling" if span[1] < self.expected else "steady"


@dataclass(frozen=True, slots=True)
class Triage:
    """All gaps of a period, dearest first."""

    gaps: tuple[Gap, ...]
    failed: int
    """Failed searches."""
    unnamed: int
    """Of these, in no gap: of too few customers, or in a group that fails no more often than the others."""
    unexamined: int
    """Of these, with queries beyond `MOST_QUERIES`."""
    escalated: int
    """Journeys of all gaps that ended with a ticket or a human, each once: one journey may be in several gaps."""
    cost: float
    """`escalated` × cost of a ticket, in dollars."""
    least: int


@dataclass(slots=True)
class _Group:
    """Failures that may become one gap."""

    rows: Integers
    """Their places in the demand."""
    searches: int
    """All that were asked with this meaning; of an unhelpful article, the journeys that read it."""
    failed: int
    """Searches that failed; of an unhelpful article, the journeys."""
    clients: int
    kind: str = ""
    article: Article | None = None
    meaning: int = 0
    lang: str = ""


def triage(
    demand: Demand,
    readers: Mapping[str, int],
    library: Library,
    days: Sequence[str],
    ticket_cost: float,
    *,
    least: int = LEAST_CLIENTS,
) -> Triage:
    """Group failures and say what to do.

    `readers` gives for each article the journeys that read it; `days` are the UTC days of the period, at least one.
    """
    is_bad = demand.failed_article != NOTHING
    unopened = np.flatnonzero(~is_bad)
    unhelpful = _unhelpful(demand, np.flatnonzero(is_bad), readers, library)
    meanings = group_by_meaning(demand, unopened, library)
    groups = _by_meaning(demand, meanings, least)
    often = _beyond_chance(_large(groups, least), len(unopened), int(demand.asked_count.sum()))
    _label(demand, meanings, often, library)
    named = [*_large(unhelpful, least), *_joined(demand, often)]
    made = [(_gap(demand, group, days, ticket_cost, least), group) for group in named]
    made.sort(key=lambda pair: _dearest_first(pair[0]))
    unfound = [(gap, group) for gap, group in made if gap.kind == UNFOUND]
    for gap, group in unfound[:_MOST_REMEDIES]:
        gap.remedy = _remedy(demand, meanings, group, gap, library)
    gaps = [gap for gap, _ in made]
    failed, unexamined = len(demand.failed_day), len(unopened) - len(meanings.rows)
    unnamed = failed - unexamined - sum(len(group.rows) for group in named)
    escalated = _escalated(demand, np.concatenate([np.zeros(0, np.int64), *(group.rows for group in named)]))
    return Triage(tuple(gaps), failed, unnamed, unexamined, escalated, escalated * ticket_cost, least)


def _group(demand: Demand, rows: Integers, searches: int) -> _Group:
    clients = np.sort(demand.failed_client[rows])
    return _Group(rows, searches, len(rows), 1 + int(np.count_nonzero(clients[1:] != clients[:-1])))


def _unhelpful(demand: Demand, rows: Integers, readers: Mapping[str, int], library: Library) -> list[_Group]:
    """Group by the article that did not help."""
    groups = []
    for mine in _split(rows, demand.failed_article[rows]):
        name = demand.articles[demand.failed_article[mine[0]]]
        group = _group(demand, mine, readers[name])
        group.failed = len(np.unique(demand.failed_journey[mine]))
        group.kind, group.article = UNHELPFUL, library.article(name)
        groups.append(group)
    bad = sum(group.failed for group in groups)
    return [group for group in _beyond_chance(groups, bad, sum(readers.values())) if group.article]


def _split(rows: Integers, by: Integers) -> list[Integers]:
    """Return rows with the same number together, the numbers in order."""
    order = np.argsort(by, kind="stable")
    cuts = np.flatnonzero(np.diff(by[order])) + 1
    return np.split(rows[order], cuts) if len(rows) else []


def _large(groups: Iterable[_Group], least: int) -> list[_Group]:
    return [group for group in groups if group.clients >= least]


def _beyond_chance(groups: Sequence[_Group], bad: int, everything: int) -> list[_Group]:
    """Keep groups that fail more often than all the rest, or than one half: some failures are everywhere.

    Binomial test of each against the share of the rest, at 5 % for all tests together (Bonferroni). `bad` of
    `everything` failed, in these groups and elsewhere.
    """
    searches, failed = (np.array([getattr(group, name) for group in groups]) for name in ("searches", "failed"))
    others = everything - searches
    usual = np.where(others > 0, np.minimum((bad - failed) / np.maximum(others, 1), _MOST_USUAL), _MOST_USUAL)
    chance = binom.sf(failed - 1, np.maximum(searches, failed), usual) * len(groups)
    return [group for group, is_so in zip(groups, chance < _LEVEL, strict=True) if is_so]


def _by_meaning(demand: Demand, meanings: Meanings, least: int) -> list[_Group]:
    """Return groups of one meaning and language, with all searches of that meaning beside the failed ones."""
    found: dict[int, list[_Group]] = {}
    languages = demand.failed_language[meanings.rows]
    for places in _split(np.arange(len(meanings.rows)), meanings.number * max(len(demand.languages), 1) + languages):
        meaning, language = int(meanings.number[places[0]]), int(languages[places[0]])
        group = _group(demand, meanings.rows[places], int(meanings.searches[meaning, language]))
        group.meaning, group.lang = meaning, demand.languages[language]
        found.setdefault(meaning, []).append(group)
    return [group for by_lang in found.values() for group in _pooled(demand, by_lang, least)]


def _pooled(demand: Demand, groups: Iterable[_Group], least: int) -> list[_Group]:
    """Let languages of few customers follow the language of most: detecting them is less sure than what they mean."""
    first, *others = sorted(groups, key=lambda group: (-group.clients, group.lang))
    few = [group for group in others if group.clients < least]
    return [_united(demand, [first, *few]), *(group for group in others if group.clients >= least)]


def _united(demand: Demand, groups: Sequence[_Group]) -> _Group:
    """Put the failures of other groups to those of the first."""
    first = groups[0]
    if len(groups) > 1:
        rows = np.concatenate([group.rows for group in groups])
        both = _group(demand, rows, sum(group.searches for group in groups))
        both.kind, both.article, both.meaning, both.lang = first.kind, first.article, first.meaning, first.lang
        return both
    return first


def _label(demand: Demand, meanings: Meanings, often: Iterable[_Group], library: Library) -> None:
    """Say of each group why it failed; what customers of other languages found later counts as well."""
    by_meaning: dict[int, dict[str, _Group]] = {}
    for group in often:
        by_meaning.setdefault(group.meaning, {})[group.lang] = group
    witnessed = _witnessed(demand, meanings, library)
    for meaning, by_lang in by_meaning.items():
        asked = {lang: _asked(demand, meanings, group.rows) for lang, group in by_lang.items()}
        for lang, found in label(asked, witnessed.get(meaning), library).items():
            by_lang[lang].kind, by_lang[lang].article = found


def _asked(demand: Demand, meanings: Meanings, rows: Integers) -> list[tuple[str, int]]:
    """Return the queries that failed most of these, and how often each did."""
    keys, counts = np.unique(meanings.key_of_text[demand.failed_text[rows]], return_counts=True)
    texts = [meanings.spelling[key] for key in keys.tolist()]
    return sorted(zip(texts, counts.tolist(), strict=True), key=lambda asked: (-asked[1], asked[0]))[:_ASKED]


def _witnessed(demand: Demand, meanings: Meanings, library: Library) -> dict[int, Article]:
    """Return for meanings the article that customers found later, where enough of them did."""
    meaning_of = np.full(len(demand.failed_day), -1)
    meaning_of[meanings.rows] = meanings.number
    meaning, client = meaning_of[demand.found_row], demand.failed_client[demand.found_row]
    known = {place: library.article(demand.articles[place]) for place in np.unique(demand.found_article).tolist()}
    groups = sorted({article.group for article in known.values() if article})
    group_of = np.full(len(demand.articles), -1)
    for place, article in known.items():
        group_of[place] = groups.index(article.group) if article else -1
    group = group_of[demand.found_article]
    sure = (meaning >= 0) & (group >= 0)
    numbers = int(meanings.number.max(initial=-1)) + 1
    everybody = count_different(meanings.number, demand.failed_client[meanings.rows], numbers)
    size = numbers * len(groups)
    witnesses = count_different((meaning * len(groups) + group)[sure], client[sure], size).reshape(numbers, len(groups))
    found: dict[int, Article] = {}
    for number in np.flatnonzero(witnesses.any(axis=1)).tolist():
        best = int(witnesses[number].argmax())
        if witnesses[number, best] >= max(WITNESSES, WITNESS_SHARE * everybody[number]):
            seen = Counter(demand.found_article[sure & (meaning == number) & (group == best)].tolist())
            place = min(seen, key=lambda place: (-seen[place], demand.articles[place]))
            article = known[place]
            if article:
                found[number] = article
    return found


def _joined(demand: Demand, groups: Iterable[_Group]) -> list[_Group]:
    """Join groups that ask for the same action: on the same article, or where there is none, on the same meaning."""
    found: dict[object, list[_Group]] = {}
    for group in groups:
        found.setdefault((group.kind, group.article.group if group.article else group.meaning), []).append(group)
    return [_united(demand, same) for same in found.values()]


def _gap(demand: Demand, group: _Group, days: Sequence[str], ticket_cost: float, least: int) -> Gap:
    rows = group.rows
    escalated = _escalated(demand, rows)
    languages = _counted(demand.languages, demand.failed_language[rows])
    by_day = _counted(demand.days, demand.failed_day[rows])
    middle = days[len(days) // 2]
    printable = rows[demand.failed_flags[rows] & PRINTABLE != 0]
    return Gap(
        kind=group.kind,
        article=group.article,
        languages=dict(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
        failed=Share(group.failed, max(group.searches, group.failed), "no searches"),
        clients=group.clients,
        escalated=escalated,
        by_day=dict(sorted(by_day.items())),
        recent=Share(sum(count for day, count in by_day.items() if day >= middle), len(rows), "no searches"),
        expected=1 - len(days) // 2 / len(days),
        examples=common_queries(demand, printable, least),
        words=common_words(demand, printable, least),
        cost=escalated * ticket_cost,
    )


def _escalated(demand: Demand, rows: Integers) -> int:
    """Return in how many journeys these failures ended with a ticket or a human, however often each was rephrased."""
    return len(np.unique(demand.failed_journey[rows[demand.failed_flags[rows] & ESCALATED != 0]]))


def _dearest_first(gap: Gap) -> tuple[int, int, str, str]:
    return -gap.escalated, -gap.failed.hits, gap.kind, gap.article.id if gap.article else ""


def _remedy(demand: Demand, meanings: Meanings, group: _Group, gap: Gap, library: Library) -> Remedy | None:
    """Look for one in the language of most of the customers that the article has."""
    article = gap.article
    lang = next((lang for lang in gap.languages if article and lang in article.languages), None)
    if article is None or lang is None:
        return None
    mine = group.rows[demand.failed_language[group.rows] == demand.languages.index(lang)]
    return find_remedy(article, lang, (*gap.examples, *gap.words), _asked(demand, meanings, mine), library)


def _counted(names: Sequence[str], places: Integers) -> dict[str, int]:
    """Return how often each name is meant."""
    counts = np.bincount(places, minlength=len(names)).tolist()
    return {name: count for name, count in zip(names, counts, strict=True) if count}
