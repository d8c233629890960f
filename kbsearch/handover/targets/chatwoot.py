"""Chatwoot's public API of an API inbox: a contact, a conversation and the customer's message in it.

The contact is asked for under the ticket's id, so that a later attempt finds the conversation of an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from kbsearch.errors import DeliveryError
from kbsearch.handover.targets.address import Address
from kbsearch.handover.targets.http import Http, member
from kbsearch.handover.targets.protocol import Secrets
from kbsearch.handover.targets.text import as_text, name_of

_EXAMPLE = "chatwoot://app.chatwoot.com/?inbox=IDENTIFIER"
_E164 = re.compile(r"\+[1-9][0-9]{4,14}")


class Chatwoot:
    """`chatwoot://app.chatwoot.com/?inbox=IDENTIFIER`: the identifier of an API inbox; it needs no token."""

    kind = "chatwoot"

    def __init__(self, address: Address, secrets: Secrets) -> None:
        """:raises UsageError: the inbox is missing."""
        self.name = address.text
        inbox = quote(address.option("inbox", _EXAMPLE), safe="")
        self._http = Http(f"{address.url}/public/api/v1/inboxes/{inbox}")

    def deliver(self, document: Mapping[str, Any], delivery: str, attempt: int) -> str:
        """Make what is missing of contact, conversation and message. See `Target.deliver`."""
        contact = document["contact"]
        person = {"source_id": document["id"], "name": name_of(document), "email": contact["email"]}
        phone = re.sub(r"[\s()-]", "", contact.get("phone", ""))
        if _E164.fullmatch(phone):
            person["phone_number"] = phone
        conversations = f"/contacts/{_id(self._http.post('/contacts', person), 'source_id')}/conversations"
        conversation = self._known(conversations) if attempt > 1 else None
        if conversation is None:
            facts = {"kbsearch_ticket": document["id"], "kbsearch_reason": document["reason"]}
            conversation = self._http.post(conversations, {"custom_attributes": facts})
        number = _id(conversation, "id")
        if not conversation.get("messages"):
            self._http.post(f"{conversations}/{number}/messages", {"content": as_text(document), "echo_id": delivery})
        return number

    def _known(self, conversations: str) -> Any:
        found = self._http.get(conversations)
        return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else None


def _id(answer: object, name: str) -> str:
    found = member(answer, name)
    if not found:
        raise DeliveryError(f"Chatwoot's answer has no {name}")
    return quote(found, safe="")
