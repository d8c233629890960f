"""What the engine's tests ask, and how they read the answers."""

from __future__ import annotations

from collections.abc import Callable

from kbsearch.types import SearchOutcome

Search = Callable[..., SearchOutcome]
MODES = ("hybrid", "dense", "lexical")

QUERIES = (
    "reset password",
    "ka atjaunot paroli",
    "kur ir mans pasūtījums",
    "shipping to riga",
    "garantija",
    "kazas",
    "rēķins",
    "return an item",
    "pasword",
    "opening hours",
    "slaptazodi pakeisti",
    "voucher",
    "atmaksa",
)


def ids(outcome: SearchOutcome) -> list[str]:
    return [hit.id for hit in outcome.hits]


def groups(outcome: SearchOutcome) -> list[str]:
    return [hit.group for hit in outcome.hits]
