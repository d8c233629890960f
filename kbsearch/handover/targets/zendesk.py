"""Zendesk's Tickets API: POST /api/v2/tickets.json, with its idempotency key and external_id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbsearch.errors import UsageError
from kbsearch.handover.targets.address import Address
from kbsearch.handover.targets.http import Http, member
from kbsearch.handover.targets.protocol import Secrets
from kbsearch.handover.targets.text import as_text, name_of


class Zendesk:
    """`zendesk://agent%40example.com@acme.zendesk.com`: the user whose API token it is, and the account."""

    kind = "zendesk"

    def __init__(self, address: Address, secrets: Secrets) -> None:
        """:raises UsageError: the address names no user."""
        if not address.user:
            raise UsageError(
                f"the target {address.text!r} names no user; write zendesk://agent%40example.com@{address.host}",
                "handover_target",
            )
        self.name = address.text
        self._http = Http(address.url, auth=(f"{address.user}/token", secrets.token))

    def deliver(self, document: Mapping[str, Any], delivery: str, attempt: int) -> str:
        """Create a ticket, unless an earlier attempt has. See `Target.deliver`."""
        if attempt > 1:
            # Zendesk forgets idempotency keys after some hours.
            found = self._http.get("/api/v2/tickets.json", {"external_id": document["id"]})
            known = found.get("tickets") if isinstance(found, dict) else None
            if known:
                return member(known[0], "id")
        ticket = {
            "subject": document["subject"],
            "comment": {"body": as_text(document)},
            "requester": {"name": name_of(document), "email": document["contact"]["email"]},
            "external_id": document["id"],
            "tags": ["kbsearch", f"kbsearch_{document['reason']}"],
        }
        answer = self._http.post("/api/v2/tickets.json", {"ticket": ticket}, {"Idempotency-Key": delivery})
        return member(answer, "ticket", "id")
