"""Identifiers and times of the event log."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime

_OURS = re.compile(r"([0-9a-f]{12})7[0-9a-f]{3}[89ab][0-9a-f]{15}")


def new_id() -> str:
    """Return a UUID version 7 as 32 hex digits: unique without a registry, and sorted by time in the store."""
    milliseconds = time.time_ns() // 1_000_000
    noise = secrets.randbits(74)
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (noise >> 62) << 64 | 0b10 << 62 | noise & (1 << 62) - 1
    return f"{value:032x}"


def made_at(value: str) -> str:
    """Return when `new_id` made an id; "" for an id that it did not make."""
    ours = _OURS.fullmatch(value)
    try:
        return iso(datetime.fromtimestamp(int(ours[1], 16) / 1000, UTC)) if ours else ""
    except ValueError:  # beyond the calendar
        return ""


def now() -> str:
    """Return the present moment the way every fact writes it: UTC, ISO 8601, milliseconds, `Z`."""
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    """Write a moment that carries a zone as UTC, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
