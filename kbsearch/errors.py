"""The error tree. Every message says what is wrong, which value, and the next step.

KbsearchError
├── UsageError            the caller asked for something impossible (exit code 2, HTTP 422)
│   ├── FilterError       a filter expression that cannot be read
│   └── LimitError        a value beyond a documented limit
│       └── TooMany       more than is allowed at once (HTTP 429)
├── SourceError           a source that cannot be read at all, or holds no good document
├── SnapshotError         a snapshot that cannot be opened or written
│   ├── SnapshotMissing   nothing published there
│   ├── SnapshotDamaged   a file is absent, cut short or altered
│   └── SnapshotMismatch  written by a format, model or analyzer this version does not read
├── ModelError            an embedding model that cannot be loaded or does not fit
│   └── ModelUnavailable  a loaded model that is too slow, or fails
├── ReplayFailed          a candidate that would break too many searches
├── KeyRejected           a key that is forged, expired or foreign (HTTP 401)
├── EventError            an event that cannot be accepted
├── StoreError            a store of events or tickets that cannot be opened, read or written (HTTP 503)
└── DeliveryError         a hand-over that its target did not take, or not yet
"""

from __future__ import annotations

from typing import Final

REBUILD: Final = "rebuild the index: kbsearch-index build SOURCE --out DIR"
"""How a message about a file of a snapshot ends, for those who do not know which snapshot it is a part of."""


class KbsearchError(Exception):
    """Base of every error kbsearch raises on purpose; `report` is what a command prints besides."""

    def __init__(self, message: str, report: str = "") -> None:
        super().__init__(message)
        self.report = report


class UsageError(KbsearchError):
    """The caller asked for something impossible; `field` names the argument at fault, where there is one."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class FilterError(UsageError):
    """A filter expression that cannot be read."""


class LimitError(UsageError):
    """A value beyond a documented limit."""


class TooMany(LimitError):
    """More than is allowed at once: right as it is, and possible later."""


class SourceError(KbsearchError):
    """A source that cannot be read at all, or holds no good document."""


class SnapshotError(KbsearchError):
    """A snapshot that cannot be opened or written."""


class SnapshotMissing(SnapshotError):
    """Nothing is published at that place."""


class SnapshotDamaged(SnapshotError):
    """A file of the snapshot is absent, cut short or altered."""


class SnapshotMismatch(SnapshotError):
    """The snapshot was written by a format, model or analyzer that this version does not read."""


class ModelError(KbsearchError):
    """An embedding model that cannot be loaded, or does not fit the snapshot."""


class ModelUnavailable(ModelError):
    """A loaded model gives no vector in time, or none at all."""


class ReplayFailed(KbsearchError):
    """A candidate would break too many searches."""


class KeyRejected(KbsearchError):
    """A key that is forged, expired or used from a foreign origin."""


class EventError(KbsearchError):
    """An event that cannot be accepted; `field` names the part at fault."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class StoreError(KbsearchError):
    """A store of events or tickets cannot be opened, read or written."""


class DeliveryError(KbsearchError):
    """A target did not take a hand-over; `retry_after` is how long it asks to be left alone, in seconds (0: it does
    not say)."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
