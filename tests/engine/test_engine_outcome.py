"""What an outcome says beside its hits: degraded answers, explanations, highlights; and the same in every thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import orjson
import pytest
from asking import MODES, QUERIES, Search, groups, ids

from kbsearch.embed.hashing import DIMENSION, HashingEmbedder
from kbsearch.engine import Engine, open_engine
from kbsearch.errors import SnapshotMismatch
from kbsearch.retrieve import retrieve
from kbsearch.types import Action, Mode, SearchOutcome, SearchRequest


def timeless(outcome: SearchOutcome) -> SearchOutcome:
    return replace(outcome, timings_ms={})


class Attentive(HashingEmbedder):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def encode_queries(self, texts: Any) -> Any:
        self.heard += texts
        return super().encode_queries(texts)


@pytest.mark.parametrize(
    "typed",
    ["reset password!!!", "“reset password”", "**reset** password 🙏", "reset, password?", "reset\xa0password …"],
)
def test_marks_around_words_mean_nothing(handmade_index: Path, typed: str) -> None:
    """A model hears shouting in three exclamation marks; the question is the same, and so is its answer."""
    attentive = Attentive()
    engine = open_engine(handmade_index, embedder=attentive)
    for q in ("reset password", typed):
        engine.search(SearchRequest(q=q, lang="en"))
    assert attentive.heard[-1] == attentive.heard[-2] == "reset password"


class TestDegraded:
    class Broken(HashingEmbedder):
        def encode_queries(self, texts: Any) -> Any:
            raise RuntimeError("out of memory")

    class Lost(HashingEmbedder):
        def encode_queries(self, texts: Any) -> Any:
            return np.full((len(texts), DIMENSION), np.nan, np.float32)

    class Silent(HashingEmbedder):
        def encode_queries(self, texts: Any) -> Any:
            return np.zeros((len(texts), DIMENSION), np.float32)

    @pytest.mark.parametrize("kind", [Broken, Lost])
    def test_words_answer_alone_where_the_embedder_fails(
        self, handmade_index: Path, search: Search, kind: type[HashingEmbedder]
    ) -> None:
        """The customer gets what words find, and the outcome says so; a vector that is no number is no vector."""
        broken = open_engine(handmade_index, embedder=kind())
        outcome = broken.search(SearchRequest(q="reset password", lang="en"))
        assert outcome.degraded
        assert ids(outcome) == ids(search("reset password", lang="en", mode="lexical"))
        assert not broken.search(SearchRequest(q="reset password", mode="lexical")).degraded

    def test_a_search_by_meaning_alone_cannot_do_without(self, handmade_index: Path) -> None:
        """Dense mode raises what the embedder raised."""
        broken = open_engine(handmade_index, embedder=self.Broken())
        with pytest.raises(RuntimeError, match="out of memory"):
            broken.search(SearchRequest(q="reset password", mode="dense"))

    def test_a_query_without_direction_is_answered_by_words(self, handmade_index: Path) -> None:
        """A zero vector is near to nothing; it is no failure."""
        engine = open_engine(handmade_index, embedder=self.Silent())
        outcome = engine.search(SearchRequest(q="reset password", lang="en"))
        assert not outcome.degraded
        assert groups(outcome)[0] == "reset-password"
        assert engine.search(SearchRequest(q="reset password", mode="dense")).hits == ()

    def test_other_files_of_the_model_are_refused(self, handmade_index: Path) -> None:
        """Vectors of two models must not meet."""

        class Other(HashingEmbedder):
            @property
            def info(self) -> Any:
                return replace(super().info, files_sha256="f" * 64)

        with pytest.raises(SnapshotMismatch, match="kbsearch-index build SOURCE"):
            open_engine(handmade_index, embedder=Other())


class TestOutcome:
    def test_explain_says_how_a_hit_came_about(self, search: Search) -> None:
        """Both legs' shares, the terms and the languages read; only when asked."""
        outcome = search("reset your password", lang="en", explain=True)
        explained = outcome.hits[0].explain
        assert explained is not None
        assert {"lexical", "similarity", "title", "readings", "terms"} <= set(explained)
        assert 0.0 < explained["lexical"] <= 1.0
        assert 0.0 < explained["similarity"] <= 1.0
        assert "en" in explained["readings"]
        assert all(hit.explain is None for hit in search("reset your password", lang="en").hits)

    def test_explained_shares_add_up_to_the_score(self, search: Search) -> None:
        """In the modes of one leg the score is that leg's share."""
        for mode, share in (("lexical", "lexical"), ("dense", "similarity")):
            for hit in search("where is my order", mode=mode, explain=True).hits:
                assert hit.explain is not None
                assert hit.score == pytest.approx(hit.explain[share], abs=2e-4)

    @pytest.mark.parametrize("query", QUERIES)
    def test_highlights_mark_words_of_the_snippet(self, search: Search, query: str) -> None:
        """Ranges inside the snippet, in order, on whole words."""
        for hit in search(query, limit=100).hits:
            end = 0
            for start, stop in hit.highlights:
                assert end <= start < stop <= len(hit.snippet)
                assert hit.snippet[start:stop].strip() == hit.snippet[start:stop] != ""
                end = stop

    def test_the_outcome_is_plain_json(self, search: Search) -> None:
        """With every key that the wire needs."""
        data = orjson.loads(orjson.dumps(search("reset password", explain=True)))
        assert {
            "q",
            "detected_lang",
            "lang_confidence",
            "found",
            "hits",
            "facets",
            "decision",
            "did_you_mean",
            "snapshot",
            "degraded",
            "timings_ms",
        } <= set(data)
        assert data["decision"]["action"] in ("answer", "list", "hand_over")
        assert all(milliseconds >= 0 for milliseconds in data["timings_ms"].values())

    @pytest.mark.parametrize("mode", MODES)
    def test_every_stage_is_timed(self, engine: Engine, mode: Mode) -> None:
        """Those of the compiled loops too, and none twice: together they take no longer than the search did."""
        request = SearchRequest(q="reset password", mode=mode)
        started = perf_counter()
        stages = engine.search(request).timings_ms
        took = (perf_counter() - started) * 1000
        assert list(stages) == [
            "filter", "detect", "analyse", "embed", "dense", "lexical", "fuse", "group", "facets", "snippet", "decide",
        ]  # fmt: skip
        assert all(taken > 0 for taken in stages.values())
        assert sum(stages.values()) <= took

    def test_nothing_in_common_is_handed_over(self, search: Search) -> None:
        """A question from another world."""
        outcome = search("xylophone quartzite", lang="en", mode="lexical")
        assert outcome.decision.action is Action.HAND_OVER
        assert outcome.decision.reasons

    def test_eight_threads_get_the_same_results(self, engine: Engine, search: Search) -> None:
        """As one thread alone, whatever runs beside it."""
        requests = [
            SearchRequest(q=query, lang=lang, mode=mode, filters=filters, explain=True)
            for query in QUERIES
            for lang in ("", "lv")
            for mode in MODES
            for filters in ({}, {"lang": ("lv",)})
        ]
        expected = [timeless(engine.search(request)) for request in requests]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda request: timeless(engine.search(request)), requests * 2))
        assert found == expected * 2


def test_opening_runs_a_query_that_matches(handmade_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the first customer waits while the rest of the code is compiled (half a second)."""
    scores = []

    def listening(*arguments: Any) -> Any:
        found = retrieve(*arguments)
        scores.append(float(found[0].lexical.max()))
        return found

    monkeypatch.setattr("kbsearch.engine.retrieve", listening)
    open_engine(handmade_index)
    assert len(scores) == 1
    assert scores[0] > 0
