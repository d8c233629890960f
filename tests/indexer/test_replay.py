"""Candidates with one thing lost: what breaks is counted, and the cause is named. An unchanged one breaks nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from replaying import Change, Desk, Row

from indexer.replay.report import Report


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory, handmade_rows: tuple[Row, ...], write_jsonl: Callable[..., Path]
) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"), handmade_rows, write_jsonl)
    yield made
    made.store.close()


def drop(*names: str) -> Change:
    def change(rows: dict[str, Row]) -> None:
        for name in names:
            del rows[name]

    return change


def every(lang: str, /, **fields: object) -> Change:
    """Change every article of a language; without fields, remove it."""

    def change(rows: dict[str, Row]) -> None:
        for name in [name for name, row in rows.items() if row["lang"] == lang]:
            if fields:
                rows[name] |= fields
            else:
                del rows[name]

    return change


def edit(name: str, **fields: object) -> Change:
    def change(rows: dict[str, Row]) -> None:
        rows[name] |= fields

    return change


def add(**fields: object) -> Change:
    def change(rows: dict[str, Row]) -> None:
        rows[str(fields["id"])] = dict(fields)

    return change


def causes(report: Report) -> list[tuple[str, str, int]]:
    return [(total.cause.kind, total.cause.subject, total.searches) for total in report.causes]


def test_an_unchanged_candidate_breaks_nothing(desk: Desk) -> None:
    """Another version of the same articles: nothing broken, won or decided otherwise; every search is replayed."""
    report = desk.replay(desk.candidate())
    (part,) = report.sections
    assert (part.total.held, part.total.broken, part.total.won) == (220, 0, 0)
    assert (report.causes, report.wins, report.flips, report.over) == ((), (), (), ())
    assert {lang: counts.held for lang, counts in part.by_lang.items()} == {"en": 119, "lt": 36, "lv": 65}


@pytest.mark.parametrize(
    ("change", "editing", "expected"),
    [
        (drop("find-invoice.lv"), {}, ("deleted", "find-invoice", 15)),
        (drop("return-item.lv"), {}, ("translation", "return-item.lv", 20)),
        (every("lt"), {}, ("language", "lt", 36)),
        (every("lt", lang="lv"), {}, ("language", "lt", 36)),
        (edit("reset-password.lv", lang="en"), {}, ("retagged", "reset-password.lv", 30)),
        (edit("track-order.en", audience=["agent"]), {}, ("hidden", "track-order.en", 47)),
        (
            edit("find-invoice.lv", title="Jaunumi", body="Nekas te vairs nav par to."),
            {},
            ("title", "find-invoice.lv", 15),
        ),
        (edit("hub-setup.en", body="Nothing is said here now."), {}, ("text", "hub-setup.en", 10)),
        (
            lambda rows: None,
            {"rules.csv": "query,action,target\nreset password,hide,reset-password\n"},
            ("rule", "hide reset-password.en reset password", 30),
        ),
    ],
    ids=["deleted", "translation", "language", "mis-tagged", "retagged", "hidden", "title", "text", "rule"],
)
def test_each_loss_is_counted_and_named(
    desk: Desk, change: Change, editing: dict[str, str], expected: tuple[str, str, int]
) -> None:
    """One loss, one cause, with all its searches; the candidate is refused."""
    report = desk.replay(desk.candidate(change, editing), first=1)
    assert causes(report)[0] == expected
    assert report.over
    assert sum(part.total.broken for part in report.sections) >= expected[2]


def test_a_wrong_synonym_is_named_with_its_words(desk: Desk) -> None:
    """Found out by trying the candidate without it."""
    editing = {"synonyms.csv": "words\nparcel => unused item; pack; thirty days\n"}
    report = desk.replay(desk.candidate(editing=editing), first=1)
    assert causes(report) == [("synonym", "parcel => unused item; pack; thirty days", 7)]
    assert report.causes[0].cause.sentence == "Typing “parcel” now also finds “unused item; pack; thirty days”."


def test_an_article_that_is_gone_in_every_language_is_one_cause(desk: Desk) -> None:
    """With the searches of all of them."""
    report = desk.replay(desk.candidate(drop("reset-password.en", "reset-password.lv", "reset-password.lt")))
    assert causes(report) == [("deleted", "reset-password", 80)]
    assert report.causes[0].cause.sentence.endswith("is gone, in every language.")


def test_a_newcomer_in_front_is_named(desk: Desk) -> None:
    """The article is still there, unchanged, and one place lower."""
    copied = add(id="spam.en", title="Where is my order", body="Buy more. Where is my order?", lang="en")
    report = desk.replay(desk.candidate(copied), first=1)
    assert causes(report) == [("newcomer", "spam.en", 40)]
    (loss,) = report.losses
    assert (loss.place, loss.compared.replaced_by and loss.compared.replaced_by.id) == (2, "spam.en")


def test_a_worse_model_is_named(desk: Desk, static_model: Path) -> None:
    """What only meaning found is lost with the model that knew it; each snapshot is asked with its own."""
    from kbsearch.embed.registry import load_embedder

    report = desk.replay(desk.candidate(embedder=load_embedder(str(static_model))), first=1)
    assert report.models == ("hashing", str(static_model))
    assert causes(report) == [("model", f"hashing → {static_model}", 7)]


def test_a_keyed_search_is_asked_as_somebody_who_may_see_it(desk: Desk) -> None:
    """And is no loss while it is still there."""
    private = [item for item in desk.replay(desk.candidate(drop("refund-limit.en"))).losses]
    assert [(loss.compared.success.query, loss.cause.kind) for loss in private] == [("obsidian refund", "translation")]


def test_the_same_text_under_a_new_id_is_no_loss(desk: Desk) -> None:
    """Customers see no difference when a file is renamed."""

    def rename(rows: dict[str, Row]) -> None:
        rows["invoice.lv"] = rows.pop("find-invoice.lv") | {"id": "invoice.lv", "group": "invoice"}

    assert desk.replay(desk.candidate(rename)).losses == []


def test_a_new_translation_in_the_customers_language_is_no_loss(desk: Desk) -> None:
    """Who read it in a foreign language before is not worse off."""
    translated = add(id="hub-setup.lv", group="hub-setup", title="Centrmezgls", body="Pievienojiet.", lang="lv")
    assert desk.replay(desk.candidate(translated), first=1).losses == []


def test_judged_questions_are_kept_as_well(desk: Desk, tmp_path: Path, write_jsonl: Callable[..., Path]) -> None:
    """By document or by group; a question that nothing answers must stay unanswered."""
    lines: list[dict[str, Any]] = [
        {"id": "1", "query": "invoice pdf", "lang": "lv", "match": "group", "relevant": {"find-invoice.lv": 1}},
        {"id": "2", "query": "opening hours", "lang": "en", "relevant": {"twin-first.en": 1, "twin-second.en": 1}},
        {"id": "3", "query": "rent a helicopter", "lang": "en", "answerable": False},
    ]
    questions = write_jsonl(tmp_path / "judged.jsonl", lines)
    same = desk.replay(desk.candidate(), facts=None, queries=(questions,))
    assert [(part.name, part.total.held, part.total.broken) for part in same.sections] == [("judged.jsonl", 3, 0)]
    gone = desk.replay(desk.candidate(drop("find-invoice.lv")), facts=None, queries=(questions,))
    assert causes(gone) == [("deleted", "find-invoice", 1)]


def test_a_question_judged_by_document_is_not_served_by_a_translation(
    desk: Desk, tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    """Not even by the article that gives the group its name, which stands in front; a renamed file is no loss."""

    def named_by_original(rows: dict[str, Row]) -> None:
        for lang in ("en", "lv", "lt"):
            rows[f"reset-password.{lang}"]["group"] = "reset-password.en"

    def without_translation(rows: dict[str, Row]) -> None:
        named_by_original(rows)
        del rows["reset-password.lv"]

    def renamed(rows: dict[str, Row]) -> None:
        named_by_original(rows)
        rows["password.lv"] = rows.pop("reset-password.lv") | {"id": "password.lv"}

    line = {"id": "1", "query": "reset password", "lang": "lv", "relevant": {"reset-password.lv": 1}}
    questions = write_jsonl(tmp_path / "judged.jsonl", [line])
    handmade, desk.published = desk.published, desk.candidate(named_by_original)
    try:
        gone, other = (
            desk.replay(desk.candidate(change), facts=None, queries=(questions,))
            for change in (without_translation, renamed)
        )
    finally:
        desk.published = handmade
    (part,) = gone.sections
    assert (part.total.held, part.total.broken) == (1, 1)
    assert causes(gone) == [("translation", "reset-password.lv", 1)]
    assert gone.losses[0].place is None
    assert other.losses == []


def test_what_the_published_version_lost_already_is_no_fault_of_the_candidate(desk: Desk) -> None:
    """And a win where the candidate finds it again."""
    poor = desk.candidate(drop("find-invoice.lv"))
    whole = desk.published
    desk.published = poor
    try:
        again, better = desk.replay(desk.candidate(drop("find-invoice.lv"))), desk.replay(whole)
    finally:
        desk.published = whole
    assert (again.sections[0].total.broken, again.sections[0].total.lost_before) == (0, 15)
    assert [(item.success.query, item.success.searches) for item in better.wins] == [("kur atrast rēķinu", 15)]
    assert better.over == ()
