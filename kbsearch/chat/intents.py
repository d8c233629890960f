"""What a message is: a question, a request for a human, yes, no, thanks, small talk, or no word at all. Pure.

By the patterns of words in `phrases/` (`patterns.py`), one file a language, all of them tried on every message:
customers write in another language than the page's. Case and diacritics do not count. `human` is looked for within a
clause, but not after a word of `others` ("how do agents talk to…", "without talking to…"); all other sections must fit
a whole clause, and every clause of the message must be one of them. Words of `polite` (courtesy, regret, emphasis:
"please", "unfortunately", "at all") may stand anywhere. A clause may be several noes or yeses ("yes that helped"). A no
may go on with one of `sought` ("that is not what I was looking for"), which says nothing by itself. `assent` ("ok") is
a yes to an offer that was just made, and thanks at any other time. A no, or a yes to an offer, is one with something
else after it, too. `help`, as `opening`, says that something is wanted, but not what.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

from kbsearch.chat.patterns import LANGUAGES, plain_words, read_patterns
from kbsearch.text.cyrillic import to_cyrillic
from kbsearch.text.keyboard import in_other_layout

_CLAUSE_END = re.compile(r"[!?;,:…\n]+|\.(?=\s|$)|\s[-–—]\s")
_NOD = re.compile("[👍👌❤✅🙏👏+]")
_SHAKE = re.compile("[👎❌]")
_KEYS_TELL = 3
"""Letters from which on it is no chance that another alphabet makes a phrase of them."""
_MOST_SAID = 3
"""Noes or yeses of one clause."""
_NEAR = 3
"""Words before a request among which one of `others` changes whom it is about."""


class Intent(StrEnum):
    """What a message is."""

    HUMAN = "human"
    NO = "no"
    YES = "yes"
    HELP = "help"
    """Something is wanted; what, is not said."""
    THANKS = "thanks"
    HELLO = "hello"
    NOTHING = "nothing"
    """Not a word: "???"."""
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Reading:
    """A message, read."""

    intent: Intent
    lang: str = ""
    """Language of the phrase that told; "" for questions and signs."""
    rest: str = ""
    """After a no, or a yes to an offer: what else was said, such as a better question."""


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The patterns of one language."""

    human: re.Pattern[str]
    others: frozenset[str]
    polite: re.Pattern[str]
    thanks: re.Pattern[str]
    assent: re.Pattern[str]
    sought: re.Pattern[str]
    closing: re.Pattern[str]
    whole: Mapping[Intent, re.Pattern[str]]


@lru_cache(maxsize=64)  # half a millisecond, and a turn asks more than once
def read_intent(message: str, *, offered: bool = False) -> Reading:
    """Tell what a message is; whatever is nothing else is a question.

    `offered`: it replies to an offer, of titles or of a human, so that "ok" is a yes. What would be a question is read
    as the same keys write it in the other alphabet, too, and as Russian in Latin letters: "jgthfnjh" and "operator" are
    "оператор".
    """
    if not any(map(str.isalnum, message)):
        return _read_signs(message, offered)
    reading = _read(message, offered)
    if reading.intent is Intent.QUESTION and len(message) >= _KEYS_TELL:
        others = (in_other_layout(message), to_cyrillic(message.lower()) if message.isascii() else "")
        read = (_read(other, offered) for other in others)
        return next((other for other in read if other.intent is not Intent.QUESTION), reading)
    return reading


def greets(words: str) -> bool:
    """Whether this is a greeting, or how somebody is addressed ("dear"), in any language."""
    plain = plain_words(words)
    return any(load_phrases(lang).whole[Intent.HELLO].fullmatch(plain) for lang in LANGUAGES)


def closes(words: str) -> bool:
    """Whether this is thanks or regards, as at the end of a letter, in any language."""
    plain = plain_words(words)
    return any(load_phrases(lang).closing.fullmatch(plain) for lang in LANGUAGES)


@cache
def load_phrases(lang: str) -> _Phrases:
    """Make one language's patterns ready; a tenth of a second."""
    read = read_patterns(lang)

    def within(section: str) -> re.Pattern[str]:
        return re.compile(rf"(?:^|(?<= )){read.any_of(section)}(?= |$)")

    def repeated(section: str) -> str:
        one = read.any_of(section)
        return f"{one}(?: {one}){{0,{_MOST_SAID - 1}}}"

    return _Phrases(
        human=within("human"),
        others=frozenset(" ".join(read.lines["others"]).split()),
        polite=within("polite"),
        thanks=within("thanks"),
        assent=re.compile(read.any_of("assent")),
        sought=re.compile(read.any_of("sought")),
        closing=re.compile(read.any_of("closing")),
        whole={
            Intent.HUMAN: re.compile(read.any_of("human alone")),
            Intent.NO: re.compile(f"{repeated('no')}(?: {read.any_of('sought')})?"),
            Intent.YES: re.compile(repeated("yes")),
            Intent.HELP: re.compile(read.any_of("help", "opening")),
            Intent.THANKS: re.compile(read.any_of("thanks", "assent", "closing")),
            Intent.HELLO: re.compile(read.any_of("hello")),
        },
    )


def _read_signs(message: str, offered: bool) -> Reading:
    """Read a message without a word; a thumb is worth an "ok" or a no."""
    if _SHAKE.search(message):
        return Reading(Intent.NO)
    if _NOD.search(message):
        return Reading(Intent.YES if offered else Intent.THANKS)
    return Reading(Intent.NOTHING)


def _read(message: str, offered: bool) -> Reading:
    """Read the letters as they stand."""
    clauses = [(clause, plain_words(clause)) for clause in _CLAUSE_END.split(message)]
    clauses = [(clause, plain) for clause, plain in clauses if plain]
    for lang in LANGUAGES:
        if any(_asks_for_human(plain, load_phrases(lang)) for _, plain in clauses):
            return Reading(Intent.HUMAN, lang)
    said: list[Reading | None] = []
    for _, plain in clauses:
        before = said[-1] if said else None
        goes_on = before and before.intent is Intent.NO and load_phrases(before.lang).sought.fullmatch(plain)
        said.append(before if goes_on else _whole_clause(plain, offered))
    if clauses and all(reading is not None for reading in said):
        # In the order of the enumeration: "No, thanks. A human please." is a request for a human.
        return min((reading for reading in said if reading), key=lambda reading: list(Intent).index(reading.intent))
    first = _whole_clause(clauses[0][1], offered=False) if clauses else None  # "ok" may begin anything
    if first and (first.intent is Intent.NO or (offered and first.intent is Intent.YES)):
        rest = " ".join(clause.strip() for (clause, _), reading in zip(clauses, said, strict=True) if reading is None)
        return Reading(first.intent, first.lang, rest)
    return Reading(Intent.QUESTION)


def _asks_for_human(plain: str, phrases: _Phrases) -> bool:
    for words in (plain, _without_polite(plain, phrases)):
        for found in phrases.human.finditer(words):
            before = words[: found.start()].split()[-_NEAR:]
            if not phrases.others.intersection(before):
                return True
    return False


def _without_polite(plain: str, phrases: _Phrases) -> str:
    """What is left of a clause without its "please" and "now"."""
    return " ".join(phrases.polite.sub(" ", plain).split())


def _whole_clause(plain: str, offered: bool) -> Reading | None:
    """What a clause is as a whole; None for anything that wants to be searched for."""
    readings = []
    for lang in LANGUAGES:
        phrases = load_phrases(lang)
        bare = _without_polite(plain, phrases)
        patterns = list(phrases.whole.items())
        if offered:
            patterns.append((Intent.YES, phrases.assent))
        readings += [
            Reading(intent, lang)
            for intent, pattern in patterns
            if pattern.fullmatch(plain) or (bare and pattern.fullmatch(bare))
        ]
        if not bare:  # "please" or "hi"; but "hi thanks" is thanks
            readings.append(Reading(Intent.THANKS if phrases.thanks.search(plain) else Intent.HELLO, lang))
    return min(readings, key=lambda reading: list(Intent).index(reading.intent), default=None)
