"""Calibration: thresholds by hand, no threshold without evidence, and a version that answers; kept over a rebuild."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from indexer.pipeline import build
from kbsearch import calibration
from kbsearch.calibrate import FEWEST_QUESTIONS, Sample, as_json, calibrate, fit
from kbsearch.calibration import publish_calibrated
from kbsearch.cli import main
from kbsearch.decide import FEATURES, read_calibration
from kbsearch.disk import only_one
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.engine import open_engine
from kbsearch.errors import SnapshotError, SnapshotMismatch, SourceError, UsageError
from kbsearch.evaluate import read_queries
from kbsearch.manifest import CALIBRATION, published_version, read_manifest, verify_snapshot
from kbsearch.types import Action, SearchRequest
from kbsearch.version import CALIBRATION_FORMAT
from kbsearch.versions import LOCK, version_directories

Write = Callable[[Path, Sequence[dict[str, Any]]], Path]


def sample(count: int, wrong_below: float, langs: Sequence[str] = ("en",), seed: int = 3) -> Sample:
    """Questions whose every evidence is one number; those under `wrong_below` are answered wrongly."""
    draw = np.random.default_rng(seed)
    values = draw.random(count)
    right = values >= wrong_below
    return Sample(
        evidence=np.repeat(values[:, None], len(FEATURES), axis=1),
        right=right,
        listed=right,
        answerable=values > 0.1,
        lang=np.asarray([langs[number % len(langs)] for number in range(count)]),
        topic=np.arange(count, dtype=np.int64),
    )


def test_a_clean_cut_is_found() -> None:
    """By hand: above 209 right ones ten wrong ones fit in, since the conformal (10 + 1) / (219 + 1) is 5 %.

    One language is all languages, so that the 50 answers of all beside its own change nothing.
    """
    data = sample(400, 0.5)
    assert data.right.sum() == 209
    found = fit(data, 0.05).languages["en"]
    assert (found.answered, found.wrong) == (219, 10)
    assert found.bound == pytest.approx(11 / 220)
    assert found.upper95 >= found.bound


def test_a_smaller_error_answers_less() -> None:
    """And more is never answered for it; the stated bound follows."""
    noisy = sample(600, 0.5)
    noisy = replace(noisy, right=noisy.right ^ (np.random.default_rng(5).random(600) < 0.05))
    answered = [fit(noisy, error).languages["en"] for error in (0.03, 0.1, 0.2)]
    assert [one.answered for one in answered] == sorted(one.answered for one in answered)
    assert all(one.bound <= error for one, error in zip(answered, (0.03, 0.1, 0.2), strict=True) if one.answers)


def test_chance_is_never_answered() -> None:
    """Where evidence says nothing and half of the results are wrong, no threshold keeps 5 %."""
    blind = sample(400, 0.5)
    blind = replace(blind, right=np.random.default_rng(7).random(400) < 0.5)
    assert not fit(blind, 0.05).languages["en"].answers


def test_a_language_with_few_questions_is_not_calibrated() -> None:
    """Below the least number of answerable ones it has no entry."""
    data = sample(400, 0.5)
    few = np.where(np.arange(400) < FEWEST_QUESTIONS - 1, "lv", "en")
    assert set(fit(replace(data, lang=few), 0.05).languages) == {"en"}


def test_more_evidence_never_lowers_the_probability() -> None:
    """No weight is negative."""
    learnt = fit(sample(300, 0.5), 0.05)
    assert min(learnt.right.weights + learnt.listed.weights) >= 0.0


@pytest.mark.parametrize("wrong_below", [0.0, 1.1])
def test_questions_of_one_kind_teach_nothing(wrong_below: float) -> None:
    """All right, or all wrong."""
    with pytest.raises(SourceError, match="nothing to tell apart"):
        fit(sample(60, wrong_below), 0.05)


@pytest.mark.parametrize("topics", [[7], [7, 17]], ids=["one topic", "two in one fold"])
def test_questions_about_too_few_articles_teach_nothing(topics: list[int]) -> None:
    """Each is judged by a model of the other topics, and there is none."""
    data = sample(60, 0.5)
    with pytest.raises(SourceError, match="questions about more articles"):
        fit(replace(data, topic=np.resize(topics, 60)), 0.05)


def test_a_language_about_one_article_is_judged_by_the_others() -> None:
    """Its questions are in one fold; what is learnt of them comes from the questions of other languages."""
    data = sample(400, 0.5, ("en", "lv"))
    learnt = fit(replace(data, topic=np.where(data.lang == "lv", 7, data.topic)), 0.05)
    assert read_calibration(orjson.loads(orjson.dumps(as_json(learnt)))) == learnt
    assert set(learnt.languages) == {"en", "lv"}


TOPICS = ["invoice", "parcel", "password", "warranty", "courier", "voucher", "locker", "battery", "filter", "watch"]
ARTICLES = [
    {"id": f"{topic}-{n}", "lang": "en", "title": f"{topic} {word}", "body": f"About the {topic} and {word}."}
    for topic in TOPICS
    for n, word in enumerate(["renewal", "replacement", "problem", "price", "address"])
]
QUESTIONS = [
    *(
        {"id": f"q{n}", "query": row["title"], "lang": "en", "relevant": {row["id"]: 1}}
        for n, row in enumerate(ARTICLES)
    ),
    *(
        {"id": f"u{n}", "query": f"{word} horoscope", "lang": "en", "answerable": False, "relevant": {}}
        for n, word in enumerate(["zebra", "lion", "price", "address", "problem", *TOPICS])
    ),
]


class OtherModel(HashingEmbedder):
    """The same vectors by another name."""

    @property
    def info(self) -> Any:
        return replace(super().info, files_sha256="f" * 64)


def test_a_calibrated_index_answers_and_a_rebuild_keeps_it(tmp_path: Path, write_jsonl: Write) -> None:
    """Until another model says that the calibration means nothing any more, and that is said."""
    index = tmp_path / "index"
    source = write_jsonl(tmp_path / "s.jsonl", ARTICLES)
    queries = read_queries(write_jsonl(tmp_path / "q.jsonl", QUESTIONS))
    build([source], index, embedder=HashingEmbedder())
    ask = SearchRequest(q="battery price", lang="en")
    assert open_engine(index).search(ask).decision.action is Action.LIST
    with pytest.raises(UsageError, match="no share"):
        calibrate(open_engine(index), queries, 5.0)
    learnt = orjson.dumps(as_json(calibrate(open_engine(index), queries, 0.1)[0]))
    version = publish_calibrated(index, learnt, published_version(index))
    outcome = open_engine(index).search(ask)
    assert (outcome.snapshot, outcome.decision.action, outcome.decision.calibrated) == (version, Action.ANSWER, True)
    assert outcome.answer is not None
    assert open_engine(index).search(SearchRequest(q="qwxz", lang="en")).decision.action is not Action.ANSWER

    assert build([source], index, embedder=HashingEmbedder(), update=True).unchanged
    write_jsonl(source, [*ARTICLES, {"id": "new", "lang": "en", "title": "Opening hours", "body": "From nine to six."}])
    for update in (True, False):
        report = build([source], index, embedder=HashingEmbedder(), update=update)
        assert open_engine(index).search(ask).decision.action is Action.ANSWER
        assert not any("calibration" in note for note in report.notes)

    report = build([source], index, embedder=OtherModel())
    assert any("kbsearch calibrate --index" in note and "model" in note for note in report.notes)
    assert CALIBRATION not in read_manifest(index / report.version)["files"]


@pytest.mark.parametrize(("error", "said"), [("0.005", "0.5%"), ("0.015", "1.5%"), ("0.07", "7%")])
def test_the_accepted_share_is_printed_as_given(
    error: str, said: str, tmp_path: Path, write_jsonl: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a percent is neither none nor one."""
    index, queries = tmp_path / "index", write_jsonl(tmp_path / "q.jsonl", QUESTIONS)
    build([write_jsonl(tmp_path / "s.jsonl", ARTICLES)], index, embedder=HashingEmbedder())
    assert main(["calibrate", "--index", str(index), "--queries", str(queries), "--error", error]) == 0
    assert f": answers with at most {said} wrong, where" in capsys.readouterr().out


def test_a_language_that_is_left_out_is_named(
    tmp_path: Path, write_jsonl: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """With how many questions it has and how many it needs; in JSON as well."""
    index = tmp_path / "index"
    few = [{"id": "et", "query": "parool", "lang": "et", "relevant": {ARTICLES[0]["id"]: 1}}]
    queries = write_jsonl(tmp_path / "q.jsonl", [*QUESTIONS, *few])
    build([write_jsonl(tmp_path / "s.jsonl", ARTICLES)], index, embedder=HashingEmbedder())
    command = ["calibrate", "--index", str(index), "--queries", str(queries)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert f"et     not calibrated: 1 answerable question, at least {FEWEST_QUESTIONS} are needed; list only" in printed
    assert main([*command, "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["left_out"] == {"et": 1}


LEARNT = orjson.dumps({"format": CALIBRATION_FORMAT})


def test_an_update_that_begins_while_a_calibration_is_published_is_refused(
    tmp_path: Path, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It neither removes the files that are being linked nor publishes what would be replaced a moment later."""
    index, source = tmp_path / "index", write_jsonl(tmp_path / "s.jsonl", ARTICLES[:3])
    build([source], index, embedder=HashingEmbedder())
    write_jsonl(source, ARTICLES[:5])
    link, linked = calibration._link, []

    def link_while_an_update_begins(original: Path, target: Path) -> None:
        link(original, target)
        linked.append(target)
        if len(linked) == 5:
            with pytest.raises(SnapshotError, match=r"being written by .*calibrate"):
                build([source], index, embedder=HashingEmbedder(), update=True)

    monkeypatch.setattr(calibration, "_link", link_while_an_update_begins)
    version = publish_calibrated(index, LEARNT, published_version(index))
    assert published_version(index) == version
    assert len(linked) == len(read_manifest(index / version)["files"]) - 1
    verify_snapshot(index / version)
    report = build([source], index, embedder=HashingEmbedder(), update=True)
    assert (report.documents, (index / report.version / CALIBRATION).read_bytes()) == (5, LEARNT)


def test_a_calibration_is_not_published_beside_an_update(tmp_path: Path, write_jsonl: Write) -> None:
    """What was published stays, and the message says who is at it."""
    index = tmp_path / "index"
    build([write_jsonl(tmp_path / "s.jsonl", ARTICLES[:3])], index, embedder=HashingEmbedder())
    version = published_version(index)
    with (
        only_one(index / LOCK, "update"),
        pytest.raises(SnapshotError, match=r"\(update, since .*wait until it is done"),
    ):
        publish_calibrated(index, LEARNT, version)
    assert published_version(index) == version


def test_articles_published_while_the_questions_are_asked_are_kept(tmp_path: Path, write_jsonl: Write) -> None:
    """They change nothing about what a score means, so the new version takes the calibration."""
    index, source = tmp_path / "index", write_jsonl(tmp_path / "s.jsonl", ARTICLES[:3])
    fitted_on = build([source], index, embedder=HashingEmbedder()).version
    write_jsonl(source, ARTICLES[:5])
    build([source], index, embedder=HashingEmbedder(), update=True)
    version = publish_calibrated(index, LEARNT, fitted_on)
    assert read_manifest(index / version)["documents"] == 5
    assert (index / version / CALIBRATION).read_bytes() == LEARNT


def test_a_calibration_is_not_published_over_another_model(tmp_path: Path, write_jsonl: Write) -> None:
    """Its scores mean something else; what was published stays, and nothing is left behind."""
    index, source = tmp_path / "index", write_jsonl(tmp_path / "s.jsonl", ARTICLES[:3])
    fitted_on = build([source], index, embedder=HashingEmbedder()).version
    other = build([source], index, embedder=OtherModel()).version
    with pytest.raises(SnapshotError, match=r"another model, .* run again: kbsearch calibrate --index"):
        publish_calibrated(index, LEARNT, fitted_on)
    assert published_version(index) == other
    assert [path.name for path in version_directories(index)] == [other, fitted_on]


def test_a_calibration_that_is_no_calibration_is_named_when_the_index_is_opened(
    tmp_path: Path, write_jsonl: Write
) -> None:
    """Not by the first search that meets the missing number."""
    index = tmp_path / "index"
    build([write_jsonl(tmp_path / "s.jsonl", ARTICLES[:3])], index, embedder=HashingEmbedder())
    learnt = as_json(fit(sample(400, 0.5), 0.05))
    learnt["languages"]["en"]["hand_over_below"] = None
    publish_calibrated(index, orjson.dumps(learnt), published_version(index))
    with pytest.raises(SnapshotMismatch, match=r"calibration\.json cannot be used .* kbsearch calibrate"):
        open_engine(index)


def test_a_calibration_of_another_release_is_replaced_as_its_error_says(
    tmp_path: Path, write_jsonl: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command that the error names must not end in the same error."""
    index, questions = tmp_path / "index", write_jsonl(tmp_path / "q.jsonl", QUESTIONS)
    build([write_jsonl(tmp_path / "s.jsonl", ARTICLES)], index, embedder=HashingEmbedder())
    publish_calibrated(index, orjson.dumps({"format": CALIBRATION_FORMAT - 1}), published_version(index))
    with pytest.raises(SnapshotMismatch, match="another version of kbsearch"):
        open_engine(index)
    assert main(["calibrate", "--index", str(index), "--queries", str(questions)]) == 0, capsys.readouterr().err
    open_engine(index)
