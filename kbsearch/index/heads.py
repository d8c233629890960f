"""What the title and tags of each document mean: one vector a document beside those of its passages.

A passage's vector says what the passage is about, and a long one says little about its title. A title that does not
tell its document from others ("No. 12", "Untitled") has no say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import distinct, open_array, write_array
from kbsearch.index.corpus import Vocabulary
from kbsearch.index.ragged import Ragged

# A word that more titles than this share hold tells none of them from the others.
COMMON = 0.25


def telling_titles(titles: Ragged, vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """One flag a document: whether its title holds a word of letters that is neither a stop word nor in most titles.

    `titles`: the words of each title, numbered in `vocabulary`.
    """
    owners = np.repeat(np.arange(len(titles), dtype=np.int64), np.diff(titles.offsets))
    used, words = np.unique(titles.values, return_inverse=True)
    stems = np.unique(vocabulary.heads[used], return_inverse=True)[1][words]
    frequency = np.bincount(distinct(stems * len(titles) + owners) // max(1, len(titles)))
    letters = np.asarray([vocabulary.words[word].isalpha() for word in used.tolist()], dtype=np.bool_)
    telling = letters[words] & ~vocabulary.stops[titles.values]
    telling &= frequency[stems] <= max(1.0, COMMON * len(titles))
    flags = np.zeros(len(titles), dtype=np.bool_)
    flags[owners[telling]] = True
    return flags


def write_heads(vectors: NDArray[np.floating[Any]], telling: NDArray[np.bool_], directory: Path) -> None:
    """Write one unit row a document under `directory` (made here), and whether it has a say."""
    directory.mkdir()
    write_array(directory / "vectors.npy", vectors.astype(np.float16, copy=False))
    write_array(directory / "telling.npy", telling)


class Heads:
    """Written vectors of documents, memory-mapped."""

    def __init__(self, directory: Path) -> None:
        vectors: NDArray[np.float16] = open_array(directory / "vectors.npy")
        self.arrays = vectors.view(np.uint16), open_array(directory / "telling.npy")
        """What `half_cosines_at` takes of them."""
