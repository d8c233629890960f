"""What a chat remembers: small, explicit, carried by the client and handed back with each message.

The server keeps no session and trusts nothing of it: forged, it spoils nothing but its sender's own chat. What it
names is never shown because it is named; every article comes from a search with the caller's own rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["answer", "choices", "offer_human", "human"]

MAX_ASKED = 8
"""Questions that are remembered; older ones are forgotten first."""
MAX_SHOWN = 40
"""Articles that are remembered, likewise; refused ones too."""
ENOUGH_NOES = 2
"""The no that leads to a human."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the search that it was."""

    text: str
    query_id: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An article that was shown, for which search, and at which absolute rank from 1."""

    id: str
    query_id: str
    position: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat so far; oldest first everywhere."""

    asked: tuple[Asked, ...] = ()
    shown: tuple[Shown, ...] = ()
    refused: tuple[str, ...] = ()
    """Ids of articles that the customer said no to; never shown again."""
    noes: int = 0
    """How often the customer said no since something helped, up to `ENOUGH_NOES`."""
    last: Kind | Literal[""] = ""
    """What was replied to the last question, or to the last yes or no."""

    @property
    def open(self) -> tuple[Shown, ...]:
        """What was shown for the last question and not refused: what a yes or no is about."""
        if not self.asked:
            return ()
        query_id = self.asked[-1].query_id
        return tuple(one for one in self.shown if one.query_id == query_id and one.id not in self.refused)
