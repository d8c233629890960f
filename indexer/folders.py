"""Which folders and files under a source are read. Imported by the loaders, by `editing` and by `watch`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator

from kbsearch.editing import EDITING_FILE
from kbsearch.manifest import CURRENT, MANIFEST
from kbsearch.versions import HISTORY, LOCK

CACHE = ".cache"
"""Where a directory of snapshots keeps the finished work of builds."""
SPECIAL = "is a pipe, a socket or a device and no file; left out"
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
    """Each folder under a source with the names of its files, all sorted; hidden ones, indexes and links are left out.

    `failed` is told of folders that cannot be listed, `left_out` of indexes and of links to folders, which may lead in
    circles.
    """
    for folder, folders, names in os.walk(source, onerror=failed):
        if is_index({*folders, *names}):
            folders.clear()
            left_out(folder)
            continue
        shown = sorted(name for name in folders if not is_hidden(name))
        folders[:] = [name for name in shown if not os.path.islink(os.path.join(folder, name))]
        for name in shown:
            if name not in folders:
                left_out(os.path.join(folder, name))
        yield folder, sorted(name for name in names if not is_hidden(name))


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is not meant to be seen; "~$" marks what Office has open."""
    return name.startswith((".", "~$"))


def is_special(path: str | os.PathLike[str]) -> bool:
    """Whether a pipe, a socket or a device lies there: reading it may never end."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # who reads it will say so
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
