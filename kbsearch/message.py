"""What a message asks: each of its sentences is searched for, and what they found is put together. Pure.

Takes subject and body of a ticket, gives the sentences to search for, and of their outcomes one. As one query, the
story that a ticket tells drowns the question in it (benchmarks/tickets.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from kbsearch.chat.intents import Intent, closes, greets, read_intent
from kbsearch.text.normalise import normalise
from kbsearch.types import MAX_QUERY, Action, Hit, SearchOutcome

MOST_SENTENCES = 12
"""Each costs a search."""
LONGEST_SENTENCE = 12
"""Words. What is longer is mostly several sentences without the marks between them."""
PIECE, PIECE_STEP = 5, 3
"""Words of a piece of such a text, and from the beginning of one to that of the next, or more where there would be
too many pieces."""
LEAST_TOLD = 4
"""Searches that are left, where many sentences ask, for those that tell."""
ASKING = 1.5
"""What a sentence that asks counts, where one that tells counts 1."""

_END = re.compile(r"(?<=[.!?…])\s+|\n+")
# "el. paštas", "Nr. 5", "e.g. a card", "2. solis": goes on where no capital letter follows.
_NO_END = re.compile(r"\b(?:[^\W\d_]{1,3}|\d{1,4})\.$")
_LONGEST_SHORTENED = len("2026.")
_COMMA = re.compile(r"[,;](?!\d)")
_SMALL_TALK = frozenset({Intent.HELLO, Intent.HELP, Intent.THANKS})
_FEWEST_PIECES = 2
_ALONE = 2
"""Sentences at either end that are not put together with others."""
_LONGEST_TALK, _LONGEST_NAME = 8, 3
"""Words."""
_TALK_AT_ENDS = 6
"""Sentences at either end that may be small talk; a third of a millisecond each."""
_MOST_GREETINGS = 2
"""With a comma after each: "Hello, dear Anna,"."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of a message."""

    text: str
    asks: bool
    """It is the subject, ends with a question mark, or is all that is said."""
    cut: bool = False
    """It goes on, but is longer than a query may be."""


def sentences_of(subject: str, body: str) -> list[Sentence]:
    """The sentences to search for: those that ask first, at most `MOST_SENTENCES`, of which some are several sentences
    of a longer message; small talk and names below it left out."""
    about, said = _sentences([subject]), _sentences(list(_parts(body)))
    ends = [*said[:_TALK_AT_ENDS], *said[_TALK_AT_ENDS:][-_TALK_AT_ENDS:]]
    small_talk = {*filter(_is_small_talk, (*about, *ends)), *_names_below(ends)}
    if small_talk.issuperset((*about, *said)):  # then that is what there is
        small_talk.clear()
    about, said = ([text for text in texts if text not in small_talk] for texts in (about, said))
    found = [Sentence(text, asks=True) for text in about]
    most = _most_pieces(len(about), said)
    for text in said:
        asks = text.endswith("?")
        *pieces, last = _pieces(text, most)
        if not pieces:
            found.append(Sentence(text, asks=asks or len(said) == 1))
            continue
        if asks:
            found.append(Sentence(text, asks=True))
        found += [Sentence(piece, asks=False) for piece in pieces]
        found.append(Sentence(last, asks=asks))
    asking, telling = ([sentence for sentence in found if sentence.asks is asks] for asks in (True, False))
    asking = _fitted(asking, MOST_SENTENCES - min(len(telling), LEAST_TOLD))
    telling = _fitted(telling, MOST_SENTENCES - len(asking))
    different: dict[str, Sentence] = {}
    for sentence in (*asking, *telling):
        text = sentence.text[:MAX_QUERY]
        different.setdefault(text, Sentence(text, sentence.asks, cut=text != sentence.text))
    return list(different.values())


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
    if any(sentence.cut for sentence in sentences):
        reasons = (*decision.reasons, "The message is too long: not all of it was searched for.")
        decision = replace(decision, reasons=reasons)
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


def _parts(text: str) -> Iterator[str]:
    """What stands between the ends of sentences and lines."""
    start = 0
    for end in _END.finditer(text):
        shortened = _NO_END.search(text, max(start, end.start() - _LONGEST_SHORTENED), end.start())
        goes_on = shortened and not text[end.end() : end.end() + 1].isupper()
        if "\n" in end[0] or not goes_on:
            yield text[start : end.start()]
            start = end.end()
    yield text[start:]


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


def _is_long(text: str) -> bool:
    return text.count(" ") >= LONGEST_SENTENCE


def _most_pieces(about: int, said: Sequence[str]) -> int:
    """The pieces that each long sentence may be cut into, where all others are searched for, too."""
    long = [text for text in said if _is_long(text)]
    others = about + len(said) - len(long) + sum(text.endswith("?") for text in long)  # what asks is one whole, too
    return (MOST_SENTENCES - others) // len(long) if long else 1


def _pieces(text: str, most: int) -> list[str]:
    """The parts of a long text between commas, the long ones cut: some pieces that overlap, to the last word; the text
    whole, where only one piece is left to it."""
    if most < _FEWEST_PIECES or not _is_long(text):
        return [text]
    parts = [part for part in map(str.strip, _COMMA.split(text)) if part]
    most = max(_FEWEST_PIECES, most - len(parts) + 1)
    pieces = []
    for part in parts:
        words = part.split()
        if len(words) <= LONGEST_SENTENCE:
            pieces.append(part)
            continue
        length = max(PIECE, -(-len(words) // most))
        last = len(words) - length
        step = max(PIECE_STEP, -(-last // (most - 1)))
        pieces += [" ".join(words[start : start + length]) for start in (*range(0, last, step), last)]
    return pieces


def _fitted(sentences: Sequence[Sentence], most: int) -> list[Sentence]:
    """No more than so many, four at least: those in the middle put together, since most letters say what they want at
    one of their ends."""
    if len(sentences) <= most:
        return list(sentences)
    ends = min(_ALONE, (most - 1) // 2)
    middle = sentences[ends : len(sentences) - ends]
    groups = most - 2 * ends
    bounds = [len(middle) * number // groups for number in range(groups + 1)]
    together = [
        Sentence(" ".join(one.text for one in middle[start:stop]), asks=middle[start].asks)
        for start, stop in pairwise(bounds)
    ]
    return [*sentences[:ends], *together, *sentences[len(sentences) - ends :]]


def _is_small_talk(text: str) -> bool:
    if text.count(" ") >= _LONGEST_TALK:
        return False
    words = text.split()
    signed = any(_is_name(words[-count:]) and closes(" ".join(words[:-count])) for count in range(1, _LONGEST_NAME + 1))
    return signed or read_intent(text).intent in _SMALL_TALK


def _names_below(said: Sequence[str]) -> Iterator[str]:
    """The names in the lines below "Kind regards,"."""
    for before, text in pairwise(said):
        if _is_name(text.split()) and not before.endswith((".", "!", "?")) and closes(before):
            yield text


def _is_name(words: Sequence[str]) -> bool:
    return len(words) <= _LONGEST_NAME and all(word[0].isupper() for word in words)


def _merged(weights: Sequence[float], outcomes: Sequence[SearchOutcome]) -> tuple[Hit, ...]:
    """Each article once, by how probably its sentence is answered and how near it comes to the best hit of that; those
    of one sentence in their own order: what a rule pins, or is called just so, is as near as what follows it."""
    ranked: dict[str, tuple[float, Hit]] = {}
    for weight, outcome in zip(weights, outcomes, strict=True):
        reached = list(accumulate((hit.score for hit in reversed(outcome.hits)), max))[::-1]
        for hit, score in zip(outcome.hits, reached, strict=True):
            nearness = score / reached[0] if reached[0] else 1.0
            worth = weight * nearness**2
            if hit.group not in ranked or worth > ranked[hit.group][0]:
                ranked[hit.group] = worth, hit
    hits = [hit for _, hit in sorted(ranked.values(), key=lambda pair: (-pair[0], pair[1].position))]
    return tuple(replace(hit, position=position) for position, hit in enumerate(hits, start=1))
