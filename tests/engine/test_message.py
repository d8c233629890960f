"""Messages: which sentences are searched for, and what is made of what they find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.pipeline import build
from kbsearch.decide import NOTHING_IN_COMMON, decide
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.engine import Engine, open_engine
from kbsearch.errors import LimitError, UsageError
from kbsearch.message import MOST_SENTENCES, Sentence, sentences_of, together
from kbsearch.types import MAX_QUERY, Action, Answer, Decision, Evidence, Hit, SearchOutcome, SearchRequest


def texts(subject: str, body: str) -> list[str]:
    return [sentence.text for sentence in sentences_of(subject, body)]


def test_each_sentence_is_one_and_those_that_ask_come_first() -> None:
    """The subject asks, and so does what ends with a question mark."""
    body = "Hello!\nI ordered a lamp. How do I pay? It came… Thank you"
    assert sentences_of("Payment", body) == [
        Sentence("Payment", asks=True),
        Sentence("How do I pay?", asks=True),
        Sentence("I ordered a lamp.", asks=False),
        Sentence("It came…", asks=False),
    ]


def test_who_is_addressed_is_no_part_of_the_question() -> None:
    """Nor are greetings and thanks, in any language; a comma later in a sentence parts nothing."""
    assert texts("", "Sveiki, kā atjaunot paroli") == ["kā atjaunot paroli"]
    assert texts("", "Dear Anna, where is it, at home?") == ["where is it, at home?"]
    assert texts("", "Laba diena! Kur mano siunta? Ačiū") == ["Kur mano siunta?"]
    assert texts("Hello", "Thanks!") == ["Hello", "Thanks!"]  # there is nothing else


@pytest.mark.parametrize(
    "said",
    ["Thanks.", "Thanks for your help.", "Kind regards.", "Please help!", "I have a question.", "Ar cieņu, Anna",
     "Pagarbiai, Jonas", "Thank you in advance, Anna", "Best regards, John Smith", "Mit freundlichen Grüßen\nAnna",
     "С уважением,\nИван Петров", "Ačiū už pagalbą!", "Man ir jautājums.", "Hilfe!"],
)  # fmt: skip
def test_small_talk_and_signatures_are_left_out(said: str) -> None:
    """What is left is all that is said, so that it asks."""
    assert sentences_of("", f"I forgot my password. {said}") == [Sentence("I forgot my password.", asks=True)]


@pytest.mark.parametrize("said", ["Thanks, where is it", "Kind regards card", "Thank you.\nInvoice", "Paroles maiņa"])
def test_what_only_resembles_a_signature_is_searched_for(said: str) -> None:
    assert len(texts("", f"I forgot my password. {said}")) == 2


@pytest.mark.parametrize(
    ("message", "searched_for"),
    [
        ("My robot shows E03, what should I do?", None),
        ("lost password, cannot sign in", None),
        ("spyna išsikrovė, stoviu lauke", None),
        ("Hello, dear team, how do I pay", "how do I pay"),
        ("Sehr geehrte Damen und Herren, wo ist mein Paket?", "wo ist mein Paket?"),
        ("Уважаемая поддержка, где мой заказ", "где мой заказ"),
    ],
)
def test_only_greetings_are_left_out_before_a_sentence(message: str, searched_for: str | None) -> None:
    """Words before a comma are mostly what is asked about."""
    assert texts("", message) == [searched_for or message]


def test_sentences_that_nothing_parts_are_read_in_pieces() -> None:
    """At commas first; what is still long is cut, and every word of it is searched for."""
    for count in (20, 60, 200):
        words = [f"word{number}" for number in range(count)]
        cut = texts("", " ".join(words))
        assert len(cut) <= MOST_SENTENCES
        assert set(" ".join(cut).split()) == set(words)
        assert (cut[0].split()[0], cut[-1].split()[-1]) == (words[0], words[-1])
    told = "i ordered a lamp for my mother last week, it came on tuesday; the bulb of 1,5 watts is broken"
    assert texts("", told) == [
        "i ordered a lamp for my mother last week", "it came on tuesday", "the bulb of 1,5 watts is broken",
    ]  # fmt: skip
    # What asks may be all of it, or what it ends with.
    asked = [sentence.text for sentence in sentences_of("", f"{told}, how do i send it back?") if sentence.asks]
    assert asked == [f"{told}, how do i send it back?", "how do i send it back?"]


@pytest.mark.parametrize(
    ("body", "sentences"),
    [
        ("Negaunu el. laiško. Ką daryti?", ["Ką daryti?", "Negaunu el. laiško."]),
        ("Pasūtījums Nr. 512 nav piegādāts. Es gaidu", ["Pasūtījums Nr. 512 nav piegādāts.", "Es gaidu"]),
        ("Es apstājos pie 2. soļa. Kas tālāk?", ["Kas tālāk?", "Es apstājos pie 2. soļa."]),
        ("I pay by card, e.g. a debit card", ["I pay by card, e.g. a debit card"]),
        ("I live in the EU. My parcel is lost", ["I live in the EU.", "My parcel is lost"]),
        ("It is my 3.\nthe bulb is broken", ["It is my 3.", "the bulb is broken"]),
        ("the lamp arrived. it is broken", ["the lamp arrived.", "it is broken"]),
    ],
)
def test_a_shortened_word_ends_no_sentence(body: str, sentences: list[str]) -> None:
    """Nor does a number that counts; before a capital letter both do."""
    assert texts("", body) == sentences


def test_a_message_of_shortened_words_is_read_in_one_go() -> None:
    """A word is looked at once, however long the sentence becomes."""
    assert texts("", "a. " * 100_000)


def test_all_that_is_said_asks() -> None:
    """One sentence without a question mark; of two it may be either."""
    assert [sentence.asks for sentence in sentences_of("", "Hello! I cannot sign in")] == [True]
    assert [sentence.asks for sentence in sentences_of("", "I cannot sign in. It is red.")] == [False, False]


def test_no_message_costs_more_than_so_many_searches() -> None:
    """The question of a long one is among them, wherever it stands."""
    body = " ".join(f"Sentence number {number}." for number in range(99)) + " Where is it?"
    found = sentences_of("", body)
    assert (len(found), found[0]) == (MOST_SENTENCES, Sentence("Where is it?", asks=True))
    assert texts("same thing", "Same. same thing") == ["same thing", "Same."]


@pytest.mark.parametrize("count", [1, 5, 10, 12, 13, 30, 60])
@pytest.mark.parametrize("ending", [".", "?"])
def test_no_sentence_is_left_out(count: int, ending: str) -> None:
    """However many there are; the last one is searched for by itself."""
    told = [f"{' '.join(f'w{number}x{word}' for word in range(13))}{ending}" for number in range(count)]
    last = "I forgot my password and cannot sign in."
    found = sentences_of("Question about it", " ".join([*told, last]))
    assert len(found) <= MOST_SENTENCES
    assert last in [sentence.text for sentence in found]
    if not any(sentence.cut for sentence in found):
        assert set(" ".join(told).split()) <= set(" ".join(sentence.text for sentence in found).split())
    assert any(sentence.cut for sentence in found) == (count == 60)


def test_what_was_not_searched_for_is_said() -> None:
    """In the decision's reasons."""
    near = outcome("a", Action.LIST, 0.4, ("pay", 0.5))
    whole, cut = Sentence("a", asks=True), Sentence("a", asks=True, cut=True)
    assert together([whole], [near], limit=1).decision.reasons == near.decision.reasons
    assert together([cut], [near], limit=1).decision.reasons == (
        *near.decision.reasons, "The message is too long: not all of it was searched for.",
    )  # fmt: skip


@given(st.text(max_size=80), st.text(max_size=1500))
def test_any_message_gives_sentences_that_can_be_searched_for(subject: str, body: str) -> None:
    """Each has a letter or figure and is as long as a query may be; where there is one at all, one is found."""
    found = texts(subject, body)
    assert len(found) == len(set(found)) <= MOST_SENTENCES
    assert all(any(map(str.isalnum, text)) and len(text) <= MAX_QUERY for text in found)
    if any(character.isascii() and character.isalnum() for character in subject + body[:MAX_QUERY]):
        assert found


def outcome(q: str, action: Action, probability: float, *found: tuple[str, float], **fields: Any) -> SearchOutcome:
    hits = tuple(
        Hit(name, name, "faq", "en", name.title(), "", score, "", (), position, (), language_match=True)
        for position, (name, score) in enumerate(found, start=1)
    )
    decision = Decision(action, probability, probability, ("Why.",), calibrated=True)
    made = SearchOutcome(
        q, "en", 0.9, len(hits), hits, {}, decision, None, "v1", degraded=False, timings_ms={"fuse": 1}
    )
    return replace(made, **fields)


ASKED, TOLD = Sentence("a", asks=True), Sentence("b", asks=False)


def test_the_surest_sentence_is_the_question() -> None:
    """Its decision and answer stand; what the others found comes where it is as near."""
    sure = outcome("a", Action.ANSWER, 0.9, ("pay", 0.8), ("card", 0.4), answer=Answer("Pay.", "pay", ()))
    other = outcome("b", Action.LIST, 0.5, ("lamp", 0.6), ("pay", 0.5))
    found = together([ASKED, TOLD], [sure, other], limit=3)
    assert (found.q, found.decision.action, found.answer) == ("a", Action.ANSWER, sure.answer)
    assert [(hit.id, hit.position) for hit in found.hits] == [("pay", 1), ("lamp", 2), ("card", 3)]
    assert (found.found, found.timings_ms) == (3, {"fuse": 2})
    assert [hit.id for hit in together([ASKED, TOLD], [sure, other], limit=2, offset=1).hits] == ["lamp", "card"]


def test_what_one_search_did_without_the_whole_did_without() -> None:
    """Meaning, where the model was too slow for one of them; words were found where any held one."""
    whole = outcome("a", Action.LIST, 0.5, ("pay", 0.5))
    by_words, by_meaning = replace(whole, degraded=True), replace(whole, words_found=False)
    found = together([ASKED, TOLD, TOLD], [whole, by_words, by_meaning], limit=1)
    assert (found.degraded, found.words_found) == (True, True)
    assert not together([ASKED, TOLD], [by_meaning, by_meaning], limit=1).words_found
    assert not together([ASKED, TOLD], [whole, whole], limit=1).degraded


def test_what_is_only_told_is_not_answered() -> None:
    """“The parcel came on Tuesday” is no question about parcels, however well an article fits it."""
    told = outcome("b", Action.ANSWER, 0.9, ("parcel", 0.8), answer=Answer("It comes.", "parcel", ()))
    unsure = outcome("a", Action.LIST, 0.3, ("pay", 0.5))
    found = together([ASKED, TOLD], [unsure, told], limit=3)
    assert (found.decision.action, found.answer) == (Action.LIST, None)
    assert [hit.id for hit in found.hits] == ["parcel", "pay"]


def test_asking_counts_more_than_telling() -> None:
    """Of two that are about as sure, the question."""
    asked = outcome("a", Action.LIST, 0.4, ("pay", 0.5))
    told = outcome("b", Action.LIST, 0.5, ("parcel", 0.6))
    far = outcome("b", Action.HAND_OVER, 0.1, ("moon", 0.6))
    assert together([ASKED, TOLD], [asked, told], limit=1).q == "a"
    assert together([ASKED, TOLD], [asked, replace(told, decision=replace(told.decision, probability=0.7))], 1).q == "b"
    assert [hit.id for hit in together([TOLD, ASKED], [told, far], limit=3).hits] == ["parcel", "moon"]


def test_hits_of_one_sentence_keep_their_order() -> None:
    """What a rule pins, or is called as the sentence is, stands first whatever its score."""
    pinned = outcome("a", Action.LIST, 0.5, ("pinned", 0.1), ("near", 0.8), ("far", 0.2))
    told = outcome("b", Action.LIST, 0.3, ("near", 0.6), ("lamp", 0.5), ("pinned", 0.1))
    assert [hit.id for hit in together([ASKED], [pinned], limit=3).hits] == ["pinned", "near", "far"]
    for order in ((0, 1), (1, 0)):
        sentences, outcomes = ([of[place] for place in order] for of in ((ASKED, TOLD), (pinned, told)))
        found = together(sentences, outcomes, limit=9).hits
        assert [hit.id for hit in found] == ["pinned", "near", "lamp", "far"]


def test_of_many_searches_one_is_near_by_chance() -> None:
    """The odds that the best of nine is right are a third of those of one alone."""
    near = Evidence(0.2, 0.2, 0.2, 0.0, 0.1, 0.1, 0.1, 0.1, 0.1, 1.0, 1.0)
    assert near.score > NOTHING_IN_COMMON
    assert decide(near, "en").action is Action.LIST
    assert decide(near, "en", among=9).action is Action.HAND_OVER


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, write_jsonl: Callable[..., Path]) -> Engine:
    folder = tmp_path_factory.mktemp("message")
    rows = [
        {"id": "refund", "lang": "en", "title": "Getting a refund", "body": "We send the money to your card."},
        {"id": "parcel", "lang": "en", "title": "Parcel lockers", "body": "The courier leaves a parcel in a locker."},
        {"id": "lamp", "lang": "en", "title": "Smart lamps", "body": "A lamp needs the hub."},
    ]
    build([write_jsonl(folder / "a.jsonl", rows)], folder / "index", embedder=HashingEmbedder())
    return open_engine(folder / "index")


def test_a_message_finds_what_its_question_finds(engine: Engine) -> None:
    """Whatever is told around it; as one query the story would win."""
    body = "Hello! The courier left a parcel in a locker.\nI also have a lamp.\nHow do I get a refund? Thanks, Anna"
    request = SearchRequest(q="Question", body=body, lang="en", limit=2)
    found = engine.search(request)
    assert found.q == "How do I get a refund?"
    assert found.hits[0].id == "refund"
    assert [hit.position for hit in found.hits] == [1, 2]
    assert engine.search(SearchRequest(q=body, lang="en")).hits[0].id != "refund"
    assert [hit.id for hit in engine.search(replace(request, offset=1, limit=1)).hits] == [found.hits[1].id]


def test_a_message_of_one_sentence_is_a_query(engine: Engine) -> None:
    """Said in the subject, in the body, or in both."""
    expected = engine.search(SearchRequest(q="getting a refund", lang="en"))
    for subject, body in (("", "getting a refund"), ("getting a refund", "Hello!"), ("getting a refund",) * 2):
        found = engine.search(SearchRequest(q=subject, body=body, lang="en"))
        assert (found.hits, found.decision, found.q) == (expected.hits, expected.decision, expected.q)


def test_a_message_without_a_word_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="message is empty"):
        engine.search(SearchRequest(q=" ", body=" … ?"))


@pytest.mark.parametrize("body", ["", "Where is it?"], ids=["query", "message"])
@pytest.mark.parametrize(("fields", "at_fault"), [({"limit": 0, "offset": 5}, "limit"), ({"offset": -1}, "offset")])
def test_places_that_there_are_none_of_are_refused(
    engine: Engine, body: str, fields: dict[str, int], at_fault: str
) -> None:
    """Of a message as of a query."""
    with pytest.raises(LimitError, match="name no results") as refused:
        engine.search(SearchRequest(q="refund", body=body, **fields))  # type: ignore[arg-type]
    assert refused.value.field == at_fault
