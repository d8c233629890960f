"""Which piece of an article is cut out as the answer, and where it begins and ends."""

from __future__ import annotations

import pytest

from indexer.pipeline import build
from kbsearch.answer import extract
from kbsearch.answering import Asked, AskedPassage, best_place, cut_out, grown, sentences_of
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.engine import Engine
from kbsearch.snapshot import open_snapshot
from kbsearch.types import Action, Answer, Decision, SearchRequest
from kbsearch.understand import likely_languages, understand

ARTICLE = """---
id: declined.en
lang: en
title: "Payment failed: P-104, P-117, PROMO-22"
---

| Code | Cause | What to do |
|---|---|---|
| P-104 | Too little money on the card | Top up when the payment failed |
| P-117 | The bank said no | Ask it |
| PROMO-22 | The basket is too small | Add items |

In 22 hours the order is dropped.

## By letter

| Code | Cause |
|---|---|
| X1 | Stamp missing |
| X2 | Address missing |
"""
STEPS = "Do this:\n1. Open it. Wait.\n2. Press the button. It is red.\n3. Close it."
TABLE = "Paid with: Back within\nGift card: At once\nCard: 5 days"
BULLETS = "You need:\n- a box.\n- a label.\n- tape."
LIGHTS = "Light: Red; Meaning: No net; Do: Wait\nLight: Blue; Meaning: All well; Do: Nothing"
QUESTIONS = "How long? Three years.\nIn parts? No."

WARRANTY = """All that we sell has a 2-year warranty.

## How long it takes

A repair takes 15 days. See **Warranty**.

## If it does not charge

Clean the strips.

### Still dead

Write to us about its age, which is 2 years.
"""
GARANTIJA = """Garantija ir divi gadi.

## Remonts

Remonts ilgst 15 dienas.

## Uzlāde

Notīriet kontaktus, ja neuzlādējas.
"""
ARTICLES = {
    "warranty.en": ("Warranty", WARRANTY),
    "warranty.lv": ("Garantija", GARANTIJA),
    "lamp.en": ("Lamp", "L7 asks for a new bulb.\n\n## Waiting\n\nL9 asks for patience."),
    "lamp.lv": ("Lampa", "| Kods | Ko darīt |\n|---|---|\n| L7 | Nomainiet |\n| L9 | Gaidiet |"),
    "code.lv": ("Kļūdas", "| Kods | Ko darīt |\n|---|---|\n| E7 | Iztīriet |\n| E9 | Gaidiet |\n\nAlexa to nedzird."),
}
THREAD = """**Question**

*Rasa, owner*

My purifier ticks at night.

**Reply** – Jonas

Mine ticks at night too.

{}

Foam was left inside. Take it out.

**Reply**: Rasa

Found it, no tick at night any more!
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("codes")
    (folder / "declined.md").write_text(ARTICLE, encoding="utf-8")
    build([folder], folder / "index", embedder=HashingEmbedder())
    return Engine(open_snapshot(folder / "index"), HashingEmbedder())


@pytest.fixture(scope="module")
def help_centre(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Articles with sections and translations, and threads of a forum."""
    folder = tmp_path_factory.mktemp("sections")
    threads = {
        "marked": THREAD.format("**Accepted answer** — Ieva, support"),
        "headed": THREAD.format("## ✔ Best answer").replace("**Reply**:", "## Reply:"),
        "lithuanian": THREAD.format("**Priimtas atsakymas**").replace("Reply", "Atsakymas"),
        "unmarked": THREAD.format("**Reply**"),
    }
    documents = {name: ("article", *parts) for name, parts in ARTICLES.items()}
    documents |= {f"{name}.en": ("forum", f"Purifier {name}", body) for name, body in threads.items()}
    for name, (kind, title, body) in documents.items():
        group, lang = name.split(".")
        front = f"---\nid: {name}\ngroup: {group}\nlang: {lang}\ntype: {kind}\ntitle: {title}\n---\n\n"
        (folder / f"{name}.md").write_text(front + body, encoding="utf-8")
    build([folder], folder / "index", embedder=HashingEmbedder())
    return Engine(open_snapshot(folder / "index"), HashingEmbedder())


def extracted(engine: Engine, text: str, document: str, lang: str) -> Answer | None:
    """The answer from a document, all of whose group may be seen."""
    snapshot, lexicon = engine._snapshot, engine._lexicon
    query = understand(text, {lang: 0.8, document.rpartition(".")[2]: 0.2}, lang, lexicon)
    number = snapshot.number_of(document)
    assert number is not None
    members = snapshot.group_members(int(snapshot.document_group[number])).tolist()
    return extract(snapshot, query, lexicon, number, snapshot.passages_of(number).start, members)


def answer(engine: Engine, text: str, document: str = "declined.en", lang: str = "en") -> str:
    found = extracted(engine, text, document, lang)
    assert found is not None
    return found.text


@pytest.mark.parametrize("code", ["P-117", "p117", "P 117"])
def test_a_code_is_answered_by_its_row_alone(engine: Engine, code: str) -> None:
    """However much of what is told around it the other rows hold, and though the title lists it."""
    assert answer(engine, f"Payment failed (code {code})") == (
        "Code: P-117; Cause: The bank said no; What to do: Ask it"
    )
    assert answer(engine, "what is X2") == "X2: Address missing"


@pytest.mark.parametrize("code", ["PROMO-22", "promo22", "PROMO 22"])
def test_a_word_and_a_number_are_a_code_where_the_article_joins_them(engine: Engine, code: str) -> None:
    """And a word and a number where it does not."""
    assert answer(engine, f"error {code}").startswith("Code: PROMO-22; ")
    assert "In 22 hours" in answer(engine, "order 22 hours")


@pytest.mark.parametrize(
    ("text", "sentence", "length", "expected"),
    [
        ("One. Two. Three.", "Two.", 9, "One. Two."),
        ("A line.\nThe first. The second.\nMore.", "The second.", 22, "The first. The second."),
        (STEPS, "2. Press the button.", 46, "1. Open it. Wait.\n2. Press the button."),
        (STEPS, "2. Press the button.", 35, "2. Press the button. It is red."),
        (STEPS, "2. Press the button.", 200, STEPS),
        (STEPS, "It is red.", 35, "2. Press the button. It is red."),
        (STEPS, "It is red.", 12, "It is red."),
        (f"{STEPS}\nThen rest.", "Then rest.", 50, "Then rest."),
        (TABLE, "Card: 5 days", 60, TABLE),
        (f"{TABLE}\nIf not, write.", "If not, write.", 40, "If not, write."),
        (STEPS, "3. Close it.", 45, "2. Press the button. It is red.\n3. Close it."),
        (BULLETS, "- tape.", 45, BULLETS),
        (BULLETS, "- tape.", 20, "- a label.\n- tape."),
        (f"{BULLETS}\nThen send it.", "Then send it.", 35, "Then send it."),
        (LIGHTS, "Light: Blue; Meaning: All well; Do: Nothing", 90, LIGHTS),
        (QUESTIONS, "In parts?", 36, QUESTIONS),
        (QUESTIONS, "In parts?", 35, "In parts? No."),
        ("Yes.\nHow long? Two days.", "Yes.", 15, "Yes."),
        ("Yes.\nYou need:\n- a box.", "Yes.", 15, "Yes."),
        ("Yes.\nHow long?", "How long?", 9, "How long?"),
    ],
)
def test_an_answer_begins_and_ends_where_something_does(text: str, sentence: str, length: int, expected: str) -> None:
    """With a line, where a list or a table begins if there is room, and with nothing that is only announced."""
    sentences = sentences_of(text)
    place = [text[start:end] for start, end in sentences].index(sentence)
    start, end = grown(text, sentences, place, length)
    assert text[start:end] == expected


def test_what_stands_below_follows_a_passage_that_leaves_room(help_centre: Engine) -> None:
    """With its headings: an opening is followed by the sections, a section by those inside it and by no other."""
    opening = "All that we sell has a 2-year warranty."
    repair = "How long it takes\nA repair takes 15 days. See Warranty."
    charging = "Clean the strips.\nStill dead\nWrite to us about its age, which is 2 years."
    assert answer(help_centre, "sell", "warranty.en") == f"{opening}\n{repair}\nIf it does not charge\n{charging}"
    assert answer(help_centre, "repair takes", "warranty.en") == repair.partition("\n")[2]
    assert answer(help_centre, "clean strips", "warranty.en") == charging


def test_words_in_what_follows_are_marked(help_centre: Engine) -> None:
    """At their places in what is shown."""
    found = extracted(help_centre, "sell warranty strips", "warranty.en", "en")
    assert found is not None
    assert [found.text[start:end] for start, end in found.highlights] == ["sell", "warranty", "Warranty", "strips"]


def test_one_word_of_a_heading_is_not_all_that_was_asked(help_centre: Engine) -> None:
    """“How long it takes” stands above the repair, and "long" in no sentence on the warranty."""
    assert answer(help_centre, "how long is the warranty", "warranty.en").startswith("All that we sell")


def test_without_any_word_the_beginning_is_shown(help_centre: Engine) -> None:
    """And no sentence for its figure alone."""
    assert answer(help_centre, "unheard of", "warranty.en").startswith("All that we sell")


@pytest.mark.parametrize("thread", ["marked", "headed", "lithuanian"])
def test_a_thread_is_answered_by_its_accepted_answer(help_centre: Engine, thread: str) -> None:
    """However well a question or a reply fits, and with nothing after it."""
    assert answer(help_centre, "purifier ticks at night", f"{thread}.en") == "Foam was left inside. Take it out."


def test_a_thread_without_an_accepted_answer_has_none(help_centre: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed, however sure it is that this is the thread."""
    assert extracted(help_centre, "purifier ticks at night", "unmarked.en", "en") is None
    sure = Decision(Action.ANSWER, 0.9, 0.9, ("x",), calibrated=True)
    monkeypatch.setattr("kbsearch.engine.decide", lambda *_, **__: sure)
    for thread, action in (("marked", Action.ANSWER), ("unmarked", Action.LIST)):
        outcome = help_centre.search(SearchRequest(q=f"purifier {thread}", lang="en"))
        assert outcome.hits[0].id == f"{thread}.en"
        assert (outcome.decision.action, outcome.answer is None) == (action, action is Action.LIST)


def test_a_question_in_another_language_is_answered_from_the_same_place(help_centre: Engine) -> None:
    """As the version in its language says; a code needs none; without either nothing tells the place."""
    assert "15 days" in answer(help_centre, "cik ilgst remonts", "warranty.en", "lv")
    assert answer(help_centre, "kļūda E9", "code.lv", "en") == "E9: Gaidiet"
    assert answer(help_centre, "what does L9 ask for", "lamp.lv", "en") == "L9: Gaidiet"
    assert answer(help_centre, "does alexa hear it", "code.lv", "en").endswith("Alexa to nedzird.")
    assert extracted(help_centre, "unheard of", "code.lv", "en") is None


def asked_for(text: str, *words: str, is_post: bool = False) -> Asked:
    """Words that say the same each; those with a digit are codes."""
    places = sorted((text.index(word), text.index(word) + len(word), n) for n, word in enumerate(words) if word in text)
    codes = frozenset(n for n, word in enumerate(words) if not word.isalpha())
    passage = AskedPassage(0, text, (), frozenset(), places)
    return Asked([passage], [1.0] * len(words), frozenset(), codes, is_post)


def test_a_post_is_shown_from_its_beginning_unless_a_code_is_asked_for() -> None:
    """Who wrote it answered in its first sentences; a code stands where it stands."""
    text = "Take the foam out. It stops E21 and the noise."
    assert best_place(asked_for(text, "noise", is_post=True)).sentence == 0
    assert best_place(asked_for(text, "E21", is_post=True)).sentence == 1


def test_a_row_that_is_too_long_is_cut_as_other_text_is() -> None:
    asked = asked_for("E21: Clean it. Then wait for an hour.\nE22: Wait.", "E21")
    assert cut_out(asked, best_place(asked)).text == "E21: Clean it. Then wait for an hour."
    assert cut_out(asked, best_place(asked), length=15).text == "E21: Clean it."


def test_an_answer_is_looked_for_around_what_was_found(help_centre: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """On both sides: an article may be long, and hold the same words elsewhere."""
    snapshot = help_centre._snapshot
    number = snapshot.number_of("warranty.en")
    assert number is not None
    passages = snapshot.passages_of(number)
    languages = likely_languages("sell charge", "en", help_centre._lexicon.detector)
    query = understand("sell charge", languages, "en", help_centre._lexicon)
    for read, begins in ((8, "All that we sell"), (0, "A repair takes")):
        monkeypatch.setattr("kbsearch.answer.PASSAGES_READ", read)
        found = extract(snapshot, query, help_centre._lexicon, number, passages[1], [number])
        assert found is not None
        assert found.text.startswith(begins)
