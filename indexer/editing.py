"""The editor's files beside the articles: synonyms, protected words, rules, groups. Bad rows are reported one by one.

Takes the same sources as the loaders, gives an `Editing` and fills the same report; imported by the pipeline. The
format is in docs/ranking.md.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from indexer.editing_names import editing_kind
from indexer.folders import SPECIAL, is_special, source_folders
from indexer.loaders.fields import FieldError, parse_lang
from indexer.loaders.report import LoadReport, Problem, SourceFile
from indexer.loaders.rows import read_rows
from indexer.loaders.whole import Unreadable, read_text
from kbsearch.editing import Editing, Rule, Synonym
from kbsearch.errors import SourceError
from kbsearch.index.arrays import wide_hash
from kbsearch.text.normalise import normalise
from kbsearch.text.words import surfaces

_COLUMNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "synonyms": (("words",), ("lang",)),
    "protected": (("word",), ()),
    "rules": (("query", "action", "target"), ("match", "lang")),
    "groups": (("id", "group"), ("lang", "title", "similarity")),
}
"""By kind of file: columns that must be there, and columns that may be."""


def load_editing(
    sources: Sequence[Path], known: Mapping[str, str], *, report: LoadReport, strict: bool = False
) -> Editing:
    """Read every file of the editor under the sources.

    `known`: id of each article, and of its group, → a document of it. Bad rows go to `report`; `strict` makes the first
    one a SourceError.
    """
    synonyms: list[Synonym] = []
    protected: list[str] = []
    rules: list[Rule] = []
    for file, kind, lang in _files(sources):
        if kind == "groups":
            continue  # `load_groups`: it says what the names stand for that rules use
        try:
            parse_lang(lang)
        except FieldError as fault:
            complain(Problem(str(file), None, f"the file's name: {fault}"), report, strict)
            continue
        for line, row in _rows(SourceFile(file, str(file), ""), kind, report, strict):
            try:
                if kind == "synonyms":
                    synonyms += _synonyms(row, lang)
                elif kind == "protected":
                    protected.append(_one_word(row["word"]))
                else:
                    rules.append(_rule(row, lang, known))
            except ValueError as fault:
                complain(Problem(str(file), line, str(fault)), report, strict)
    return Editing(tuple(synonyms), tuple(protected), tuple(rules))


def editing_digest(sources: Sequence[Path]) -> bytes:
    """16 bytes for all that the editor's files under the sources say; one that cannot be read says nothing."""
    said = []
    for file, _, _ in _files(sources):
        said.append(wide_hash(file.name.encode()))
        with suppress(OSError):
            if not is_special(file):
                said.append(wide_hash(file.read_bytes()))
    return wide_hash(b"".join(said))


def load_groups(
    sources: Sequence[Path], known: Mapping[str, str], *, report: LoadReport, strict: bool = False
) -> dict[str, str]:
    """Id → group, where an editor ties translations together or holds duplicates apart; `known` as above."""
    groups: dict[str, str] = {}
    for file, kind, _ in _files(sources):
        for line, row in _rows(SourceFile(file, str(file), ""), kind, report, strict) if kind == "groups" else ():
            identity, group = row["id"], row["group"]
            if not group or known.get(identity) != identity:
                fault = f"id {identity!r} is the id of no article here" if group else "group is empty"
                complain(Problem(str(file), line, fault), report, strict)
            else:
                groups[identity] = group
    return groups


def _files(sources: Sequence[Path]) -> Iterator[tuple[Path, str, str]]:
    """Each file with its kind and language, in the order of the sources and of names."""
    for source in sources:
        below = sorted(Path(folder, name) for folder, names in source_folders(source) for name in names)
        for path in below if source.is_dir() else [source]:
            kind = editing_kind(path.name)
            if kind:
                yield path, *kind


def _rows(file: SourceFile, kind: str, report: LoadReport, strict: bool) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row that is not blank, with its line; cells are normalised, those of absent columns empty."""
    required, optional = _COLUMNS[kind]
    if is_special(file.path):
        complain(Problem(file.name, None, SPECIAL), report, strict)
        return
    try:
        text = read_text(file)
    except (Unreadable, OSError) as fault:
        complain(Problem(file.name, getattr(fault, "line", None), str(fault)), report, strict)
        return
    lines = io.StringIO(text).readlines()
    number = next((number for number, line in enumerate(lines, start=1) if not _is_comment(line)), 1)
    header = "".join(lines[number - 1 : number])
    delimiter = max(",;\t", key=lambda mark: len({*required, *optional} & set(_cells(header, mark))))
    columns = _cells(header, delimiter)
    missing = [name for name in required if name not in columns]
    if missing:
        said = f"the first line that is no comment must name the column {missing[0]!r}"
        complain(Problem(file.name, number, said), report, strict)
        return
    for row in read_rows(lines[number:], delimiter, number + 1):
        named = dict(zip(columns, (normalise(cell) for cell in row.cells), strict=False))
        is_comment = bool(row.cells) and row.cells[0].startswith("#")
        if row.fault:
            complain(Problem(file.name, row.line, row.fault), report, strict)
        elif len(row.cells) > len(columns) and not is_comment:
            complain(Problem(file.name, row.line, row.too_wide(columns)), report, strict)
        elif any(named.values()) and not is_comment:
            yield row.line, {name: named.get(name, "") for name in (*required, *optional)}


def _is_comment(line: str) -> bool:
    """Tell a comment or an empty line; spreadsheets fill both up with delimiters, and quote what holds one."""
    said = line.strip('",; \t\n')
    return not said or said.startswith("#")


def _cells(header: str, delimiter: str) -> list[str]:
    return [cell.strip().lower() for cell in next(csv.reader([header], delimiter=delimiter), [])]


def _synonyms(row: Mapping[str, str], lang: str) -> list[Synonym]:
    """`a; b; c` find each other; typing what is before `=>` also finds what is after it."""
    if row["words"].count("=>") > 1:
        raise ValueError(f"{row['words']!r} has more than one =>; write one row for each")
    left, arrow, right = row["words"].partition("=>")
    typed, found = _phrases(left), _phrases(right)
    if arrow and not (typed and found):
        raise ValueError(f"{row['words']!r} has nothing on one side of =>")
    if not arrow and len(typed) < 2:
        raise ValueError(f"{row['words']!r} is one word; write at least two with ; between them")
    return [Synonym(typed, found or typed, parse_lang(row["lang"] or lang))]


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase for part in text.split(";") if (phrase := " ".join(surfaces(part))))


def _one_word(text: str) -> str:
    if surfaces(text) != [text]:
        raise ValueError(f"{text!r} is not one word; give each word a row of its own")
    return text


def _rule(row: Mapping[str, str], lang: str, known: Mapping[str, str]) -> Rule:
    match, action = row["match"].lower() or "exact", row["action"].lower()
    if match not in ("exact", "contains"):
        raise ValueError(f"match is {row['match']!r}; write exact or contains")
    if action not in ("pin", "hide"):
        raise ValueError(f"action is {row['action']!r}; write pin or hide")
    if not surfaces(row["query"]):
        raise ValueError(f"query is {row['query']!r}, which holds no word")
    if row["target"] not in known:
        raise ValueError(f"target {row['target']!r} is the id of no article and no group here")
    return Rule(
        query=row["query"],
        match="exact" if match == "exact" else "contains",
        action="pin" if action == "pin" else "hide",
        target=known[row["target"]],
        lang=parse_lang(row["lang"] or lang),
    )


def complain(problem: Problem, report: LoadReport, strict: bool) -> None:
    """Add a problem to the report; `strict` makes it a SourceError."""
    report.add_problem(problem)
    if strict:
        raise SourceError(f"{problem}; --strict stops here: correct it, or leave --strict out.")
