"""Bad input: each ends in one clear sentence, the exit code of the contract, and the published index untouched."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from kbsearch.snapshot import MANIFEST, published_version

Write = Callable[..., Path]
Run = Callable[..., Any]
Checksums = Callable[[Path], dict[str, str]]

ROWS = [
    {"id": "a.en", "group": "a", "title": "How to reset a password", "body": "Open the sign-in page.", "lang": "en"},
    {"id": "a.lv", "group": "a", "title": "Kā atjaunot paroli", "body": "Atveriet lapu.", "lang": "lv", "type": "faq"},
    {"id": "b.en", "title": "Where is my parcel", "body": "Follow the courier on the map.", "lang": "en"},
]


def source_empty_folder(folder: Path) -> list[object]:
    (folder / "nothing").mkdir()
    return [folder / "nothing"]


def source_empty_file(folder: Path) -> list[object]:
    (folder / "empty.jsonl").write_text("")
    return [folder / "empty.jsonl"]


def source_missing(folder: Path) -> list[object]:
    return [folder / "absent.jsonl"]


def source_unknown_kind(folder: Path) -> list[object]:
    (folder / "a.docx").write_bytes(b"PK")
    return [folder / "a.docx"]


def source_wrong_encoding(folder: Path) -> list[object]:
    row = '{"id": "a", "title": "K\xe2 atjaunot", "body": "Parole"}\n'
    (folder / "latin.jsonl").write_bytes(row.encode("latin-1") * 3)
    return [folder / "latin.jsonl"]


def source_only_duplicates(folder: Path) -> list[object]:
    lines = "".join(json.dumps(row) + "\n" for row in [ROWS[0], ROWS[0]])
    (folder / "twice.jsonl").write_text(lines)
    return [folder / "twice.jsonl", "--strict"]


def source_huge_line(folder: Path) -> list[object]:
    (folder / "huge.jsonl").write_bytes(b'{"id": "a", "title": "t", "body": "' + b"x" * 50_000_000 + b'"}\n')
    return [folder / "huge.jsonl"]


def source_bad_language(folder: Path) -> list[object]:
    (folder / "lang.jsonl").write_text(json.dumps({**ROWS[0], "lang": "Latvian!"}) + "\n")
    return [folder / "lang.jsonl"]


def source_good_wrong_model(folder: Path) -> list[object]:
    (folder / "good.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return [folder / "good.jsonl", "--model", "no-such-model"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (source_empty_folder, r"nothing holds no document"),
        (source_empty_file, r"empty\.jsonl"),
        (source_missing, r"absent\.jsonl does not exist"),
        (source_unknown_kind, r"a\.docx: \.docx is not a kind of source"),
        (source_wrong_encoding, r"latin\.jsonl:1: not UTF-8"),
        (source_only_duplicates, r"twice\.jsonl:2: id 'a\.en' is taken by \S+twice\.jsonl:1"),
        (source_huge_line, r"huge\.jsonl:1: the line is longer than 32 MiB"),
        (source_bad_language, r"lang 'Latvian!' is no language code"),
        (source_good_wrong_model, r"There is no model 'no-such-model'; bundled models are"),
    ],
)
def test_a_build_that_cannot_work_is_one_sentence(
    make: Callable[[Path], list[object]], said: str, run: Run, index: Path, tmp_path: Path, checksums: Checksums
) -> None:
    """Exit code 1, what and which value on stderr, nothing on stdout even with --json, the index untouched."""
    before = checksums(index)
    arguments = make(tmp_path)
    if "--model" not in arguments:
        arguments += ["--model", "hashing"]
    result = run("kbsearch-index", "build", *arguments, "--out", index, "--json")
    assert result.code == 1
    assert result.sentence.startswith("kbsearch-index build: ")
    assert re.search(said, result.sentence), result.sentence
    assert checksums(index) == before
    assert run("kbsearch", "search", "--index", index, "password").code == 0


@pytest.mark.parametrize("make", [source_wrong_encoding, source_huge_line, source_bad_language])
def test_a_bad_line_beside_good_ones_is_skipped(
    make: Callable[[Path], list[object]], run: Run, tmp_path: Path, write_jsonl: Write
) -> None:
    """The rest is built, and the line is named."""
    bad = make(tmp_path)[0]
    good = write_jsonl(tmp_path / "sources" / "good.jsonl", ROWS)
    shutil.move(str(bad), good.parent)
    result = run("kbsearch-index", "build", good.parent, "--out", tmp_path / "new", "--model", "hashing")
    assert result.code == 0
    assert "3 documents" in result.out
    assert result.err.startswith(f"skipped {good.parent / Path(str(bad)).name}:1: ")


def truncate(index: Path) -> str:
    path = index / published_version(index) / "passages.bin"
    path.write_bytes(path.read_bytes()[:-1])
    return r"passages\.bin holds \d+ bytes, not \d+; rebuild it: kbsearch-index build"


def remove_everything(index: Path) -> str:
    shutil.rmtree(index)
    return r"(No index is published in|is no directory).*run: kbsearch-index build SOURCE --out"


def alter_format(index: Path) -> str:
    path = index / published_version(index) / MANIFEST
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | {"format": 99}))
    return r"has format 99, this kbsearch reads 1; rebuild it: kbsearch-index build"


@pytest.mark.parametrize("damage", [truncate, remove_everything, alter_format])
@pytest.mark.parametrize(
    "command",
    [
        ("kbsearch", "search", "--index", "{}", "password", "--json"),
        ("kbsearch", "eval", "--index", "{}", "--queries", "{}.queries.jsonl", "--json"),
        ("kbsearch-index", "verify", "{}", "--json"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_missing_or_damaged_snapshot_is_one_sentence(
    damage: Callable[[Path], str], command: tuple[str, ...], run: Run, index: Path, write_jsonl: Write
) -> None:
    """Exit code 1, the file or directory, and the command that helps; for every command that reads one."""
    write_jsonl(index.with_name("index.queries.jsonl"), [{"id": "1", "query": "x", "relevant": {"a": 1}}])
    said = damage(index)
    result = run(*(part.replace("{}", str(index)) for part in command))
    assert result.code == 1
    assert re.search(said, result.sentence), result.sentence
    assert str(index) in result.sentence


def test_a_snapshot_of_other_model_files_is_refused(
    run: Run, tmp_path: Path, static_model: Path, write_jsonl: Write, checksums: Checksums
) -> None:
    """The model was replaced after the build: said so, with the command that rebuilds."""
    model = Path(shutil.copytree(static_model, tmp_path / "model"))
    source = write_jsonl(tmp_path / "s.jsonl", ROWS)
    assert run("kbsearch-index", "build", source, "--out", tmp_path / "i", "--model", model).code == 0
    assert run("kbsearch", "search", "--index", tmp_path / "i", "password").code == 0
    before = checksums(tmp_path / "i")
    vocabulary = json.loads((model / "tokenizer.json").read_text())
    vocabulary["model"]["vocab"]["newword"] = 1
    (model / "tokenizer.json").write_text(json.dumps(vocabulary))
    result = run("kbsearch", "search", "--index", tmp_path / "i", "password")
    assert result.code == 1
    assert "was built with other files of model" in result.sentence
    assert "kbsearch-index build SOURCE --out" in result.sentence
    shutil.rmtree(model)
    result = run("kbsearch", "search", "--index", tmp_path / "i", "password")
    assert result.code == 1
    assert str(model) in result.sentence
    assert checksums(tmp_path / "i") == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((" ",), "The query is empty"),
        (("x", "--filter", "colour:red"), "There is no filter field 'colour'"),
        (("x", "--filter", "type"), "The filter 'type' cannot be read"),
        (("x", "--limit", "0"), "--limit 0"),
        (("x", "--limit", "101"), "--limit 101"),
        (("x", "--limit=-5"), "--limit -5"),
    ],
)
def test_an_impossible_search_is_wrong_use(run: Run, index: Path, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2 and the value at fault."""
    result = run("kbsearch", "search", "--index", index, "--json", *arguments)
    assert result.code == 2
    assert said in result.sentence


def test_an_unknown_interface_language_is_no_error(run: Run, index: Path) -> None:
    """A browser may say anything."""
    result = run("kbsearch", "search", "--index", index, "password", "--lang", "tlh", "--json")
    assert result.code == 0
    assert json.loads(result.out)["hits"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("prune", "{}", "--keep", "0"), 2, "--keep 0"),
        (("rollback", "{}", "nonsense"), 1, "no version 'nonsense'"),
        (("rollback", "{}"), 1, "no version older"),
        (("list", "{}/absent"), 1, "absent is no directory"),
        (("verify", "{}/absent"), 1, "absent is no directory"),
    ],
)
def test_impossible_snapshot_commands(
    run: Run, index: Path, arguments: tuple[str, ...], code: int, said: str, checksums: Checksums
) -> None:
    """Each is one sentence; nothing changes."""
    before = checksums(index)
    result = run("kbsearch-index", *(part.replace("{}", str(index)) for part in arguments))
    assert result.code == code
    assert said in result.sentence
    assert checksums(index) == before


def test_an_out_directory_that_is_a_file(run: Run, tmp_path: Path, write_jsonl: Write) -> None:
    """One sentence, and the file stays."""
    (tmp_path / "out").write_text("mine")
    source = write_jsonl(tmp_path / "s.jsonl", ROWS)
    result = run("kbsearch-index", "build", source, "--out", tmp_path / "out", "--model", "hashing")
    assert result.code == 1
    assert "choose another --out" in result.sentence
    assert (tmp_path / "out").read_text() == "mine"
