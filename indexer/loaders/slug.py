"""A short readable id part from a question, the same on every run. Used where a source gives texts but no ids."""

from __future__ import annotations

import hashlib
import re

from kbsearch.text.normalise import fold

LENGTH = 60
"""Characters of the question kept; enough to recognise it in a log line."""


def slug(text: str) -> str:
    """Return "kā atjaunot paroli?" as "ka-atjaunot-paroli"; cut or emptied texts get a hash against collisions."""
    words = re.sub(r"[\W_]+", "-", fold(text)).strip("-")
    if 0 < len(words) <= LENGTH:
        return words
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{words[:LENGTH].rstrip('-')}-{digest}".lstrip("-")
