"""kbsearch: multilingual knowledge-base search that answers, lists, or honestly hands over.

    from kbsearch import open_engine, SearchRequest
    engine = open_engine("var/index")
    outcome = engine.search(SearchRequest(q="ka atjaunot paroli", lang="lv"))

Importing this package loads neither torch, faiss nor fastapi; `open_engine` loads what a search needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kbsearch.errors import KbsearchError
from kbsearch.types import Action, Decision, Document, Hit, SearchOutcome, SearchRequest
from kbsearch.version import __version__ as __version__

if TYPE_CHECKING:
    from kbsearch.engine import Engine, open_engine

__all__ = [
    "Action",
    "Decision",
    "Document",
    "Engine",
    "Hit",
    "KbsearchError",
    "SearchOutcome",
    "SearchRequest",
    "open_engine",
]


def __getattr__(name: str) -> Any:
    """Load the engine, and with it faiss, only when somebody asks for it."""
    if name in ("Engine", "open_engine"):
        from kbsearch import engine

        return getattr(engine, name)
    raise AttributeError(f"module 'kbsearch' has no attribute {name!r}")
