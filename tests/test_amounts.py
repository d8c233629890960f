"""Numbers with their nouns."""

from __future__ import annotations

from kbsearch.amounts import amount


def test_one_is_no_plural() -> None:
    """Nought is; large numbers are written with commas."""
    assert [amount(count, "ticket") for count in (0, 1, 2)] == ["0 tickets", "1 ticket", "2 tickets"]
    assert [amount(count, "search", "searches") for count in (1, 1200)] == ["1 search", "1,200 searches"]
