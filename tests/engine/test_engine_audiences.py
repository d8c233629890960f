"""What a caller may not see leaks nowhere: search, suggestions, facets, translations, corrections, documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from kbsearch.engine import Engine, open_engine
from kbsearch.text.keyboard import in_other_layout
from kbsearch.types import SearchOutcome, SearchRequest

Search = Callable[..., SearchOutcome]
Rows = tuple[dict[str, Any], ...]

PUBLIC, CUSTOMER, AGENT = frozenset({"public"}), frozenset({"public", "customer"}), frozenset({"public", "agent"})
AUDIENCES = (PUBLIC, CUSTOMER, AGENT, frozenset({"agent"}), frozenset({"nobody"}), frozenset())


def audience_of(row: dict[str, Any]) -> set[str]:
    return set(row.get("audience", ["public"]))


def words_of(row: dict[str, Any]) -> set[str]:
    text = " ".join([row["group"], row["title"], row["body"], *row.get("category", ()), *row.get("tags", ())])
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3}


def secrets(rows: Rows, audiences: frozenset[str]) -> set[str]:
    """Words that stand in hidden documents only, and the hidden documents' ids."""
    hidden = [row for row in rows if not audience_of(row) & audiences]
    shown = set().union(*(words_of(row) for row in rows if audience_of(row) & audiences), set())
    return set().union(*(words_of(row) for row in hidden), set()) - shown | {row["id"] for row in hidden}


def spoken(value: Any) -> set[str]:
    """Every word of the values (not the keys) of an answer."""
    if isinstance(value, dict):
        return set().union(*(spoken(one) for one in value.values()), set())
    if isinstance(value, list):
        return set().union(*(spoken(one) for one in value), set())
    return {str(value), *re.findall(r"\w+", str(value).lower())}


def answer(outcome: SearchOutcome) -> dict[str, Any]:
    """The outcome as it is sent, without what repeats the caller's own query; facets as values."""
    data: dict[str, Any] = orjson.loads(orjson.dumps(outcome))
    del data["q"]
    for hit in data["hits"]:
        del hit["explain"]["terms"]
    data["facets"] = [list(counts) for counts in data["facets"].values()]
    return data


@pytest.mark.parametrize("audiences", AUDIENCES, ids=lambda value: "+".join(sorted(value)) or "none")
def test_no_search_says_a_hidden_word(search: Search, handmade_rows: Rows, audiences: frozenset[str]) -> None:
    """For every word and title of every hidden document, in every mode and language."""
    hidden = [row for row in handmade_rows if not audience_of(row) & audiences]
    forbidden = secrets(handmade_rows, audiences)
    queries = {row["title"] for row in hidden} | {word for row in hidden[:6] for word in sorted(words_of(row))}
    for query in sorted(queries)[:60]:
        for mode in ("hybrid", "lexical", "dense"):
            outcome = search(query, audiences=audiences, mode=mode, lang="en", limit=100, explain=True)
            said = spoken(answer(outcome)) - set(re.findall(r"\w+", query.lower()))
            assert said & forbidden == set(), (query, mode)
            for hit in outcome.hits:
                assert not any(row["id"] == hit.id for row in hidden)


def test_a_translation_for_agents_is_neither_shown_nor_named(search: Search) -> None:
    """The English reader gets the public Latvian text; that an English one exists for agents is not his business."""
    hit = search("naudas atmaksa", lang="en", audiences=PUBLIC).hits[0]
    assert (hit.id, hit.translations) == ("refund-limit.lv", ())
    hit = search("naudas atmaksa", lang="en", audiences=AGENT).hits[0]
    assert (hit.id, hit.translations) == ("refund-limit.en", ("lv",))


def test_facets_count_only_what_is_shown(search: Search) -> None:
    """Categories of hidden articles do not appear."""
    for audiences, seen in ((PUBLIC, False), (AGENT, True)):
        facets = search("refund chargeback procedure bank", lang="en", audiences=audiences, limit=100).facets
        assert ("Internal" in facets["category"]) == seen


@pytest.mark.parametrize(
    "query",
    [
        *("chargebackk", "zirconn", "ceilling", "obsidiian", "vouchher"),
        "zzircons",
        "charge back",
        "chargebackprocedure",
        in_other_layout("chargeback"),
    ],
)
def test_a_hidden_word_is_never_offered_as_a_correction(search: Search, query: str) -> None:
    """did_you_mean speaks only words that the caller could read; those who may see the article get it. Mistyped words,
    mistyped forms, spaces too many or too few, keys of the other alphabet."""
    outcome = search(query, lang="en", audiences=PUBLIC)
    assert outcome.did_you_mean is None
    everything = search(query, lang="en", audiences=None)
    assert everything.did_you_mean is not None


@pytest.mark.parametrize("typed", ["char", "chargeback proc", "refund", "loyalty", "krāp"])
def test_suggestions_are_titles_the_caller_may_see(engine: Engine, typed: str) -> None:
    """Each word of a hidden title suggests nothing to the public, and something to those who may see it."""
    for audiences in AUDIENCES[:3]:
        for suggestion in engine.suggest(typed, lang="en", limit=20, audiences=audiences):
            document = engine.document(suggestion.document_id, audiences=audiences)
            assert document is not None
            assert set(document.audience) & audiences
    assert not engine.suggest(typed, lang="en", limit=20, audiences=PUBLIC)
    assert engine.suggest(typed, lang="en", limit=20, audiences=None)


def test_documents_are_shown_to_their_audiences_only(engine: Engine, handmade_rows: Rows) -> None:
    """By id too; and their translations likewise."""
    for audiences in AUDIENCES:
        for row in handmade_rows:
            document = engine.document(row["id"], audiences=audiences)
            assert (document is not None) == bool(audience_of(row) & audiences)
            if document is not None:
                others = {
                    other["lang"]: other["id"]
                    for other in handmade_rows
                    if other["group"] == row["group"] and other["id"] != row["id"] and audience_of(other) & audiences
                }
                assert document.translations == others


def test_a_language_of_hidden_articles_decides_nothing(
    build_index: Callable[[Rows], Path], handmade_rows: Rows
) -> None:
    """A question in it is answered as if the collection lacked it, detected language and confidence included."""
    polish = {"id": "zwrot.pl", "lang": "pl", "title": "Zwrot pieniędzy", "body": "Zwracamy pieniądze za towar."}
    hidden = {**polish, "group": "zwrot", "audience": ["agent"]}
    rows = tuple(row for row in handmade_rows if audience_of(row) & PUBLIC)
    without, mixed = open_engine(build_index(rows)), open_engine(build_index((*rows, hidden)))
    assert mixed.languages_for(PUBLIC) == without.languages_for(None)
    assert set(mixed.languages_for(AGENT)) - set(mixed.languages_for(PUBLIC)) == {"pl"}
    for query in ("zwrot pieniędzy", "jak zmienić hasło do konta", "zwrot"):
        asked = SearchRequest(q=query, audiences=PUBLIC)
        same = {"snapshot": "", "timings_ms": {}}
        assert replace(mixed.search(asked), **same) == replace(without.search(asked), **same)
    assert mixed.search(SearchRequest(q="zwrot pieniędzy", audiences=AGENT)).detected_lang == "pl"


def test_a_filter_on_audience_does_not_widen_what_is_seen(search: Search) -> None:
    """Asking for agents' articles does not make an agent."""
    for query in ("chargeback procedure", "refund ceiling", "bank"):
        assert search(query, filters={"audience": ("agent",)}, audiences=PUBLIC).hits == ()


def test_nobody_sees_nothing(search: Search, engine: Engine) -> None:
    """An empty set of audiences is not the same as no restriction."""
    assert search("reset password", audiences=frozenset()).found == 0
    assert engine.document("reset-password.en", audiences=frozenset()) is None
    assert search("chargeback", audiences=None).hits[0].group == "fraud"


def test_unknown_documents_are_none(engine: Engine) -> None:
    """Hidden and unknown look the same."""
    assert engine.document("no such id", audiences=None) is None
    assert engine.document("", audiences=None) is None
    assert engine.group_of("reset-password.lv") == "reset-password"
    assert engine.group_of("nothing") is None


class TestSuggest:
    def test_the_last_word_is_a_beginning(self, engine: Engine) -> None:
        """One line a group, the user's language first."""
        lines = engine.suggest("kur", lang="lv", limit=10, audiences=PUBLIC)
        assert {line.document_id for line in lines} == {"track-order.lv", "find-invoice.lv"}
        both = engine.suggest("ku", lang="lt", limit=10, audiences=PUBLIC)
        assert both[0].document_id == "track-order.lt"
        assert len({line.document_id.split(".")[0] for line in both}) == len(both)
        assert {line.kind for line in both} == {"title"}

    def test_a_limit_is_kept_and_diacritics_may_be_left_out(self, engine: Engine) -> None:
        """Three lines are three lines."""
        assert len(engine.suggest("shipping", lang="en", limit=3, audiences=PUBLIC)) == 3
        assert engine.suggest("davan", lang="lv", limit=3, audiences=PUBLIC)[0].text == "Dāvanas"

    @pytest.mark.parametrize("typed", ["", " ", "?", "qqqq"])
    def test_nothing_to_go_by_suggests_nothing(self, engine: Engine, typed: str) -> None:
        """No title starts with it."""
        assert engine.suggest(typed, lang="en", limit=5, audiences=None) == []


@pytest.mark.parametrize("typed", ["zircon ledger", "zirconn", "zirconledger", "charge back", "chargeback"])
def test_what_others_asked_before_tells_nothing(handmade_index: Path, typed: str) -> None:
    """What agents may know of words is not remembered for the public."""
    asked_before, fresh = open_engine(handmade_index), open_engine(handmade_index)
    agents = asked_before.search(SearchRequest(q=typed, lang="en", audiences=frozenset({"public", "agent"})))
    assert agents.hits[0].group == "fraud"
    found, expected = (one.search(SearchRequest(q=typed, lang="en")) for one in (asked_before, fresh))
    assert (found.did_you_mean, found.decision, found.hits) == (
        expected.did_you_mean, expected.decision, expected.hits,
    )  # fmt: skip
