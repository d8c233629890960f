"""Knowledge bases that are unlike the usual: regions, languages nobody detects, private beside public translations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbsearch import engine as engine_module
from kbsearch.engine import Engine, open_engine
from kbsearch.types import SearchOutcome, SearchRequest

Row = dict[str, Any]
PUBLIC = frozenset({"public"})


def row(name: str, lang: str, title: str, body: str, **fields: Any) -> Row:
    return {"id": name, "lang": lang, "title": title, "body": body, **fields}


@pytest.fixture(scope="module")
def engine_of(build_index: Callable[[Sequence[Row]], Path]) -> Callable[..., Engine]:
    return lambda *rows: open_engine(build_index(rows))


def ids(outcome: SearchOutcome) -> list[str]:
    return [hit.id for hit in outcome.hits]


REFUNDS = (
    row("agents", "lv", "Atmaksas noteikumi", "Tikai darbiniekiem.", group="g", audience=["agent"], type="faq"),
    row("customers", "lv", "Naudas atmaksa", "Naudu atmaksājam.", group="g"),
    row("english", "en", "Refunds", "We refund money within five days.", group="g"),
)


@pytest.mark.parametrize(
    "restriction",
    [{"audiences": PUBLIC}, {"audiences": None, "filters": {"type": ("article",)}}],
    ids=["audience", "filter"],
)
def test_a_hidden_translation_does_not_hide_the_visible_one_beside_it(
    engine_of: Callable[..., Engine], restriction: dict[str, Any]
) -> None:
    """Two Latvian documents in one group, the first not for this caller: he reads the second, not the English one."""
    engine = engine_of(*REFUNDS)
    assert ids(engine.search(SearchRequest(q="refund money", lang="lv", **restriction))) == ["customers"]


def test_a_hidden_group_member_in_another_group_changes_nothing(engine_of: Callable[..., Engine]) -> None:
    """Where the only translation is hidden, the visible language is shown."""
    engine = engine_of(*REFUNDS[::2], row("other", "lv", "Cits", "Cits."))
    assert ids(engine.search(SearchRequest(q="refund money", lang="lv"))) == ["english"]


@pytest.mark.parametrize(
    ("typed", "begins"), [("red blinking hub", "Lights."), ("hub not working since the thunder", "Push the cable")]
)
def test_what_is_quoted_holds_half_of_the_words_where_a_passage_does(
    engine_of: Callable[..., Engine], typed: str, begins: str
) -> None:
    """Headings are not shown: a passage found by its own gives way to one whose text says what was asked."""
    lights = "Lights. A red and blinking one means that your hub has no internet. "
    others = "Whatever else it shows is told by the app itself, under devices, where all that you own is listed. " * 8
    body = f"{lights}{others}\n\n## Red, blinking hub\n\nPush the cable in until it clicks at both ends."
    engine = engine_of(row("hub", "en", "The device is offline", body), row("other", "en", "Returns", "Send it back."))
    assert engine.search(SearchRequest(q=typed, lang="en")).hits[0].snippet.startswith(begins)


def test_a_twin_in_the_same_language_is_no_translation(engine_of: Callable[..., Engine]) -> None:
    """Of the document as of the hit: only other languages are named."""
    engine = engine_of(*REFUNDS)
    document = engine.document("customers", audiences=None)
    assert document is not None
    assert document.translations == {"en": "english"}
    hit = engine.search(SearchRequest(q="naudas atmaksa", lang="lv")).hits[0]
    assert (hit.id, hit.translations) == ("customers", ("en",))


@pytest.mark.parametrize("typed", ["en", "EN", "en-us", "En-US", "EN-us"])
def test_a_language_is_filtered_by_in_whatever_case(engine_of: Callable[..., Engine], typed: str) -> None:
    """As BCP 47 has it; also among the languages that a caller accepts."""
    engine = engine_of(row("a", "en-US", "Refunds", "We refund money."), row("b", "lv", "Refunds", "Atmaksa."))
    assert ids(engine.search(SearchRequest(q="refunds", filters={"lang": (typed,)}))) == ["a"]
    assert ids(engine.search(SearchRequest(q="refunds", langs=(typed,)))) == ["a"]


HIDDEN_NOTE = row("note", "en", "Desk", "Members typed pasword; zircon ledgers.", audience=["agent"])
VISIBLE = row("help", "en", "Password help", "Choose another password for the parcel locker.")


@pytest.mark.parametrize("typed", ["pasword", "zircon", "ledgers", "ledgerz", "qwertzu", "zircon password"])
def test_hidden_words_change_neither_correction_nor_reasons(engine_of: Callable[..., Engine], typed: str) -> None:
    """Whether a hidden document holds a word cannot be told from an answer."""
    with_hidden, without = engine_of(VISIBLE, HIDDEN_NOTE), engine_of(VISIBLE)
    found, alone = (one.search(SearchRequest(q=typed)) for one in (with_hidden, without))
    assert found.did_you_mean == alone.did_you_mean
    assert found.decision.reasons == alone.decision.reasons


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
@pytest.mark.parametrize("typed", ["zircon password", "password ledgers parcel", "password ledgerz", "zircon"])
def test_hidden_words_change_no_score(engine_of: Callable[..., Engine], typed: str, mode: str) -> None:
    """A word that hidden documents hold, however many, counts like one that nobody wrote."""
    scores = []
    for said in ("zircon ledgers", "marble folders"):
        notes = [row(f"n{n}", "en", "Desk", f"Members typed {said}.", audience=["agent"]) for n in range(4)]
        engine = engine_of(VISIBLE, row("port", "en", "Parcels", "Where they are."), *notes)
        found = engine.search(SearchRequest(q=typed, lang="en", mode=mode))  # type: ignore[arg-type]
        scores.append(([(hit.id, hit.score) for hit in found.hits], found.decision.confidence, found.evidence))
    assert scores[0] == scores[1]


def test_a_hidden_title_changes_no_score(engine_of: Callable[..., Engine]) -> None:
    """An article that is called as a polite question is keeps the politeness in it for those who may see it."""
    polite = row("note", "en", "Hello password parcel", "Zircon ledgers.", audience=["agent"])
    other = polite | {"title": "Zircon password parcel"}
    found = [engine_of(VISIBLE, hidden).search(SearchRequest(q=polite["title"])) for hidden in (polite, other)]
    assert found[0].hits == found[1].hits
    seen = engine_of(VISIBLE, polite).search(SearchRequest(q=polite["title"], audiences=frozenset({"agent"})))
    assert ids(seen) == ["note"]


def test_a_hidden_nearer_word_leaves_the_visible_one_to_be_offered(engine_of: Callable[..., Engine]) -> None:
    """`subscirption` stands one letter from the typed word, but only for agents."""
    hidden = row("note", "en", "Desk", "subscirption", audience=["agent"])
    outcome = engine_of(row("a", "en", "Subscription", "Text."), hidden).search(SearchRequest(q="subscirpttion"))
    assert outcome.did_you_mean == "subscription"


@pytest.mark.parametrize(
    ("typed", "known"), [("passporrt", 1.0), ("passport", 1.0), ("zzyzx", 0.0), ("zzyzx passporrt", 0.5)]
)
def test_a_word_that_was_corrected_is_known(engine_of: Callable[..., Engine], typed: str, known: float) -> None:
    """It is one of the results' words, though none was typed as the knowledge base has it."""
    engine = engine_of(VISIBLE, row("port", "en", "Passport", "Bring the passports."))
    found = engine.search(SearchRequest(q=typed)).evidence
    assert found is not None
    assert found.words_known == known


def test_a_filter_makes_no_word_unknown(engine_of: Callable[..., Engine]) -> None:
    """A word of the knowledge base that the filtered part lacks is spelt right."""
    engine = engine_of(VISIBLE, row("port", "en", "Passport", "Bring the passports.", type="faq"))
    assert engine.search(SearchRequest(q="passport", filters={"type": ("article",)})).did_you_mean is None


def test_a_regional_code_is_analysed_as_its_language(engine_of: Callable[..., Engine]) -> None:
    """`en-us`, as Zendesk exports it, is English: stems, stop words and detection."""
    engine = engine_of(
        row("a", "en-US", "Resetting passwords", "Choose what you like."),
        row("b", "en-US", "Shipping", "It was shipped by us."),
    )
    outcome = engine.search(SearchRequest(q="how was it with the password reset", mode="lexical"))
    assert ids(outcome) == ["a"]
    assert outcome.detected_lang == "en-us"


@pytest.mark.parametrize("beside", [(), (row("en", "en", "Refunds", "We refund money."),)], ids=["alone", "mixed"])
def test_a_language_that_nobody_detects_is_read_with_its_analyzer(
    engine_of: Callable[..., Engine], beside: tuple[Row, ...]
) -> None:
    """Basque has a stemmer but no n-gram profile: another inflection of a word is found as that word."""
    engine = engine_of(row("eu", "eu", "Pasahitzaren", "Ireki orria."), *beside)
    outcome = engine.search(SearchRequest(q="pasahitzak", lang="eu", explain=True))
    assert ids(outcome)[0] == "eu"
    assert outcome.hits[0].explain is not None
    assert outcome.hits[0].explain["title"] == 1.0
    assert outcome.did_you_mean is None


@pytest.mark.parametrize("fields", [{"audience": ["staff"]}, {"lang": "is"}], ids=["nothing to see", "undetected"])
def test_russian_in_latin_letters_is_read_where_no_language_is_told_apart(
    engine_of: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    """Nothing of what the caller may see is in a language that anybody detects; a word that he may know of stays."""
    asked: list[str] = []
    engine = engine_of(row("a", "lv", "Vafra", "Atveriet.") | fields)
    monkeypatch.setattr(engine._embedder, "encode_queries", lambda texts: (asked.extend(texts), np.zeros((1, 128)))[1])
    assert engine.search(SearchRequest(q="kak izmenit parol vafra", lang="ru")).detected_lang == "ru"
    assert asked == ["как изменит парол " + ("вафра" if "audience" in fields else "vafra")]


@pytest.mark.parametrize("typed", ["?!", "…", "—", "😀", "\u200b", "(((", "_"])
def test_a_query_without_words_finds_nothing(search: Callable[..., SearchOutcome], typed: str) -> None:
    """Punctuation has no meaning that could be near to anything."""
    outcome = search(typed)
    assert outcome.found == 0
    assert outcome.decision.action == "hand_over"


@pytest.mark.parametrize("typed", ["why i can't sign in", "WHY I CAN’T SIGN IN", "Why I canʼt sign in?"])
def test_any_apostrophe_types_the_title_word_for_word(engine_of: Callable[..., Engine], typed: str) -> None:
    """Editors write ’, keyboards '."""
    engine = engine_of(row("a", "en", "Why I can’t sign in", "Text."), row("b", "en", "Sign in", "Text."))
    outcome = engine.search(SearchRequest(q=typed))
    assert ids(outcome)[0] == "a"
    assert [one.document_id for one in engine.suggest("can't", lang="en", limit=5, audiences=PUBLIC)] == ["a"]


def test_politeness_changes_nothing(engine_of: Callable[..., Engine]) -> None:
    """Neither results nor decision nor suggestions, unless an article is called just so."""
    engine = engine_of(
        row("pay", "en", "Paying by card", "Cards are taken."),
        row("ask", "en", "I have a question about paying by card", "Ask us."),
        row("else", "en", "Question marks", "They end questions."),
    )
    plain = engine.search(SearchRequest(q="paying by card", lang="en"))
    polite = engine.search(SearchRequest(q="Hello, can you help me paying by card? Thanks!", lang="en"))
    assert (ids(polite)[0], polite.decision, polite.evidence) == ("pay", plain.decision, plain.evidence)
    assert engine.suggest("hello paying by card", lang="en", limit=1, audiences=PUBLIC)[0].document_id == "pay"
    assert ids(engine.search(SearchRequest(q="I have a question about paying by card", lang="en")))[0] == "ask"


@pytest.mark.parametrize("typed", ["sub\u00adscrip", "\ufeffsubscrip", "sub\u200bscrip", "\u201esubscrip"])
def test_what_nobody_sees_hides_no_suggestion(engine_of: Callable[..., Engine], typed: str) -> None:
    """Soft hyphens and zero-width spaces are pasted with words."""
    engine = engine_of(row("a", "en", "Your subscription", "Text."), row("b", "en", "Sign in", "Text."))
    assert [one.document_id for one in engine.suggest(typed, lang="en", limit=5, audiences=PUBLIC)] == ["a"]


def test_the_next_version_of_the_same_languages_makes_no_second_detector(handmade_index: Path) -> None:
    """That would hold the interpreter for a tenth of a second, while customers wait for answers."""
    open_engine(handmade_index)
    made = engine_module._detector.cache_info().misses
    open_engine(handmade_index)
    assert engine_module._detector.cache_info().misses == made
