"""Signatures of webhooks and of status callbacks: HMAC-SHA256 over `timestamp.body`. Pure.

Both directions use one secret. A callback names its ticket in the signed body, so that a signature cannot be moved to
another ticket; its members differ from a document's, so that neither can be sent back as the other.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from kbsearch.errors import KeyRejected

TIMESTAMP_HEADER = "x-kbsearch-timestamp"
"""Seconds since 1970 at which the request was signed."""
SIGNATURE_HEADER = "x-kbsearch-signature"
"""`v1=` and 64 hex digits."""
TOLERANCE = 300
"""Seconds by which a signature may be older or newer than the receiver's clock."""


def signed_headers(secret: str, body: bytes, now: float) -> dict[str, str]:
    """Return the headers that sign a body at a moment (seconds since 1970)."""
    timestamp = str(int(now))
    return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature(secret, timestamp, body)}


def check_signature(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Let only bodies pass that were signed with the secret a moment ago; names of headers in lower case.

    :raises KeyRejected: there is no signature, it is not good, or it is too old.
    """
    timestamp, given = headers.get(TIMESTAMP_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise KeyRejected(f"{TIMESTAMP_HEADER} must be seconds since 1970, got {timestamp[:20]!r}")
    if not hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode("utf-8", "replace")):
        raise KeyRejected(f"{SIGNATURE_HEADER} does not fit the body; see docs/handover.md")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise KeyRejected(f"the signature is more than {TOLERANCE} seconds from now; check both clocks")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of the signature header."""
    return "v1=" + hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()
