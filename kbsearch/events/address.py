"""The URL of an event store as it may be shown: without what it says of user and password."""

from __future__ import annotations

import re

# Up to the last @, since a password may hold some that should have been written %40; and libpq's other ways to give it.
_USER = re.compile(r"//.*@", re.DOTALL)
_PASSWORD = re.compile(r"(password\s*=).*", re.DOTALL | re.IGNORECASE)


def shown(url: str) -> str:
    """Return a URL for messages and logs, however it is mistyped.

    >>> shown("postgres//kb:secret@db.example/kb")
    'postgres//…@db.example/kb'
    """
    return _PASSWORD.sub(r"\1…", _USER.sub("//…@", url))
