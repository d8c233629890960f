"""Columns of documents: the words of many texts, found together, are those of each text."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import wording as module
from indexer.prepare import columns
from indexer.wording import places_at_once, wording
from kbsearch.index.corpus import whole
from kbsearch.text.analyze import HEADING_WEIGHT, TAG_WEIGHT, TITLE_WEIGHT
from kbsearch.text.words import places, words
from kbsearch.types import CutDocument, Document, Passage

# What words are made of, what stands between them, and what joins some of them only.
_PIECES = [
    *"abāžйé²ī7٣๓ะ \n\t\u0301'’ʼ·-‐_.:,;!?()\"„«/@+#%…—😀𝒳",
    "www.",
    "https://",
    "http:",
    ".com",
    "C++",
    "AB-1",
    "e@x.lv",
]
TEXTS = st.lists(st.sampled_from(["rēķins", "Rēķins", "e-pasts", "P-104", "a", ",", ".", "\n", "😀"]), max_size=6).map(
    " ".join
)
PASSAGES = st.builds(Passage, TEXTS, st.lists(TEXTS, max_size=2).map(tuple))
DOCUMENTS = st.builds(
    lambda title, tags, lang, passages: CutDocument(
        Document(id="a", group="a", title=title, body="", lang=lang, tags=tuple(tags)), "", "", tuple(passages)
    ),
    TEXTS,
    st.lists(TEXTS, max_size=2),
    st.sampled_from(["lv", "lt"]),
    st.lists(PASSAGES, max_size=3),
)


@given(st.lists(DOCUMENTS, max_size=4))
def test_bags_hold_what_counting_word_by_word_gives(cuts: list[CutDocument]) -> None:
    corpus = whole(columns(cuts))
    names = list(zip(corpus.vocabulary.words, corpus.vocabulary.langs, strict=True))
    bags, weights = corpus.words_of_passages("bags"), corpus.of_passages("weights")
    number = 0
    for place, cut in enumerate(cuts):
        document = cut.document
        titles = corpus.words_of_documents("titles")[place]
        assert [names[word][0] for word in titles.tolist()] == [word.text for word in words(document.title)]
        for passage in cut.passages:
            expected: Counter[tuple[str, str]] = Counter()
            for weight, texts in (
                (TITLE_WEIGHT, (document.title,)),
                (TAG_WEIGHT, document.tags),
                (HEADING_WEIGHT, passage.headings),
                (1, (passage.text,)),
            ):
                for word in (word.text for text in texts for word in words(text)):
                    expected[word, document.lang] += weight
            held = zip(bags[number].tolist(), weights[number].tolist(), strict=True)
            assert {names[word]: weight for word, weight in held} == expected
            number += 1


@given(st.lists(TEXTS, max_size=8))
def test_places_are_those_of_each_text(texts: list[str]) -> None:
    found = wording(texts, ["lv"] * len(texts))
    for number, text in enumerate(texts):
        expected = [(word.text, word.start, word.end) for word in words(text)]
        rows = (found.numbers[number].tolist(), found.starts[number].tolist(), found.ends[number].tolist())
        assert [(found.vocabulary[a][0], b, c) for a, b, c in zip(*rows, strict=True)] == expected


def test_texts_that_are_read_in_several_groups_have_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"vārds {number % 7} un P-{number % 5}" for number in range(50)]
    langs = ["lv" if number % 2 else "lt" for number in range(50)]
    together = wording(texts, langs)
    monkeypatch.setattr(module, "_AT_ONCE", 40)
    apart = wording(texts, langs)
    assert apart.vocabulary == together.vocabulary
    for one, other in zip(
        (apart.numbers, apart.starts, apart.ends), (together.numbers, together.starts, together.ends), strict=True
    ):
        assert one.values.tolist() == other.values.tolist()
        assert one.offsets.tolist() == other.offsets.tolist()
    # A word of two languages is two words.
    assert {lang for word, lang in together.vocabulary if word == "vārds"} == {"lv", "lt"}


@given(st.lists(st.sampled_from(_PIECES) | st.characters(codec="utf-8"), max_size=30).map("".join))
def test_all_at_once_words_stand_where_they_stand_one_by_one(text: str) -> None:
    starts, ends = places_at_once(np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32))
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == places(text)
