"""The numbers of terms are their places among the hashes, whether remembered or not."""

from __future__ import annotations

import numpy as np
import pytest

from kbsearch.index import numbers
from kbsearch.index.arrays import hash_texts
from kbsearch.index.numbers import Numbers

HELD = [f"~word{number}" for number in range(50)]
HASHES = np.sort(hash_texts(HELD))


@pytest.mark.parametrize("remembered", [0, 7, 1_000])
def test_a_number_is_a_place_however_much_is_remembered(monkeypatch: pytest.MonkeyPatch, remembered: int) -> None:
    """Asked for again, mixed with new and unknown ones, and repeated within one call."""
    monkeypatch.setattr(numbers, "MOST_REMEMBERED", remembered)
    known = Numbers(HASHES)
    random = np.random.default_rng(3)
    for _ in range(40):
        terms = [f"~word{number}" for number in random.integers(0, 60, int(random.integers(0, 12)))]
        places = known.of(terms)
        assert [HASHES[place] if place >= 0 else None for place in places] == [
            hash_texts([term])[0] if term in HELD else None for term in terms
        ]
