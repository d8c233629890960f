"""`kbsearch key`: a key made with the secret of the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import timedelta

from kbsearch.errors import UsageError
from kbsearch.service.security import make_key

_MAX_DAYS = 3650


def key_from_environment(
    audiences: Iterable[str],
    origins: Iterable[str],
    days: float,
    subject: str,
    environ: Mapping[str, str] | None = None,
) -> str:
    """Sign a key with KBSEARCH_SECRET.

    :raises UsageError: there is no secret, or a value that no key can hold.
    """
    secret = (os.environ if environ is None else environ).get("KBSEARCH_SECRET", "")
    if not secret:
        raise UsageError("KBSEARCH_SECRET is not set; make one with: openssl rand -hex 32", "secret")
    if not 0 < days <= _MAX_DAYS:
        raise UsageError(f"days must be more than 0 and at most {_MAX_DAYS}, got {days}", "days")
    return make_key(secret, audiences, origins, timedelta(days=days), subject)
