"""One turn of a chat: what is so far, what is said and what a search found give the reply. A pure state machine.

A question is answered, or two or three titles are offered, or a human is. What was refused is never shown again; the
second no leads to a human. Who asks for a human gets one at once: no search, no question back. Nothing is ever locked:
after every reply, the last one too, a new question is answered as the first one was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kbsearch.chat.intents import Intent, Reading, read_intent
from kbsearch.chat.state import ENOUGH_NOES, MAX_ASKED, MAX_SHOWN, Asked, Conversation, Kind, Shown
from kbsearch.types import Action, Hit, SearchOutcome

FEWEST_CHOICES, MOST_CHOICES = 2, 3


@dataclass(frozen=True, slots=True)
class Question:
    """What to search for before a turn."""

    text: str
    query_id: str
    """The search that this one goes on with, after a no; "" for a new one."""


@dataclass(frozen=True, slots=True)
class Vote:
    """Whether an article that was shown as the answer helped."""

    shown: Shown
    helpful: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, and the chat from here on."""

    kind: Kind
    say: str
    """Key of the sentence to say (kbsearch/chat/messages); "" where `text` says it."""
    conversation: Conversation
    text: str = ""
    """The passage that answers."""
    hits: tuple[Hit, ...] = ()
    """What is shown: the source of an answer, or the choices."""
    reason: str = ""
    """Why a human is offered or asked for: one of the hand-over contract's reasons."""
    vote: Vote | None = None
    abstained: bool = False
    """True where a new question found nothing to show."""


def question_of(conversation: Conversation, message: str) -> Question | None:
    """What `turn` needs searched for; None where it needs nothing."""
    reading = _read(conversation, message)
    if reading.intent is Intent.QUESTION:
        return Question(reading.rest or message, "")
    if reading.intent is Intent.NO and conversation.noes + 1 < ENOUGH_NOES:
        if reading.rest:
            return Question(reading.rest, "")
        if conversation.asked and conversation.open:
            return Question(conversation.asked[-1].text, conversation.asked[-1].query_id)
    return None


def turn(conversation: Conversation, message: str, outcome: SearchOutcome | None, query_id: str = "") -> Reply:
    """Answer a message.

    `outcome`, `query_id`: of the search for `question_of`; needed where that is not None, ignored elsewhere.
    """
    reading = _read(conversation, message)
    match reading:
        case Reading(intent=Intent.HUMAN):
            return _human(conversation, "human", "customer_request")
        case Reading(intent=Intent.NO, rest=rest):
            return _refused(conversation, rest, outcome, query_id)
        case Reading(intent=Intent.YES):
            return _agreed(conversation)
        case Reading(intent=Intent.THANKS):
            return Reply("answer", "thanks", conversation)
        case Reading(intent=Intent.HELLO | Intent.HELP):
            return Reply("answer", "hello", conversation)
        case Reading(intent=Intent.NOTHING):
            return Reply("answer", "which" if conversation.last == "choices" else "hello", conversation)
    return _answered(conversation, reading.rest or message, outcome, query_id)


def spoken_language(message: str) -> str:
    """The language that a message is surely in, one of `patterns.LANGUAGES`; "" for questions, which a search tells."""
    return read_intent(message, offered=True).lang


def _read(conversation: Conversation, message: str) -> Reading:
    reading = read_intent(message, offered=conversation.last in ("choices", "offer_human"))
    if reading.intent is Intent.NO and not conversation.last:
        # Nothing was said yet that it could refuse, and of what does not work nothing is known.
        return Reading(Intent.QUESTION if reading.rest else Intent.HELP)
    asks = conversation.last == "choices" or message.rstrip().endswith("?")
    if reading.intent is Intent.YES and reading.rest and asks:
        # "Yes, but how do I ..."; what else is said with a yes to a human, that human reads.
        return Reading(Intent.QUESTION, rest=reading.rest)
    return reading


def _answered(conversation: Conversation, text: str, outcome: SearchOutcome | None, query_id: str) -> Reply:
    """Reply to a new question."""
    asked = (*conversation.asked, Asked(text, query_id))[-MAX_ASKED:]
    conversation = replace(conversation, asked=asked)
    if outcome is None or outcome.decision.action is Action.HAND_OVER:
        return _offer(conversation, "offer", "missing_knowledge", abstained=True)
    hits = _unrefused(conversation, outcome)
    answer = outcome.answer
    source = next((hit for hit in hits if answer and hit.id == answer.document_id), None)
    if answer and source:
        shown = _showing(conversation, [source], query_id, "answer")
        return Reply("answer", "", shown, text=answer.text, hits=(source,))
    if len(hits) < FEWEST_CHOICES:
        return _offer(conversation, "offer", "low_confidence", hits=hits, query_id=query_id, abstained=not hits)
    return _choices(conversation, "choices", hits, query_id)


def _refused(conversation: Conversation, rest: str, outcome: SearchOutcome | None, query_id: str) -> Reply:
    """Reply to a no: what was shown is out, other hits of the same search come, or what was asked instead."""
    vote = _vote(conversation, helpful=False)
    refused = (*conversation.refused, *(one.id for one in conversation.open))[-MAX_SHOWN:]
    noes = conversation.noes + 1
    had = conversation.open
    conversation = replace(conversation, refused=refused, noes=min(noes, ENOUGH_NOES))
    if noes >= ENOUGH_NOES:
        return replace(_human(conversation, "human_after_no", "low_confidence"), vote=vote)
    if rest:
        return replace(_answered(conversation, rest, outcome, query_id), vote=vote)
    hits = _unrefused(conversation, outcome) if had and outcome else ()
    if len(hits) < FEWEST_CHOICES:
        return replace(_offer(conversation, "offer_again", "low_confidence", hits=hits, query_id=query_id), vote=vote)
    return replace(_choices(conversation, "other_choices", hits, query_id), vote=vote)


def _agreed(conversation: Conversation) -> Reply:
    if conversation.last == "offer_human":
        return _human(conversation, "human", "missing_knowledge")
    if conversation.last == "human":
        return _human(conversation, "human", "customer_request")
    if conversation.last == "choices":
        return Reply("answer", "which", conversation)
    if conversation.last == "answer":
        return Reply("answer", "glad", replace(conversation, noes=0), vote=_vote(conversation, helpful=True))
    return Reply("answer", "hello", conversation)


def _vote(conversation: Conversation, *, helpful: bool) -> Vote | None:
    """A vote on the answer, where the last reply was one."""
    if conversation.last != "answer" or not conversation.open:
        return None
    return Vote(conversation.open[-1], helpful)


def _human(conversation: Conversation, say: str, reason: str) -> Reply:
    return Reply("human", say, replace(conversation, last="human"), reason=reason)


def _offer(
    conversation: Conversation,
    say: str,
    reason: str,
    *,
    hits: tuple[Hit, ...] = (),
    query_id: str = "",
    abstained: bool = False,
) -> Reply:
    after = _showing(conversation, hits, query_id, "offer_human")
    return Reply("offer_human", "offer_beside" if hits else say, after, hits=hits, reason=reason, abstained=abstained)


def _choices(conversation: Conversation, say: str, hits: Sequence[Hit], query_id: str) -> Reply:
    offered = tuple(hits[:MOST_CHOICES])
    return Reply("choices", say, _showing(conversation, offered, query_id, "choices"), hits=offered)


def _showing(conversation: Conversation, hits: Sequence[Hit], query_id: str, last: Kind) -> Conversation:
    shown = (*conversation.shown, *(Shown(hit.id, query_id, hit.position) for hit in hits))[-MAX_SHOWN:]
    return replace(conversation, shown=shown, last=last)


def _unrefused(conversation: Conversation, outcome: SearchOutcome) -> tuple[Hit, ...]:
    return tuple(hit for hit in outcome.hits if hit.id not in conversation.refused)
