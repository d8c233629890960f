"""Answers that are kept: for whom, of which snapshot, and how many."""

from __future__ import annotations

from dataclasses import replace

import pytest
from service_fake import FakeEngine

from kbsearch.service.cache import AnswerCache
from kbsearch.service.security import PUBLIC
from kbsearch.types import SearchRequest

ASKED = SearchRequest(q="password", audiences=PUBLIC)
OUTCOME = replace(FakeEngine().search(ASKED), snapshot="v1", degraded=False)


def cache_with(size: int, *requests: SearchRequest) -> AnswerCache:
    """A cache of snapshot v1 that holds the answers to these."""
    cache = AnswerCache(size)
    for request in requests:
        assert cache.get("v1", request) is None
        cache.put(request, OUTCOME)
    return cache


@pytest.mark.parametrize(
    "other",
    [
        {"q": "passwords"},
        {"body": "I lost it"},
        {"lang": "lv"},
        {"langs": ("lv",)},
        {"limit": 3},
        {"offset": 10},
        {"filters": {"type": ("faq",)}},
        {"audiences": PUBLIC | {"staff"}},
        {"explain": True},
    ],
)
def test_an_answer_is_for_the_same_question_of_the_same_people(other: dict[str, object]):
    """Whatever differs is asked anew, in both directions."""
    differs = replace(ASKED, **other)  # type: ignore[arg-type]
    assert cache_with(9, ASKED).get("v1", ASKED) is not None
    assert cache_with(9, ASKED).get("v1", differs) is None
    assert cache_with(9, differs).get("v1", ASKED) is None


def test_an_answer_is_of_one_snapshot():
    """It goes with its snapshot; one of the snapshot before that comes late is not kept."""
    cache = cache_with(9, ASKED)
    assert cache.get("v2", ASKED) is None
    cache.put(ASKED, OUTCOME)
    assert cache.get("v2", ASKED) is None


def test_half_an_answer_is_not_kept():
    """The next one may have the embedder again."""
    cache = cache_with(9)
    assert cache.get("v1", ASKED) is None
    cache.put(ASKED, replace(OUTCOME, degraded=True))
    assert cache.get("v1", ASKED) is None


def test_what_was_longest_unused_goes_first():
    """A look is a use."""
    first, second, third = (replace(ASKED, q=q) for q in ("one", "two", "three"))
    cache = cache_with(2, first, second)
    assert cache.get("v1", first) is not None
    cache.put(third, OUTCOME)
    assert [cache.get("v1", request) is not None for request in (first, second, third)] == [True, False, True]
