"""Language tags (BCP 47): which of them name the same language, with or without a region.

Takes tags in lower case, as documents and requests carry them. Imported where a caller's language meets a document's.
"""

from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=1_000)
def primary(tag: str) -> str:
    """Return the language of a tag without its region: en of en-us."""
    return tag.partition("-")[0].lower()


def one_region_each(tags: Iterable[str]) -> list[str]:
    """Return the first tag of each language: analyzers treat its regions alike."""
    first: dict[str, str] = {}
    for tag in tags:
        first.setdefault(primary(tag), tag)
    return list(first.values())


def covers(accepted: str, tag: str) -> bool:
    """Say whether who accepts one language accepts another: en covers en-us, en-us only itself (RFC 4647, 3.3.1)."""
    return tag == accepted or tag.startswith(f"{accepted}-")
