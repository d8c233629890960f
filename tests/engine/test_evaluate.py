"""Ranking figures against arithmetic by hand, and the report's shape as in the contract."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from kbsearch.engine import Engine
from kbsearch.errors import SourceError
from kbsearch.evaluate import HIGHEST_GRADE, JudgedQuery, read_queries, run_queries, summarise
from kbsearch.types import Action, Decision, Hit, SearchOutcome, SearchRequest

Write = Callable[..., Path]


def hit(document: str) -> Hit:
    group, lang = document.split(".")
    return Hit(document, group, "article", lang, document, "", 0.5, "", (), 1, (), True)


class Scripted:
    """An engine that answers each query with fixed documents; "!" in a query makes it an answer, "?" a hand-over."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = answers

    def search(self, request: SearchRequest) -> SearchOutcome:
        action = Action.ANSWER if "!" in request.q else Action.HAND_OVER if "?" in request.q else Action.LIST
        hits = tuple(map(hit, self.answers[request.q]))
        return SearchOutcome(
            request.q, "en", 1.0, len(hits), hits, {}, Decision(action, 1.0, 1.0, ("x.",), False), None, "s", False, {}
        )

    def group_of(self, document_id: str) -> str | None:
        return document_id.split(".")[0] if "." in document_id else None


def query(text: str, relevant: dict[str, int], lang: str = "en", **fields: Any) -> JudgedQuery:
    values = {"answerable": bool(relevant), "by_group": False, "kind": ""} | fields
    return JudgedQuery(id=text, query=text, lang=lang, relevant=relevant, **values)


def report(answers: dict[str, list[str]], queries: list[JudgedQuery]) -> dict[str, Any]:
    return summarise(run_queries(Scripted(answers), queries))  # type: ignore[arg-type]


def dcg(*gains: float) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def test_figures_equal_hand_arithmetic() -> None:
    """Three queries: found second of two relevant, found first, not found."""
    figures = report(
        {"one": ["x.en", "a.en", "y.en"], "two": ["b.en"], "three": ["x.en", "y.en"]},
        [query("one", {"a.en": 1, "c.en": 1}), query("two", {"b.en": 1}), query("three", {"z.en": 1})],
    )
    assert figures["n"] == 3
    assert figures["ndcg@10"] == pytest.approx((dcg(0, 1) / dcg(1, 1) + 1 + 0) / 3, abs=1e-4)
    assert figures["mrr@10"] == pytest.approx((1 / 2 + 1 + 0) / 3, abs=1e-4)
    assert figures["recall@1"] == pytest.approx((0 + 1 + 0) / 3, abs=1e-4)
    assert figures["recall@5"] == figures["recall@10"] == pytest.approx((1 / 2 + 1 + 0) / 3, abs=1e-4)


def test_grades_count_in_ndcg() -> None:
    """trec_eval's linear gain: the grade itself."""
    figures = report({"q": ["low.en", "high.en"]}, [query("q", {"high.en": 3, "low.en": 1})])
    assert figures["ndcg@10"] == pytest.approx(dcg(1, 3) / dcg(3, 1), abs=1e-4)


def test_depths_cut_where_they_say() -> None:
    """The sixth counts for ten, not for five."""
    answers = {"q": [f"x{n}.en" for n in range(5)] + ["a.en"]}
    figures = report(answers, [query("q", {"a.en": 1})])
    assert (figures["recall@1"], figures["recall@5"], figures["recall@10"]) == (0.0, 0.0, 1.0)
    assert figures["mrr@10"] == pytest.approx(1 / 6, abs=1e-4)


def test_any_translation_counts_once_by_group() -> None:
    """Two judged translations of one group are one relevant thing; another language's hit finds it."""
    for relevant in ({"a.lv": 1, "a.lt": 2, "b.en": 1}, {"a.lt": 2, "a.lv": 1, "b.en": 1}):
        figures = report({"q": ["a.en", "c.en"]}, [query("q", relevant, by_group=True)])
        assert figures["recall@10"] == pytest.approx(0.5)
        assert figures["ndcg@10"] == pytest.approx(dcg(2) / dcg(2, 1), abs=1e-4)
    by_document = report({"q": ["a.en", "c.en"]}, [query("q", {"a.lv": 1})])
    assert by_document["recall@10"] == 0.0


def test_unanswerable_questions_take_no_part_in_the_ranking() -> None:
    """They measure the decision only."""
    figures = report(
        {"good": ["a.en"], "bad?": ["a.en"], "worse!": ["b.en"]},
        [query("good", {"a.en": 1}), query("bad?", {}), query("worse!", {})],
    )
    assert (figures["n"], figures["ndcg@10"]) == (1, 1.0)
    assert figures["decision"]["abstained_on_unanswerable"] == 0.5
    assert figures["decision"]["handed_over_on_unanswerable"] == 0.5


def test_the_decision_is_measured() -> None:
    """answered: share of answerable ones; precision: answers whose first hit is relevant, among all answers."""
    figures = report(
        {"right!": ["a.en"], "wrong!": ["b.en"], "list": ["a.en"], "lost?": [], "no!": ["a.en"]},
        [
            query("right!", {"a.en": 1}),
            query("wrong!", {"a.en": 1}),
            query("list", {"a.en": 1}),
            query("lost?", {"a.en": 1}),
            query("no!", {}),
        ],
    )
    assert figures["decision"]["answered"] == 2 / 4
    assert figures["decision"]["answer_precision"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["decision"]["abstained_on_unanswerable"] == 0.0


def test_the_report_has_the_keys_of_the_contract() -> None:
    """At the top and for every language; what cannot be divided is null, never 0."""
    figures = report(
        {"en": ["a.en"], "lv": [], "none": []},
        [query("en", {"a.en": 1}), query("lv", {"a.lv": 1}, lang="lv"), query("none", {}, lang="lt")],
    )
    figures = orjson.loads(orjson.dumps(figures))
    keys = {"n", "ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10"}
    assert keys | {"by_lang", "decision", "latency_ms"} == set(figures)
    assert set(figures["by_lang"]) == {"en", "lt", "lv"}
    assert all(set(row) == keys for row in figures["by_lang"].values())
    assert figures["by_lang"]["lv"]["recall@10"] == 0.0
    assert figures["by_lang"]["lt"] == {"n": 0} | dict.fromkeys(keys - {"n"})
    assert {"answered", "answer_precision", "abstained_on_unanswerable"} <= set(figures["decision"])
    assert figures["decision"]["answer_precision"] is None
    assert set(figures["latency_ms"]) == {"p50", "p95", "p99"}


def test_a_real_engine_is_measured(engine: Engine, tmp_path: Path, write_jsonl: Write) -> None:
    """From file to figures: titles of the handmade help centre are found first."""
    rows = [
        {"id": "1", "query": "kā atjaunot paroli", "lang": "lv", "relevant": {"reset-password.lv": 1}},
        {
            "id": "2",
            "query": "kur yra mano užsakymas",
            "lang": "en",
            "match": "group",
            "relevant": {"track-order.lv": 1},
        },
        {"id": "3", "query": "quantum chess", "lang": "en", "answerable": False, "relevant": {}},
    ]
    figures = summarise(run_queries(engine, read_queries(write_jsonl(tmp_path / "q.jsonl", rows))))
    assert (figures["n"], figures["recall@1"]) == (2, 1.0)
    # Nobody has calibrated it.
    assert figures["decision"]["answered"] == 0.0


GOOD = {"id": "1", "query": "x", "lang": "en", "relevant": {"a": 1}}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is no judged query"),
        ("[]", "is no judged query (not a JSON object)"),
        ('{"query": "x", "relevant": {"a": 1}}', "is no judged query (id is missing)"),
        ('{"id": "2", "relevant": {"a": 1}}', "is no judged query (query is missing)"),
        ('{"id": "2", "query": "x", "relevant": {"a": "much"}}', "is no judged query"),
        ('{"id": "2", "query": "x", "relevant": ["a"]}', "is no judged query (relevant is ['a'], not an object"),
        ('{"id": "2", "query": "x"}', "has no relevant document"),
        ('{"id": "2", "query": "x", "relevant": {}}', "has no relevant document"),
        ('{"id": "2", "query": "x", "relevant": {"a": 0}}', "has no relevant document"),
        ('{"id": "2", "query": "x", "relevant": {"a": 0.5}}', "is no judged query"),
        ('{"id": "2", "query": "x", "relevant": {"a": 1001}}', "is no judged query (the grade 1001 of 'a'"),
        ('{"id": "2", "query": "x", "relevant": {"a": 99999999999}}', "is no judged query (the grade 99999999999"),
        ('{"id": "2", "query": "x", "relevant": {"a": 1, "b": -1}}', "is no judged query (the grade -1 of 'b'"),
        (
            '{"id": "2", "query": "x", "answerable": false, "relevant": {"a": 1}}',
            'is no judged query ("answerable" is false, and yet "relevant" is not empty)',
        ),
        ('{"id": null, "query": "x", "relevant": {"a": 1}}', "is no judged query"),
        ('{"id": "2", "query": null, "relevant": {"a": 1}}', "is no judged query"),
        ('{"id": "2", "query": "x", "lang": ["lv"], "relevant": {"a": 1}}', "is no judged query"),
        ('{"id": "2", "query": "x", "match": "grup", "relevant": {"a": 1}}', "is no judged query"),
        ('{"id": "2", "query": "x", "answerable": "false", "relevant": {"a": 1}}', "is no judged query"),
        ('{"id": "2", "query": " ", "relevant": {"a": 1}}', "has an empty query"),
        ('{"id": "1", "query": "y", "relevant": {"a": 1}}', "has the id '1' of an earlier query"),
    ],
)
def test_a_bad_line_is_named(line: str, said: str, tmp_path: Path) -> None:
    """File and line number, what is wrong; figures over half a file would mislead."""
    path = tmp_path / "q.jsonl"
    path.write_text(orjson.dumps(GOOD).decode() + "\n\n" + line + "\n", encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_queries(path)
    assert str(caught.value).startswith(f"{path}:3 {said}")


def test_null_is_the_same_as_leaving_a_field_out(tmp_path: Path) -> None:
    """Exports write null; and Windows editors begin a file with a byte order mark."""
    path = tmp_path / "q.jsonl"
    line = '{"id": 7, "query": "x", "lang": null, "relevant": null, "answerable": false, "match": null, "kind": null}'
    path.write_text(line, encoding="utf-8-sig")
    assert read_queries(path) == [JudgedQuery("7", "x", "", {}, answerable=False, by_group=False, kind="")]


def test_the_highest_grade_counts_like_the_lowest() -> None:
    """It overflows nothing."""
    figures = report({"q": ["a.en", "b.en"]}, [query("q", {"a.en": HIGHEST_GRADE})])
    assert (figures["ndcg@10"], figures["recall@1"]) == (1.0, 1.0)


def test_an_answer_that_is_judged_irrelevant_is_not_precise() -> None:
    """Grade 0 says: looked at, and wrong."""
    figures = report({"one!": ["x.en", "a.en"]}, [query("one!", {"x.en": 0, "a.en": 1})])
    assert figures["decision"]["answer_precision"] == 0.0


@pytest.mark.parametrize("content", [None, "", "\n\n"])
def test_no_query_at_all_is_an_error(content: str | None, tmp_path: Path) -> None:
    """A missing or empty file gives no figures."""
    path = tmp_path / "q.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SourceError, match=r"q\.jsonl"):
        read_queries(path)
