"""Metrics as others meet them: the command, the route, the documentation."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from metrics_facts import DAY, at, event, search

import kbsearch.cli
from kbsearch.events.sqlite import SqliteStore
from kbsearch.metrics.bounds import read_bound
from kbsearch.metrics.command import reading
from kbsearch.metrics.costs import Costs
from kbsearch.metrics.definitions import BY_ID
from kbsearch.metrics.document import document
from kbsearch.metrics.moments import moment_of
from kbsearch.service.app import create_app
from kbsearch.service.security import make_key
from kbsearch.service.settings import Settings
from kbsearch.service.shapes import MetricsAnswer

ROOT = Path(__file__).resolve().parents[2]
SECRET = "test-secret-of-more-than-32-bytes-0123456789"
CLOSED = "2026-11-20"

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a store with two journeys."""
    store = SqliteStore(tmp_path / "events.db")
    asked = search("a", at("10:00"))
    store.write([asked, event("a", at("10:01"), "click", asked, position=2), search("b", at("10:00"))])
    store.close()
    return f"sqlite:///{tmp_path / 'events.db'}"


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = kbsearch.cli.main(["metrics", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_prints_json(url: str, capsys: Capture) -> None:
    """Alone on stdout, in the documented shape, with every split."""
    code, out, err = run(capsys, "--events", url, "--json", "--as-of", CLOSED)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert list(found["metrics"]) == list(BY_ID)
    assert {key: found["metrics"]["search_ctr"][key] for key in ("value", "n", "numerator", "denominator", "unit")} == {
        "value": 0.5,
        "n": 2,
        "numerator": 1,
        "denominator": 2,
        "unit": "share",
    }
    assert found["outcomes"]["assumed"] == found["outcomes"]["abandoned"] == 1
    assert found["outcomes"]["searched"]["journeys"] == 2
    assert set(found["by"]) == {"language", "type", "device", "category", "snapshot", "day"}
    assert found["by"]["day"][DAY]["search_ctr"]["n"] == 2
    assert found["metrics"]["csat"] == {
        **{"version": 2, "unit": "share", "value": None, "n": 0, "numerator": 0, "denominator": 0, "interval": None},
        **{"reason": "no CSAT answers", "unreliable": None, "response_rate": None, "asked": 0},
    }


def test_the_command_prints_a_table(url: str, capsys: Capture) -> None:
    """With intervals, n, reasons and the verdict; split by what was asked for."""
    code, out, _ = run(capsys, "--events", url, "--as-of", CLOSED, "--by", "language")
    assert code == 0
    lines = out.splitlines()
    assert next(line.split() for line in lines if line.startswith("Searches with a click"))[4:] == [
        *("50.0", "%", "9.5", "%", "…", "90.5", "%", "2"),
    ]
    assert any("no CSAT answers" in line for line in lines)
    assert next(line.split() for line in lines if line.startswith("Time to answer"))[3:6] == ["60.0", "s", "–"]
    assert "data health: healthy" in lines
    assert "language lv" in lines


def test_the_command_takes_periods(url: str, capsys: Capture) -> None:
    """The last day of a period belongs to it; a midnight in any zone is the end of the day before."""
    for bounds, journeys in (
        (["--from", DAY, "--to", DAY], 2),
        (["--to", f"{DAY}T00:00:00Z"], 0),
        (["--from", "2026-11-11"], 0),
        (["--from", "2026-11-10T02:00:00+02:00"], 2),
    ):
        _, out, _ = run(capsys, "--events", url, "--json", *bounds)
        assert json.loads(out)["outcomes"]["journeys"] == journeys


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "yesterday"], "from 'yesterday' is no day and no time"),
        (["--to", "2026-11-31"], "to '2026-11-31' is no day and no time"),
        (["--to", "9999-12-31"], "to '9999-12-31' is no day and no time"),
        (["--as-of", "0001-01-01T00:00:00+05:00"], "as-of '0001-01-01T00:00:00+05:00' is no day and no time"),
        (["--ticket-cost", "nan"], "--ticket-cost nan is no cost"),
        (["--contact-cost=-5"], "--contact-cost -5.0 is no cost"),
        (["--to", "2026-11-10T10:00:00"], "write 2026-11-24, or"),
        (["--from", "2026-11-11", "--to", "2026-11-09"], "before it begins"),
        (["--from", "2026-11-11", "--to", "2026-11-10"], "ends (2026-11-10) before it begins (2026-11-11)"),
        (["--from", "2026-11-10T12:00:00Z"], "is no midnight UTC; a period is of whole days"),
        (["--by", "colour"], "unknown split 'colour'"),
        (["--window", "-1"], "--window -1.0 is out of range"),
        (["--holdout", "1"], "--holdout 1.0 is no share"),
        (["--events", "mysql://x"], "events URL 'mysql://x' is not understood"),
        (["--events", "sqlite:////nonexistent/events.db"], "there is no event store"),
    ],
)
def test_wrong_use_is_two_and_one_sentence(url: str, capsys: Capture, arguments: list[str], words: str) -> None:
    """With the value, and what to write instead; a mistyped path makes no new store."""
    code, out, err = run(capsys, "--events", url, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


@pytest.mark.parametrize(
    ("served", "given", "share"),
    [(None, [], 0.05), ("", [], 0.05), ("0", [], 0.05), ("0.2", [], 0.2), ("0.2", ["--holdout", "0.1"], 0.1)],
)
def test_the_holdout_is_that_of_the_service(
    url: str, monkeypatch: pytest.MonkeyPatch, served: str | None, given: list[str], share: float
) -> None:
    """Where its variable is set: otherwise an honest hold-out of another size looks sick."""
    monkeypatch.delenv("KBSEARCH_HOLDOUT", raising=False)
    if served is not None:
        monkeypatch.setenv("KBSEARCH_HOLDOUT", served)
    with reading(kbsearch.cli._parser().parse_args(["metrics", "--events", url, *given])) as (_, found):
        assert found["holdout_share"] == share


@pytest.mark.parametrize(
    ("variable", "served", "words"),
    [
        ("KBSEARCH_HOLDOUT", "x", "must be a number, got 'x'"),
        ("KBSEARCH_HOLDOUT", "1", "1.0 is no share"),
        ("KBSEARCH_TICKET_COST", "-1", "-1.0 is no cost"),
        ("KBSEARCH_CONTACT_COST", "$5", "must be a number, got '$5'"),
    ],
)
def test_a_setting_that_is_none_is_named(
    url: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch, variable: str, served: str, words: str
) -> None:
    """By its variable."""
    monkeypatch.setenv(variable, served)
    code, _, err = run(capsys, "--events", url)
    assert (code, f"{variable} {words}" in err) == (2, True)


def test_costs_are_those_of_the_service(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One place to set them for dashboard, API and commands; an option wins. Without one, all have the same ones."""
    for name in ("KBSEARCH_TICKET_COST", "KBSEARCH_CONTACT_COST"):
        monkeypatch.delenv(name, raising=False)
    plain = Settings(index=tmp_path)
    assert Costs(plain.ticket_cost, plain.contact_cost) == Costs() == _costs(url)
    monkeypatch.setenv("KBSEARCH_TICKET_COST", "40")
    monkeypatch.setenv("KBSEARCH_CONTACT_COST", "0")
    assert _costs(url) == Costs(40, 0)
    assert _costs(url, "--ticket-cost", "20") == Costs(20, 0)
    with service(tmp_path / "served", ticket_cost=40, contact_cost=0) as client:
        found = client.get("/v1/metrics", headers=key("admin")).json()["incremental"]
        assert found["costs"] == {"ticket": 40, "contact": 0}


def _costs(url: str, *options: str) -> Costs:
    with reading(kbsearch.cli._parser().parse_args(["metrics", "--events", url, *options])) as (_, found):
        costs: Costs = found["costs"]
        return costs


def test_bounds() -> None:
    """Empty is open; the last day reaches to its end."""
    assert read_bound("", "from") is None
    assert read_bound("2026-11-10", "from") == moment_of("2026-11-10T00:00:00Z")
    assert read_bound("2026-11-10", "to", last=True) == moment_of("2026-11-11T00:00:00Z")


@contextmanager
def service(folder: Path, **changes: Any) -> Iterator[TestClient]:
    """The application, which needs no index for its metrics."""
    folder.mkdir(exist_ok=True)
    with TestClient(create_app(Settings(index=folder, secret=SECRET, **changes))) as client:
        yield client


def key(*audiences: str) -> dict[str, str]:
    return {"X-Kbsearch-Key": make_key(SECRET, audiences, [], timedelta(hours=1), "test")}


def test_the_route_is_for_admins(tmp_path: Path) -> None:
    """403 without a key or with another's, 401 with a bad one."""
    with service(tmp_path) as client:
        for headers, status in (({}, 403), (key("agent"), 403), ({"X-Kbsearch-Key": "x"}, 401), (key("admin"), 200)):
            response = client.get("/v1/metrics", headers=headers)
            assert response.status_code == status
            assert status == 200 or response.json()["error"]["message"]


def test_the_route_answers_as_the_command(url: str, tmp_path: Path, capsys: Capture) -> None:
    """The same store, the same figures, in the published shape."""
    _, out, _ = run(capsys, "--events", url, "--json", "--as-of", CLOSED, "--from", DAY, "--to", DAY)
    params = {"from": DAY, "to": DAY, "as_of": CLOSED, "by": "language,type,device,category,snapshot,day"}
    with service(tmp_path, events=url) as client:
        response = client.get("/v1/metrics", params=params, headers=key("admin"))
        assert response.json() == json.loads(out)
        MetricsAnswer.model_validate(response.json())
        for wrong in ({"from": "x"}, {"by": "x"}, {"window": "-1"}, {"window": "nan"}):
            assert client.get("/v1/metrics", params=wrong, headers=key("admin")).status_code == 422


def test_the_documentation_is_current() -> None:
    """docs/metrics.md is what the table of definitions gives."""
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == document(), (
        "run: python -m kbsearch.metrics.document > docs/metrics.md"
    )
    for name in BY_ID:
        assert f"### {name}\n" in document()


def test_the_generator_is_a_command() -> None:
    """As the page says."""
    done = subprocess.run(
        [sys.executable, "-m", "kbsearch.metrics.document"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == document()
