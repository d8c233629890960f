"""What to write, translate, reword or rewrite: failed searches grouped by meaning, each group with one action. Pure.

| kind | when | action |
|---|---|---|
| unhelpful | an article was opened and did not help, more often than other articles | rewrite it |
| unfound | it exists in the customer's language: others found it later, an agent sent it, or it lies near | reword it |
| other_language | it exists, but not in the customer's language | translate it |
| missing | nothing near in any language | write it |

A group is a gap where its searches fail more often than all others, or than not, beyond chance: some failures are
everywhere. Only groups of at least `least` customers are named, with queries and words that as many customers used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scipy.stats import binom

from kbsearch.metrics.clusters import cluster, distinct, nearest_groups
from kbsearch.metrics.failures import Failure
from kbsearch.metrics.labels import UNHELPFUL, label
from kbsearch.metrics.library import Article, Library
from kbsearch.metrics.queries import LEAST_CLIENTS
from kbsearch.metrics.searches import query_key
from kbsearch.metrics.shares import Share
from kbsearch.text.normalise import fold
from kbsearch.text.stopwords import is_stop
from kbsearch.text.words import surfaces

_LEVEL, _MOST_USUAL = 0.05, 0.5
MOST_QUERIES = 2000
"""Distinct failed queries that are grouped, most customers first; the rest is counted as not examined."""
Dated = tuple[str, Failure]
"""A failure with its UTC day."""
_EXAMPLES, _WORDS = 3, 5
_SHORTEST_WORD = 3


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
    escalated: int
    """Failed searches in journeys that ended with a ticket or a human."""
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
    least: int


@dataclass(slots=True)
class _Group:
    """Failures that may become one gap, with their days."""

    kind: str = ""
    article: Article | None = None
    meaning: int = 0
    """Number of what was meant; 0 for unhelpful articles, each of which is a group of its own."""
    lang: str = ""
    failures: list[Dated] = field(default_factory=list)
    searches: int = 0
    """All that were asked with this meaning; of an unhelpful article, the journeys that read it."""

    @property
    def failed(self) -> int:
        """Searches that failed; of an unhelpful article, the journeys."""
        if self.kind == UNHELPFUL:
            return len({(day, failure.client) for day, failure in self.failures})
        return len(self.failures)

    @property
    def clients(self) -> set[str]:
        return {failure.client for _, failure in self.failures}


def triage(
    failures: Sequence[Dated],
    asked: Mapping[tuple[str, str], int],
    readers: Mapping[str, int],
    library: Library,
    days: Sequence[str],
    ticket_cost: float,
    *,
    least: int = LEAST_CLIENTS,
) -> Triage:
    """Group failures and say what to do.

    `asked` gives for each (language, query) its searches, `readers` for each article the journeys that read it; `days`
    are the UTC days of the period, at least one.
    """
    unhelpful = _unhelpful([one for one in failures if one[1].unhelpful], readers, library)
    unopened, unexamined = _most_asked([one for one in failures if not one[1].unhelpful])
    groups = _by_meaning(unopened, asked, library, least)
    often = _beyond_chance(_large(groups, least), len(unopened), sum(asked.values()))
    _label(often, groups, library)
    named = [*_large(unhelpful, least), *_joined(often)]
    gaps = [_gap(group, days, ticket_cost, least) for group in named]
    gaps.sort(key=lambda gap: (-gap.escalated, -gap.failed.hits, gap.kind, gap.article.id if gap.article else ""))
    unnamed = len(failures) - unexamined - sum(len(group.failures) for group in named)
    return Triage(tuple(gaps), len(failures), unnamed, unexamined, least)


def _unhelpful(failures: Iterable[Dated], readers: Mapping[str, int], library: Library) -> list[_Group]:
    """Group by the article that did not help."""
    groups: dict[str, _Group] = {}
    for one in failures:
        group = groups.setdefault(one[1].unhelpful, _Group(UNHELPFUL, searches=readers[one[1].unhelpful]))
        group.failures.append(one)
    for name, group in groups.items():
        group.article = library.article(name)
    bad = sum(group.failed for group in groups.values())
    return [group for group in _beyond_chance(list(groups.values()), bad, sum(readers.values())) if group.article]


def _large(groups: Iterable[_Group], least: int) -> list[_Group]:
    return [group for group in groups if len(group.clients) >= least]


def _beyond_chance(groups: Sequence[_Group], bad: int, everything: int) -> list[_Group]:
    """Keep groups that fail more often than all the rest, or than one half: some failures are everywhere.

    Binomial test of each against the share of the rest, at 5 % for all tests together (Bonferroni). `bad` of
    `everything` failed, in these groups and elsewhere.
    """
    found = []
    for group in groups:
        others = everything - group.searches
        usual = min((bad - group.failed) / others, _MOST_USUAL) if others > 0 else _MOST_USUAL
        if binom.sf(group.failed - 1, max(group.searches, group.failed), usual) * len(groups) < _LEVEL:
            found.append(group)
    return found


def _most_asked(failures: Sequence[Dated]) -> tuple[list[Dated], int]:
    clients: dict[str, set[str]] = {}
    for _, failure in failures:
        clients.setdefault(failure.key, set()).add(failure.client)
    if len(clients) <= MOST_QUERIES:
        return list(failures), 0
    chosen = set(sorted(clients, key=lambda key: (-len(clients[key]), key))[:MOST_QUERIES])
    kept = [one for one in failures if one[1].key in chosen]
    return kept, len(failures) - len(kept)


def _by_meaning(
    failures: Sequence[Dated], asked: Mapping[tuple[str, str], int], library: Library, least: int
) -> list[_Group]:
    """Return groups of one meaning and language, with all searches of that meaning beside the failed ones."""
    texts = {failure.key: failure.text for _, failure in reversed(failures)}
    keys = sorted(texts)
    others = {key: text for _, text in sorted(asked) if (key := query_key(text)) not in texts}
    vectors = distinct(library.encode([*(texts[key] for key in keys), *others.values()]))
    numbers = cluster(vectors[: len(keys)])
    meaning = dict(zip(keys, numbers, strict=True))
    near = nearest_groups(vectors[len(keys) :], vectors[: len(keys)], numbers)
    meaning |= {key: number for key, number in zip(others, near, strict=True) if number is not None}
    found: list[dict[str, _Group]] = [{} for _ in set(numbers)]
    for day, failure in failures:
        number = meaning[failure.key]
        group = found[number].setdefault(failure.lang, _Group(meaning=number, lang=failure.lang))
        group.failures.append((day, failure))
    for (lang, text), searches in asked.items():
        here = meaning.get(query_key(text))
        if here is not None and lang in found[here]:
            found[here][lang].searches += searches
    return [group for by_lang in found for group in _pooled(by_lang.values(), least)]


def _pooled(groups: Iterable[_Group], least: int) -> list[_Group]:
    """Let languages of few customers follow the language of most: detecting them is less sure than what they mean."""
    first, *others = sorted(groups, key=lambda group: (-len(group.clients), group.lang))
    kept = [first]
    for group in others:
        if len(group.clients) >= least:
            kept.append(group)
        else:
            first.failures += group.failures
            first.searches += group.searches
    return kept


def _label(often: Iterable[_Group], groups: Iterable[_Group], library: Library) -> None:
    """Say of each group why it failed; what customers of other languages found later counts as well."""
    meanings: dict[int, dict[str, _Group]] = {}
    for group in often:
        meanings.setdefault(group.meaning, {})[group.lang] = group
    everybody: dict[int, list[Failure]] = {meaning: [] for meaning in meanings}
    for group in groups:
        if group.meaning in everybody:
            everybody[group.meaning] += [failure for _, failure in group.failures]
    for meaning, by_lang in meanings.items():
        asked = {lang: [failure for _, failure in group.failures] for lang, group in by_lang.items()}
        for lang, found in label(asked, everybody[meaning], library).items():
            by_lang[lang].kind, by_lang[lang].article = found


def _joined(groups: Iterable[_Group]) -> list[_Group]:
    """Join groups that ask for the same action: on the same article, or where there is none, on the same meaning."""
    found: dict[object, _Group] = {}
    for group in groups:
        first = found.setdefault((group.kind, group.article.group if group.article else group.meaning), group)
        if first is not group:
            first.failures += group.failures
            first.searches += group.searches
    return list(found.values())


def _gap(group: _Group, days: Sequence[str], ticket_cost: float, least: int) -> Gap:
    failures = [failure for _, failure in group.failures]
    escalated = sum(failure.escalated for failure in failures)
    middle = days[len(days) // 2]
    recent = sum(day >= middle for day, _ in group.failures)
    return Gap(
        kind=group.kind,
        article=group.article,
        languages=dict(Counter(failure.lang for failure in failures).most_common()),
        failed=Share(group.failed, max(group.searches, group.failed), "no searches"),
        clients=len(group.clients),
        escalated=escalated,
        by_day=dict(sorted(Counter(day for day, _ in group.failures).items())),
        recent=Share(recent, len(failures), "no searches"),
        expected=1 - len(days) // 2 / len(days),
        examples=_examples(failures, least),
        words=_words(failures, least),
        cost=escalated * ticket_cost,
    )


def _examples(failures: Iterable[Failure], least: int) -> tuple[str, ...]:
    clients: dict[str, set[str]] = {}
    spellings: dict[str, Counter[str]] = {}
    for failure in failures:
        if failure.public:
            clients.setdefault(failure.key, set()).add(failure.client)
            spellings.setdefault(failure.key, Counter())[failure.text] += 1
    keys = sorted((key for key in clients if len(clients[key]) >= least), key=lambda key: (-len(clients[key]), key))
    return tuple(max(sorted(spellings[key]), key=spellings[key].__getitem__) for key in keys[:_EXAMPLES])


def _words(failures: Iterable[Failure], least: int) -> tuple[str, ...]:
    clients: dict[str, set[str]] = {}
    spellings: dict[str, Counter[str]] = {}
    for failure in failures:
        for word in surfaces(failure.text.lower()) if failure.public else ():
            folded = fold(word)
            if len(folded) >= _SHORTEST_WORD and not is_stop(folded, failure.lang):
                clients.setdefault(folded, set()).add(failure.client)
                spellings.setdefault(folded, Counter())[word] += 1
    shared = sorted((word for word in clients if len(clients[word]) >= least), key=lambda w: (-len(clients[w]), w))
    return tuple(max(sorted(spellings[word]), key=spellings[word].__getitem__) for word in shared[:_WORDS])
