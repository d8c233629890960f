"""What a message is, in seven languages: the phrases as data, and nothing that only resembles one."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsearch.chat.intents import Intent, load_phrases, read_intent
from kbsearch.chat.patterns import LANGUAGES
from kbsearch.text.keyboard import in_other_layout
from kbsearch.text.normalise import fold

HERE = Path(__file__).parent
MESSAGES = [
    tuple(part.strip() for part in line.split("|"))
    for line in (HERE / "messages.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
QUESTIONS = HERE.parents[1] / "sample_kb" / "questions.jsonl"


def without_diacritics(text: str) -> str:
    """As typed on a keyboard without them; й and ё are letters, not marks."""
    kept = text.replace("й", "\0").replace("ł", "l").replace("Ł", "L")
    bare = "".join(c for c in unicodedata.normalize("NFD", kept) if not unicodedata.combining(c))
    return bare.replace("\0", "й")


@pytest.mark.parametrize(("lang", "intent", "message"), MESSAGES, ids=[f"{m[0]}-{m[2]}" for m in MESSAGES])
def test_a_message_is_read(lang: str, intent: str, message: str) -> None:
    """As it stands, in capitals, and without diacritics."""
    for typed in (message, message.upper(), without_diacritics(message)):
        assert read_intent(typed).intent == intent, typed


@pytest.mark.parametrize(("lang", "intent", "message"), MESSAGES, ids=[f"{m[0]}-{m[2]}" for m in MESSAGES])
def test_keys_of_the_other_alphabet_are_read(lang: str, intent: str, message: str) -> None:
    """Whoever wants a human need not find out first how his keyboard is set. "no" and "да" may be other words there."""
    typed = in_other_layout(fold(message))
    assert read_intent(typed).intent == (intent if len(typed) > 2 else "question"), typed


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_is_covered(lang: str) -> None:
    """Fifty requests for a human and fifty questions, many of which only resemble one, at least."""
    rows = [intent for of, intent, _ in MESSAGES if of == lang]
    assert rows.count("human") >= 50
    assert rows.count("question") >= 50
    assert {"no", "yes", "help", "thanks", "hello"} < set(rows)


def test_no_question_of_the_sample_is_taken_for_anything_else() -> None:
    """Hundreds of real questions in three languages; nobody asks for a human, says no or greets in them."""
    questions = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    wrong = {(q["query"], str(read_intent(q["query"]).intent)) for q in questions} - {
        (q["query"], "question") for q in questions
    }
    assert len(questions) > 500
    assert wrong == set()


def test_what_was_refused_long_before_a_request_changes_nothing() -> None:
    """The word before it tells whom it is about; one at the beginning of a long sentence does not."""
    assert read_intent("I do not want to connect to an agent").intent is Intent.QUESTION
    assert read_intent("I do not know what else to try here so connect me to an agent").intent is Intent.HUMAN


def test_a_no_keeps_what_else_was_said() -> None:
    """The better question that follows it."""
    reading = read_intent("No, I meant the blue robot. It does not turn left!")
    assert (reading.intent, reading.rest) == (Intent.NO, "I meant the blue robot It does not turn left")
    assert read_intent("nothing works").intent is Intent.QUESTION


@pytest.mark.parametrize("message", ["nav tas, ko es meklēju", "это не то, что мне нужно", "that is not what I need"])
def test_what_only_finishes_a_no_is_not_searched_for(message: str) -> None:
    """Whatever follows it is."""
    assert read_intent(message) == read_intent(message.split(",")[0])
    assert read_intent(f"{message}. LUMI X4?").rest == "LUMI X4"


@given(st.text(max_size=80))
def test_any_text_can_be_read(message: str) -> None:
    """Whatever is typed is one of the eight; case never counts."""
    assert read_intent(message).intent in Intent
    if message.isascii():
        assert read_intent(message).intent is read_intent(message.upper()).intent


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_files_are_whole(lang: str) -> None:
    """Every section has phrases."""
    phrases = load_phrases(lang)
    assert set(phrases.whole) == set(Intent) - {Intent.NOTHING, Intent.QUESTION}
    assert all(pattern.pattern != "(?:)" for pattern in phrases.whole.values())
    assert phrases.assent.pattern != "(?:)"
    assert phrases.sought.pattern != "(?:)"
    assert phrases.closing.pattern != "(?:)"
    assert phrases.others


@pytest.mark.parametrize(
    "message",
    ["hochu pogovorit s chelovekom", "hochu cheloveka", "hochu operatora", "pozovite cheloveka", "NUZHEN OPERATOR",
     "soedinite s operatorom", "perezvonite mne"],
)  # fmt: skip
def test_russian_in_latin_letters_is_read(message: str) -> None:
    """Soft signs are left out there."""
    assert read_intent(message).intent is Intent.HUMAN


def test_many_repetitions_are_read_at_once() -> None:
    """A clause may be several noes, but no pattern is tried in all ways that there are to part them."""
    assert read_intent("no " * 200 + "charge").intent is Intent.QUESTION
    assert read_intent("ei " * 200 + "tea").intent is Intent.QUESTION
