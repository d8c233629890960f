"""Zammad's API: POST /api/v1/tickets; the customer is found or made by e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbsearch.handover.targets.address import Address
from kbsearch.handover.targets.http import Http, member
from kbsearch.handover.targets.protocol import Secrets
from kbsearch.handover.targets.text import as_text

_EXAMPLE = "zammad://help.example.com/?group=Users"


class Zammad:
    """`zammad://help.example.com/?group=Users`: the group that gets the tickets."""

    kind = "zammad"

    def __init__(self, address: Address, secrets: Secrets) -> None:
        """:raises UsageError: the group is missing."""
        self.name = address.text
        self._group = address.option("group", _EXAMPLE)
        self._http = Http(address.url, {"Authorization": f"Token token={secrets.token}"})

    def deliver(self, document: Mapping[str, Any], delivery: str, attempt: int) -> str:
        """Create a ticket, unless an earlier attempt has. See `Target.deliver`."""
        if attempt > 1:
            # It has no idempotency key; the id stands in the ticket's note and text, where its search finds it.
            found = self._http.get("/api/v1/tickets/search", {"query": document["id"], "limit": "1"})
            known = found.get("tickets") if isinstance(found, dict) else found
            if isinstance(known, list) and known:
                return str(known[0]) if isinstance(known[0], int) else member(known[0], "id")
        ticket = {
            "title": document["subject"],
            "group": self._group,
            "customer_id": f"guess:{document['contact']['email']}",
            "note": document["id"],
            "article": {
                "subject": document["subject"],
                "body": as_text(document),
                "content_type": "text/plain",
                "type": "note",
                "sender": "Customer",
                "internal": False,
            },
        }
        return member(self._http.post("/api/v1/tickets", ticket), "id")
