"""Bad input: each ends in one clear sentence, the exit code of the contract, and the published index untouched."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from kbsearch.errors import ModelError
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
    (folder / "a.odt").write_bytes(b"PK")
    return [folder / "a.odt"]


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


def published(files: dict[str, str]) -> dict[str, str]:
    """What readers see: everything but finished batches, which the next run uses again, and the lock."""
    return {name: digest for name, digest in files.items() if name != ".lock" and not name.startswith(".cache/")}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (source_empty_folder, r"nothing holds no document"),
        (source_empty_file, r"empty\.jsonl"),
        (source_missing, r"absent\.jsonl does not exist"),
        (source_unknown_kind, r"a\.odt: \.odt is not a kind of source"),
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
    """Exit code 1, what and which value on stderr, nothing on stdout even with --json; nothing published changes."""
    before = published(checksums(index))
    arguments = make(tmp_path)
    if "--model" not in arguments:
        arguments += ["--model", "hashing"]
    result = run("kbsearch-index", "build", *arguments, "--out", index, "--json")
    assert result.code == 1
    assert result.sentence.startswith("kbsearch-index build: ")
    assert re.search(said, result.sentence), result.sentence
    assert published(checksums(index)) == before
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
    if command[1] == "verify" and index.exists():  # says in JSON as well which versions are at fault
        report, result.out = json.loads(result.out), ""
        assert report["verified"] == []
        assert re.search(said, *report["faults"].values())
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
        (("x", "--lang", "!!"), "--lang '!!' is no language code"),
        (("x" * 513,), "the query has 513 characters; at most 512 are searched for"),
        (("x", "--filter", "type:blog"), "There is no type 'blog'; the types are article, faq,"),
    ],
)
def test_an_impossible_search_is_wrong_use(run: Run, index: Path, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2 and the value at fault."""
    result = run("kbsearch", "search", "--index", index, "--json", *arguments)
    assert result.code == 2
    assert said in result.sentence


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


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("kbsearch-index", ("build", "kb", "--out", "")),
        ("kbsearch-index", ("build", "", "--out", "i")),
        ("kbsearch-index", ("watch", "kb", "--out", " ")),
        ("kbsearch-index", ("prune", "")),
        ("kbsearch", ("search", "password", "--index", "")),
        ("kbsearch", ("handover", "list", "--index", "")),
    ],
)
def test_an_empty_path_is_not_the_current_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, arguments: tuple[str, ...]
) -> None:
    """`--out "$UNSET"` would write an index between somebody's files."""
    monkeypatch.chdir(tmp_path)
    result = run(program, *arguments)
    assert result.code == 2
    assert "is empty; name a file or a folder" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("delay", ["-1", "nan", "inf"])
def test_a_pause_between_requests_that_is_none(run: Run, tmp_path: Path, delay: str) -> None:
    """It would be left out, or end in a traceback, after the first request."""
    result = run("kbsearch-index", "build", "http://127.0.0.1:1/", "--out", tmp_path / "out", f"--delay={delay}")
    assert result.code == 2
    assert f"--delay {float(delay)} is no pause" in result.sentence


def test_an_out_directory_that_is_a_file(run: Run, tmp_path: Path, write_jsonl: Write) -> None:
    """One sentence, and the file stays."""
    (tmp_path / "out").write_text("mine")
    source = write_jsonl(tmp_path / "s.jsonl", ROWS)
    result = run("kbsearch-index", "build", source, "--out", tmp_path / "out", "--model", "hashing")
    assert result.code == 1
    assert "choose another --out" in result.sentence
    assert (tmp_path / "out").read_text() == "mine"


def test_every_kind_of_os_error_is_one_sentence(run: Run, index: Path, tmp_path: Path, write_jsonl: Write) -> None:
    """A name that is too long, a pointer that cannot be replaced: the path, the reason, no traceback."""
    source = write_jsonl(tmp_path / "s.jsonl", ROWS)
    long = "a" * 300 + ".jsonl"
    result = run("kbsearch-index", "build", long, "--out", index, "--model", "hashing")
    assert result.code == 1
    assert f"{long}: File name too long; " in result.sentence
    version = published_version(index)
    (index / "CURRENT").unlink()
    (index / "CURRENT").mkdir()
    for arguments in (("rollback", index, version), ("build", source, "--out", index, "--model", "hashing")):
        result = run("kbsearch-index", *arguments)
        assert result.code == 1
        assert re.search(r"Is a directory\)?; check", result.sentence)
    result = run("kbsearch", "search", "--index", source, "x")
    assert result.code == 1
    assert "kbsearch-index build SOURCE --out" in result.sentence


def test_a_message_of_several_lines_becomes_one_sentence(
    run: Run, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libraries explain themselves over many lines."""

    def fail(*_: object) -> None:
        raise ModelError("It cannot be loaded (no network\nsee https://x.example).")

    monkeypatch.setattr("kbsearch.engine.open_engine", fail)
    result = run("kbsearch", "search", "--index", index, "x")
    assert result.code == 1
    assert result.sentence == "kbsearch search: It cannot be loaded (no network see https://x.example)."


@pytest.mark.parametrize("place", ["query", "source", "out"])
def test_an_argument_that_is_no_utf8_is_wrong_use(run: Run, index: Path, place: str, checksums: Checksums) -> None:
    """What a terminal in another encoding sends; nothing that is stored or printed could hold it."""
    before = checksums(index)
    arguments = {
        "query": ("kbsearch", "search", "--index", index, "caf\udce9", "--json"),
        "source": ("kbsearch-index", "build", "caf\udce9", "--out", index, "--model", "hashing"),
        "out": ("kbsearch-index", "build", index, "--out", "caf\udce9", "--model", "hashing"),
    }[place]
    result = run(*arguments)
    assert result.code == 2
    assert r"'caf\udce9' is not UTF-8" in result.sentence
    assert checksums(index) == before


def test_a_file_whose_name_is_no_utf8_is_reported(run: Run, tmp_path: Path, write_jsonl: Write) -> None:
    """The rest is built, and the report is JSON all the same."""
    write_jsonl(tmp_path / "in" / "good.jsonl", ROWS)
    (tmp_path / "in" / "caf\udce9.md").write_text("# Title\n\nText.")
    (tmp_path / "in" / "x.caf\udce9").write_text("other")
    result = run("kbsearch-index", "build", tmp_path / "in", "--out", tmp_path / "i", "--model", "hashing", "--json")
    assert result.code == 0
    report = json.loads(result.out)
    assert report["documents"] == 3
    assert [problem["file"] for problem in report["problems"]] == [str(tmp_path / "in" / r"caf\xe9.md")]


def test_serving_needs_an_index_from_somewhere(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the command line or the environment; the sentence names both."""
    monkeypatch.delenv("KBSEARCH_INDEX", raising=False)
    result = run("kbsearch", "serve")
    assert result.code == 2
    assert result.sentence == "kbsearch serve: no index given; use --index DIR or KBSEARCH_INDEX"
    monkeypatch.setenv("KBSEARCH_INDEX", str(tmp_path))
    result = run("kbsearch", "serve", "--workers", "0")
    assert result.code == 2
    assert result.sentence == "kbsearch serve: workers must be more than 0, got 0; give 1 or more"


@pytest.mark.parametrize("days", ["nan", "inf", "1e12", "3000000", "0", "-1", "1e-12"])
def test_a_key_for_an_impossible_time_is_wrong_use(run: Run, days: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No date can say it."""
    monkeypatch.setenv("KBSEARCH_SECRET", "s" * 32)
    result = run("kbsearch", "key", f"--days={days}")
    assert result.code == 2
    assert result.sentence.startswith("kbsearch key: ")


def test_a_secret_that_is_no_text_is_wrong_use(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of a file of random ones, say; both who signs and who checks say how to make one, and do not print it."""
    monkeypatch.setenv("KBSEARCH_SECRET", os.fsdecode(b"\xff" * 40))
    for arguments in (["key"], ["serve", "--index", tmp_path]):
        result = run("kbsearch", *arguments)
        assert result.code == 2
        said = "KBSEARCH_SECRET is not UTF-8; make one with: openssl rand -hex 32"
        assert result.sentence == f"kbsearch {arguments[0]}: {said}"


def test_a_key_for_an_audience_without_a_name_is_wrong_use(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unset variable in a script must not make a key that shows less than was meant."""
    monkeypatch.setenv("KBSEARCH_SECRET", "s" * 32)
    result = run("kbsearch", "key", "--audience", "")
    assert result.code == 2
    assert result.sentence.startswith("kbsearch key: an audience has no name; give --audience NAME")


@pytest.mark.parametrize("pointer", [None, "20200101T000000Z-dead", "29990101T000000Z-dead"])
def test_verify_fails_where_nothing_could_be_served(run: Run, index: Path, pointer: str | None) -> None:
    """Every version may be whole, yet CURRENT is missing or names none of them; rollback repairs it."""
    version = published_version(index)
    (index / "CURRENT").unlink()
    if pointer:
        (index / "CURRENT").write_text(pointer + "\n")
    result = run("kbsearch-index", "verify", index, "--json")
    assert result.code == 1
    assert "run: kbsearch-index " in result.sentence
    assert run("kbsearch-index", "rollback", index).out == f"Published {version}.\n"
    assert run("kbsearch-index", "verify", index).code == 0


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_list_with_an_incomplete_manifest_is_one_sentence(run: Run, index: Path, as_json: tuple[str, ...]) -> None:
    """The version at fault is named."""
    version = published_version(index)
    (index / version / MANIFEST).write_text("{}")
    result = run("kbsearch-index", "list", index, *as_json)
    assert result.code == 1
    if as_json:
        (row,), result.out = json.loads(result.out), ""
        assert (row["version"], row["fault"]) == (version, result.sentence.removeprefix("kbsearch-index list: "))
    assert f"{version}/{MANIFEST} is incomplete; rebuild it: kbsearch-index build " in result.sentence
