"""Which folders and files under a source are read. Imported by the loaders, by `editing` and by `watch`."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator

from kbsearch.editing import EDITING_FILE
from kbsearch.manifest import CURRENT, MANIFEST
from kbsearch.versions import HISTORY, LOCK

CACHE = ".cache"
"""Where a directory of snapshots keeps the finished work of builds."""
# The names that tell an index: one that is or was being built, a copy of it without hidden files, one version. Two
# each, because others use one of them as well.
_OF_AN_INDEX = ({LOCK, CACHE}, {CURRENT, HISTORY}, {MANIFEST, EDITING_FILE})


def is_index(names: Collection[str]) -> bool:
    """Whether a folder that holds these names is a directory of snapshots or a version.

    It is never a source: read as one it would show to everybody the words of articles that only some may see.
    """
    return any(marks.issubset(names) for marks in _OF_AN_INDEX)


def source_folders(
    source: str | os.PathLike[str],
    failed: Callable[[OSError], object] | None = None,
    left_out: Callable[[str], object] = lambda folder: None,
) -> Iterator[tuple[str, list[str]]]:
    """Each folder under a source with the names of its files, all sorted; hidden ones and indexes are left out.

    `failed` is told of folders that cannot be listed, `left_out` of indexes.
    """
    for folder, folders, names in os.walk(source, onerror=failed):
        if is_index({*folders, *names}):
            folders.clear()
            left_out(folder)
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield folder, sorted(name for name in names if not name.startswith("."))
