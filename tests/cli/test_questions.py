"""`kbsearch questions`: a fair sample of what customers asked, and a file that only a person makes usable."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from kbsearch.events.connect import open_store
from kbsearch.events.schema import SearchRecord
from kbsearch.metrics.moments import start_of
from kbsearch.questions import draw

Draw = Callable[..., list[SearchRecord]]


def search(number: int, text: str, lang: str = "en", **changes: Any) -> SearchRecord:
    """A search by a customer of its own."""
    values: dict[str, Any] = {
        "query_id": f"q{number}",
        "user_query": text,
        "lang": lang,
        "detected_lang": lang,
        "found": 1,
        "decision": "list",
        "confidence": 0.5,
        "hit_ids": (),
        "offset": 0,
        "took_ms": 1.0,
        "snapshot": "v1",
        "session_id": f"s{number}",
        "client_id": f"c{number}",
        "timestamp": f"2026-11-{1 + number % 28:02}T10:00:00.000Z",
        "public": True,
    }
    return SearchRecord(**{**values, **changes})


def written(folder: Path, searches: Iterable[SearchRecord]) -> str:
    """The URL of a store that holds them."""
    url = f"sqlite:///{folder / 'events.db'}"
    store = open_store(url)
    store.write(list(searches))
    store.close()
    return url


def drawn(folder: Path, searches: Iterable[SearchRecord], count: int, **period: int | None) -> dict[str, list[str]]:
    store = open_store(written(folder, searches))
    try:
        found = draw(store, period.get("since"), period.get("until"), count)
    finally:
        store.close()
    return {lang: [one.user_query for one in some] for lang, some in found.items()}


def test_what_was_asked_becomes_a_file_to_judge(run: Callable[..., Any], index: Path, tmp_path: Path) -> None:
    """With what each question finds beside it; for the owner's eyes; unusable until judged, and then usable."""
    events = written(tmp_path, [search(1, "reset a password"), search(2, "kur ir sūtījums", "lv")])
    file = tmp_path / "questions.jsonl"
    done = run("kbsearch", "questions", "--index", index, "--events", events, "--out", file)
    assert (done.code, done.err) == (0, "")
    assert "2 questions" in done.out
    assert f"kbsearch calibrate --index {index} --queries {file}" in done.out
    assert os.stat(file).st_mode & 0o777 == 0o600
    english, latvian = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert english["query"] == "reset a password"
    assert (english["lang"], english["match"], english["relevant"]) == ("en", "group", {})
    assert english["found"]["a.en"] == "How to reset a password"
    assert latvian["id"] != english["id"]
    asked = run("kbsearch", "eval", "--index", index, "--queries", file)
    assert asked.code == 1
    assert "has no relevant document" in asked.sentence
    judged = [{**english, "relevant": {"a.en": 1}}, {**latvian, "answerable": False}]
    file.write_text("".join(json.dumps(line) + "\n" for line in judged), encoding="utf-8")
    report = json.loads(run("kbsearch", "eval", "--index", index, "--queries", file, "--json").out)
    assert (report["n"], report["decision"]["abstained_on_unanswerable"]) == (1, 1.0)


def test_judgements_are_not_written_over(run: Callable[..., Any], index: Path, tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    file = tmp_path / "questions.jsonl"
    file.write_text("judged\n", encoding="utf-8")
    events = written(tmp_path, [search(1, "reset a password")])
    done = run("kbsearch", "questions", "--index", index, "--events", events, "--out", file)
    assert done.code == 2
    assert str(file) in done.sentence
    assert file.read_text(encoding="utf-8") == "judged\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--count", "0"], "--count 0"), (["--from", "2027-01-01"], "nobody has searched"), (["--to", "soon"], "'soon'")],
)
def test_nothing_to_draw_is_said(
    run: Callable[..., Any], index: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    """And no file is left."""
    events = written(tmp_path, [search(1, "reset a password")])
    file = tmp_path / "questions.jsonl"
    done = run("kbsearch", "questions", "--index", index, "--events", events, "--out", file, *options)
    assert done.code == 2
    assert said in done.sentence
    assert not file.exists()


def test_only_what_customers_of_the_public_asked_is_drawn(tmp_path: Path) -> None:
    """Neither programs, nor staff, nor what had something personal in it; of what was typed on, the last."""
    searches = [
        search(1, "refund"),
        search(2, "stock of the warehouse", public=False),
        search(3, "mail of [email]"),
        search(4, "health check", device="bot"),
        search(5, "delivery pri"),
        search(6, "delivery price", session_id="s5", client_id="c5", timestamp="2026-11-06T10:00:02.000Z"),
        search(7, "Refund "),
        search(8, "kas tas", lang="", detected_lang=""),
        search(9, "grąžinimas", lang="lt-LT"),
    ]
    found = drawn(tmp_path, searches, 10)
    assert {lang: sorted(query.strip().lower() for query in queries) for lang, queries in found.items()} == {
        "en": ["delivery price", "refund"],
        "lt": ["grąžinimas"],
    }


def test_a_period_is_whole_days(tmp_path: Path) -> None:
    """The first is in it, the one after the last is not."""
    searches = [search(day - 1, f"asked on {day}") for day in (1, 2, 3, 4)]
    found = drawn(tmp_path, searches, 10, since=start_of("2026-11-02"), until=start_of("2026-11-04"))
    assert sorted(found["en"]) == ["asked on 2", "asked on 3"]


def test_the_lowest_hashes_are_drawn_whatever_was_let_go_meanwhile(tmp_path: Path) -> None:
    """As a sort of all would; what is asked ten times as often is drawn more often."""
    # 900 wordings of ten searches and 900 of one, in mixed order, of which 40 are drawn.
    texts = [f"often {n}" for n in range(900) for _ in range(10)] + [f"once {n}" for n in range(900)]
    searches = [search(n, texts[n * 7919 % len(texts)]) for n in range(len(texts))]
    best: dict[str, bytes] = {}
    for one in searches:
        place = blake2b(one.query_id.encode(), digest_size=8).digest()
        best[one.user_query] = min(place, best.get(one.user_query, place))
    found = drawn(tmp_path, searches, 40)["en"]
    assert found == sorted(best, key=best.__getitem__)[:40]
    kinds = Counter(query.split()[0] for query in found)
    assert kinds["often"] > 5 * kinds["once"]
