"""`/dashboard`: for holders of an admin key only; what it shows, and what it never does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_fake import SECRET

from kbsearch.events.ids import iso
from kbsearch.events.schema import Event, SearchRecord
from kbsearch.service.context import Service
from kbsearch.service.routes.dashboard import COOKIE
from kbsearch.service.security import KEY_HEADER, make_key

NOW = datetime.now(UTC)


def key(*audiences: str, minutes: float = 5) -> str:
    return make_key(SECRET, audiences, (), timedelta(minutes=minutes), "owner")


def search(client: str, text: str, days_ago: float, **changes: object) -> SearchRecord:
    """A public search with a hit in English, of a client in a session of its own."""
    values: dict[str, object] = {
        "query_id": f"q-{client}-{days_ago}",
        "user_query": text,
        "lang": "en",
        "detected_lang": "en",
        "found": 1,
        "decision": "list",
        "confidence": 0.5,
        "hit_ids": ("reset-password.en",),
        "offset": 0,
        "took_ms": 1.0,
        "snapshot": "v1",
        "session_id": f"s-{client}-{days_ago}",
        "client_id": client,
        "timestamp": iso(NOW - timedelta(days=days_ago)),
        "public": True,
        "device": "mobile",
    }
    return SearchRecord(**{**values, **changes})  # type: ignore[arg-type]


def click(about: SearchRecord, article: str = "reset-password.en") -> Event:
    time = iso(datetime.fromisoformat(about.timestamp) + timedelta(seconds=20))
    values = ("click", about.query_id, about.session_id, about.client_id, time, time, article, "article", 1)
    return Event(f"e-{about.query_id}", *values)


@pytest.fixture
def filled(service: Service) -> Service:
    """Twelve who found the password article, six who asked for what is not there, one with a question of his own."""
    found = [search(f"a{number}", "password", 3) for number in range(12)]
    lost = [search(f"b{number}", "quantum <b>leaps</b>", 4, found=0, decision="hand_over") for number in range(6)]
    own = [search("c", "my secret wedding", 4, found=0, decision="hand_over")]
    service.store.write([*found, *map(click, found[:11]), click(found[11], "refund-limits.en"), *lost, *own])
    return service


@pytest.fixture
def signed_in(client: TestClient, filled: Service) -> TestClient:
    """A browser in which the form was filled in."""
    assert client.post("/dashboard", data={"key": key("admin")}).status_code == 200
    return client


def test_without_a_key_it_asks_for_one_and_shows_nothing(client: TestClient, filled: Service) -> None:
    page = client.get("/dashboard")
    assert page.status_code == 200
    assert 'name="key"' in page.text
    assert "At a glance" not in page.text


def test_costs_are_the_companys_own(make_client: Any) -> None:
    """In the gap list and in the hold-out's section, of page and API."""
    with make_client(ticket_cost=40.0, contact_cost=2.5) as client:
        lost = [search(f"b{number}", "quantum leaps", 4, found=0, decision="hand_over") for number in range(6)]
        filed = [Event(f"t{one.query_id}", "ticket_created", one.query_id, timestamp=one.timestamp,
                       received_at=one.timestamp, session_id=one.session_id, client_id=one.client_id)
                 for one in lost]  # fmt: skip
        client.app.state.service.store.write([*lost, *filed])
        page = client.get("/dashboard", headers={KEY_HEADER: key("admin")}).text
        assert "A ticket or a human came after 6 journeys with such a search: about $240 at $40.00 each" in page
        assert "($40.00 a ticket − $2.50 a portal contact)" in page
        gaps = client.get("/v1/metrics/content", headers={KEY_HEADER: key("admin")}).json()["gaps"]
        assert (gaps["escalated"], gaps["cost"], gaps["list"][0]["cost"]) == (6, 240, 240)


def test_a_sick_hold_out_is_called_so_where_it_is_shown(signed_in: TestClient, service: Service) -> None:
    """Half of the visits held out, where five in a hundred were meant to be: neither section nor sentence is bare."""
    time = iso(NOW - timedelta(days=5))
    for number in range(200):
        held = number % 2 == 0
        ids = (f"e-h{number}", "ticket_started", "", f"s-h{number}", f"h{number}", time, time)
        service.store.write([Event(*ids, attributes={"holdout": held, "suggestions_shown": not held})])
    page = signed_in.get("/dashboard").text
    section = page[page.index("What suggestions at the ticket form") :].partition("</section>")[0]
    assert '<p class="sentence">Unreliable: 100 of 200 visits held out, 10 expected' in section
    assert section.count('<span class="warn">unreliable</span>') == 1
    report = signed_in.get("/v1/metrics", headers={KEY_HEADER: key("admin")}).json()
    assert report["incremental"]["sentence"].startswith("Unreliable: 100 of 200 visits held out")


@pytest.mark.parametrize(("given", "status"), [("of a customer", 403), ("nonsense", 401), ("", 401)])
def test_a_bad_key_is_refused_in_words(client: TestClient, given: str, status: int) -> None:
    """And is not kept."""
    # A key is made when it is used: it would be too old after five minutes of other tests.
    page = client.post("/dashboard", data={"key": key("customer") if given == "of a customer" else given})
    assert page.status_code == status
    assert 'role="alert"' in page.text
    assert COOKIE not in client.cookies


def test_the_key_is_kept_where_neither_scripts_nor_other_sites_reach_it(client: TestClient) -> None:
    """HttpOnly, same site, this path only, gone with the browser; never in an address or a page."""
    admin = key("admin")
    answer = client.post("/dashboard", data={"key": admin}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    cookie = answer.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/dashboard"))
    assert "max-age" not in cookie
    assert "expires" not in cookie
    page = client.get("/dashboard")
    assert admin not in page.text
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("?from=2026-11-01&to=2026-11-30", "?from=2026-11-01&to=2026-11-30"),
        ("?to=2026-11-30", "?to=2026-11-30"),
        ("?from=2026-11-01T00:00:00%2B02:00&to=", "?from=2026-11-01T00%3A00%3A00%2B02%3A00"),
        ("?from=//evil.example%0d%0aSet-Cookie:a&next=//evil.example", "?from=%2F%2Fevil.example%0D%0ASet-Cookie%3Aa"),
        ("?next=//evil.example", ""),
    ],
)
def test_a_period_survives_signing_in(client: TestClient, asked: str, led_to: str) -> None:
    """An address can be sent to somebody who has a key, who may mistype it; it never leads to another place."""
    assert re.search(r'<form [^>]*method="post">', client.get(f"/dashboard{asked}").text)  # to its own address
    assert client.post(f"/dashboard{asked}", data={"key": "nonsense"}).status_code == 401
    answer = client.post(f"/dashboard{asked}", data={"key": key("admin")}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/dashboard{led_to}")


def test_another_sites_form_signs_nobody_in(client: TestClient) -> None:
    answer = client.post("/dashboard", data={"key": key("admin")}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert COOKIE not in client.cookies


def test_a_key_that_has_expired_is_forgotten(client: TestClient) -> None:
    """The page says so and asks again."""
    client.cookies.set(COOKIE, key("admin", minutes=0.0001), path="/dashboard")
    page = client.get("/dashboard")
    assert page.status_code == 401
    assert 'name="key"' in page.text
    assert "expires=" in page.headers["set-cookie"].lower() or "max-age=0" in page.headers["set-cookie"].lower()


def test_signing_out_forgets_the_key(signed_in: TestClient) -> None:
    assert "At a glance" in signed_in.get("/dashboard").text
    assert 'name="key"' in signed_in.post("/dashboard/leave").text


def test_a_key_in_the_header_works_as_well(client: TestClient, filled: Service) -> None:
    assert "At a glance" in client.get("/dashboard", headers={KEY_HEADER: key("admin")}).text
    assert client.get("/dashboard", headers={KEY_HEADER: key("customer")}).status_code == 401
    assert client.get("/dashboard", headers={KEY_HEADER: "nonsense"}).status_code == 401


def test_it_shows_figures_with_n_and_interval(signed_in: TestClient) -> None:
    """12 of 19 searches were clicked: 63.2 %, Wilson 41.0 to 80.9 (by hand)."""
    page = re.sub(r"\s+", " ", signed_in.get("/dashboard").text)
    assert "19 journeys that searched" in page
    assert '<td class="num">63.2 %</td><td>41.0 to 80.9 %</td><td class="num">19</td>' in page
    assert "no CSAT answers" in page


def test_it_says_what_its_figures_mean(signed_in: TestClient) -> None:
    """In text, which fingers, keyboards and paper reach."""
    page = signed_in.get("/dashboard").text
    assert re.search(r'<p class="words">The customer opened an article .* Never added to confirmed success\.</p>', page)
    assert "on 1 (strongly disagree) to 7 (strongly agree): more is better.</p>" in page
    assert "A journey is one visit of a customer. n: how many journeys, answers or votes" in page
    assert "Held-out visits to the form, drawn at random, see no suggestions." in page
    assert re.search(r"<b>Nothing opened</b> .* Some .* shown, or held out at the ticket form\.</p>", page)


def test_a_figure_is_the_same_wherever_it_stands(client: TestClient, service: Service) -> None:
    """Two thirds were assumed and one abandoned, as the figures say, in the flow and beside the lines; one is open."""
    found = [search(f"a{number}", "password", 3 + number) for number in range(2)]
    lost = [search("b", "password", 5), search("c", "password", 0)]
    service.store.write([*found, *map(click, found), *lost])
    page = re.sub(r"\s+", " ", client.get("/dashboard", headers={KEY_HEADER: key("admin")}).text)
    assert '<p class="value">66.7 %</p>' in page
    assert "</i>Abandoned <b>33.3 %</b>" in page
    flow = [f"{name} {count}" for name, count in re.findall(r'"name" dy="[^"]*">([^<]+).*?"count"[^>]*>([^<]+)', page)]
    assert flow[:6] == ["Searched 4", "Opened an article 2 · 50.0 %", "Saw results only 2 · 50.0 %",
                        "Assumed 2 · 66.7 %", "Still open 1", "Abandoned 1 · 33.3 %"]  # fmt: skip
    assert "all but the 1 still open" in page


def test_the_gap_is_named_and_the_lonely_question_is_not(signed_in: TestClient) -> None:
    """Six asked for quantum leaps; one for something that nobody else may read. Markup stays text."""
    page = signed_in.get("/dashboard").text
    assert "quantum &lt;b&gt;leaps&lt;/b&gt;" in page
    assert "<b>leaps" not in page
    assert "wedding" not in page
    assert re.search(r'class="tag k-missing">\s*Write', page)
    assert "6 of 6 searches</small>" in page
    assert "A ticket or a human came after 0 journeys with such a search: about $0 at $15.56 each; nobody knows" in page


def test_queries_and_titles_are_in_their_language(signed_in: TestClient, service: Service) -> None:
    """As far as one is known: not of a question that was asked in two."""
    asked = [search(f"l{n}", "kvantu lēciens", 4, found=0, decision="hand_over", detected_lang="lv") for n in range(6)]
    service.store.write(asked)
    page = signed_in.get("/dashboard").text
    assert '<h3 lang="lv" dir="auto">kvantu lēciens</h3>' in page
    assert '<span lang="en" dir="auto">Reset your password</span>' in page


def test_private_articles_are_for_keys_that_may_see_them(client: TestClient, filled: Service) -> None:
    """Another key sees that there is one more, and not which."""
    admin = client.get("/dashboard", headers={KEY_HEADER: key("admin")}).text
    agent = client.get("/dashboard", headers={KEY_HEADER: key("admin", "agent")}).text
    assert "Refund limits" not in admin
    assert "1 more article with 1 opening:" in admin
    assert "Refund limits" in agent


@pytest.mark.parametrize(
    ("period", "journeys"),
    [
        ("from={4}&to={4}", "7"),
        ("from={3}&to={3}", "12"),
        ("from={90}&to={0}", "19"),
        ("from={9}&to={8}", "0"),
        ("to={4}", "7"),
        ("to={40}", "0"),
    ],
)
def test_a_period_shows_what_began_in_it(signed_in: TestClient, period: str, journeys: str) -> None:
    """Both days included; longer periods are drawn by week; an empty one says so."""
    days = [(NOW - timedelta(days=ago)).date().isoformat() for ago in range(91)]
    page = signed_in.get("/dashboard?" + period.format(*days))
    assert page.status_code == 200
    assert f"{journeys} journeys that searched" in page.text
    assert ("by week" in page.text) == ("{90}" in period)
    assert ("No data in this period" in page.text) == (journeys == "0")


@pytest.mark.parametrize(
    "period", ["from=tomorrow", "from=2026-11-24&to=2026-11-01", "from=0000-99-99", "to=today", "to=0001-01-02"]
)
def test_a_period_that_cannot_be_read_is_explained(signed_in: TestClient, period: str) -> None:
    page = signed_in.get(f"/dashboard?{period}")
    assert page.status_code == 422
    assert 'role="alert"' in page.text


def test_its_files_may_be_kept_and_need_nothing_from_elsewhere(client: TestClient) -> None:
    """No inline style or script, no other host: the policy of the pages holds."""
    page = client.get("/dashboard")
    assert not re.search(r"style=|<style|https?://", page.text)
    for name in ("dashboard.css", "dashboard.js"):
        file = client.get(f"/dashboard/{name}")
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]
        assert f"/dashboard/{name}?v=" in page.text or name.endswith(".js")
    assert client.get("/dashboard/board.html").status_code == 404


def test_the_api_gives_the_same_lists(client: TestClient, filled: Service) -> None:
    """For holders of an admin key: gaps, articles and flow as JSON."""
    assert client.get("/v1/metrics/content").status_code == 403
    assert client.get("/v1/metrics/content?from=x", headers={KEY_HEADER: key("admin")}).status_code == 422
    values = client.get("/v1/metrics/content", headers={KEY_HEADER: key("admin")}).json()
    assert [gap["examples"] for gap in values["gaps"]["list"]] == [["quantum <b>leaps</b>"]]
    assert [row["article"]["id"] for row in values["articles"]["list"]] == ["reset-password.en"]
    assert sum(one["journeys"] for one in values["flow"]) == 19


def test_sick_data_marks_the_figures_that_rest_on_it(client: TestClient, service: Service) -> None:
    """Sixty searches with results and not one click: clicks do not arrive."""
    service.store.write([search(f"d{number}", "password", 3) for number in range(60)])
    page = client.get("/dashboard", headers={KEY_HEADER: key("admin")}).text
    assert "Some of this data is not to be trusted" in page
    assert "clicks do not arrive" in page
    assert "Unreliable:" in page
