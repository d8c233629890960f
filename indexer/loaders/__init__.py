"""Sources into documents: the first step of the flow.

Takes files and folders, yields documents one at a time and fills a report; imported by the pipeline.
One module a format; each has `EXTENSIONS` and `read(source) -> Iterator[Item]` and knows nothing of the others.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from indexer.editing_names import editing_kind
from indexer.folders import SPECIAL, is_hidden, is_special, source_folders
from indexer.loaders import archive, csv_file, html, jsonl, markdown, mirror, office, pdf, plain, subtitles, zendesk
from indexer.loaders.report import Found, Item, LoadReport, Note, Problem, SourceFile
from kbsearch.amounts import amount
from kbsearch.errors import SourceError
from kbsearch.types import Document

__all__ = ["LoadReport", "Problem", "load_sources"]

_FORMATS = (jsonl, markdown, html, csv_file, plain, zendesk, office, pdf, subtitles, mirror)
_READERS: dict[str, Callable[[SourceFile], Iterator[Item]]] = {
    extension: module.read for module in _FORMATS for extension in module.EXTENSIONS
}
_KNOWN = (*_READERS, *archive.EXTENSIONS)
SUPPORTED = ", ".join(name for name in _KNOWN if name not in mirror.EXTENSIONS)


def load_sources(paths: Sequence[Path], *, report: LoadReport, strict: bool = False) -> Iterator[Document]:
    """Yield the documents of files and folders, lazily and in a fixed order; what is bad goes to `report`.

    :raises SourceError: at once for a path that is absent or of an unknown kind; while reading for a source
        without any good document (files of the editor's beside others apart), and for the first problem where `strict`.
    """
    if not paths:
        raise SourceError(f"No source was given; name a file or folder that holds {SUPPORTED}.")
    for path in paths:
        if not path.exists():
            raise SourceError(f"{path} does not exist; check the path of the source.")
        if not path.is_dir() and _extension(path.name) is None:
            raise SourceError(
                f"{path}: {path.suffix or 'no extension'} is not a kind of source kbsearch reads; it reads {SUPPORTED}."
            )
    return _load(paths, report, strict)


def _load(paths: Sequence[Path], report: LoadReport, strict: bool) -> Iterator[Document]:
    first_seen: dict[str, str] = {}
    for path in paths:
        report.by_source.append(0)
        if editing_kind(path.name):
            continue
        good, bad, first = 0, 0, None
        for item in _items(path, first_seen, report):
            match item:
                case Note():
                    report.add_note(item.text)
                case Problem():
                    report.add_problem(item)
                    bad, first = bad + 1, first or item
                    if strict:
                        raise SourceError(f"{item}; --strict stops here: correct it, or leave --strict out.")
                case Found():
                    good += 1
                    report.documents += 1
                    report.by_source[-1] += 1
                    yield item.document
        if not good:
            raise SourceError(_nothing_good(path, bad, first))
    if not report.documents:
        raise SourceError(f"{paths[0]} is a file of the editor's and holds no article; name the articles as well.")


def _items(path: Path, first_seen: dict[str, str], report: LoadReport) -> Iterator[Item]:
    """Everything one source gives, file after file; a document whose id came before is a problem."""
    for source in _files(path):
        if not isinstance(source, SourceFile):
            yield source
            continue
        report.files += 1
        try:
            for item in _READERS[_extension(source.path.name) or ""](source):
                if isinstance(item, Found):
                    place = source.name if item.line is None else f"{source.name}:{item.line}"
                    earlier = first_seen.get(item.document.id)
                    if earlier is not None:
                        reason = f"id {item.document.id!r} is taken by {earlier}; the first one is kept"
                        # Ids are paths in their source, where files say no other.
                        if item.document.id == source.id and not earlier.startswith(_shown(path)):
                            reason += "; name a folder that holds both as the source, or give the file an id"
                        yield Problem(source.name, item.line, reason)
                        continue
                    first_seen[item.document.id] = place
                yield item
        except OSError as error:
            yield Problem(source.name, None, f"cannot be read: {error.strerror or error}")


def _files(path: Path) -> Iterator[SourceFile | Problem | Note]:
    """The readable files of a source, sorted, without hidden ones; then notes about what was left out."""
    ignored: Counter[str] = Counter()
    if not path.is_dir():
        yield from _opened(path, _bare(path.name), "", ignored)
        yield from _left_out(path, ignored)
        return
    failures: list[OSError] = []
    closed: list[str] = []
    for folder, names in source_folders(path, failures.append, closed.append):
        yield from _unlisted(failures)
        is_copy = any(name.endswith(mirror.EXTENSIONS) for name in names)  # which tells its pages itself
        for name in names:
            if editing_kind(name):
                continue
            file = Path(folder, name)
            identity = file.relative_to(path).with_name(_bare(name)).as_posix()
            if _extension(name) is not None:
                yield from _opened(file, identity, f"{identity}/", ignored)
            elif not is_copy:
                ignored[_kind(name)] += 1
    yield from _unlisted(failures)
    yield from _closed(path, closed)
    yield from _left_out(path, ignored)


def _opened(file: Path, identity: str, prefix: str, ignored: Counter[str]) -> Iterator[SourceFile | Problem]:
    """A file, or what is in it; the ids of what is in an archive begin with `prefix`."""
    if is_special(file):
        yield Problem(_shown(file), None, SPECIAL)
    elif _is_archive(file.name):
        yield from _unpacked(file, _shown(file), prefix, ignored)
    else:
        yield SourceFile(file, _shown(file), identity)


def _unlisted(failures: list[OSError]) -> Iterator[Problem]:
    while failures:
        error = failures.pop(0)
        yield Problem(_shown(error.filename), None, f"cannot be read: {error.strerror}")


def _closed(path: Path, folders: Sequence[str]) -> Iterator[Problem | Note]:
    """Folders that were not gone into."""
    links = [folder for folder in folders if os.path.islink(folder) and folder != str(path)]
    for folder in folders:
        if folder == str(path):
            yield Problem(_shown(path), None, "is an index and no source; name a folder of articles")
        elif folder not in links:
            yield Note(f"{_shown(folder)} is an index and no source; left out")
    if links:
        yield Note(
            f"{_shown(path)}: {amount(len(links), 'linked folder')} left out ({_shown(links[0])}); name as a source of "
            "its own what a link leads to"
        )


def _left_out(path: Path, ignored: Counter[str]) -> Iterator[Note]:
    if ignored:
        kinds = ", ".join(f"{count} {kind}" for kind, count in ignored.most_common(5))
        yield Note(f"{path}: {ignored.total()} files of other kinds left out ({kinds})")


def _unpacked(
    path: Path, shown: str, prefix: str, ignored: Counter[str], depth: int = 0
) -> Iterator[SourceFile | Problem]:
    """The readable files of an archive, in its order, and those of archives in it, as Notion packs its exports."""

    def extension(name: str) -> str:
        *folders, file = name.split("/")
        if any(map(is_hidden, (*folders, file))) or "__MACOSX" in folders or editing_kind(file):
            return ""
        known = _extension(file)
        if known is None or (depth and known in archive.EXTENSIONS):
            ignored[_kind(file)] += 1
            return ""
        return known

    for member in archive.members(path, shown, extension):
        if isinstance(member, Problem):
            yield member
            continue
        name, identity = f"{shown}/{_shown(member.name)}", prefix + _bare(member.name)
        if _is_archive(member.name):
            # Its own name is "Part-1" or the like and says nothing.
            inner = identity.rpartition("/")[0]
            yield from _unpacked(member.path, name, f"{inner}/" if inner else "", ignored, depth + 1)
        else:
            yield SourceFile(member.path, name, identity)


def _extension(name: str) -> str | None:
    """The extension under which a reader is known, "a.JSONL.gz" gives ".jsonl.gz"; None for other kinds."""
    low = name.lower()
    return max((known for known in _KNOWN if low.endswith(known)), key=len, default=None)


def _is_archive(name: str) -> bool:
    return _extension(name) in archive.EXTENSIONS


def _kind(name: str) -> str:
    return _shown(Path(name).suffix.lower()) or "no extension"


def _shown(path: str | Path) -> str:
    """The path for messages; bytes in it that are not UTF-8 are written as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _bare(name: str) -> str:
    return name[: len(name) - len(_extension(name) or "")] or name


def _nothing_good(path: Path, bad: int, first: Problem | None) -> str:
    if first is None:
        return f"{path} holds no document; kbsearch reads {SUPPORTED}."
    problems = "1 problem" if bad == 1 else f"{bad} problems, the first"
    return f"{path} holds no good document ({problems}: {first}); correct the source and run the command again."
