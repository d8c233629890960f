"""Ids and identities: unique, hashed, and forgotten in time."""

from __future__ import annotations

from collections import defaultdict

import pytest

from kbsearch.errors import StoreError
from kbsearch.events.device import device_of
from kbsearch.events.identity import NETWORK_LETTERS, UNSURE, ClientHasher, digests_of, session_digests
from kbsearch.events.ids import new_id


def test_ids_are_unique_and_sorted_by_time() -> None:
    """UUID version 7, in hex."""
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {32} == {len(made) for made in ids}
    assert {"7"} == {made[12] for made in ids}
    assert {made[16] for made in ids} <= set("89ab")
    assert [made[:12] for made in ids] == sorted(made[:12] for made in ids)


SALTS = {"2026-10-31": b"a" * 32, "2026-11-30": b"b" * 32}


def hasher(day: list[str], **changes: int) -> ClientHasher:
    """Return a hasher whose day the test can turn."""
    salt_of = defaultdict(lambda: b"c" * 32, SALTS).__getitem__
    return ClientHasher(salt_of, run_seed=b"b" * 32, today=lambda: day[0], **changes)


def test_an_address_is_forgotten_at_midnight_and_an_id_with_its_period() -> None:
    """A visit inside a period holds together; after it nobody can tell that a client is the same."""
    day = ["2026-10-31"]
    made = hasher(day)
    address = made.client_id(address="192.0.2.7", agent="browser")
    given = made.client_id(given="visitor")
    assert address == made.client_id(address="192.0.2.7", agent="browser")
    assert address != made.client_id(address="192.0.2.8", agent="browser")
    assert given != made.client_id(session="visitor")
    day[0] = "2026-11-29"
    assert address != made.client_id(address="192.0.2.7", agent="browser")
    assert given == made.client_id(given="visitor", session="s", address="192.0.2.7")
    made.prepare()
    day[0] = "2026-11-30"
    assert given != made.client_id(given="visitor")


def test_the_store_is_asked_a_period_ahead() -> None:
    """Never by a request: where it is away for a whole period, the old salt stays until it is back."""
    day, asked, away = ["2026-10-31"], list[str](), False

    def salt_of(period: str) -> bytes:
        if away:
            raise StoreError("away")
        asked.append(period)
        return period.encode()

    made = ClientHasher(salt_of, today=lambda: day[0])
    made.prepare()
    assert asked == ["2026-10-31", "2026-11-30"]
    ids = []
    away = True
    for day[0] in ("2026-10-31", "2026-11-01", "2026-11-30", "2026-12-29", "2026-12-30"):
        ids.append(made.client_id(given="anna"))
        if day[0] == "2026-11-30":
            with pytest.raises(StoreError):
                made.prepare()
    assert ids == [ids[0]] * 2 + [ids[2]] * 3
    assert ids[0] != ids[2]
    away = False
    made.prepare()
    assert made.client_id(given="anna") not in ids
    assert asked == ["2026-10-31", "2026-11-30", "2026-12-30", "2027-01-29"]


def test_a_period_begins_every_so_many_days() -> None:
    """The same days for every process, without asking anyone."""
    day = ["2026-11-22"]
    assert hasher(day).period() == "2026-10-31"
    assert hasher(day, period_days=1).period() == "2026-11-22"
    assert hasher(day, period_days=10**6).period() == "0001-01-01"


def test_erasing_finds_every_hash_of_an_id() -> None:
    """Of each period whose salt is kept, in each role."""
    day = ["2026-11-22"]
    made = hasher(day)
    before = {made.client_id(given="anna"), made.client_id(session="anna"), made.opaque("anna")}
    made.prepare()
    day[0] = "2026-12-24"
    after = {made.client_id(given="anna"), made.client_id(session="anna"), made.opaque("anna")}
    unmarked = {one.removeprefix(UNSURE) for one in before | after}
    assert digests_of("anna", SALTS.values()) == before | after | unmarked, "as older facts bear them"
    assert session_digests(["anna", "bob"], SALTS.values()) >= {made.client_id(session="anna")}


def test_what_stands_for_a_client_says_whether_it_gave_an_id() -> None:
    """A session, or an address, tells less of whose a fact is."""
    made = hasher(["2026-11-22"])
    unsure = (made.client_id(session="s"), made.client_id(address="192.0.2.7"), made.client_id())
    assert [one[:1] for one in unsure] == [UNSURE] * 3
    assert not made.client_id(given="~s", session="s").startswith(UNSURE)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.200", True),
        ("192.0.2.7", "192.0.3.7", False),
        ("::ffff:192.0.2.200", "192.0.2.8", True),
        ("2001:db8:1:2::1", "2001:db8:1:ffff::9", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("testclient", "testclient", True),
        ("", "192.0.2.7", False),
    ],
)
def test_a_voucher_is_one_for_each_network(one: str, other: str, same: bool) -> None:
    """Whoever has one address has its whole block."""
    made = hasher(["2026-11-22"])
    assert same == (made.voucher("reset password", one) == made.voucher("reset password", other))
    asked, other = made.voucher("reset password", one), made.voucher("track order", one)
    assert asked[NETWORK_LETTERS:] != other[NETWORK_LETTERS:], "it follows nobody about"
    assert asked[:NETWORK_LETTERS] == other[:NETWORK_LETTERS]


def test_hundreds_of_networks_share_the_letters_of_one() -> None:
    """So that these point at none, and still tell most of a few apart."""
    made = hasher(["2026-11-22"])
    letters = {made.voucher("q", f"10.{n // 256}.{n % 256}.1")[:NETWORK_LETTERS] for n in range(20_000)}
    assert len(letters) == 256


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "desktop"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "desktop"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "desktop"),
        ("Mozilla/5.0 (X11; CrOS x86_64 15633.69.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "desktop"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "mobile"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "mobile"),
        ("Mozilla/5.0 (Linux; Android 15; SM-X710) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "tablet"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/140.0 Safari/537.36", "bot"),
        ("UptimeRobot/2.0", "bot"),
        ("python-httpx2/2.16", ""),
        ("", ""),
    ],
)
def test_devices_are_told_by_what_browsers_say(agent: str, device: str) -> None:
    """Real user agents of each class."""
    assert device == device_of(agent)
