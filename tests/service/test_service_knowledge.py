"""The knowledge base as reports see it, with a real index: what is known, what is first, and a synonym tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.pipeline import build
from kbsearch.editing import Synonym
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.engine import open_engine
from kbsearch.metrics.remedies import find_remedy
from kbsearch.service.knowledge import Knowledge

ARTICLES = [
    {"id": "refund.en", "group": "refund", "lang": "en", "title": "Getting a refund", "body": "We send it to a card."},
    {"id": "refund.lv", "group": "refund", "lang": "lv", "title": "Naudas atmaksa", "body": "Nosūtām uz karti."},
    {"id": "wallet.en", "lang": "en", "title": "Gift wallet", "body": "Your gift card, a card for all shops."},
    {"id": "margin.en", "lang": "en", "title": "Margins", "body": "What a vexillum costs us.", "audience": ["agent"]},
]
FAILED = [("cashola card", 6), ("cashola on my card", 2), ("gift wallet", 1)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, write_jsonl: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("knowledge") / "kb"
    folder.mkdir()
    write_jsonl(folder / "articles.jsonl", ARTICLES)
    return folder


@pytest.fixture(scope="module")
def knowledge(source: Path) -> Knowledge:
    return published(source)


def published(source: Path, audiences: frozenset[str] | None = None) -> Knowledge:
    build([source], source.parent / "index", embedder=HashingEmbedder(), strict=True)
    return Knowledge(open_engine(source.parent / "index"), audiences)


def test_an_article_is_named_in_the_customers_language(knowledge: Knowledge) -> None:
    """Where there is one."""
    english = knowledge.article("refund.en")
    assert english is not None
    assert knowledge.in_language(english, "lv") == knowledge.article("refund.lv")
    assert knowledge.in_language(english, "en") == knowledge.in_language(english, "lt") == english


def test_only_words_of_public_articles_are_known(knowledge: Knowledge) -> None:
    """In any form; a word that the public cannot find is none to it."""
    words = ("refunds", "wallets", "cashola", "vexillum", "...")
    assert [knowledge.knows(word, "en") for word in words] == [True, True, False, False, False]


def test_a_synonym_is_tried_and_forgotten(knowledge: Knowledge) -> None:
    """What it finds counts in whatever language; the engine that answers customers never hears of it."""
    refund = knowledge.article("refund.lv")
    assert refund is not None
    texts = ["cashola card", "gift wallet", " "]
    synonym = Synonym(("cashola",), ("getting a refund",), "en")
    for _ in range(2):
        assert knowledge.finds_first(texts, "en", refund, None) == [False, False, False]
        assert knowledge.finds_first(texts, "en", refund, synonym) == [True, False, False]


def test_the_line_that_is_offered_does_what_it_says(
    source: Path, knowledge: Knowledge, tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    """Written into synonyms.csv, it leads to the article just as often as was said."""
    refund = knowledge.article("refund.en")
    assert refund is not None
    remedy = find_remedy(refund, "en", ("cashola", "card"), FAILED, knowledge)
    assert remedy is not None
    assert (remedy.line, remedy.searches, remedy.before, remedy.after) == ("cashola => Getting a refund,en", 9, 0, 8)
    edited = tmp_path / "kb"
    edited.mkdir()
    write_jsonl(edited / "articles.jsonl", ARTICLES)
    (edited / "synonyms.csv").write_text(f"words,lang\n{remedy.line}\n", encoding="utf-8")
    found: list[Any] = [
        count
        for (text, count), is_first in zip(
            FAILED, published(edited).finds_first([text for text, _ in FAILED], "en", refund, None), strict=True
        )
        if is_first
    ]
    assert sum(found) == remedy.after


def test_nothing_is_offered_that_only_some_may_read(source: Path) -> None:
    """The public would not find it, whatever it types."""
    everything = published(source)
    margin = everything.article("margin.en")
    assert margin is not None
    assert find_remedy(margin, "en", ("cashola",), [("cashola", 9)], everything) is None
