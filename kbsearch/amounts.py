"""A number with its noun, as English writes it. Pure; for what commands and pages say to people."""

from __future__ import annotations


def amount(count: int, one: str, many: str = "") -> str:
    """Return so many of something; `many` where the plural is not `one` with an s.

    >>> amount(1, "ticket"), amount(1200, "search", "searches")
    ('1 ticket', '1,200 searches')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
