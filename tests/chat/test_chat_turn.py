"""The state machine of the chat: by hand where a sentence says it, and as properties over any conversation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.chat.patterns import LANGUAGES
from kbsearch.chat.state import ENOUGH_NOES, MAX_ASKED, MAX_SHOWN, Asked, Conversation, Shown
from kbsearch.chat.texts import load_texts
from kbsearch.chat.turn import Question, Reply, question_of, turn
from kbsearch.message import sentences_of
from kbsearch.types import Action, Answer, Decision, Hit, SearchOutcome

NOTHING = Conversation()


def hit(name: str, position: int = 1) -> Hit:
    return Hit(
        id=name, group=name, type="article", lang="en", title=f"Title {name}", url="", score=0.5, snippet="",
        highlights=(), position=position, translations=(), language_match=True,
    )  # fmt: skip


def found(action: str, *names: str) -> SearchOutcome:
    """What a search found, best first; an answer is the first one's."""
    hits = tuple(hit(name, position) for position, name in enumerate(names, 1))
    answer = Answer(f"Passage of {names[0]}.", names[0], ()) if action == "answer" else None
    return SearchOutcome(
        q="", detected_lang="en", lang_confidence=1.0, found=len(hits), hits=hits, facets={},
        decision=Decision(Action(action), 0.9, 0.9, (), calibrated=True), did_you_mean=None, snapshot="s",
        degraded=False, timings_ms={}, answer=answer,
    )  # fmt: skip


def ids(reply: Reply) -> list[str]:
    return [one.id for one in reply.hits]


ANSWERED = turn(NOTHING, "where is my order", found("answer", "a", "b", "c", "d"), "q1").conversation


def test_a_confident_answer_has_its_source() -> None:
    """And is remembered with its search and true position."""
    reply = turn(NOTHING, "where is my order", found("answer", "a", "b"), "q1")
    assert (reply.kind, reply.text, ids(reply), reply.say) == ("answer", "Passage of a.", ["a"], "")
    assert reply.conversation == Conversation(
        asked=(Asked("where is my order", "q1"),), shown=(Shown("a", "q1", 1),), last="answer"
    )


@pytest.mark.parametrize(("count", "offered"), [(2, 2), (3, 3), (7, 3)])
def test_what_is_less_sure_gives_choices(count: int, offered: int) -> None:
    """Two or three titles, the best ones."""
    names = [f"d{number}" for number in range(count)]
    reply = turn(NOTHING, "shipping", found("list", *names), "q1")
    assert (reply.kind, ids(reply), reply.abstained) == ("choices", names[:offered], False)


def test_nothing_found_offers_a_human_and_a_yes_takes_the_offer() -> None:
    """The closest articles would only stand in between."""
    reply = turn(NOTHING, "submarine", found("hand_over", "a", "b"), "q1")
    assert (reply.kind, ids(reply), reply.reason, reply.abstained) == ("offer_human", [], "missing_knowledge", True)
    assert question_of(reply.conversation, "yes please") is None
    assert turn(reply.conversation, "yes please", None).kind == "human"


def test_a_single_uncertain_title_stands_beside_the_offer() -> None:
    reply = turn(NOTHING, "shipping", found("list", "a"), "q1")
    assert (reply.kind, ids(reply), reply.say, reply.abstained) == ("offer_human", ["a"], "offer_beside", False)


def test_the_first_no_brings_others_and_the_second_a_human() -> None:
    """The others are of the same search, where they stood in it."""
    assert question_of(ANSWERED, "no") == Question("where is my order", "q1")
    first = turn(ANSWERED, "no", found("answer", "a", "b", "c", "d"), "q1")
    assert (first.kind, first.say, ids(first)) == ("choices", "other_choices", ["b", "c", "d"])
    assert [one.position for one in first.hits] == [2, 3, 4]
    assert first.vote is not None
    assert (first.vote.shown, first.vote.helpful) == (Shown("a", "q1", 1), False)
    assert question_of(first.conversation, "none of these") is None
    second = turn(first.conversation, "none of these", None)
    assert (second.kind, second.reason) == ("human", "low_confidence")
    assert second.conversation.refused == ("a", "b", "c", "d")
    assert second.conversation.noes == ENOUGH_NOES


def test_a_no_with_a_better_question_searches_for_that() -> None:
    assert question_of(ANSWERED, "No, I meant the robot") == Question("I meant the robot", "")
    reply = turn(ANSWERED, "No, I meant the robot", found("list", "a", "r", "s"), "q2")
    assert (reply.kind, ids(reply)) == ("choices", ["r", "s"])
    assert [one.text for one in reply.conversation.asked] == ["where is my order", "I meant the robot"]
    assert reply.conversation.noes == 1


@pytest.mark.parametrize("message", ["no", "nē, nepalīdzēja", "it doesn't work", "jā, palīdzēja", "yes", "👎"])
def test_a_no_or_yes_before_anything_was_said_is_asked_back(message: str) -> None:
    """There is nothing that it could be about, and no article that it names."""
    assert question_of(NOTHING, message) is None
    assert turn(NOTHING, message, None) == Reply("answer", "hello", NOTHING)


def test_a_no_with_a_question_before_anything_was_said_is_that_question() -> None:
    assert question_of(NOTHING, "no, the robot is lost") == Question("no, the robot is lost", "")


def test_of_what_was_refused_the_oldest_is_forgotten_first() -> None:
    """The state stays as small as the client may send it back."""
    full = Conversation(
        asked=(Asked("q", "q1"),),
        shown=(Shown("new", "q1", 1),),
        refused=tuple(map(str, range(MAX_SHOWN))),
        last="answer",
    )
    assert turn(full, "no", found("list", "a", "b"), "q1").conversation.refused == (*full.refused[1:], "new")


def test_a_yes_is_a_vote_and_forgives_the_nos() -> None:
    reply = turn(ANSWERED, "Yes, that worked!", None)
    assert (reply.kind, reply.say, reply.hits) == ("answer", "glad", ())
    assert reply.vote is not None
    assert reply.vote.helpful
    once = turn(ANSWERED, "no", found("list", "a"), "q1").conversation
    answered = turn(once, "another thing", found("answer", "z"), "q2").conversation
    assert (answered.noes, turn(answered, "yes", None).conversation.noes) == (1, 0)


def test_small_talk_is_short_and_changes_nothing() -> None:
    for message, say in [("thank you!", "thanks"), ("hello", "hello"), ("labdien", "hello")]:
        reply = turn(ANSWERED, message, None)
        assert (reply.kind, reply.say, reply.hits, reply.conversation) == ("answer", say, (), ANSWERED)
        assert question_of(ANSWERED, message) is None


OFFERED = turn(NOTHING, "submarine", found("hand_over", "a"), "q1").conversation
CHOOSING = turn(NOTHING, "shipping", found("list", "a", "b", "c", "d", "e"), "q1").conversation


@pytest.mark.parametrize("conversation", [NOTHING, ANSWERED, CHOOSING, OFFERED])
def test_who_says_only_that_something_is_wanted_is_asked_what(conversation: Conversation) -> None:
    """Not searched for, and no gap in what the articles say."""
    for message in ("I have a question", "Man ir problēma", "помогите", "Hilfe", "Can you help me?", "Mam pytanie."):
        assert question_of(conversation, message) is None
        reply = turn(conversation, message, None)
        assert (reply.say, reply.abstained, reply.conversation) == ("hello", False, conversation)


SMALL_TALK = {
    "no": ["no thank you", "nē pateicos", "ne dėkoju", "ei tänan", "нет благодарю", "nie dzięki", "nein vielen Dank"],
    "yes": ["yes thank you", "jā pateicos", "taip dėkoju", "jah tänan", "да благодарю", "tak dzięki", "ja vielen Dank"],
    "assent": ["ok", "Okay.", "ok thank you", "great", "labi", "labi, paldies", "gerai", "gerai ačiū", "hästi", "olgu",
               "хорошо", "хорошо, спасибо", "dobrze", "jasne", "gut", "alles klar", "please do", "nododiet",
               "perduokit", "andke edasi", "передайте", "przekażcie", "bitte weiterleiten", "mhm", "aha",
               "угу", "lūdzu", "bitte"],
    "thanks": ["thank you", "got it", "goodbye", "liels paldies", "skaidrs", "ačiū", "tänan", "selge", "спасибо",
               "понятно", "dzięki", "rozumiem", "danke", "verstanden"],
    "hello": ["hello", "labdien", "laba diena", "tere", "добрый день", "dzień dobry", "guten Tag"],
}  # fmt: skip
REPLIES = {
    "before anything": (NOTHING, {"yes": "hello", "assent": "thanks", "thanks": "thanks", "hello": "hello"}),
    "after an answer": (
        ANSWERED, {"no": "other_choices", "yes": "glad", "assent": "thanks", "thanks": "thanks", "hello": "hello"},
    ),
    "after choices": (
        CHOOSING, {"no": "other_choices", "yes": "which", "assent": "which", "thanks": "thanks", "hello": "hello"},
    ),
    "after the offer of a human": (
        OFFERED, {"no": "offer_again", "yes": "human", "assent": "human", "thanks": "thanks", "hello": "hello"},
    ),
    "after a human was called": (
        turn(OFFERED, "yes", None).conversation,
        {"no": "offer_again", "yes": "human", "assent": "thanks", "thanks": "thanks", "hello": "hello"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("state", REPLIES)
def test_small_talk_in_every_state_and_language(state: str) -> None:
    """Agreement such as "ok" is a yes to what the chat offers, and thanks elsewhere: it is no vote on an answer."""
    conversation, replies = REPLIES[state]
    votes = {"yes": True, "no": False} if state == "after an answer" else {}
    for kind, say in replies.items():
        for message in SMALL_TALK[kind]:
            for typed in (message, message.upper()):
                reply = turn(conversation, typed, found("list", "a", "b", "c", "d", "e"), "q1")
                assert reply.say == say, typed
                assert (reply.kind == "human") == (say == "human"), typed
                assert (reply.vote and reply.vote.helpful) == votes.get(kind), typed
                question = question_of(conversation, typed)
                assert question is None or question.query_id == "q1", typed  # no new search


@pytest.mark.parametrize(
    "message",
    ["jā, nododiet", "jā nododiet", "Jā, nododiet manu jautājumu!", "jap, lai skatās", "taip, perduokite",
     "taip perduokit klausimą", "jah, edastage", "jah palun, andke edasi", "да, передайте", "ага, передавайте вопрос",
     "да, пусть посмотрят", "tak, przekaż", "tak, niech się tym zajmie", "ja, bitte weiterleiten", "ja, machen Sie das",
     "yes please do", "Yes, let a person take it", "yes, my order is 1042", "yes, go ahead"],
)  # fmt: skip
def test_a_yes_in_more_words_takes_the_offer(message: str) -> None:
    """What stands beside the yes, the human reads."""
    assert question_of(OFFERED, message) is None
    assert turn(OFFERED, message, None).kind == "human"


@pytest.mark.parametrize(
    "message", ["this is useless", "tas ir stulbi!", "nesąmonė", "jama", "это бред", "bzdura", "so ein Mist"]
)
def test_anger_is_a_no(message: str) -> None:
    """Not a query; but a question beside it is one."""
    assert question_of(ANSWERED, message) == Question("where is my order", "q1")
    assert turn(ANSWERED, message, found("list", "a", "b", "c"), "q1").say == "other_choices"
    assert question_of(ANSWERED, f"{message}. Where is it?") == Question("Where is it", "")


SIGNS = {
    "ok": ["👍", "👍🏽", "❤️", "👌👌", "👍!!!"],
    "no": ["👎", "👎🏿!"],
    "none": ["?", "???", "…", "!!!", "?!", "- -", "___", "🤷", "."],
}
SIGN_REPLIES = {
    "before anything": (NOTHING, {"ok": "thanks", "no": "hello", "none": "hello"}),
    "after an answer": (ANSWERED, {"ok": "thanks", "no": "other_choices", "none": "hello"}),
    "after choices": (CHOOSING, {"ok": "which", "no": "other_choices", "none": "which"}),
    "after the offer of a human": (OFFERED, {"ok": "human", "no": "offer_again", "none": "hello"}),
}


@pytest.mark.parametrize("state", SIGN_REPLIES)
def test_a_message_without_a_word_is_small_talk(state: str) -> None:
    """A thumb is an "ok" or a no, and what says nothing at all is never searched for."""
    conversation, replies = SIGN_REPLIES[state]
    for kind, say in replies.items():
        for message in SIGNS[kind]:
            question = question_of(conversation, message)
            assert question is None or (kind == "no" and question.query_id == "q1"), message
            assert turn(conversation, message, found("list", "a", "b", "c", "d", "e"), "q1").say == say, message


def test_a_question_after_a_yes_is_not_lost() -> None:
    """Where titles are offered a yes chooses none of them, and who asks with a question mark asks."""
    for conversation, message in [(CHOOSING, "yes, but how do I reset it"), (OFFERED, "Yes, but how do I reset it? ")]:
        assert question_of(conversation, message) == Question("but how do I reset it", "")
        reply = turn(conversation, message, found("answer", "z"), "q2")
        assert (reply.text, reply.conversation.asked[-1].text) == ("Passage of z.", "but how do I reset it")
    assert question_of(OFFERED, "ok, how do I reset it") == Question("ok, how do I reset it", "")
    assert question_of(ANSWERED, "yes, but how do I reset it") == Question("yes, but how do I reset it", "")


def test_a_question_after_the_offer_is_a_question() -> None:
    """However it begins."""
    for message in ("no refund", "yes card payment", "ok button does not work", "gut lesbar", "labi redzams ekrāns"):
        assert question_of(OFFERED, message) == Question(message, "")
        assert turn(OFFERED, message, found("answer", "z"), "q2").text == "Passage of z."
    assert turn(OFFERED, "ok, no", found("list"), "q1").say == "offer_again"


def test_every_sentence_is_there_in_every_language() -> None:
    """The same keys, all of them used, none empty."""
    keys = set(load_texts("en"))
    assert keys == {
        "choices", "other_choices", "offer", "offer_again", "offer_beside", "human", "human_after_no", "glad", "which",
        "thanks", "hello",
    }  # fmt: skip
    for lang in LANGUAGES:
        assert set(load_texts(lang)) == keys
        assert all(text.strip() for text in load_texts(lang).values())


# ---- any conversation at all

names = st.text("abcdefgh", min_size=1, max_size=2)
shown = st.builds(Shown, id=names, query_id=st.sampled_from(["q1", "q2", ""]), position=st.integers(1, 1000))
asked = st.builds(Asked, text=st.text(max_size=9), query_id=st.sampled_from(["q1", "q2"]))
conversations = st.builds(
    Conversation,
    asked=st.lists(asked, max_size=MAX_ASKED).map(tuple),
    shown=st.lists(shown, max_size=MAX_SHOWN).map(tuple),
    refused=st.lists(names, max_size=MAX_SHOWN).map(tuple),
    noes=st.integers(0, ENOUGH_NOES),
    last=st.sampled_from(["", "answer", "choices", "offer_human", "human"]),
)  # fmt: skip
outcomes = st.builds(
    lambda action, given: found(action, *given),
    st.sampled_from(["answer", "list", "hand_over"]),
    st.lists(names, min_size=1, max_size=10, unique=True),
)
HUMAN = ("talk to a human", "gribu runāt ar cilvēku", "оператор", "sujunkite mane su konsultantu")
SAID = ("no", "yes", "thanks", "hello", "where is it", "No, the other one", "nepalīdzēja", "nein", *HUMAN)


@given(conversations, st.sampled_from(SAID) | st.text(min_size=1, max_size=30), outcomes)
def test_any_turn_is_sound(conversation: Conversation, message: str, outcome: SearchOutcome) -> None:
    """Whatever a client sends back: nothing refused is shown, and everything shown was found by this search."""
    question = question_of(conversation, message)
    reply = turn(conversation, message, outcome if question else None, (question and question.query_id) or "q9")
    after = reply.conversation
    assert set(ids(reply)) <= {one.id for one in outcome.hits} - set(conversation.refused)
    if question is None:
        assert reply.hits == ()
    assert len(reply.hits) in {"answer": (0, 1), "choices": (2, 3), "offer_human": (0, 1), "human": (0,)}[reply.kind]
    assert bool(reply.text) == (reply.kind == "answer" and bool(reply.hits))
    assert bool(reply.text) != bool(reply.say)
    assert bool(reply.reason) == (reply.kind in ("human", "offer_human"))
    assert len(after.asked) <= MAX_ASKED
    assert max(len(after.shown), len(after.refused)) <= MAX_SHOWN
    assert 0 <= after.noes <= ENOUGH_NOES


PIECES = ("no", "yes", ", ", "?", "_", "👍", "…", "б", "x", "\u200b")


@given(conversations, st.lists(st.sampled_from(PIECES)).map("".join))
def test_what_is_searched_for_has_a_word(conversation: Conversation, message: str) -> None:
    """As the engine demands of a new question."""
    question = question_of(conversation, message)
    again = [Question(one.text, one.query_id) for one in conversation.asked]
    assert question is None or question in again or sentences_of("", question.text)


@given(conversations, st.sampled_from(HUMAN))
def test_a_request_for_a_human_is_never_argued_with(conversation: Conversation, message: str) -> None:
    """At any moment: no search, no question back."""
    assert question_of(conversation, message) is None
    reply = turn(conversation, message, None)
    assert (reply.kind, reply.reason, reply.hits) == ("human", "customer_request", ())


@given(st.lists(st.tuples(st.sampled_from(["where is it", "thanks", "other", "no"]), outcomes), max_size=12))
def test_the_second_no_always_leads_to_a_human(said: list[tuple[str, SearchOutcome]]) -> None:
    """Whatever was asked, found and said in between, unless something helped; and what was refused stays away."""
    conversation, noes, refused = NOTHING, 0, set[str]()
    for number, (message, outcome) in enumerate(said):
        counts = message == "no" and bool(conversation.last)
        refuses = {one.id for one in conversation.open} if counts else set()
        question = question_of(conversation, message)
        query_id = (question and question.query_id) or f"q{number}"
        reply = turn(conversation, message, outcome if question else None, query_id)
        noes += counts
        refused |= refuses
        if counts and noes >= ENOUGH_NOES:
            assert reply.kind == "human"
        assert not refused & set(ids(reply))
        conversation = reply.conversation


@given(conversations, outcomes)
def test_a_new_question_is_always_answered_as_the_first_one(conversation: Conversation, outcome: SearchOutcome) -> None:
    """No state locks a customer out, not even after a human was called."""
    fresh = turn(NOTHING, "where is it", outcome, "q9")
    reply = turn(conversation, "where is it", outcome, "q9")
    if not set(conversation.refused) & {one.id for one in outcome.hits}:
        assert (reply.kind, ids(reply), reply.text) == (fresh.kind, ids(fresh), fresh.text)
