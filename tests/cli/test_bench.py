"""`kbsearch bench`: what is measured is real, and what became slower is said."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

import indexer.cli
from kbsearch.bench import command
from kbsearch.bench.compare import check, compare, unlike
from kbsearch.bench.load import Shot, get, open_loop
from kbsearch.bench.page import as_page
from kbsearch.bench.receipt import FORMAT, summarise, throughput
from kbsearch.cli import main
from kbsearch.errors import KbsearchError, UsageError
from kbsearch.types import MAX_QUERY


def shots(milliseconds: list[float], status: int = 200) -> list[Shot]:
    return [Shot(due=1.0, sent=1.2, done=1.0 + each / 1000, status=status, body=b"") for each in milliseconds]


def receipt(p50: float = 2.0, yard: float = 1.0, spread: float = 0.0) -> dict[str, Any]:
    rounds = [
        {"p50": value, "p95": 2 * value, "p99": 3 * value, "busy": value, "yardstick_ms": yard}
        for value in (p50 - spread, p50, p50 + spread)
    ]
    return {
        "format": FORMAT,
        "machine": {"processor": "x"},
        "index": {"workers": 1, "questions": 12, "snapshot": "one"},
        "warm": {"rounds": rounds},
        "by_lang": {"lv": {"p50": p50}},
    }


def test_percentiles_by_hand():
    """Nearest rank over answered requests, from when they were due; what was refused or broke is counted apart."""
    found = summarise([*shots([float(each) for each in range(1, 101)]), *shots([0.1], 503), *shots([0.1] * 2, 0)])
    assert found == {"n": 100, "refused": 1, "failed": 2, "p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert [summarise(shots([1.0, 2.0]))[name] for name in ("p50", "p95", "max")] == [1.0, 2.0, 2.0]
    assert [summarise(shots([float(each) for each in range(1, 21)]))[name] for name in ("p95", "p99")] == [19.0, 20.0]
    assert summarise(shots([1.0], 503)) == {"n": 0, "refused": 1, "failed": 0}


def test_a_server_that_ends_under_load_is_said():
    """It answers once on each connection and is gone: what is due later is no receipt of fewer requests."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connections = [listening.accept()[0] for _ in range(2)]
        for connection in connections:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        listening.close()
        for connection in connections:
            connection.close()

    server = Thread(target=serve)
    server.start()
    arrivals = [number / 100 for number in range(30)]
    with pytest.raises(KbsearchError, match="nothing answers at"):
        open_loop(listening.getsockname(), [get("/")], arrivals, most=2)
    server.join()


@pytest.mark.parametrize(
    ("rows", "rate"),
    [
        ([(10, 5.0, 0), (20, 19.9, 0), (30, 20.1, 0)], 20),
        ([(10, 5.0, 0), (20, 6.0, 1), (30, 7.0, 0)], 10),
        ([(10, 25.0, 0), (20, 6.0, 0)], 0),
    ],
    ids=["past the target", "refusals end it", "a good rate above a bad one is luck"],
)
def test_throughput_is_the_last_rate_within_the_target(rows, rate):
    offered = [{"per_second": a, "p99": p99, "refused": refused, "failed": 0} for a, p99, refused in rows]
    assert throughput(offered) == rate


def test_a_busier_machine_is_no_slower_code():
    """Twice the time with twice the yardstick is no change; with the same yardstick it is one."""
    assert not any(change.slower for change in compare(receipt(2.0, 1.0), receipt(4.0, 2.0)))
    changes = {change.name: change for change in compare(receipt(2.0), receipt(4.0))}
    assert set(changes) == {"p50", "p95", "p99", "busy", "p50 of lv"}
    assert all(change.slower for change in changes.values())
    assert changes["p50"].growth == pytest.approx(1.0)


def test_growth_within_the_spread_of_the_rounds_is_noise():
    """Rounds from 1.5 to 2.5 around 2.0 spread by a half: growth of 0.9 is within twice that, of 1.2 is not."""
    assert not compare(receipt(2.0, spread=0.5), receipt(3.8))[0].slower
    assert compare(receipt(2.0, spread=0.5), receipt(4.4))[0].slower
    assert not compare(receipt(2.0), receipt(1.0))[0].slower


def test_receipts_that_cannot_be_compared_are_refused():
    with pytest.raises(UsageError, match="has format 0, this version writes 1"):
        compare({**receipt(), "format": 0}, receipt())
    spoiled = deepcopy(receipt())
    del spoiled["warm"]
    with pytest.raises(UsageError, match="lacks or spoils 'warm'"):
        compare(spoiled, receipt())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 0}, "has format 0, this version writes 1; measure it anew."),
        ({"warm": {"rounds": []}}, "holds no rounds; measure it anew."),
        ({"index": {}}, "lacks or spoils 'questions'; measure it anew."),
        ({"index": {"workers": 4, "questions": 12, "snapshot": "one"}}, "give --workers 4, or measure it anew."),
    ],
)
def test_a_receipt_is_checked_before_anything_is_measured(changes, said, tmp_path, capsys):
    """There is no index here that could be measured."""
    path = tmp_path / "receipt.json"
    path.write_bytes(orjson.dumps({**receipt(), **changes}))
    assert main(["bench", "--index", str(tmp_path), "--against", str(path)]) == 2
    assert capsys.readouterr().err.endswith(f"{said}\n")


def test_what_else_differs_is_said():
    """In words, in the order of the receipt; nothing where both are alike."""
    check(receipt(), workers=1)
    assert unlike(receipt(), receipt(4.0)) == []
    other = {**receipt(), "machine": {}, "index": {"workers": 1, "questions": 9, "snapshot": "two"}}
    assert unlike(receipt(), other) == [
        "another machine",
        "9 questions instead of 12",
        "snapshot two instead of one",
    ]


def test_titles_that_are_asked_are_of_all_public_articles(
    tmp_path: Path, write_jsonl: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    """Whatever takes turns in the order of the articles; a title that is too long for a query, by its beginning."""
    kinds = [("en", "public"), ("lv", "public"), ("en", "staff"), ("lv", "staff")]
    rows = [
        {"id": f"{n}", "title": f"{lang} {who} {n} " + 600 * "x", "body": "b", "lang": lang, "audience": [who]}
        for n, (lang, who) in enumerate(25 * kinds)
    ]
    source, index = write_jsonl(tmp_path / "rows.jsonl", rows), tmp_path / "index"
    assert indexer.cli.main(["build", str(source), "--out", str(index), "--model", "hashing"]) == 0
    for most in (25, 50, 1000):
        monkeypatch.setattr(command, "_TITLES", most)
        asked = command._questions(index, None)
        assert set(asked) == {"en", "lv"}
        texts = [text for texts in asked.values() for text in texts]
        assert len(set(texts)) == len(texts) == min(most, 50)
        assert all(" public " in text and len(text) == MAX_QUERY for text in texts)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seconds", "0"], "--seconds 0 is out of range"),
        (["--rounds", "0"], "--rounds 0 is out of range"),
        (["--workers", "0"], "--workers 0 cannot serve"),
        (["--against", "absent.json"], "absent.json cannot be read"),
    ],
)
def test_wrong_use_is_one_sentence(arguments, said, tmp_path, capsys):
    assert main(["bench", "--index", str(tmp_path), *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_sigterm_leaves_nothing_behind(handmade_index: Path, tmp_path: Path):
    """The server ends and its folder goes, as after Ctrl-C."""
    command = [sys.executable, "-c", "import sys; from kbsearch.cli import main; sys.exit(main())", "bench"]
    process = subprocess.Popen(
        [*command, "--index", str(handmade_index), "--seconds", "60"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: list(tmp_path.glob("kbsearch-bench-*/events.db")))
        (server,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.terminate()
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, said.decode()) == (130, "kbsearch bench: stopped; nothing was published.\n")
    assert not Path(f"/proc/{server}").exists()
    assert list(tmp_path.iterdir()) == []


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_real_index_gets_a_receipt(handmade_index: Path, tmp_path: Path, capsys):
    """Every part is there, the figures are in order, the page shows them, and it compares with itself."""
    out, page = tmp_path / "receipt.json", tmp_path / "receipt.html"
    given = ["bench", "--index", str(handmade_index), "--seconds", "0.3", "--rounds", "2"]
    assert main([*given, "--out", str(out), "--html", str(page)]) == 0
    assert "one at a time" in capsys.readouterr().out
    made = orjson.loads(out.read_bytes())
    for row in (*made["warm"]["rounds"], *made["by_lang"].values(), *made["clients"]):
        assert 0 < row["p50"] <= row["p95"] <= row["p99"] <= row["max"]
        assert row["failed"] == row["refused"] == 0
    assert [row["clients"] for row in made["clients"]] == [1, 2, 4, 8, 16]
    assert made["cold"]["first_ms"] > 0
    assert made["index"]["questions"] > 0
    assert f"{made['warm']['p50']:.2f} ms" in page.read_text(encoding="utf-8")
    assert "<script" not in as_page(made)
    beside = {"unlike": ["another machine"], "changes": []}
    assert "Measured otherwise: another machine." in as_page({**made, "against": beside})
    # Noise of so short a run may be anything; what counts is that both sides are understood.
    assert main([*given, "--against", str(out), "--json"]) in (0, 1)
