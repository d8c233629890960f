"""Both command lines: exit codes, one clear sentence on stderr, clean stdout, and a published index left alone."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
import pytest

import indexer.cli
import kbsearch.cli
from kbsearch.snapshot import MANIFEST, published_version

Write = Callable[..., Path]
Main = Callable[[Sequence[str]], int]

PROGRAMS = {"kbsearch": kbsearch.cli, "kbsearch-index": indexer.cli}
ROWS = [
    {"id": "a.en", "group": "a", "title": "How to reset a password", "body": "Open the sign-in page.", "lang": "en"},
    {"id": "a.lv", "group": "a", "title": "Kā atjaunot paroli", "body": "Atveriet lapu.", "lang": "lv", "type": "faq"},
    {"id": "b.en", "title": "Where is my parcel", "body": "Follow the courier on the map.", "lang": "en"},
]


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def sentence(self) -> str:
        """The one line of stderr."""
        assert self.out == ""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


Run = Callable[..., Result]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """`run("kbsearch", "search", …)` in this process, through the program's own main."""

    def call(program: str, *arguments: object) -> Result:
        try:
            code = PROGRAMS[program].main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory, write_jsonl: Write) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    source = write_jsonl(folder / "good.jsonl", ROWS)
    assert indexer.cli.main(["build", str(source), "--out", str(folder / "index"), "--model", "hashing"]) == 0
    return folder


@pytest.fixture
def index(master: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(master / "index", tmp_path / "index"))


def checksums(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def commands() -> list[tuple[str, str]]:
    found = []
    for program, module in PROGRAMS.items():
        parser = module._parser()
        actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        found += [(program, name) for action in actions for name in action.choices]
    return found


@pytest.mark.parametrize(("program", "command"), commands())
def test_help_ends_with_an_example_that_parses(run: Run, program: str, command: str) -> None:
    """Every command's --help shows one, and the example is accepted by the parser."""
    result = run(program, command, "--help")
    assert (result.code, result.err) == (0, "")
    example = result.out.strip().splitlines()[-2:]
    assert example[0] == "example:"
    words = re.findall(r'"([^"]*)"|(\S+)', example[1].split(f"{program} ", 1)[1])
    options = PROGRAMS[program]._parser().parse_args([quoted or bare for quoted, bare in words])
    assert options.command == command


@pytest.mark.parametrize("program", PROGRAMS)
def test_wrong_use_is_two(run: Run, program: str) -> None:
    """No command, an unknown one, a missing argument: exit code 2, usage on stderr, nothing on stdout."""
    for arguments in ([], ["nonsense"], [{"kbsearch": "search", "kbsearch-index": "build"}[program]]):
        result = run(program, *arguments)
        assert (result.code, result.out) == (2, "")
        assert "usage:" in result.err


@pytest.mark.parametrize("program", PROGRAMS)
def test_version(run: Run, program: str) -> None:
    """Name and number."""
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", run(program, "--version").out)


class TestGood:
    def test_build_prints_what_it_did(self, run: Run, tmp_path: Path, write_jsonl: Write) -> None:
        """Version, counts, time and memory; skipped lines on stderr."""
        source = write_jsonl(tmp_path / "s.jsonl", [*ROWS, {"id": "x"}])
        result = run("kbsearch-index", "build", source, "--out", tmp_path / "i", "--model", "hashing")
        assert result.code == 0
        assert re.fullmatch(
            rf"Published \S+ in {tmp_path}/i: 3 documents, \d+ passages, 1 lines skipped, [\d.]+ s, peak \d+ MiB\.\n",
            result.out,
        )
        assert f"{source}:4" in result.err

    def test_build_json_is_alone_on_stdout(self, run: Run, tmp_path: Path, write_jsonl: Write) -> None:
        """One JSON object, problems in it."""
        source = write_jsonl(tmp_path / "s.jsonl", [*ROWS, {"id": "x"}])
        result = run("kbsearch-index", "build", source, "--out", tmp_path / "i", "--model", "hashing", "--json")
        report = json.loads(result.out)
        assert (report["documents"], report["problem_count"], report["problems"][0]["line"]) == (3, 1, 4)

    def test_search_json(self, run: Run, index: Path) -> None:
        """The whole outcome, and nothing else on stdout."""
        result = run("kbsearch", "search", "--index", index, "ka atjaunot paroli", "--lang", "lv", "--json")
        outcome = json.loads(result.out)
        assert (result.code, result.err) == (0, "")
        assert outcome["hits"][0]["id"] == "a.lv"
        assert outcome["hits"][0]["explain"] is not None

    def test_search_for_people(self, run: Run, index: Path) -> None:
        """Title, language and id of each hit."""
        result = run("kbsearch", "search", "--index", index, "reset password", "--lang", "lv", "--limit", "1")
        assert "Kā atjaunot paroli" in result.out
        assert "[lv faq" in result.out
        result = run("kbsearch", "search", "--index", index, "passwrod", "--lang", "en", "--filter", "lang:en")
        assert "Did you mean: password?" in result.out

    def test_eval(self, run: Run, index: Path, tmp_path: Path, write_jsonl: Write) -> None:
        """A table for people, the contract's object for machines."""
        queries = [{"id": "1", "query": "atjaunot paroli", "lang": "lv", "relevant": {"a.lv": 1}}]
        path = write_jsonl(tmp_path / "q.jsonl", queries)
        report = json.loads(run("kbsearch", "eval", "--index", index, "--queries", path, "--json").out)
        assert (report["n"], report["recall@1"]) == (1, 1.0)
        table = run("kbsearch", "eval", "--index", index, "--queries", path, "--mode", "lexical").out
        assert "recall@10" in table
        assert "latency" in table

    def test_snapshots_are_listed_verified_rolled_back_and_pruned(
        self, run: Run, index: Path, tmp_path: Path, write_jsonl: Write
    ) -> None:
        """The life of three versions."""
        first = published_version(index)
        for count in (1, 2):
            folder = index / first
            copy = index / f"2099010{count}T000000Z-0000"
            shutil.copytree(folder, copy)
            manifest = orjson.loads((copy / MANIFEST).read_bytes()) | {"version": copy.name}
            (copy / MANIFEST).write_bytes(orjson.dumps(manifest))
        rows = json.loads(run("kbsearch-index", "list", index, "--json").out)
        assert [row["version"] for row in rows] == ["20990102T000000Z-0000", "20990101T000000Z-0000", first]
        assert [row["published"] for row in rows] == [False, False, True]
        assert run("kbsearch-index", "list", index).out.count("documents") == 3
        assert json.loads(run("kbsearch-index", "verify", index, "--json").out)["verified"] == [r["version"] for r in rows]
        assert "3 versions verified" in run("kbsearch-index", "verify", index).out
        assert run("kbsearch-index", "rollback", index, rows[0]["version"]).out == f"Published {rows[0]['version']}.\n"
        assert run("kbsearch-index", "rollback", index).out == f"Published {rows[1]['version']}.\n"
        assert first in run("kbsearch-index", "prune", index, "--keep", "1").out
        assert published_version(index) == rows[1]["version"]
        assert len(json.loads(run("kbsearch-index", "list", index, "--json").out)) == 2

    def test_a_compressed_source(self, run: Run, tmp_path: Path) -> None:
        """JSON Lines may be packed."""
        with gzip.open(tmp_path / "s.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in ROWS)
        result = run("kbsearch-index", "build", tmp_path / "s.jsonl.gz", "--out", tmp_path / "i", "--model", "hashing")
        assert "3 documents" in result.out


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
    make: Callable[[Path], list[object]], said: str, run: Run, index: Path, tmp_path: Path
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
        ("kbsearch", "eval", "--index", "{}", "--queries", "{}/../q.jsonl", "--json"),
        ("kbsearch-index", "verify", "{}", "--json"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_missing_or_damaged_snapshot_is_one_sentence(
    damage: Callable[[Path], str], command: tuple[str, ...], run: Run, index: Path, write_jsonl: Write
) -> None:
    """Exit code 1, the file or directory, and the command that helps; for every command that reads one."""
    write_jsonl(index.parent / "q.jsonl", [{"id": "1", "query": "x", "relevant": {"a": 1}}])
    said = damage(index)
    result = run(*(part.replace("{}", str(index)) for part in command))
    assert result.code == 1
    assert re.search(said, result.sentence), result.sentence
    assert str(index) in result.sentence


def test_a_snapshot_of_other_model_files_is_refused(
    run: Run, tmp_path: Path, static_model: Path, write_jsonl: Write
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
    run: Run, index: Path, arguments: tuple[str, ...], code: int, said: str
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


def process(program: str, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    module = {"kbsearch": "kbsearch.cli", "kbsearch-index": "indexer.cli"}[program]
    code = f"from {module} import main; raise SystemExit(main())"
    environment = os.environ | {"PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False, cwd=cwd, env=environment, encoding="utf-8",
    )


def test_real_processes(tmp_path: Path, write_jsonl: Write) -> None:
    """Build, search, and fail, as a shell sees it: relative paths, exit codes, clean streams, no warnings."""
    write_jsonl(tmp_path / "s.jsonl", ROWS)
    built = process("kbsearch-index", "build", "s.jsonl", "--out", "i", "--model", "hashing", "--json", cwd=tmp_path)
    assert (built.returncode, built.stderr) == (0, "")
    assert json.loads(built.stdout)["documents"] == 3
    found = process("kbsearch", "search", "--index", "i", "ka atjaunot paroli", "--json", cwd=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert json.loads(found.stdout)["hits"][0]["id"] == "a.lv"
    failed = process("kbsearch", "search", "--index", "elsewhere", "x", cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == (
        "kbsearch search: No index is published in elsewhere; run: kbsearch-index build SOURCE --out elsewhere\n"
    )
    wrong = process("kbsearch", "search", cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
