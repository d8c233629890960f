"""Pinned and hidden results: which of the editor's rules a query meets, and what they do to it.

Takes a snapshot's rules, gives a `Ruling` by query; imported by the engine. A rule names an article: all its
translations are meant, and those that the caller may not see stay unseen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kbsearch.editing import Rule
from kbsearch.index.titles import title_key
from kbsearch.snapshot import Snapshot
from kbsearch.text.tags import covers
from kbsearch.visibility import Visible, visible_of

_Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say about one query."""

    pinned: tuple[int, ...] = ()
    """Groups that come first, in the editor's order."""
    hidden: tuple[int, ...] = ()
    """Groups that are not shown."""


_NONE = Ruling()


class RuleBook:
    """The rules of one snapshot; case, diacritics and punctuation do not matter in them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._rules: list[tuple[_Words, Rule, int]] = []
        for rule in snapshot.editing.rules:
            document = snapshot.number_of(rule.target)
            if document is not None:
                self._rules.append((_words(rule.query), rule, int(snapshot.document_group[document])))
        # Most queries hold no rule's first word, and are done after looking for one.
        self._first_words = {word for wanted, _, _ in self._rules for word in wanted[:1]}

    def apply(self, query: str, lang: str) -> Ruling:
        """What holds for a normalised query of a user whose language is `lang`, of any region; hiding wins."""
        if not self._rules:
            return _NONE
        typed = _words(query)
        if self._first_words.isdisjoint(typed):
            return _NONE
        met = [
            (rule.action, group)
            for wanted, rule, group in self._rules
            if (not rule.lang or covers(rule.lang, lang)) and _meets(typed, wanted, rule)
        ]
        hidden = tuple(dict.fromkeys(group for action, group in met if action == "hide"))
        pinned = dict.fromkeys(group for action, group in met if action == "pin" and group not in hidden)
        return Ruling(tuple(pinned), hidden)

    def visible_under(self, ruling: Ruling, visible: Visible) -> Visible:
        """What is visible without the hidden groups."""
        if not ruling.hidden:
            return visible
        snapshot = self._snapshot
        shown = ~np.isin(snapshot.document_group, ruling.hidden)
        if visible.documents is not None:
            shown &= visible.documents
        return visible_of(snapshot, shown)


def _words(text: str) -> _Words:
    return tuple(title_key(text).split())


def _meets(typed: _Words, wanted: _Words, rule: Rule) -> bool:
    if rule.match == "exact":
        return typed == wanted
    starts = range(len(typed) - len(wanted) + 1)
    return any(typed[start : start + len(wanted)] == wanted for start in starts)
