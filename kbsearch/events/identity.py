"""Who did it, without knowing who: salted hashes in place of client ids and addresses.

An id that the client sent is hashed with the salt of the period (30 days unless set otherwise): one client is one
client within a period, another one in the next, and nobody can tell that they are the same. Periods begin at midnight
UTC, so a visit is torn apart only where it spans the midnight between two periods. The store keeps a salt for as long
as facts hashed with it, so that `erase` can find them, and then destroys it. It is asked for each salt a period ahead,
so that no request waits for it; were it away for a whole period, the old salt would stay until it is back.
A client without an id is recognised by address and browser for one day only: that salt is drawn from memory, changes
at midnight UTC and is never written anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from time import time

UNSURE = "~"
"""Begins what stands for a client that gave no id of its own: its session, or its address and browser. What others
know of the same session or query tells more (see `metrics/acts.py`)."""
_DIGEST_SIZE = 16
_VOUCHER_SIZE = 8
NETWORK_LETTERS = 2
"""Of a voucher: those that say where it is from. There are 256 of them, so that each stands for many networks."""
# What one household or one office holds: an IPv4 address is often shared and as often changed within its block, and
# who has one IPv6 address has 2**64 of them.
_NETWORK_BITS = {4: 24, 6: 48}
_NUMBER = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"((?:{_NUMBER}\.){{3}}){_NUMBER}")
_SECONDS_A_DAY = 86_400


class ClientHasher:
    """Turns what a request says about its client into the `client_id` of facts."""

    def __init__(
        self,
        salt_of: Callable[[str], bytes],
        *,
        period_days: int = 30,
        run_seed: bytes | None = None,
        today: Callable[[], str] | None = None,
    ) -> None:
        """Take where the salt of a period (named by its first day) comes from; `run_seed` is shared by the workers
        of one service so that they agree.

        :raises StoreError: there is no salt to begin with.
        """
        self._salt_of = salt_of
        self._period_days = period_days
        self._run_seed = run_seed or secrets.token_bytes(32)
        self._today = today or _utc_day
        present = self.period()
        self._salt = ("", salt_of(present))
        self._salts = {present: self._salt[1]}
        self._daily = ("", b"")

    def prepare(self) -> None:
        """Have the salts of the present period and of the next one at hand; asks for those that are not. That of the
        period before stays where it is at hand.

        :raises StoreError: the store cannot be asked now.
        """
        present = self.period()
        ordinal = date.fromisoformat(present).toordinal()
        before = self._first_day(ordinal - 1)
        following = self._first_day(min(ordinal + self._period_days, date.max.toordinal()))
        salts = {period: self._salts.get(period) or self._salt_of(period) for period in (present, following)}
        self._salts = {before: self._salts[before], **salts} if before in self._salts else salts

    def client_id(self, *, given: str = "", session: str = "", address: str = "", agent: str = "") -> str:
        """Hash the best identity there is: the client's own id, its session, or address and browser."""
        if given:
            return _digest(self._current(), "client", given)
        if session:
            return UNSURE + _digest(self._current(), "session", session)
        today = self._today()
        if self._daily[0] != today:
            self._daily = (today, hmac.digest(self._run_seed, today.encode(), "sha256"))
        return UNSURE + _digest(self._daily[1], "address", f"{address}\x00{agent}")

    def opaque(self, value: str) -> str:
        """Hash an id that must never be read again (a user id, a session id that is an address)."""
        return _digest(self._current(), "opaque", value)

    def content_id(self, content: str, day: str) -> str:
        """Hash the content of an event of a UTC day: the same when it is sent again after the salt has changed."""
        salt = self._salts.get(self._first_day(date.fromisoformat(day).toordinal()), self._current())
        return _digest(salt, "content", content)

    def voucher(self, query_key: str, address: str) -> str:
        """Hash a query with the network that asks it: equal for equal queries of one network.

        This is what a client cannot make up: it may call itself what it likes, but its answers go to one address. The
        first NETWORK_LETTERS are those of the network whatever it asks, so that networks can be told apart that used
        the same words in different queries; as hundreds of networks share them, they point at none.
        """
        network, salt = _network(address), self._current()
        place = _digest(salt, "network", network, NETWORK_LETTERS // 2)
        return place + _digest(salt, "voucher", f"{query_key}\x00{network}", _VOUCHER_SIZE)

    def period(self) -> str:
        """Return the first day of the present period."""
        return self._first_day(date.fromisoformat(self._today()).toordinal())

    def _first_day(self, ordinal: int) -> str:
        return date.fromordinal(max(1, ordinal - ordinal % self._period_days)).isoformat()

    def _current(self) -> bytes:
        today = self._today()
        if self._salt[0] != today:
            salt = self._salts.get(self.period())
            if salt is not None:
                self._salt = (today, salt)
        return self._salt[1]


def digests_of(value: str, salts: Iterable[bytes]) -> set[str]:
    """Return every hash under which an id may stand in facts, be it a client's, a session's or a user's."""
    known = list(salts)
    given = {_digest(salt, kind, value) for salt in known for kind in ("client", "opaque")}
    return given | session_digests([value], known)


def session_digests(sessions: Iterable[str], salts: Iterable[bytes]) -> set[str]:
    """Return the client hashes of those who were known by their session only; older facts bear them unmarked."""
    known = list(salts)
    hashes = {_digest(salt, "session", session) for session in sessions for salt in known}
    return hashes | {UNSURE + one for one in hashes}


def _digest(salt: bytes, kind: str, value: str, size: int = _DIGEST_SIZE) -> str:
    text = f"{kind}:{value}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, key=salt[:64], digest_size=size).hexdigest()


def _network(address: str) -> str:
    """Return the network of an address; what is no address (a Unix socket, a test) stands for itself."""
    # Most, written as everybody writes them.
    if usual := _IPV4.fullmatch(address):
        return f"{usual[1]}0/{_NETWORK_BITS[4]}"
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    size = _NETWORK_BITS[found.version]
    rest = found.max_prefixlen - size
    # What `ip_network` writes, which takes its time to check what is known here.
    return f"{type(found)(int(found) >> rest << rest)}/{size}"


def _utc_day() -> str:
    return _day(int(time()) // _SECONDS_A_DAY)


@lru_cache(maxsize=1)
def _day(number: int) -> str:
    """The date so many days after the first of 1970."""
    return datetime.fromtimestamp(number * _SECONDS_A_DAY, UTC).date().isoformat()
