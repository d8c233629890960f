"""Who did it, without knowing who: salted hashes in place of client ids and addresses.

An id that the client sent is hashed with the store's salt, so that one client is one client for as long as the
store keeps that salt and `erase --client` can find it. A client without an id is recognised by address and browser
for one day only: that salt is drawn from memory, changes at midnight UTC and is never written anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

_DIGEST_SIZE = 16


class ClientHasher:
    """Turns what a request says about its client into the `client_id` of facts."""

    def __init__(self, salt: bytes, *, run_seed: bytes | None = None, today: Callable[[], str] | None = None) -> None:
        """Take the store's salt; `run_seed` is shared by the workers of one service so that they agree."""
        self._salt = salt
        self._run_seed = run_seed or secrets.token_bytes(32)
        self._today = today or _utc_day

    def client_id(self, *, given: str = "", session: str = "", address: str = "", agent: str = "") -> str:
        """Hash the best identity there is: the client's own id, its session, or address and browser."""
        if given:
            return self._digest(self._salt, "client", given)
        if session:
            return self._digest(self._salt, "session", session)
        daily_salt = hmac.digest(self._run_seed, self._today().encode(), "sha256")
        return self._digest(daily_salt, "address", f"{address}\x00{agent}")

    def opaque(self, value: str) -> str:
        """Hash an id that must never be read again (a user id, a session id that is an address)."""
        return self._digest(self._salt, "opaque", value)

    @staticmethod
    def _digest(salt: bytes, kind: str, value: str) -> str:
        text = f"{kind}:{value}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=salt[:64], digest_size=_DIGEST_SIZE).hexdigest()


def _utc_day() -> str:
    return datetime.now(UTC).date().isoformat()
