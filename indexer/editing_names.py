"""Which files hold no articles but an editor's words about them. Imported by the loaders and by `editing`."""

from __future__ import annotations

import re

_NAME = re.compile(r"(synonyms|protected|rules|groups)(?:\.([a-z]{2,8}(?:-[a-z0-9]{1,8})*))?\.csv", re.IGNORECASE)


def editing_kind(name: str) -> tuple[str, str] | None:
    """What a file of this name holds, and its language ("" for any); None for sources of articles."""
    match = _NAME.fullmatch(name)
    return (match[1].lower(), (match[2] or "").lower()) if match else None
