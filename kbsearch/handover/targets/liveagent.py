"""LiveAgent's API, version 3: POST /api/v3/tickets.

It has no idempotency key: where an answer is lost, the ticket may be there twice; both name the kbsearch ticket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbsearch.handover.targets.address import Address
from kbsearch.handover.targets.http import Http, member
from kbsearch.handover.targets.protocol import Secrets
from kbsearch.handover.targets.text import as_text

_EXAMPLE = "liveagent://acme.ladesk.com/?department=ID&recipient=support%40example.com"


class LiveAgent:
    """`liveagent://acme.ladesk.com/?department=ID&recipient=support%40example.com`: where tickets go."""

    kind = "liveagent"

    def __init__(self, address: Address, secrets: Secrets) -> None:
        """:raises UsageError: department or recipient is missing."""
        self.name = address.text
        self._department = address.option("department", _EXAMPLE)
        self._recipient = address.option("recipient", _EXAMPLE)
        self._http = Http(address.url, {"apikey": secrets.token})

    def deliver(self, document: Mapping[str, Any], delivery: str, attempt: int) -> str:
        """Create a ticket from the customer to the company. See `Target.deliver`."""
        ticket = {
            "useridentifier": document["contact"]["email"],
            "recipient": self._recipient,
            "departmentid": self._department,
            "subject": document["subject"],
            "message": as_text(document),
        }
        answer = self._http.post("/api/v3/tickets", ticket)
        return member(answer, "code") or member(answer, "id")
