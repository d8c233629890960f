"""What the command-line programs share."""

from __future__ import annotations

import io
import sys

import pytest

from kbsearch.command import print_outcome


def test_a_terminal_of_another_encoding_gets_what_it_can_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest as escapes, which JSON reads as the letters that they are."""
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="latin-1"))
    assert print_outcome('{"title": "Kā: größer"}') == 0
    assert shown.getvalue() == b'{"title": "K\\u0101: gr\xf6\xdfer"}\n'
