"""The generated help centre's text has the statistics of a real one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.synthetic import Generator
from indexer.loaders import LoadReport, load_sources
from kbsearch.text.words import surfaces

SHARED = Path(__file__).parents[3] / "shared" / "kb"
LENGTHS = (10_000, 30_000, 100_000)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real help centre, ../shared/kb, is not here")
@pytest.mark.parametrize("lang", ["lv", "lt"])
def test_generated_text_has_as_many_different_words_as_a_real_one(lang: str):
    """With too many, an index has too short posting lists and a build analyses words that nobody would write."""
    source = SHARED / "alchemy" / f"{lang}.jsonl.xz"
    real = different_words(
        f"{document.title}\n{document.body}" for document in load_sources([source], report=LoadReport())
    )
    made = different_words(f"{passage.title}\n{passage.text}" for passage in Generator(lang, 1).passages(3_000))
    assert all(0.8 <= mine / theirs <= 1.25 for mine, theirs in zip(made, real, strict=True)), (made, real)


def different_words(texts: Iterable[str]) -> list[int]:
    """How many different words the first so many are."""
    words = list(islice((word for text in texts for word in surfaces(text)), LENGTHS[-1]))
    return [len(set(words[:length])) for length in LENGTHS]
