"""The lexical index of passages given as bags of terms, as rank_bm25 takes them; for tests against it too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kbsearch.index.arrays import hash_texts
from kbsearch.index.lexical import LexicalIndex, write_lexical
from kbsearch.index.ragged import Ragged


def index_bags(bags: Sequence[Sequence[str]], directory: Path) -> LexicalIndex:
    """Write the product's index of these passages' terms, repetitions included, and open it memory-mapped.

    Each term is a word by itself.
    """
    counted = [Counter(bag) for bag in bags]
    numbers: dict[str, int] = {}
    words = [[numbers.setdefault(term, len(numbers)) for term in times] for times in counted]
    write_lexical(
        directory,
        Ragged.of_numbers(words, np.int32),
        Ragged.of_numbers([list(times.values()) for times in counted], np.int32),
        Ragged(hash_texts(numbers), np.arange(len(numbers) + 1)),
    )
    return LexicalIndex(directory)
