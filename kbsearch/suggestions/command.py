"""`kbsearch suggestions`: read what customers suggest, decide what others see, and who wants to hear of it."""

from __future__ import annotations

import argparse
from pathlib import Path

import orjson

from kbsearch.amounts import amount
from kbsearch.errors import UsageError
from kbsearch.events.connect import url_in_use
from kbsearch.suggestions.store import SuggestionStore, suggestions_path


def run(options: argparse.Namespace) -> str:
    """Do what was asked and return what to print.

    :raises UsageError: there is no such suggestion or status, nobody has suggested anything yet, or an empty argument.
    """
    for name in ("forget", "followers"):
        if getattr(options, name) == "":
            raise UsageError(f"--{name} is empty; see: kbsearch suggestions --help", name)
    path = _existing(suggestions_path(options.index, url_in_use(options.events, options.index)))
    store = SuggestionStore(path)
    try:
        if options.forget:
            followed = store.forget(options.forget)
            if options.json:
                return orjson.dumps({"email": options.forget, "followed": followed}).decode()
            return f"{options.forget} followed {amount(followed, 'suggestion')} in {path}, and follows none now."
        if options.followers:
            followers = store.followers(options.followers)
            return orjson.dumps(followers).decode() if options.json else "\n".join(followers)
        if options.decide:
            suggestion, status = options.decide
            store.decide(suggestion, status)
            if options.json:
                return orjson.dumps({"id": suggestion, "status": status}).decode()
            return f"{suggestion} is {status} now."
        listed = store.listed()
        if options.json:
            return orjson.dumps(listed).decode()
        lines = (
            f"{one.id}  {one.status:8}  {amount(one.votes, 'vote'):>10}  [{one.lang}] {one.title}" for one in listed
        )
        return "\n".join(lines) or "No suggestions yet."
    finally:
        store.close()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(
            f"there are no suggestions at {str(path)!r}; has kbsearch serve run with these --index and --events?",
            "index",
        )
    return path
