"""A signed webhook: the document as it is, by POST (docs/handover.md says how to check the signature)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from kbsearch.errors import UsageError
from kbsearch.handover.signing import signed_headers
from kbsearch.handover.targets.address import Address
from kbsearch.handover.targets.http import Http, member
from kbsearch.handover.targets.protocol import Secrets


class Webhook:
    """`webhook://hooks.example.com/kbsearch?source=portal`: the whole address is called, options included."""

    kind = "webhook"

    def __init__(self, address: Address, secrets: Secrets) -> None:
        """:raises UsageError: there is no secret to sign with."""
        if not secrets.signing:
            raise UsageError("a webhook needs a secret to sign with; set KBSEARCH_HANDOVER_SECRET", "handover_secret")
        self.name = address.text
        self._secret = secrets.signing
        _, mark, query = address.text.partition("?")
        self._path = f"{address.path or '/'}{mark}{query}"
        self._http = Http(address.origin)

    def deliver(self, document: Mapping[str, Any], delivery: str, attempt: int) -> str:
        """Send the document. See `Target.deliver`."""
        body = orjson.dumps(document)
        headers = {"Idempotency-Key": delivery, **signed_headers(self._secret, body, time.time())}
        return member(self._http.post(self._path, body, headers), "id")
