"""What a message asks: each of its sentences is searched for, and what they found is put together. Pure.

Takes subject and body of a ticket, gives the sentences to search for, and of their outcomes one. As one query, the
story that a ticket tells drowns the question in it (benchmarks/tickets.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kbsearch.chat.intents import Intent, read_intent
from kbsearch.text.normalise import normalise
from kbsearch.types import MAX_QUERY, Action, Hit, SearchOutcome

MOST_SENTENCES = 8
"""Each costs a search."""
ASKING = 1.5
"""What a sentence that asks counts, where one that tells counts 1."""

_END = re.compile(r"(?<=[.!?…])\s+|\n+")
# "Hello," "Dear Anna," before a sentence.
_ADDRESS = re.compile(r"\w+(?: \w+)?, +(?=\w)")
_SMALL_TALK = frozenset({Intent.HELLO, Intent.THANKS})
_LONGEST_TALK = 5
"""Words."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of a message."""

    text: str
    asks: bool
    """It is the subject, ends with a question mark, or is all that is said."""


def sentences_of(subject: str, body: str) -> list[Sentence]:
    """The sentences to search for: those that ask first, at most `MOST_SENTENCES`; greetings and thanks left out."""
    about, said = _sentences([subject]), _sentences(_END.split(body))
    small_talk = set(filter(_is_small_talk, (*about, *said)))
    if small_talk.issuperset((*about, *said)):  # then that is what there is
        small_talk.clear()
    about, said = ([text for text in texts if text not in small_talk] for texts in (about, said))
    found = [Sentence(text, asks=True) for text in about]
    found += [Sentence(text, asks=text.endswith("?") or len(said) == 1) for text in said if text not in about]
    found.sort(key=lambda sentence: not sentence.asks)
    return found[:MOST_SENTENCES]


def together(
    sentences: Sequence[Sentence], outcomes: Sequence[SearchOutcome], limit: int, offset: int = 0
) -> SearchOutcome:
    """One outcome: that of the sentence that is most probably answered, with what the others found among its hits.

    A sentence that only tells something is no question, however well an article fits it: its answer is listed.
    Outcomes are aligned with sentences, of which there is at least one.
    """
    weights = [
        outcome.decision.probability * (ASKING if sentence.asks else 1.0)
        for sentence, outcome in zip(sentences, outcomes, strict=True)
    ]
    best = max(range(len(weights)), key=weights.__getitem__)
    outcome, decision = outcomes[best], outcomes[best].decision
    if decision.action is Action.ANSWER and not sentences[best].asks:
        decision = replace(decision, action=Action.LIST, reasons=("The message says it without asking.",))
    return replace(
        outcome,
        hits=_merged(weights, outcomes)[offset : offset + limit],
        decision=decision,
        answer=outcome.answer if decision.action is Action.ANSWER else None,
        degraded=any(each.degraded for each in outcomes),
        timings_ms={
            stage: sum(each.timings_ms.get(stage, 0.0) for each in outcomes)
            for stage in dict.fromkeys(stage for each in outcomes for stage in each.timings_ms)
        },
        words_found=any(each.words_found for each in outcomes),
    )


def _sentences(pieces: Sequence[str]) -> list[str]:
    """Pieces with a word in them, without whom they address and without repetitions."""
    texts = (_ADDRESS.sub("", normalise(piece), count=1)[:MAX_QUERY] for piece in pieces)
    return [text for text in dict.fromkeys(texts) if any(map(str.isalnum, text))]


def _is_small_talk(text: str) -> bool:
    return text.count(" ") < _LONGEST_TALK and read_intent(text).intent in _SMALL_TALK


def _merged(weights: Sequence[float], outcomes: Sequence[SearchOutcome]) -> tuple[Hit, ...]:
    """Each article once, by how probably its sentence is answered and how near it comes to the first hit of that."""
    ranked: dict[str, tuple[float, Hit]] = {}
    for weight, outcome in zip(weights, outcomes, strict=True):
        for hit in outcome.hits:
            nearness = hit.score / outcome.hits[0].score if outcome.hits[0].score else 1.0
            worth = weight * nearness**2
            if hit.group not in ranked or worth > ranked[hit.group][0]:
                ranked[hit.group] = worth, hit
    hits = [hit for _, hit in sorted(ranked.values(), key=lambda pair: -pair[0])]
    return tuple(replace(hit, position=position) for position, hit in enumerate(hits, start=1))
