"""What a target must be able to do, and the secrets it may be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Secrets:
    """What targets prove themselves with; each from an environment variable of its own, never from a URL."""

    signing: str = field(default="", repr=False)
    """Signs webhooks."""
    token: str = field(default="", repr=False)
    """API token of a help desk."""
    password: str = field(default="", repr=False)
    """Of the mail server's user."""


class Target(Protocol):
    """A place that takes hand-overs."""

    @property
    def name(self) -> str:
        """The address as it was configured; under it the deliveries are kept."""

    @property
    def kind(self) -> str:
        """Such as `webhook` or `zendesk`."""

    def deliver(self, document: Mapping[str, Any], delivery: str, attempt: int) -> str:
        """Deliver a document (docs/handover.schema.json); returns the id that the target gave it, "" for none.

        `delivery` is the idempotency key, the same at every attempt; from the second `attempt` on, an earlier one may
        have arrived.

        :raises DeliveryError: it was not taken, or nobody knows whether it was.
        """
