"""What a message asks: each of its sentences is searched for, and what they found is put together. Pure.

Takes subject and body of a ticket, gives the sentences to search for, and of their outcomes one. As one query, the
story that a ticket tells drowns the question in it (benchmarks/tickets.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kbsearch.chat.intents import Intent, greets, read_intent
from kbsearch.text.normalise import normalise
from kbsearch.types import MAX_QUERY, Action, Hit, SearchOutcome

MOST_SENTENCES = 12
"""Each costs a search."""
LONGEST_SENTENCE = 12
"""Words. What is longer is mostly several sentences without the marks between them."""
PIECE, PIECE_STEP = 5, 3
"""Words of a piece of such a text, and from the beginning of one to that of the next, or more where it is so long that
`MOST_SENTENCES` pieces would not reach its end."""
ASKING = 1.5
"""What a sentence that asks counts, where one that tells counts 1."""

_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_COMMA = re.compile(r"[,;](?!\d)")
_SMALL_TALK = frozenset({Intent.HELLO, Intent.THANKS})
_LONGEST_TALK = 5
"""Words."""
_MOST_GREETINGS = 2
"""With a comma after each: "Hello, dear Anna,"."""


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
    for text in said:
        asks = text.endswith("?")
        *pieces, last = _pieces(text)
        if not pieces:
            found.append(Sentence(text, asks=asks or len(said) == 1))
            continue
        if asks:
            found.append(Sentence(text, asks=True))
        found += [Sentence(piece, asks=False) for piece in pieces]
        found.append(Sentence(last, asks=asks))
    found.sort(key=lambda sentence: not sentence.asks)
    different: dict[str, Sentence] = {}
    for sentence in found:
        different.setdefault(sentence.text[:MAX_QUERY], sentence)
    return [Sentence(text, sentence.asks) for text, sentence in list(different.items())[:MOST_SENTENCES]]


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
    hits = _merged(weights, outcomes)
    return replace(
        outcome,
        found=max(outcome.found, len(hits)),
        hits=hits[offset : offset + limit],
        decision=decision,
        answer=outcome.answer if decision.action is Action.ANSWER else None,
        degraded=any(each.degraded for each in outcomes),
        timings_ms={
            stage: sum(each.timings_ms.get(stage, 0.0) for each in outcomes)
            for stage in dict.fromkeys(stage for each in outcomes for stage in each.timings_ms)
        },
        words_found=any(each.words_found for each in outcomes),
    )


def _sentences(texts: Sequence[str]) -> list[str]:
    """Texts with a word in them, without whom they address and without repetitions."""
    left = (_without_greeting(text) for text in map(normalise, texts) if text)
    return [text for text in dict.fromkeys(left) if any(map(str.isalnum, text))]


def _without_greeting(text: str) -> str:
    """What follows "Labdien," or "Dear Anna,"; other greetings a search leaves out itself (`courtesy.py`)."""
    for _ in range(_MOST_GREETINGS):
        greeting, comma, rest = text.partition(", ")
        if not comma or not (greets(greeting) or greets(greeting.rpartition(" ")[0])):
            break
        text = rest
    return text


def _pieces(text: str) -> list[str]:
    """The parts of a text between commas, the long ones cut: some pieces that overlap, to the last word."""
    if text.count(" ") < LONGEST_SENTENCE:
        return [text]
    pieces = []
    for part in filter(None, map(str.strip, _COMMA.split(text))):
        words = part.split()
        if len(words) <= LONGEST_SENTENCE:
            pieces.append(part)
            continue
        last = len(words) - PIECE
        step = max(PIECE_STEP, -(-last // (MOST_SENTENCES - 1)))
        pieces += [" ".join(words[start : start + PIECE]) for start in (*range(0, last, step), last)]
    return pieces


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
