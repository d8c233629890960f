"""How customers worded what failed: whole queries and words that enough of them used to be printed. Pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kbsearch.metrics.demand import Demand, Integers
from kbsearch.metrics.queries import count_askers
from kbsearch.metrics.searches import query_key
from kbsearch.text.normalise import fold
from kbsearch.text.stopwords import is_stop
from kbsearch.text.words import surfaces

_EXAMPLES, _WORDS = 3, 5
_SHORTEST_WORD = 3
_MOST_TEXTS = 300


def common_queries(demand: Demand, rows: Integers, least: int) -> tuple[str, ...]:
    """Return the queries of failures that at least so many asked, most first, each as most wrote it."""
    return _common(demand, rows, lambda text, _: {query_key(text): text}, least)[:_EXAMPLES]


def common_words(demand: Demand, rows: Integers, least: int) -> tuple[str, ...]:
    """Return the words that at least so many used, likewise."""
    return _common(demand, rows, _words, least)[:_WORDS]


def _words(text: str, lang: str) -> dict[str, str]:
    found = {fold(word): word for word in surfaces(text.lower())}
    return {key: word for key, word in found.items() if len(key) >= _SHORTEST_WORD and not is_stop(key, lang)}


def _common(demand: Demand, rows: Integers, parts: Callable[[str, str], dict[str, str]], least: int) -> tuple[str, ...]:
    """Return the parts of queries that enough used; `parts` gives for a text in a language key → spelling.

    Looks at the _MOST_TEXTS most frequent texts.
    """
    hashes = demand.text_hash[demand.failed_text[rows]]
    _, first, place, often = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    most = np.argsort(-often, kind="stable")[:_MOST_TEXTS]
    chosen = np.full(len(first), -1)
    chosen[most] = np.arange(len(most))
    place = chosen[place]
    texts, rows, place = rows[first[most]], rows[place >= 0], place[place >= 0]
    numbers: dict[str, int] = {}
    spellings: list[dict[str, int]] = []
    of_text: list[list[int]] = []
    for row, count in zip(texts.tolist(), often[most].tolist(), strict=True):
        mine = []
        text, lang = demand.texts[demand.failed_text[row]], demand.languages[demand.failed_language[row]]
        for key, spelling in parts(text, lang).items():
            number = numbers.setdefault(key, len(numbers))
            if number == len(spellings):
                spellings.append({})
            spellings[number][spelling] = spellings[number].get(spelling, 0) + count
            mine.append(number)
        of_text.append(mine)
    lengths = np.array([len(mine) for mine in of_text], np.int64)
    # Each failure's words: from where its text's words begin, as many as it has.
    every = np.array([number for mine in of_text for number in mine], np.int64)
    first = (np.cumsum(lengths) - lengths)[place]
    who = np.repeat(np.arange(len(rows)), lengths[place])
    ends = np.cumsum(lengths[place])
    what = every[np.arange(len(who)) - np.repeat(ends - lengths[place] - first, lengths[place])]
    who = rows[who]
    asked = count_askers(what, demand.failed_client[who], demand.failed_network[who], len(numbers)).tolist()
    shown = sorted((-asked[number], key) for key, number in numbers.items() if asked[number] >= least)
    return tuple(_most_frequent(spellings[numbers[key]]) for _, key in shown)


def _most_frequent(spellings: dict[str, int]) -> str:
    return min(spellings, key=lambda spelling: (-spellings[spelling], spelling))
