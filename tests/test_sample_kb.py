"""The sample help centre holds what it promises: enough articles, languages, questions, and no loose ends."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from indexer.cut import cut
from indexer.loaders import LoadReport, load_sources
from kbsearch.evaluate import JudgedQuery, read_queries
from kbsearch.text.normalise import fold
from kbsearch.types import Document

SAMPLE = Path(__file__).resolve().parents[1] / "sample_kb"
LANGUAGES = ("en", "lv", "lt")


@pytest.fixture(scope="module")
def loaded() -> tuple[list[Document], LoadReport]:
    report = LoadReport()
    return list(load_sources([SAMPLE], report=report)), report


@pytest.fixture(scope="module")
def documents(loaded: tuple[list[Document], LoadReport]) -> list[Document]:
    return loaded[0]


@pytest.fixture(scope="module")
def questions() -> list[JudgedQuery]:
    return read_queries(SAMPLE / "questions.jsonl")


def test_every_document_is_good(loaded: tuple[list[Document], LoadReport]) -> None:
    """No problem is reported."""
    assert [str(problem) for problem in loaded[1].problems] == []


def test_ids_are_unique_and_say_group_and_language(documents: list[Document]) -> None:
    """`group.lang`, once each."""
    assert max(Counter(document.id for document in documents).values()) == 1
    assert all(document.id == f"{document.group}.{document.lang}" for document in documents)


def test_there_are_enough_groups(documents: list[Document]) -> None:
    """At least 60, of which at least 40 in all three languages, and some in one or two only."""
    languages = defaultdict(set)
    for document in documents:
        languages[document.group].add(document.lang)
    assert len(languages) >= 60
    complete = [group for group, langs in languages.items() if langs >= set(LANGUAGES)]
    assert len(complete) >= 40
    assert len(complete) < len(languages)
    assert set().union(*languages.values()) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("field", "wanted"),
    [("type", {"article", "faq", "tutorial", "video", "forum"}), ("audience", {"public", "customer", "agent"})],
)
def test_all_kinds_are_there(documents: list[Document], field: str, wanted: set[str]) -> None:
    """Every type and audience of the contract that articles have."""
    values = {value for document in documents for value in ([document.type] if field == "type" else document.audience)}
    assert values >= wanted


def test_members_of_a_group_agree(documents: list[Document]) -> None:
    """Translations have one type and one audience."""
    kinds = defaultdict(set)
    for document in documents:
        kinds[document.group].add((document.type, document.audience))
    assert {group: found for group, found in kinds.items() if len(found) > 1} == {}


def test_texts_are_written_in_their_language(documents: list[Document]) -> None:
    """Latvian and Lithuanian texts carry their letters; English ones do not."""
    letters = {"lv": set("āčēģīķļņšūž"), "lt": set("ąčęėįšųūž")}
    for document in documents:
        found = set(document.body.lower()) & (letters["lv"] | letters["lt"])
        if document.lang == "en":
            assert len(found) <= 3, document.id  # names
        else:
            assert len(found & letters[document.lang]) >= 4, document.id


def test_translations_are_not_copies(documents: list[Document]) -> None:
    """No two documents share a body."""
    assert max(Counter(document.body.strip() for document in documents).values()) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_there_are_enough_questions(questions: list[JudgedQuery], lang: str) -> None:
    """At least 120 answerable and 30 unanswerable ones a language."""
    own = [question for question in questions if question.lang == lang]
    assert sum(question.answerable for question in own) >= 120
    assert sum(not question.answerable for question in own) >= 30


@pytest.mark.parametrize("lang", ["lv", "lt"])
def test_a_third_is_typed_without_diacritics(questions: list[JudgedQuery], lang: str) -> None:
    """As customers do; the others carry them."""
    own = [question.query for question in questions if question.lang == lang and question.answerable]
    plain = sum(query.lower() == fold(query) for query in own)
    assert len(own) / 3 <= plain <= 0.8 * len(own)


def test_questions_have_unique_ids_and_texts(questions: list[JudgedQuery]) -> None:
    """None is counted twice."""
    assert max(Counter(question.id for question in questions).values()) == 1
    doubled = [key for key, count in Counter((q.lang, q.query) for q in questions).items() if count > 1]
    assert doubled == []


def test_relevant_documents_exist(questions: list[JudgedQuery], documents: list[Document]) -> None:
    """Every id that a question names is there; an unanswerable question names none."""
    known = {document.id for document in documents}
    for question in questions:
        assert set(question.relevant) <= known, question.id
        assert bool(question.relevant) == question.answerable, question.id


def test_some_answers_exist_in_another_language_only(questions: list[JudgedQuery], documents: list[Document]) -> None:
    """So that cross-language search matters."""
    languages = defaultdict(set)
    for document in documents:
        languages[document.group].add(document.lang)
    group = {document.id: document.group for document in documents}
    for lang in LANGUAGES:
        foreign = [
            question.id
            for question in questions
            if question.lang == lang
            and question.answerable
            and not any(lang in languages[group[document]] for document in question.relevant)
        ]
        assert len(foreign) >= 3, lang


def test_labelled_answers_stand_in_their_article(questions: list[JudgedQuery], documents: list[Document]) -> None:
    """Each in a passage of the one relevant article, some in its translations too, for questions by their words; at
    least 20 a language."""
    asked = {question.id: question for question in questions}
    articles = {document.id: document for document in documents}
    labels = [json.loads(line) for line in (SAMPLE / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert max(Counter(label["id"] for label in labels).values()) == 1
    for label in labels:
        question = asked[label["id"]]
        assert label["query"] == question.query, label["id"]
        (article,) = question.relevant
        assert articles[article].lang == question.lang, label["id"]
        group = articles[article].group
        for lang, contains in {question.lang: label["contains"], **label.get("translations", {})}.items():
            passages = [passage.text for passage in cut(articles[f"{group}.{lang}"]).passages]
            assert contains, label["id"]
            missing = [text for text in contains if not any(text in passage for passage in passages)]
            assert missing == [], label["id"]
    counts = Counter(asked[label["id"]].lang for label in labels)
    assert all(counts[lang] >= 20 for lang in LANGUAGES)


def test_questions_are_short_as_customers_type(questions: list[JudgedQuery]) -> None:
    """Half of them have at most six words, most have no capital."""
    lengths = sorted(len(question.query.split()) for question in questions)
    assert lengths[len(lengths) // 2] <= 6
    assert sum(question.query[0].islower() for question in questions) > 0.8 * len(questions)
