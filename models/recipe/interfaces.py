"""Collect what free programs say in many languages; step 0 of the recipe, which may be left out.

The training data of ``shared/train`` is mostly business software; everyday words come from here. Sources, all from the
package registries (``--downloads`` is the folder they were fetched to, the commands are in README.md):

- ``chromium``, ``firefox``: interface strings of the browsers (BSD-3-Clause, MPL-2.0);
- ``home-assistant``: house automation, integration by integration (Apache-2.0);
- ``cldr``: names and keywords of emoji, which are names of everyday things (Unicode-3.0);
- ``libreoffice``: interface and help (MPL-2.0); its help pages are also titles with their passages.

Writes ``more/train/parallel`` and ``more/train/pairs`` in the format of ``shared/train``.
"""

from __future__ import annotations

import argparse
import html
import itertools
import json
import lzma
import re
import struct
import subprocess
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polib
from data import DEFAULT_SHARED, DEFAULT_WORK, PairRow, languages
from fluent.syntax import FluentParser, ast

Strings = dict[str, str]  # of one program in one language: key → text

# Where a program's code of a language is not ours. Serbian is in Latin script here: only where a program has that.
CODES = {
    "chromium": {"pt-br": "pt-BR", "pt": "pt-PT", "sr": "", "gl": "", "eu": "", "is": ""},
    "firefox": {"pt-br": "pt-BR", "pt": "pt-PT", "es": "es-ES", "nb": "nb-NO", "sv": "sv-SE", "sr": ""},
    "home-assistant": {"pt-br": "pt-BR", "sr": "sr-Latn"},
    "cldr": {"pt-br": "pt", "pt": "pt-PT", "sr": "sr-Latn", "nb": "no"},
    "libreoffice": {"pt-br": "pt-BR", "sr": "sr-Latn"},
}
PASSAGE_WORDS = 150
TAG = re.compile(r"<[^<>]{1,200}>")
SPACE = re.compile(r"\s+")
MARKED = re.compile(r"(?<!\w)[&~_](?=\w)|(?<=\w)[&~](?=\w)|\(&\w\)")
PLACEHOLDER = re.compile(r"%PRODUCTNAME|%[sd]|%\d\$?[sSd]?|\$\d|\{\s*\$?[\w-]+\s*\}|\$\{[^}]*\}")
LETTERS = re.compile(r"[^\W\d_]{2}")


def clean(text: str) -> str:
    """Return the words of an interface string: no tags, no access keys, a placeholder is left out."""
    text = TAG.sub(" ", html.unescape(text).replace("\\<", "<").replace("\\>", ">"))
    return SPACE.sub(" ", PLACEHOLDER.sub(" ", MARKED.sub("", text))).strip()


def worth(text: str) -> bool:
    """Say whether a cleaned text is a phrase: letters, no code, no choice of plurals."""
    return bool(LETTERS.search(text)) and len(text) <= 800 and not any(mark in text for mark in "{}[]|\\")


def chromium(downloads: Path, code: str) -> Strings:
    """Read a locale's data pack, version 5."""
    file = downloads / "chromium" / "usr/lib/chromium/locales" / f"{'en-US' if code == 'en' else code}.pak"
    if not file.exists():
        return {}
    data = file.read_bytes()
    version, encoding, count, _ = struct.unpack_from("<IB3xHH", data)
    if version != 5 or encoding != 1:
        raise SystemExit(f"{file} is a data pack of version {version}, encoding {encoding}: 5 and 1 are known.")
    entries = [struct.unpack_from("<HI", data, 12 + 6 * i) for i in range(count + 1)]
    spans = itertools.pairwise(entries)
    return {str(key): data[start:end].decode("utf-8", "replace") for (key, start), (_, end) in spans}


def firefox(downloads: Path, code: str) -> Strings:
    """Read the Fluent files of a language pack, or those of English inside the program."""
    root = downloads / "firefox" / "usr/lib/firefox-esr"
    archives = [root / "browser/extensions" / f"langpack-{code}@firefox-esr.mozilla.org.xpi"]
    if code == "en":
        archives = [root / "omni.ja", root / "browser/omni.ja"]
    found: Strings = {}
    for archive in archives:
        if not archive.exists():
            continue
        target = downloads / "firefox" / "unpacked" / code / archive.parent.name
        target.mkdir(parents=True, exist_ok=True)
        # unzip, since the program's own archives have their directory in front; it warns of that (exit status 2)
        subprocess.run(["unzip", "-qo", str(archive), "*.ftl", "-d", str(target)], check=False, capture_output=True)
        for file in sorted(target.rglob("*.ftl")):
            name = str(file.relative_to(target)).split("/localization/")[-1].removeprefix("localization/")
            inner = name.split("/", 1)[-1] if name.startswith(("en-US/", f"{code}/")) else name
            for entry in FluentParser(with_spans=False).parse(file.read_text(encoding="utf-8")).body:
                if isinstance(entry, ast.Message):
                    parts = [("", entry.value), *((a.id.name, a.value) for a in entry.attributes)]
                    for attribute, pattern in parts:
                        if pattern and all(isinstance(e, ast.TextElement) or _variable(e) for e in pattern.elements):
                            text = "".join(getattr(e, "value", " ") for e in pattern.elements)
                            found[f"{inner}:{entry.id.name}.{attribute}"] = text
    return found


def _variable(element: Any) -> bool:
    return isinstance(element, ast.Placeable) and not isinstance(element.expression, ast.SelectExpression)


def _flat(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}")
    elif isinstance(value, str):
        yield key, value


def home_assistant(downloads: Path, code: str) -> Strings:
    """Read the translations of every integration and of the frontend."""
    found: Strings = {}
    for wheel in sorted((downloads / "home-assistant").glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                folder, _, file = name.rpartition("/")
                if "/translations" in folder and re.fullmatch(rf"{re.escape(code)}(-[0-9a-f]{{32}})?\.json", file):
                    found.update(_flat(json.loads(archive.read(name)), folder))
    return found


def cldr(downloads: Path, code: str) -> Strings:
    """Read names and keywords of emoji."""
    found: Strings = {}
    for package in sorted((downloads / "cldr").glob("*.tgz")):
        with tarfile.open(package) as archive:
            for member in archive:
                if member.name.endswith(f"/{code}/annotations.json"):
                    content = json.loads(archive.extractfile(member).read())  # type: ignore[union-attr]
                    for sign, words in next(iter(content.values()))["annotations"].items():
                        found[f"{sign} name"] = " ".join(words.get("tts", []))
                        found[f"{sign} words"] = ", ".join(words.get("default", []))
    return found


def libreoffice(downloads: Path, code: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield (page, part, English, translation) of interface and help, in the order of the files; not of English."""
    root = downloads / "libreoffice" / "translations" / "source" / code
    for file in sorted(root.rglob("*.po")):
        for entry in polib.pofile(str(file)):
            if entry.msgstr and not entry.fuzzy:
                page, part, *_ = [*(entry.msgctxt or "").split("\n"), "", ""]
                yield f"{file.relative_to(root).parent}/{page}", part, entry.msgid, entry.msgstr


def help_passages(entries: list[tuple[str, str, str, str]], side: int) -> Iterator[PairRow]:
    """Yield the passages of the help pages, ``side`` 2 in English or 3 in the translation."""
    title, heading, words, current = "", "", [], ""

    def passage() -> Iterator[PairRow]:
        if title and len(words) >= 8:
            yield PairRow(f"libreoffice/{current}", title, heading, " ".join(words), "libreoffice")

    for entry in entries:
        page, part, text = entry[0], entry[1], clean(entry[side])
        if not page.endswith(".xhp") or not worth(text):
            continue
        if page != current:
            yield from passage()
            title, heading, words, current = "", "", [], page
        if part.startswith("tit"):
            title = text
        elif part.startswith("hd_id") or len(words) > PASSAGE_WORDS:
            yield from passage()
            heading, words = (text, []) if part.startswith("hd_id") else (heading, text.split())
            heading = "" if heading == title else heading
        elif part.startswith("par_id"):
            words = words + text.split()
    yield from passage()


def parallel_rows(program: str, texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield (English, translation, program) of the pairs that are phrases in both languages and differ."""
    for english, translation in texts:
        pair = clean(english), clean(translation)
        if worth(pair[0]) and worth(pair[1]) and pair[0] != pair[1]:
            yield (*pair, program)


def as_json(row: PairRow) -> str:
    return json.dumps({name: getattr(row, name) for name in PairRow.__slots__}, ensure_ascii=False)


def write(lines: Iterable[str], path: Path) -> None:
    """Write the lines sorted, so that the same downloads give the same file."""
    path.write_bytes(lzma.compress("".join(line + "\n" for line in sorted(lines)).encode(), preset=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED, help="names the languages")
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK)
    parser.add_argument("--downloads", type=Path, default=DEFAULT_WORK / "downloads")
    args = parser.parse_args()

    more = args.work / "more" / "train"
    (more / "parallel").mkdir(parents=True, exist_ok=True)
    (more / "pairs").mkdir(exist_ok=True)
    readers = {"chromium": chromium, "firefox": firefox, "home-assistant": home_assistant, "cldr": cldr}
    english = {program: read(args.downloads, "en") for program, read in readers.items()}
    english_pages: set[PairRow] = set()
    for language in languages([args.shared], "parallel"):
        rows: set[tuple[str, str, str]] = set()
        for program, read in readers.items():
            code = CODES[program].get(language, language)
            translated = read(args.downloads, code) if code else {}
            both = ((english[program].get(key, ""), text) for key, text in translated.items())
            rows.update(parallel_rows(program, both))
        entries = list(libreoffice(args.downloads, CODES["libreoffice"].get(language, language)))
        rows.update(parallel_rows("libreoffice", (entry[2:] for entry in entries)))
        pages = set(help_passages(entries, 3))
        english_pages.update(help_passages(entries, 2))
        write(("\t".join([*row, "HT"]) for row in rows), more / "parallel" / f"{language}.tsv.xz")
        write(map(as_json, pages), more / "pairs" / f"{language}.jsonl.xz")
        by = {program: sum(row[2] == program for row in rows) for program in CODES}
        print(f"{language}: {by}, {len(pages)} passages", flush=True)
    write(map(as_json, english_pages), more / "pairs" / "en.jsonl.xz")


if __name__ == "__main__":
    main()
