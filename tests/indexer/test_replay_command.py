"""`replay` and `--gate` as operators use them: exit codes, what is published, what is printed, and to whom."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from replaying import Change, Desk, Row

import indexer.cli
import indexer.replay.command
from benchmarks.gate_log import BEGIN, Visit, write
from indexer.replay.options import read_share
from kbsearch.collector import without_collector
from kbsearch.errors import UsageError
from kbsearch.events.sqlite import SqliteStore
from kbsearch.manifest import CURRENT
from kbsearch.snapshot import published_version
from kbsearch.versions import list_snapshots, publish_existing, rollback

SINCE = ["--from", "2026-11-01", "--to", "2026-11-04"]


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def call(*arguments: object) -> Result:
        capfd.readouterr()
        code = indexer.cli.main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def desk(tmp_path: Path, handmade_rows: tuple[Row, ...], write_jsonl: Callable[..., Path]) -> Iterator[Desk]:
    made = Desk(tmp_path, handmade_rows, write_jsonl)
    yield made
    made.store.close()


def without_invoice(rows: dict[str, Row]) -> None:
    del rows["find-invoice.lv"]


def with_news(rows: dict[str, Row]) -> None:
    rows["new.en"] = {"id": "new.en", "title": "Gift wrapping", "body": "We wrap gifts.", "lang": "en"}


def test_replay_says_what_breaks_and_fails(desk: Desk, run: Callable[..., Result], tmp_path: Path) -> None:
    """Exit code 1 over the budget, 0 within it; the sentence on stderr, the report on stdout."""
    candidate = desk.candidate(without_invoice)
    common = ["replay", desk.out, "--candidate", candidate, "--against", "CURRENT", "--events", desk.events, *SINCE]
    refused = run(*common)
    assert refused.code == 1
    assert "15 × “Kur atrast rēķinu” (find-invoice.lv) is gone." in refused.out
    assert "lv            15 of      65 break (23.08%), 0 won" in refused.out
    assert (
        "breaks too many successful searches (budget 0.50%): log 15 of 220 (6.82%); log in lv 15 of 65 (23.08%)."
        in refused.err
    )
    allowed = run(*common, "--max-broken", "25%")
    assert (allowed.code, allowed.err) == (0, "")
    assert allowed.out.rstrip().endswith("may be published: at most 25.00% may break, and that holds.")
    # A version may be named by its path as well.
    assert run("replay", "--candidate", desk.out / candidate, "--events", desk.events, *SINCE).code == 1


def test_replay_json_and_page_say_the_same(desk: Desk, run: Callable[..., Result], tmp_path: Path) -> None:
    """JSON alone on stdout; the page is one file that loads nothing and runs nothing."""
    candidate = desk.candidate(without_invoice)
    page = tmp_path / "report.html"
    result = run(
        "replay", desk.out, "--candidate", candidate, "--events", desk.events, *SINCE, "--json", "--html", page
    )
    report = orjson.loads(result.out)
    assert (result.code, report["passed"], report["candidate"]) == (1, False, candidate)
    assert report["sets"][0]["by_lang"]["lv"] == {
        "asked": 65,
        "held": 65,
        "served": 50,
        "broken": 15,
        "won": 0,
        "lost_before": 0,
        "share": 0.230769,
    }
    (loss,) = report["broken"]
    assert (loss["query"], loss["searches"], loss["article"]) == ("kur atrast rēķinu", 15, "find-invoice.lv")
    assert loss["cause"]["kind"] == "deleted"
    assert loss["before"]["position"] == 1
    assert loss["replaced_by"]["id"] != "find-invoice.lv"
    assert report["latency_ms"]["median_before"] > 0
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r"""(src|href)=|url\(|@import""", text)
    assert "“kur atrast rēķinu”" in html.unescape(text)
    assert "“Kur atrast rēķinu” (find-invoice.lv) is gone." in html.unescape(text)


def test_a_query_of_few_people_is_nowhere_printed(desk: Desk, run: Callable[..., Result], tmp_path: Path) -> None:
    """Neither on the terminal nor in JSON nor on the page; how many there are is said."""
    secret = "kur atrast rēķinu par operāciju"
    write(desk.store, [Visit(secret, "lv", "find-invoice.lv")] * 4, begin=BEGIN + timedelta(days=1))
    candidate = desk.candidate(without_invoice)
    page = tmp_path / "report.html"
    common = ["replay", desk.out, "--candidate", candidate, "--events", desk.events, *SINCE, "--html", page]
    text, report = run(*common).out, orjson.loads(run(*common, "--json").out)
    assert "operāciju" not in text + orjson.dumps(report).decode() + html.unescape(page.read_text(encoding="utf-8"))
    assert "4 × (asked by fewer than five people) [lv]" in text
    assert [loss["query"] for loss in report["broken"]] == ["kur atrast rēķinu", None]
    assert report["queries_withheld"] == 1


def test_what_programs_asked_is_left_out_and_said(desk: Desk, run: Callable[..., Result], tmp_path: Path) -> None:
    """On the terminal, in JSON and on the page."""
    visits = [Visit("kur atrast rēķinu", "lv", "find-invoice.lv", client="monitor")] * 101
    write(desk.store, visits, begin=BEGIN + timedelta(days=1))
    candidate = desk.candidate(without_invoice)
    page = tmp_path / "report.html"
    common = ["replay", desk.out, "--candidate", candidate, "--events", desk.events, *SINCE, "--html", page]
    text, report = run(*common).out, orjson.loads(run(*common, "--json").out)
    assert "321 searches in the log; left out: 0 that may still end in a ticket, 101 of programs" in text
    assert (report["searches"], report["programs"], report["sets"][0]["held"]) == (321, 101, 220)
    assert "and 101 of programs." in page.read_text(encoding="utf-8")


def test_the_gate_publishes_what_breaks_nothing(desk: Desk, run: Callable[..., Result]) -> None:
    """`update --gate`: a new article is fine, and the history says how it got there."""
    result = run("update", desk.source(with_news), "--out", desk.out, "--gate", desk.events, *SINCE)
    assert result.code == 0
    assert result.out.startswith("Published ")
    assert "may be published" in result.out
    assert published_version(desk.out) != desk.published
    (entry,) = [entry for entry in list_snapshots(desk.out) if entry.published]
    assert next(fact for fact in entry.history if "measured" in fact)["measured"] == {"broken in log": "0.00%"}
    assert entry.history[-1]["published"] == "update through the gate"


@pytest.mark.parametrize("command", ["build", "update"])
def test_the_gate_refuses_what_breaks_too_much(desk: Desk, run: Callable[..., Result], command: str) -> None:
    """Nothing is published; the sentence names the command that would publish it all the same, and that works."""
    model = ["--model", "hashing"]
    result = run(command, desk.source(without_invoice), "--out", desk.out, *model, "--gate", desk.events, *SINCE)
    assert result.code == 1
    assert published_version(desk.out) == desk.published
    assert f"{desk.published} stays published" in result.err
    words = re.search(r"kbsearch-index (publish .*)$", result.err.strip())
    assert words is not None
    assert run(*words[1].split()).code == 0
    assert published_version(desk.out) != desk.published


def test_only_the_last_refused_version_is_kept(desk: Desk, run: Callable[..., Result]) -> None:
    """A gate that refuses every night does not fill the disk; what was published all the same stays."""

    def without_order(rows: dict[str, Row]) -> None:
        del rows["track-order.en"]

    def refused(change: Change) -> str:
        arguments = ["--out", desk.out, "--gate", desk.events, *SINCE]
        assert run("update", desk.source(change), *arguments).code == 1
        return list_snapshots(desk.out)[0].version

    # What holds a version open lets go of it at once, not when Python next looks for garbage.
    with without_collector():
        first = refused(without_invoice)
        second = refused(without_order)
    assert [entry.version for entry in list_snapshots(desk.out)] == [second, desk.published]
    assert run("publish", desk.out, second).code == 0
    third = refused(without_invoice)
    assert [entry.version for entry in list_snapshots(desk.out)] == [third, second, desk.published]
    assert first not in (second, third)
    assert "refused" in run("list", desk.out).out.splitlines()[0]


def test_what_was_published_during_the_replay_stays(
    desk: Desk, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ungated update withdraws an article while the gate asks: it is not brought back by what was asked before."""
    replay, index, withdrawn = indexer.replay.command.replay, desk.out, []

    def slow(*arguments: Any) -> Any:
        report = replay(*arguments)
        assert indexer.cli.main(["update", str(desk.source(without_invoice)), "--out", str(index)]) == 0
        withdrawn.append(published_version(index))
        return report

    monkeypatch.setattr(indexer.replay.command, "replay", slow)
    result = run("update", desk.source(with_news), "--out", index, "--gate", desk.events, *SINCE)
    assert result.code == 1
    assert [published_version(index)] == withdrawn
    assert f"had {desk.published} published" in result.err
    assert f"has {withdrawn[0]} now" in result.err
    assert result.err.strip().endswith("run the command again.")
    monkeypatch.undo()
    assert run("update", desk.source(with_news), "--out", index, "--gate", desk.events, *SINCE).code == 0


@pytest.mark.parametrize("first", [False, True])
def test_a_rollback_during_the_replay_is_not_undone(
    desk: Desk, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """Nor what was published where nothing was when the gate looked."""
    older, only_writer = desk.published, indexer.replay.command.only_writer
    publish_existing(desk.out, desk.candidate(with_news))
    if first:
        (desk.out / CURRENT).unlink()

    def late(root: Path, purpose: str) -> Any:
        rollback(root, older)
        return only_writer(root, purpose)

    monkeypatch.setattr(indexer.replay.command, "only_writer", late)
    source = desk.source(lambda rows: rows["track-order.en"].update(tags=["new"]))
    result = run("build", source, "--out", desk.out, "--model", "hashing", "--gate", desk.events, *SINCE)
    assert (result.code, published_version(desk.out)) == (1, older)
    assert f"has {older} now" in result.err


def test_a_gate_that_cannot_decide_does_not_fill_the_disk(
    desk: Desk, run: Callable[..., Result], tmp_path: Path
) -> None:
    """What it did not let pass counts as refused, whatever kept it from deciding: of those only the last is kept."""
    SqliteStore(tmp_path / "empty.db").close()
    undecided = ["--gate", f"sqlite:///{tmp_path / 'empty.db'}", *SINCE]
    changes: tuple[Change, ...] = (with_news, without_invoice, with_news)
    with without_collector():
        for change in changes:
            assert run("update", desk.source(change), "--out", desk.out, *undecided).code == 2
    last, published = list_snapshots(desk.out)
    assert published.version == desk.published == published_version(desk.out)
    assert "no successful search is known" in last.history[-1]["refused"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gate", "sqlite:///nowhere.db"], "there is no event store at 'nowhere.db'; check --gate"),
        (["--gate", ""], "events URL '' is not understood"),
        (["--gate", "EVENTS", "--max-broken", "many"], "--max-broken 'many' is no share"),
        (["--gate", "EVENTS", "--first", "0"], "--first 0 names no result"),
        (["--gate", "EVENTS", "--from", "yesterday"], "from 'yesterday' is no day"),
        (["--gate", "EVENTS", "--html", "."], "--html . cannot be written"),
        (["--gate", "EVENTS", "--html", "absent/report.html"], "--html absent/report.html cannot be written"),
        (["--queries", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (["--max-broken", "0.5%"], "--max-broken 0.5% says how the gate decides, and there is none; add --gate URL"),
        (["--first", "5"], "--first 5 says how"),
        (["--from", "2026-11-01"], "--from 2026-11-01 says how"),
        (["--to", "2026-11-04"], "--to 2026-11-04 says how"),
        (["--html", "report.html"], "--html report.html says how"),
        (["--gate", "EVENTS", "--no-publish"], "--no-publish leaves --gate and --queries nothing to decide"),
    ],
)
def test_a_gate_used_wrongly_builds_nothing(
    desk: Desk, run: Callable[..., Result], tmp_path: Path, arguments: list[str], said: str
) -> None:
    """Neither beside a published version nor where there is none to compare with."""
    given = [desk.events if word == "EVENTS" else word for word in arguments]
    before = [entry.version for entry in list_snapshots(desk.out)]
    for out in (desk.out, tmp_path / "new"):
        result = run("build", desk.source(with_news), "--out", out, "--model", "hashing", *given)
        assert result.code in (1, 2)
        assert said in result.err
    assert [entry.version for entry in list_snapshots(desk.out)] == before
    assert not (tmp_path / "new").exists()


def test_where_nothing_could_break_there_is_no_share(
    desk: Desk, run: Callable[..., Result], write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    """A question that the published version does not serve: null and words, never 0 %."""
    unserved = {"id": "1", "query": "kur atrast rēķinu", "lang": "lv", "relevant": {"twin-first.en": 1}}
    queries = write_jsonl(tmp_path / "q.jsonl", [unserved])
    candidate, page = desk.candidate(with_news), tmp_path / "report.html"
    common = ["replay", desk.out, "--candidate", candidate, "--html", page, "--queries", queries]
    assert "0 of 0 successful searches break (nothing could)" in run(*common).out
    (part,) = orjson.loads(run(*common, "--json").out)["sets"]
    assert (part["asked"], part["held"], part["share"]) == (1, 0, None)
    assert "0.00%" not in page.read_text(encoding="utf-8")
    entry = next(entry for entry in list_snapshots(desk.out) if entry.version == candidate)
    assert entry.history[-1]["measured"] == {"found in q.jsonl": "0.0%"}


def test_the_gate_with_json_is_json_whatever_comes_of_it(desk: Desk, run: Callable[..., Result]) -> None:
    """A script reads one object."""
    refused = run("update", desk.source(without_invoice), "--out", desk.out, "--gate", desk.events, *SINCE, "--json")
    answer = orjson.loads(refused.out)
    assert (refused.code, answer["published"], answer["replay"]["passed"]) == (1, False, False)
    passed = run(
        "update",
        desk.source(without_invoice),
        "--out",
        desk.out,
        "--gate",
        desk.events,
        *SINCE,
        "--json",
        "--max-broken",
        "1",
    )
    answer = orjson.loads(passed.out)
    assert (passed.code, answer["published"], answer["replay"]["passed"]) == (0, True, True)


def test_the_first_version_has_nothing_to_be_compared_with(
    desk: Desk, run: Callable[..., Result], tmp_path: Path
) -> None:
    """It is published."""
    result = run("build", desk.source(), "--out", tmp_path / "new", "--model", "hashing", "--gate", desk.events)
    assert result.code == 0
    assert published_version(tmp_path / "new")


def test_a_gate_that_knows_nothing_stays_shut(desk: Desk, run: Callable[..., Result], tmp_path: Path) -> None:
    """An empty log lets nothing pass; judged questions do for a new site."""
    SqliteStore(tmp_path / "empty.db").close()
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    result = run("update", desk.source(without_invoice), "--out", desk.out, "--gate", empty)
    assert result.code == 2
    assert "no successful search is known" in result.err
    assert "--queries" in result.err
    assert published_version(desk.out) == desk.published
    questions = tmp_path / "questions.jsonl"
    questions.write_bytes(orjson.dumps({"id": "1", "query": "reset password", "relevant": {"reset-password.en": 1}}))
    assert run("update", desk.source(without_invoice), "--out", desk.out, "--queries", questions).code == 0
    assert published_version(desk.out) != desk.published


def test_files_of_questions_with_one_name_all_count(desk: Desk, run: Callable[..., Result], tmp_path: Path) -> None:
    """Also one that is called as the log is."""
    candidate = desk.candidate(without_invoice)
    lost = {"id": "1", "query": "kur atrast rēķinu", "lang": "lv", "relevant": {"find-invoice.lv": 1}}
    kept = {"id": "1", "query": "reset password", "lang": "en", "relevant": {"reset-password.en": 1}}
    given: list[object] = []
    for name, question in (("a/q.jsonl", lost), ("b/q.jsonl", kept), ("log", kept)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(orjson.dumps(question))
        given += ["--queries", tmp_path / name]
    result = run("replay", desk.out, "--candidate", candidate, *given, "--events", desk.events, *SINCE, "--json")
    sets = {part["name"]: part["broken"] for part in orjson.loads(result.out)["sets"]}
    assert sets == {
        "log": sets["log"],
        str(tmp_path / "a/q.jsonl"): 1,
        str(tmp_path / "b/q.jsonl"): 0,
        str(tmp_path / "log"): 0,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--events", "sqlite:///nowhere.db"], "there is no event store at 'nowhere.db'; check --events"),
        ([], "there is nothing to ask; give the event store with --events"),
        (["--events", "EVENTS", "--max-broken", "many"], "--max-broken 'many' is no share; write 0.5% or 0.005."),
        (["--events", "EVENTS", "--first", "0"], "--first 0 names no result"),
        (["--events", "EVENTS", "--from", "yesterday"], "from 'yesterday' is no day"),
        (["--queries", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (["--events", "EVENTS", "--candidate", "20990101T000000Z-ffff"], "is no snapshot"),
    ],
)
def test_wrong_use_is_one_sentence(desk: Desk, run: Callable[..., Result], arguments: list[str], said: str) -> None:
    """What is wrong, which value, what next."""
    given = [desk.events if word == "EVENTS" else word for word in arguments]
    result = run("replay", desk.out, "--candidate", desk.published, *given)
    assert result.code in (1, 2)
    assert (result.out, len(result.err.strip().splitlines())) == ("", 1)
    assert said in result.err


@pytest.mark.parametrize(("text", "share"), [("0.5%", 0.005), ("0.005", 0.005), ("0", 0.0), ("100 %", 1.0), ("1", 1.0)])
def test_a_share_is_written_either_way(text: str, share: float) -> None:
    """With or without the sign."""
    assert read_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "-1%", "101%", "2", "nan", "0,5%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    """Instead of letting everything pass."""
    with pytest.raises(UsageError, match="is no share"):
        read_share(text)
