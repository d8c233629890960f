"""A target's address: `KIND://[USER@]HOST[:PORT][/PATH][?OPTION=VALUE&…]`, read and checked. Pure.

`KIND+http://` is for a server without TLS, such as one on the same machine; anything else is https.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from kbsearch.errors import UsageError


@dataclass(frozen=True, slots=True)
class Address:
    """An address in its parts."""

    text: str
    """As it was written."""
    kind: str
    scheme: str
    """`https` or `http`."""
    host: str
    port: int | None
    user: str
    path: str
    options: dict[str, str]

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}"

    @property
    def url(self) -> str:
        """Below what an API lies: the origin and the path."""
        return self.origin + self.path.rstrip("/")

    def option(self, name: str, example: str) -> str:
        """Return an option that must be there.

        :raises UsageError: it is not.
        """
        if not self.options.get(name):
            raise UsageError(f"the target {self.text!r} lacks {name}; write it as {example}", "handover_target")
        return self.options[name]


def read_address(text: str) -> Address:
    """Read an address.

    :raises UsageError: it is none, or holds a password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"the target {text!r} is no address; write KIND://HOST/…", "handover_target") from None
    if parts.password is not None:
        raise UsageError(
            f"the target on {parts.hostname!r} holds a password; secrets have variables of their own, see "
            "docs/handover.md",
            "handover_target",
        )
    kind, _, scheme = parts.scheme.partition("+")
    if not kind or not parts.hostname or scheme not in ("", "http", "https"):
        raise UsageError(f"the target {text!r} is no address; write KIND://HOST/…", "handover_target")
    return Address(
        text=text,
        kind=kind,
        scheme=scheme or "https",
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or ""),
        path=parts.path,
        options=dict(parse_qsl(parts.query)),
    )
