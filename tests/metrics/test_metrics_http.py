"""From end to end: build the sample, serve it, play 2,000 scripted journeys over HTTP; every figure is the script's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
import uvicorn
from metrics_script import AGENTS, Desk, Truth, Visitor, moments
from metrics_visits import KINDS

import kbsearch.events.identity
import kbsearch.events.searches
import kbsearch.service.context
from indexer.pipeline import build
from kbsearch.engine import open_engine
from kbsearch.metrics.definitions import BY_ID
from kbsearch.service.app import create_app
from kbsearch.service.reload import SnapshotSource
from kbsearch.service.security import make_key
from kbsearch.service.settings import Settings
from kbsearch.snapshot import published_version

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret of at least thirty-two bytes"
JOURNEYS = 2000
DAYS = 20
REFUSING = ({"DNT": "1"}, {"Sec-GPC": "1"}, {"analytics": "false"})


class Clock:
    """The service's clock, which visitors turn."""

    def __init__(self) -> None:
        self.moment = 0.0

    def now(self) -> str:
        """What `kbsearch.events.ids.now` returns at this moment."""
        moment = datetime.fromtimestamp(self.moment, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Client:
    """Requests over one kept connection; an answer that is no success is an error."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def send(self, method: str, path: str, what: Any, agent: str = "desktop", **headers: str) -> Any:
        """GET with parameters, or POST JSON; returns the decoded answer."""
        query = f"?{urlencode(what)}" if method == "GET" else ""
        body = orjson.dumps(what) if method == "POST" else None
        self._connection.request(method, path + query, body, {"User-Agent": AGENTS[agent], **headers})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        assert answer.status != 207, content
        return orjson.loads(content)


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    """Turn the clock of searches and receipts; ids are hashed as of one day, so that no period ends in between."""
    made = Clock()
    patch = pytest.MonkeyPatch()
    patch.setattr(kbsearch.events.searches, "now", made.now)
    patch.setattr(kbsearch.service.context, "now", made.now)
    patch.setattr(kbsearch.events.identity, "_utc_day", lambda: "2026-11-20")
    yield made
    patch.undo()


@pytest.fixture(scope="module")
def client(clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of the real service over the real index of `sample_kb`."""
    folder = tmp_path_factory.mktemp("journeys") / "index"
    build([ROOT / "sample_kb"], folder)
    app = create_app(
        Settings(index=folder, secret=SECRET), source=SnapshotSource(published_version, open_engine),
        engine=open_engine(folder),
    )  # fmt: skip
    server = uvicorn.Server(uvicorn.Config(app, port=0, access_log=False, log_level="warning"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        sleep(0.01)
    made = Client(server.servers[0].sockets[0].getsockname()[1])
    yield made
    made.close()
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def truth(client: Client, clock: Clock) -> Truth:
    """Play the script; return what it must have come to."""
    rng = random.Random(6)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - timedelta(days=DAYS + 20)
    truth = Truth(as_of=(first + timedelta(days=DAYS)).timestamp())

    def turn(moment: float) -> None:
        clock.moment = moment

    desk = Desk(client.send, turn, truth)
    starts = moments(first, DAYS, JOURNEYS * 2, rng)
    number = 0
    while truth.counts.get(("all", "all"), Counter())["journeys"] < JOURNEYS:
        KINDS[number % len(KINDS)](Visitor(desk, number, next(starts), rng))
        number += 1
    # Who does not want to be counted is not: searches and clicks that must change nothing.
    for number, refusing in enumerate(REFUSING * 10):
        headers = {name: value for name, value in refusing.items() if name != "analytics"}
        options = {} if headers else refusing
        answer = client.send(
            "GET", "/v1/search", {"q": "cancel my order", "session": f"no-{number}", **options}, **headers
        )
        event = {"action_name": "handover", "query_id": answer["query_id"], "session_id": f"no-{number}"}
        client.send("POST", "/v1/events", {"events": [event], **({} if headers else {"analytics": False})}, **headers)
    # What was kept back comes last, in no order, in batches that mix visitors.
    turn(truth.as_of + 20 * 86400)
    rng.shuffle(desk.late)
    for start in range(0, len(desk.late), 1000):
        client.send("POST", "/v1/events", desk.late[start : start + 1000])
    return truth


@pytest.fixture(scope="module")
def report(client: Client, truth: Truth) -> dict[str, Any]:
    """What the service makes of it, as of the script's moment."""
    key = make_key(SECRET, ["admin"], [], timedelta(hours=1), "test")
    as_of = datetime.fromtimestamp(truth.as_of, UTC).isoformat()
    asked = {"as_of": as_of, "by": "language,device,day"}
    expected = truth.counts[("all", "all")]
    for _ in range(100):
        # Facts are stored within half a second of their answer.
        answer: dict[str, Any] = client.send("GET", "/v1/metrics", asked, Authorization=f"Bearer {key}")
        if answer["outcomes"]["journeys"] == expected["journeys"] and answer["metrics"]["search_ctr"]["n"]:
            break
        sleep(0.1)
    sleep(1)
    return client.send("GET", "/v1/metrics", asked, Authorization=f"Bearer {key}")  # type: ignore[no-any-return]


def expected_of(counts: Counter[str]) -> dict[str, tuple[float, int]]:
    """Return numerator and denominator of each figure, by the contract's words."""
    found = {}
    for outcome, name in [
        ("confirmed", "confirmed_success_rate"), ("assumed", "assumed_rate"), ("escalated", "escalated_rate"),
        ("abandoned", "abandoned_rate"),
    ]:  # fmt: skip
        found[name] = (counts[f"searched:{outcome}"], counts["decided_searched"])
    found["durable_success_rate"] = (counts["durable_searched"], counts["seasoned_searched"])
    found["durable_share"] = (counts["durable"], counts["seasoned_confirmed"])
    found["hand_over_rate"] = (counts["handed"], counts["decided"])
    for name, counter in [
        ("search_ctr", "clicked"), ("reformulation_rate", "reformulated"), ("zero_nothing_lexical", "no_words"),
        ("zero_abstained", "abstained"), ("zero_nothing_opened", "unopened"),
    ]:  # fmt: skip
        found[name] = (counts[counter], counts["searches"])
    positions = {int(name.split("=")[1]): n for name, n in counts.items() if name.startswith("position=")}
    found["mean_reciprocal_click_position"] = (sum(n / at for at, n in positions.items()), sum(positions.values()))
    found["time_to_answer"] = (counts["answer_ms"] / 1000, counts["answered"])
    found["article_helpfulness"] = (counts["yes"], counts["votes"])
    found["csat"] = (counts["csat=4"] + counts["csat=5"], sum(counts[f"csat={value}"] for value in range(1, 6)))
    ces = {value: counts[f"ces={value}"] for value in range(1, 8)}
    found["ces"] = (sum(value * n for value, n in ces.items()), sum(ces.values()))
    nps = {value: counts[f"nps={value}"] for value in range(11)}
    promoters, detractors = nps[9] + nps[10], sum(nps[value] for value in range(7))
    found["nps"] = (100 * (promoters - detractors), sum(nps.values()))
    found["ticket_form_deflection"] = (counts["saw_unfiled"], counts["saw"])
    if counts["held_out"] and counts["treated"]:
        difference = counts["held_out_filed"] / counts["held_out"] - counts["treated_filed"] / counts["treated"]
        found["incremental_deflection"] = (difference, counts["held_out"] + counts["treated"])
    return found


def check(figures: dict[str, Any], counts: Counter[str]) -> None:
    """Compare every figure with what the script says."""
    for name, (top, bottom) in expected_of(counts).items():
        figure = figures[name]
        assert (figure["n"], figure["numerator"]) == (bottom, pytest.approx(top)), name
        if bottom:
            whole = top if name == "incremental_deflection" else top / bottom
            assert figure["value"] == pytest.approx(whole), name
            assert bottom == 1 or figure["interval"][0] <= figure["value"] <= figure["interval"][1], name
        else:
            assert figure["value"] is None, name
            assert figure["reason"], name


@pytest.mark.slow
def test_every_figure_is_the_scripts(report: dict[str, Any], truth: Truth) -> None:
    """All of them, and all four languages of truth: each has cases on both sides."""
    counts = truth.counts[("all", "all")]
    assert counts["journeys"] >= JOURNEYS
    assert set(expected_of(counts)) == set(BY_ID) - {"cost_saved"}
    check(report["metrics"], counts)
    for outcome in ("confirmed", "assumed", "escalated", "abandoned", "unknown"):
        assert report["outcomes"][outcome] == counts[f"outcome:{outcome}"] > 0
        assert report["outcomes"]["searched"][outcome] == counts[f"searched:{outcome}"]
    for survey in ("csat", "nps", "ces"):
        asked = counts[f"{survey}_asked"]
        assert report["metrics"][survey]["asked"] == asked > 0
        assert report["metrics"][survey]["response_rate"] == counts[f"{survey}_answered"] / asked


@pytest.mark.slow
def test_so_is_every_split(report: dict[str, Any], truth: Truth) -> None:
    """By language, device and day: the same labels, and each label's figures."""
    for split in ("language", "device", "day"):
        labels = {label for dimension, label in truth.counts if dimension == split}
        assert set(report["by"][split]) == labels
        for label in labels:
            check(report["by"][split][label], truth.counts[(split, label)])


@pytest.mark.slow
def test_the_facts_are_healthy_and_none_was_dropped(report: dict[str, Any], client: Client) -> None:
    """Though part of the events came twice, and part of them weeks late."""
    assert report["health"]["dropped"] == 0
    checks = {check["id"]: check["ok"] for check in report["health"]["checks"]}
    # Four in ten of the visits to the form are held out here, not one in twenty.
    assert checks.pop("sample_ratio") is False
    assert set(checks.values()) == {True}
