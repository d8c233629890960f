"""The chat's own sentences, in the languages of the page. Read once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def load_texts(lang: str) -> Mapping[str, str]:
    """Return one language's sentences by key; `lang` is one of `patterns.LANGUAGES`."""
    read: Mapping[str, str] = json.loads((files("kbsearch.chat") / "messages" / f"{lang}.json").read_bytes())
    return read
