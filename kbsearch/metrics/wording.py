"""How customers worded what failed: whole queries and words that enough of them used to be printed. Pure."""

from __future__ import annotations

from collections import Counter
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
    """Return the parts of queries that enough used; `parts` gives for a text in a language key → spelling."""
    size = max(len(demand.languages), 1)
    both, place = np.unique(demand.failed_text[rows] * size + demand.failed_language[rows], return_inverse=True)
    often = np.bincount(place, minlength=len(both)).tolist()
    numbers: dict[str, int] = {}
    spellings: list[Counter[str]] = []
    of_text: list[list[int]] = []
    for one, count in zip(both.tolist(), often, strict=True):
        text, lang = divmod(one, size)
        mine = []
        for key, spelling in parts(demand.texts[text], demand.languages[lang]).items():
            number = numbers.setdefault(key, len(numbers))
            if number == len(spellings):
                spellings.append(Counter())
            spellings[number][spelling] += count
            mine.append(number)
        of_text.append(mine)
    lengths = np.array([len(mine) for mine in of_text], np.int64)[place]
    what = np.array([number for at in place.tolist() for number in of_text[at]], np.int64)
    who = np.repeat(rows, lengths)
    asked = count_askers(what, demand.failed_client[who], demand.failed_network[who], len(numbers)).tolist()
    shown = sorted((-asked[number], key) for key, number in numbers.items() if asked[number] >= least)
    return tuple(_most_frequent(spellings[numbers[key]]) for _, key in shown)


def _most_frequent(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda spelling: (-spellings[spelling], spelling))
