"""What an editor's files do to a search: synonyms, protected words, pinned and hidden articles, codes, titles first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from indexer.editing import load_editing
from indexer.loaders.report import LoadReport
from indexer.pipeline import build
from kbsearch.decide import NOTHING_IN_COMMON
from kbsearch.editing import Rule, Synonym
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.engine import Engine, open_engine
from kbsearch.lexicon import Lexicon
from kbsearch.text.synonyms import Thesaurus
from kbsearch.types import Action, SearchOutcome, SearchRequest

Write = Callable[[Path, Any], Path]
EngineOf = Callable[[Sequence[dict[str, Any]], Mapping[str, str]], Engine]
PUBLIC = frozenset({"public"})
RANKING = Path(__file__).parents[2] / "docs" / "ranking.md"


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
    "margins,exact,pin,secret,\nzork flib gruntle,exact,pin,secret,\nzork flib wibble,exact,pin,coupon,\n",
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


UNKNOWN = "Some of the words are nowhere in the knowledge base."


def test_an_editors_word_holds_on_his_page_whatever_language_it_looks_like(engine_of: EngineOf) -> None:
    """A Polish word listed for English is found on an English page, Polish articles or not, and is not unknown."""
    vacuum = row("vacuum", "Robot vacuum", "It does not charge.")
    polish = row("zwrot", "Zwrot pieniędzy", "Zwrot trwa pięć dni. Zamówienie można anulować.", lang="pl")
    listed = {"synonyms.csv": "words,lang\nodkurzacz => robot vacuum,en\n"}
    for articles in ([vacuum], [vacuum, polish]):
        engine = engine_of(articles, listed)
        outcome = ask(engine, "odkurzacz", mode="lexical")
        assert ids(outcome) == ["vacuum"]
        assert outcome.did_you_mean is None
        assert UNKNOWN not in outcome.decision.reasons
        assert UNKNOWN in ask(engine, "odkurzacz kuchenny", mode="lexical").decision.reasons


def test_an_editors_word_for_hidden_words_alone_stays_unknown(engine_of: EngineOf) -> None:
    """Nothing tells the public whether an article that it may not see holds them."""
    articles = [row("repair", "Repair", "Send it to us."), row("secret", "Margins", "Ours.", audience=["agent"])]
    engine = engine_of(articles, {"synonyms.csv": "words,lang\nblicket => margins,en\n"})
    assert UNKNOWN in ask(engine, "repair blicket").decision.reasons
    assert UNKNOWN not in ask(engine, "repair blicket", audiences=PUBLIC | {"agent"}).decision.reasons


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


@pytest.mark.parametrize("typed", ["can't pay", "CAN’T PAY", "canʼt pay", "can\u00ad't pay!", "can\u200b't\u00a0pay"])
def test_a_rule_is_met_however_its_query_is_written(engine_of: EngineOf, typed: str) -> None:
    """Any apostrophe, and nothing that nobody sees, is the same query."""
    engine = engine_of(ARTICLES, {"rules.csv": "query,match,action,target\ncan't pay,exact,pin,coupon\n"})
    assert ids(ask(engine, typed))[0] == "coupon"


def test_a_hidden_article_is_not_found_by_that_query(engine: Engine) -> None:
    """In the rule's language; by other words it is."""
    assert "paid" not in ids(ask(engine, "how much is a repair"))
    assert "paid" in ids(ask(engine, "paid repair", lang="lv"))
    assert ids(ask(engine, "paid warranty"))[0] == "paid"


def test_hiding_one_article_shows_no_other(engine_of: EngineOf) -> None:
    """What the caller may not see, or filters away, stays away; and hiding wins over pinning."""
    rules = "query,match,action,target\ncoupons,contains,hide,paid\ncoupons,contains,pin,paid\n"
    engine = engine_of(ARTICLES, {"rules.csv": rules})
    for text in ("coupons margins", "coupons paid repair"):
        assert not {"secret", "paid"} & {*ids(ask(engine, text, audiences=PUBLIC))}
    assert "secret" in ids(ask(engine, "coupons margins", audiences=PUBLIC | {"agent"}))
    filtered = ask(engine, "coupons margins", filters={"audience": ("public",)})
    assert "secret" not in ids(filtered)


def test_a_pin_shows_nothing_that_the_caller_may_not_see(engine: Engine) -> None:
    """A rule that names an agents' article does nothing for the public."""
    assert "secret" not in ids(ask(engine, "margins", audiences=PUBLIC))
    assert ids(ask(engine, "margins", audiences=frozenset({"agent"})))[0] == "secret"


@pytest.mark.parametrize("offset", [0, 500], ids=["first page", "past the end"])
def test_a_pin_turns_a_hand_over_into_a_list_where_it_puts_something_first(engine: Engine, offset: int) -> None:
    """Not for who may not see the article, nor where a filter takes it away; whichever page is looked at."""
    for handed_over in (
        ask(engine, "zork flib gruntle", offset=offset, audiences=PUBLIC),
        ask(engine, "zork flib gruntle", offset=offset, filters={"audience": ("public",)}),
    ):
        assert handed_over.found > 0
        assert handed_over.decision.action is Action.HAND_OVER
        assert handed_over.decision.reasons != ("A rule puts an article first.",)
    for listed in (
        ask(engine, "zork flib gruntle", offset=offset, audiences=frozenset({"agent"})).decision,
        ask(engine, "zork flib wibble", offset=offset, audiences=PUBLIC).decision,
    ):
        assert (listed.action, listed.reasons) == (Action.LIST, ("A rule puts an article first.",))
        assert listed.confidence < NOTHING_IN_COMMON


@pytest.mark.parametrize(
    ("typed", "meant"), [("пшае сфкв", "gift card"), ("giftcard", "gift card"), ("кузфшк ьфкпшты", "repair margins")]
)
def test_a_rule_holds_for_what_was_meant(engine: Engine, typed: str, meant: str) -> None:
    """With the keyboard set to Russian, or without the space."""
    outcome = ask(engine, typed)
    assert outcome.did_you_mean == meant
    assert ids(outcome) == ids(ask(engine, meant))


def test_a_rule_for_what_was_typed_comes_first(engine_of: EngineOf) -> None:
    """Whoever wrote a rule for it knows what it means."""
    rules = "query,match,action,target,lang\n{typed}gift card,exact,pin,refund,\n"
    for typed, first in (("", "refund"), ("giftcard,exact,pin,sofa,\n", "sofa")):
        assert ids(ask(engine_of(ARTICLES, {"rules.csv": rules.format(typed=typed)}), "giftcard"))[0] == first


@pytest.mark.parametrize("mark", [" ", ".", "/", "-", "‑", "–", ""])
@pytest.mark.parametrize("letter", ["E", "e"])
def test_the_parts_of_a_code_are_one_word(engine: Engine, letter: str, mark: str) -> None:
    """With a space, a dot, a slash, a hyphen or what a phone makes of one: the same results with the same scores."""
    hits, expected = (ask(engine, q).hits for q in (f"{letter}{mark}4012", "E4012"))
    assert [(hit.id, hit.score) for hit in hits] == [(hit.id, hit.score) for hit in expected]


@pytest.mark.parametrize("typed", ["Е-4012", "Е4012", "е.4012", "у-4012", "У4012"])
def test_the_letter_of_a_code_may_be_typed_in_the_other_alphabet(engine: Engine, typed: str) -> None:
    """One that looks the same, since it was read off a screen, or one on the same key."""
    assert not typed.isascii()
    hits, expected = (ask(engine, q).hits for q in (typed, "E4012"))
    assert [(hit.id, hit.score) for hit in hits] == [(hit.id, hit.score) for hit in expected]


def test_a_letter_before_a_number_is_no_code_in_the_other_alphabet(engine: Engine) -> None:
    """It may be a word: «с 10 часов»."""
    first = ask(engine, "reset у 4012", explain=True).hits[0]
    assert first.explain is not None
    assert [match["word"] for match in cast(list[dict[str, str]], first.explain["words"])] == ["reset", "у", "4012"]


def test_a_code_that_nobody_wrote_stays_in_parts(engine: Engine) -> None:
    """That another code has these digits makes no code of a letter before them."""
    first = ask(engine, "route e 66 and z 4012", explain=True).hits[0]
    assert first.explain is not None
    words = cast(list[dict[str, str]], first.explain["words"])
    assert [match["word"] for match in words] == ["route", "e", "66", "z", "4012"]


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


def test_a_protected_word_lacks_no_space(engine_of: EngineOf) -> None:
    """Giftcard is a brand, where an editor says so."""
    for words, offered in (("Smart-ID", "gift card"), ("Giftcard", None)):
        edited = engine_of(ARTICLES, {"protected.csv": f"word\n{words}\n"})
        assert ask(edited, "giftcard").did_you_mean == offered


@pytest.mark.parametrize("typed", ["how to", "what is it", "the"])
def test_stop_words_alone_are_still_a_query(engine: Engine, typed: str) -> None:
    """They never empty it."""
    assert engine.search(SearchRequest(q=typed, lang="en")).decision.reasons


def test_a_synonym_is_tried_while_others_search(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose words the engine has not met yet."""
    tried, numbers = Lexicon.with_thesaurus, count()

    def search(who: str) -> SearchOutcome:
        return engine.search(SearchRequest("gift", audiences=frozenset({"public", who})))

    def with_thesaurus(lexicon: Lexicon, thesaurus: Thesaurus) -> Lexicon:
        search(f"team-{next(numbers)}")
        return tried(lexicon, thesaurus)

    search("team")
    monkeypatch.setattr(Lexicon, "with_thesaurus", with_thesaurus)
    assert engine.with_synonym(Synonym(("cashola",), ("refund",), "en")) is not engine
    assert next(numbers) > 1


def test_the_documented_files_are_read(tmp_path: Path) -> None:
    """First lines and examples of docs/ranking.md, under a comment and a blank line."""
    for line in RANKING.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| `(synonyms|protected|rules)\.csv`", line):
            name, columns, _, examples = ("\n".join(re.findall("`([^`]+)`", cell)) for cell in line.split("|")[1:-1])
            text = f"# Words of our shop\n\n{columns}\n{examples}\n"
            (tmp_path / name.partition("\n")[0]).write_text(text, encoding="utf-8")
    report = LoadReport()
    editing = load_editing([tmp_path], {"gift-card-balance": "gift.en"}, report=report)
    assert report.problems == []
    assert editing.synonyms == (
        Synonym(("money back", "refund"), ("money back", "refund"), "en"),
        Synonym(("sofa bed",), ("large item",), ""),
    )
    assert editing.protected == ("Smart-ID",)
    assert editing.rules == (Rule("gift card", "exact", "pin", "gift.en"),)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("# Anna\n\n,,\nwords,lang\nmoney back; refund\n# a, b, c\none\n", 7, "'one' is one word"),
        ('"# Anna, Ilze",\nword\nrefund\n', 2, "the first line that is no comment must name the column 'words'"),
        ("# nothing yet\n", 1, "must name the column 'words'"),
    ],
)
def test_a_bad_line_of_an_editor_has_its_number_in_the_file(tmp_path: Path, text: str, line: int, said: str) -> None:
    """Whatever stands above the first line."""
    (tmp_path / "synonyms.csv").write_text(text, encoding="utf-8")
    report = LoadReport()
    load_editing([tmp_path], {}, report=report)
    assert [problem.line for problem in report.problems] == [line]
    assert said in str(report.problems[0])
