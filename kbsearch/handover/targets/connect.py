"""From the setting to the targets it names."""

from __future__ import annotations

from collections.abc import Callable

from kbsearch.errors import UsageError
from kbsearch.handover.targets.address import Address, read_address
from kbsearch.handover.targets.chatwoot import Chatwoot
from kbsearch.handover.targets.liveagent import LiveAgent
from kbsearch.handover.targets.protocol import Secrets, Target
from kbsearch.handover.targets.smtp import Smtp
from kbsearch.handover.targets.webhook import Webhook
from kbsearch.handover.targets.zammad import Zammad
from kbsearch.handover.targets.zendesk import Zendesk

_KINDS: dict[str, Callable[[Address, Secrets], Target]] = {
    "webhook": Webhook,
    "smtp": Smtp,
    "smtps": Smtp,
    "zendesk": Zendesk,
    "liveagent": LiveAgent,
    "zammad": Zammad,
    "chatwoot": Chatwoot,
}
_WITH_TOKEN = frozenset({"zendesk", "liveagent", "zammad"})


def open_targets(text: str, secrets: Secrets) -> list[Target]:
    """Return the targets that the setting names, with spaces between them; none for "". Nothing is called yet.

    :raises UsageError: an address that cannot be read, is there twice, or lacks a secret or an option.
    """
    addresses = [read_address(one) for one in text.split()]
    names = [address.text for address in addresses]
    if len(set(names)) < len(names):
        raise UsageError("a target is named twice; name each once", "handover_target")
    if sum(address.kind in _WITH_TOKEN for address in addresses) > 1:
        raise UsageError("there is one KBSEARCH_HANDOVER_TOKEN; name one help desk that needs it", "handover_target")
    return [_open(address, secrets) for address in addresses]


def _open(address: Address, secrets: Secrets) -> Target:
    if address.kind not in _KINDS:
        known = ", ".join(_KINDS)
        raise UsageError(f"{address.text!r} is no target; its kind must be one of: {known}", "handover_target")
    if address.kind in _WITH_TOKEN and not secrets.token:
        raise UsageError(f"the target {address.text!r} needs a token; set KBSEARCH_HANDOVER_TOKEN", "handover_target")
    return _KINDS[address.kind](address, secrets)
