"""What an editor's files do to a search: synonyms, protected words, pinned and hidden articles, codes, titles first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from indexer.pipeline import build
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.engine import Engine, open_engine
from kbsearch.types import SearchOutcome, SearchRequest

Write = Callable[[Path, Any], Path]
EngineOf = Callable[[Sequence[dict[str, Any]], Mapping[str, str]], Engine]
PUBLIC = frozenset({"public"})


def row(name: str, title: str, body: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "lang": "en", "title": title, "body": body, **fields}


ARTICLES = [
    row("refund", "Getting a refund", "We send it to your card."),
    row("sofa", "Large items", "Two people carry it upstairs."),
    row("gift", "Gift card balance", "Type the number of the card."),
    row("coupon", "Coupons", "A gift card is no coupon."),
    row("repair", "Repair", "Send the device to us."),
    row("paid", "Paid repair", "After the warranty a repair has its price."),
    row("secret", "Repair margins", "What a repair costs us.", audience=["agent"]),
    row("e4012", "Error E4012", "Restart the hub."),
    row("e4013", "Error E4013", "Replace the hub."),
    row("smart", "Smart-ID", "Sign in with your phone."),
    row("idea", "Smart ideas", "Lamps, locks and more."),
]
FILES = {
    "synonyms.csv": "words,lang\nmoney back; refund,en\nsofa bed => large item,en\n",
    "protected.csv": "word\nSmart-ID\n",
    "rules.csv": "query,match,action,target,lang\ngift card,exact,pin,coupon,\nrepair,contains,hide,paid,en\n"
    "margins,exact,pin,secret,\n",
}


@pytest.fixture(scope="module")
def engine_of(tmp_path_factory: pytest.TempPathFactory, write_jsonl: Write) -> EngineOf:
    def edited(articles: Sequence[dict[str, Any]], files: Mapping[str, str]) -> Engine:
        folder = tmp_path_factory.mktemp("edited")
        sources = [write_jsonl(folder / "articles.jsonl", articles)]
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
            sources.append(folder / name)
        build(sources, folder / "index", embedder=HashingEmbedder(), strict=True)
        return open_engine(folder / "index")

    return edited


@pytest.fixture(scope="module")
def engine(engine_of: EngineOf) -> Engine:
    return engine_of(ARTICLES, FILES)


def ids(outcome: SearchOutcome) -> list[str]:
    return [hit.id for hit in outcome.hits]


def ask(engine: Engine, q: str, lang: str = "en", **fields: Any) -> SearchOutcome:
    return engine.search(SearchRequest(q=q, lang=lang, **fields))


def test_synonyms_find_each_other_and_arrows_one_way(engine: Engine) -> None:
    """`money back` finds refunds; `sofa bed` large items; `large item` does not look for sofa beds."""
    assert ids(ask(engine, "money back", mode="lexical"))[0] == "refund"
    assert ids(ask(engine, "sofa bed", mode="lexical")) == ["sofa"]
    explained = ask(engine, "sofa bed", explain=True).hits[0].explain
    assert explained is not None
    assert {match["how"] for match in explained["words"]} == {"synonym"}  # type: ignore[index, union-attr]


SAMPLE_SYNONYMS = Path(__file__).resolve().parents[2] / "sample_kb" / "synonyms.csv"
PHRASES = (
    ("log in", "auth"),
    ("how do I log in to the shop", "auth"),
    ("terms of use", "conditions"),
    ("the terms for the use", "conditions"),
    ("about us", "company"),
    ("order without an account", "guest"),
    ("can I order without my account", "guest"),
    ("Einkauf auf die Rechnung", "invoice"),
    ("log out", None),
    ("us about", None),
)


@pytest.fixture(scope="module")
def phrases(engine_of: EngineOf) -> Engine:
    articles = [
        row("auth", "Authentication", "It works."),
        row("conditions", "Conditions", "They hold."),
        row("company", "Company", "Founded long ago."),
        row("guest", "Guest checkout", "Buy at once."),
        row("invoice", "Zahlungsziel", "Vierzehn Tage.", lang="de"),
    ]
    own = "log in; authentication,en\nterms of use => conditions,en\nabout us; company,en\n"
    german = "Einkauf auf Rechnung; Zahlungsziel,de\n"
    return engine_of(articles, {"synonyms.csv": SAMPLE_SYNONYMS.read_text(encoding="utf-8") + own + german})


@pytest.mark.parametrize(("typed", "meant"), PHRASES)
def test_a_phrase_may_hold_stop_words(phrases: Engine, typed: str, meant: str | None) -> None:
    """They do not matter beside several other words; a phrase of one other word, or none, is looked for as written."""
    lang = "de" if meant == "invoice" else "en"
    assert ids(ask(phrases, typed, lang, mode="lexical")) == ([meant] if meant else [])


@pytest.mark.parametrize("code", ["en", "en-US"])
@pytest.mark.parametrize("page", ["en", "en-us", "en-gb"])
def test_what_is_written_for_en_serves_every_region(engine_of: EngineOf, code: str, page: str) -> None:
    """Of the articles and of the page: Zendesk exports en-US; synonyms, pins and hidden articles."""
    articles = [
        row("refund", "Getting a refund", "We send it to your account.", lang=code),
        row("gift", "Gift card balance", "Type the number.", lang=code),
        row("coupon", "Coupons", "A gift card is no coupon.", lang=code),
        row("lv", "Atmaksa", "Naudas.", lang="lv"),
    ]
    rules = "query,match,action,target\ngift card,exact,pin,coupon\ncoupons,contains,hide,coupon\n"
    american = "query,match,action,target,lang\nbalance,exact,hide,gift,en-US\n"
    files = {"synonyms.en.csv": "words\nmoneyback; refund\n", "rules.en.csv": rules, "rules.csv": american}
    engine = engine_of(articles, files)
    assert ids(ask(engine, "moneyback", page, mode="lexical")) == ["refund"]
    assert ids(ask(engine, "gift card", page))[0] == "coupon"
    assert "coupon" not in ids(ask(engine, "coupons", page))
    assert ("gift" in ids(ask(engine, "balance", page))) == (page != "en-us")


def test_a_pinned_article_comes_first_and_says_why(engine: Engine) -> None:
    """Above a title that holds the words; case does not matter; a longer query is another query."""
    outcome = ask(engine, "Gift CARD", explain=True)
    assert ids(outcome)[:2] == ["coupon", "gift"]
    first, second = outcome.hits[0].explain, outcome.hits[1].explain
    assert first is not None
    assert second is not None
    assert first["rules"] == ["pinned to this place by a rule"]
    assert "A rule pins another article" in second["to_be_first"]["ways"][0]  # type: ignore[index, call-overload]
    assert ids(ask(engine, "gift card balance"))[0] == "gift"


def test_a_hidden_article_is_not_found_by_that_query(engine: Engine) -> None:
    """In the rule's language; by other words it is."""
    assert "paid" not in ids(ask(engine, "how much is a repair"))
    assert "paid" in ids(ask(engine, "paid repair", lang="lv"))
    assert ids(ask(engine, "paid warranty"))[0] == "paid"


def test_a_pin_shows_nothing_that_the_caller_may_not_see(engine: Engine) -> None:
    """A rule that names an agents' article does nothing for the public."""
    assert "secret" not in ids(ask(engine, "margins", audiences=PUBLIC))
    assert ids(ask(engine, "margins", audiences=frozenset({"agent"})))[0] == "secret"


@pytest.mark.parametrize("typed", ["E4012", "e4012", "E-4012", "E 4012", "error e4012"])
def test_a_code_is_itself_and_never_its_neighbour(engine: Engine, typed: str) -> None:
    """However it is written; and no digit is ever corrected."""
    outcome = ask(engine, typed)
    assert ids(outcome)[0] == "e4012"
    assert outcome.did_you_mean is None
    assert ask(engine, "E4019").did_you_mean is None


def test_a_protected_word_has_no_relatives(engine: Engine) -> None:
    """Smart-ID is not smart ideas."""
    assert ids(ask(engine, "smart-id", mode="lexical")) == ["smart"]
    assert ask(engine, "smart-id").did_you_mean is None


@pytest.mark.parametrize("typed", ["how to", "what is it", "the"])
def test_stop_words_alone_are_still_a_query(engine: Engine, typed: str) -> None:
    """They never empty it."""
    assert engine.search(SearchRequest(q=typed, lang="en")).decision.reasons
