"""Both command lines, used rightly or clumsily: exit codes, clean streams, help with examples."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

import indexer.cli
import kbsearch.cli
from kbsearch.snapshot import MANIFEST, published_version

Write = Callable[..., Path]
Run = Callable[..., Any]
Rows = list[dict[str, str]]

PROGRAMS = {"kbsearch": kbsearch.cli, "kbsearch-index": indexer.cli}


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
def test_a_program_s_own_help_ends_with_an_example_that_parses(run: Run, program: str) -> None:
    """What somebody reads first."""
    heading, line = run(program, "--help").out.strip().splitlines()[-2:]
    assert heading == "example:"
    assert PROGRAMS[program]._parser().parse_args(line.split()[1:]).command


@pytest.mark.parametrize("module", ["kbsearch.cli", "indexer.cli"])
def test_a_program_runs_as_a_module(module: str) -> None:
    """Where its script is on no path."""
    result = subprocess.run([sys.executable, "-m", module, "nonsense"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "'nonsense'" in result.stderr


def arguments_of(parser: argparse.ArgumentParser, name: str) -> list[tuple[str, argparse.Action]]:
    """All that a command and its sub-commands take."""
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [pair for word, sub in action.choices.items() for pair in arguments_of(sub, f"{name} {word}")]
        else:
            found.append((f"{name} {action.dest}", action))
    return found


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_says_what_every_argument_is(program: str) -> None:
    """Options and positional ones alike."""
    arguments = arguments_of(PROGRAMS[program]._parser(), program)
    assert len(arguments) > 20
    assert [name for name, action in arguments if not action.help] == []


def leaves(parser: argparse.ArgumentParser, name: str) -> list[tuple[str, argparse.ArgumentParser]]:
    """The commands, and of those that have sub-commands these."""
    subs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not subs:
        return [(name, parser)]
    return [leaf for action in subs for word, sub in action.choices.items() for leaf in leaves(sub, f"{name} {word}")]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_command_has_output_for_machines(program: str) -> None:
    found = leaves(PROGRAMS[program]._parser(), program)
    assert len(found) >= 10
    assert [name for name, parser in found if "--json" not in parser._option_string_actions] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_wrong_use_is_two(run: Run, program: str) -> None:
    """No command, an unknown one, a missing argument: exit code 2, one sentence on stderr, nothing on stdout."""
    for arguments in ([], ["nonsense"], [{"kbsearch": "search", "kbsearch-index": "build"}[program]]):
        result = run(program, *arguments)
        assert result.code == 2
        assert result.sentence.startswith(program)
        assert "--help" in result.sentence


@pytest.mark.parametrize(
    ("words", "value", "next_command"),
    [
        (["kbsearch"], "COMMAND", "kbsearch --help"),
        (["kbsearch", "search", "x"], "--index", "kbsearch search --help"),
        (["kbsearch-index", "prune", "i", "--keep", "few"], "'few'", "kbsearch-index prune --help"),
        (["kbsearch-index", "prune", "i", "--keep", "a\nb"], "'a", "kbsearch-index prune --help"),
        (["kbsearch", "handover", "shw"], "'shw'", "kbsearch handover --help"),
    ],
)
def test_wrong_use_names_value_and_next_command(run: Run, words: list[str], value: str, next_command: str) -> None:
    """One sentence says what is wrong, and what to run."""
    sentence = run(*words).sentence
    assert value in sentence
    assert sentence.endswith(f"; see: {next_command}")


@pytest.mark.parametrize("program", PROGRAMS)
def test_version(run: Run, program: str) -> None:
    """Name and number."""
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", run(program, "--version").out)


class TestGood:
    def test_build_prints_what_it_did(self, run: Run, tmp_path: Path, write_jsonl: Write, rows: Rows) -> None:
        """Version, counts, time and memory; skipped lines on stderr."""
        source = write_jsonl(tmp_path / "s.jsonl", [*rows, {"id": "x"}])
        result = run("kbsearch-index", "build", source, "--out", tmp_path / "i", "--model", "hashing")
        assert result.code == 0
        assert re.fullmatch(
            rf"Published \S+ in {tmp_path}/i: 3 documents \(3 analysed\), \d+ passages \(\d+ embedded\), "
            r"1 line skipped, [\d.]+ s, peak \d+ MiB\.\n",
            result.out,
        )
        assert f"{source}:4" in result.err

    def test_build_json_is_alone_on_stdout(self, run: Run, tmp_path: Path, write_jsonl: Write, rows: Rows) -> None:
        """One JSON object, problems in it."""
        source = write_jsonl(tmp_path / "s.jsonl", [*rows, {"id": "x"}])
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

    def test_an_unknown_interface_language_is_no_error(self, run: Run, index: Path) -> None:
        """A browser may say anything."""
        result = run("kbsearch", "search", "--index", index, "password", "--lang", "tlh", "--json")
        assert result.code == 0
        assert json.loads(result.out)["hits"]

    def test_an_interface_language_is_read_in_any_case_and_region(self, run: Run, index: Path) -> None:
        """As over HTTP: EN-gb is en where no region is told apart."""
        found = [
            run("kbsearch", "search", "--index", index, "your password", "--lang", lang) for lang in ("en", "EN-gb")
        ]
        assert found[0].out == found[1].out

    def test_search_for_people(self, run: Run, index: Path) -> None:
        """Title, language and id of each hit."""
        result = run("kbsearch", "search", "--index", index, "reset password", "--lang", "lv", "--limit", "1")
        assert "Kā atjaunot paroli" in result.out
        assert "[lv faq" in result.out
        result = run("kbsearch", "search", "--index", index, "passwrod", "--lang", "en", "--filter", "lang:en")
        assert "Did you mean: password?" in result.out

    def test_eval(self, run: Run, index: Path, tmp_path: Path, write_jsonl: Write, rows: Rows) -> None:
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
        listed = json.loads(run("kbsearch-index", "list", index, "--json").out)
        assert [row["version"] for row in listed] == ["20990102T000000Z-0000", "20990101T000000Z-0000", first]
        assert [row["published"] for row in listed] == [False, False, True]
        assert run("kbsearch-index", "list", index).out.count("documents") == 3
        assert json.loads(run("kbsearch-index", "verify", index, "--json").out)["verified"] == [
            r["version"] for r in listed
        ]
        assert "3 versions verified" in run("kbsearch-index", "verify", index).out
        assert (
            run("kbsearch-index", "rollback", index, listed[0]["version"]).out == f"Published {listed[0]['version']}.\n"
        )
        assert run("kbsearch-index", "rollback", index).out == f"Published {listed[1]['version']}.\n"
        assert first in run("kbsearch-index", "prune", index, "--keep", "1").out
        assert published_version(index) == listed[1]["version"]
        assert len(json.loads(run("kbsearch-index", "list", index, "--json").out)) == 2

    def test_what_changes_versions_says_so_as_json(self, run: Run, index: Path) -> None:
        """One object alone on stdout."""
        first = published_version(index)
        shutil.copytree(index / first, index / "20990101T000000Z-0000")
        manifest = orjson.loads((index / first / MANIFEST).read_bytes()) | {"version": "20990101T000000Z-0000"}
        (index / "20990101T000000Z-0000" / MANIFEST).write_bytes(orjson.dumps(manifest))

        def said(*words: object) -> Any:
            return json.loads(run("kbsearch-index", *words, "--json").out)

        assert said("publish", index, "20990101T000000Z-0000") == {"published": "20990101T000000Z-0000"}
        assert said("rollback", index) == {"published": first}
        assert said("prune", index, "--keep", "1") == {"removed": []}
        assert said("publish", index, "20990101T000000Z-0000") == {"published": "20990101T000000Z-0000"}
        assert said("prune", index, "--keep", "1") == {"removed": [first]}

    def test_a_compressed_source(self, run: Run, tmp_path: Path, rows: Rows) -> None:
        """JSON Lines may be packed."""
        with gzip.open(tmp_path / "s.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        result = run("kbsearch-index", "build", tmp_path / "s.jsonl.gz", "--out", tmp_path / "i", "--model", "hashing")
        assert "3 documents" in result.out


def process(program: str, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    module = {"kbsearch": "kbsearch.cli", "kbsearch-index": "indexer.cli"}[program]
    code = f"from {module} import main; raise SystemExit(main())"
    environment = os.environ | {"PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env=environment,
        encoding="utf-8",
    )


def test_real_processes(tmp_path: Path, write_jsonl: Write, rows: Rows) -> None:
    """Build, search, and fail, as a shell sees it: relative paths, exit codes, clean streams, no warnings."""
    write_jsonl(tmp_path / "s.jsonl", rows)
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


@pytest.mark.slow
def test_a_reader_who_leaves_early_sees_no_complaint(tmp_path: Path, write_jsonl: Write, rows: Rows) -> None:
    """`kbsearch search … | head`."""
    source = write_jsonl(tmp_path / "s.jsonl", rows)
    assert process("kbsearch-index", "build", source, "--out", tmp_path / "i", "--model", "hashing").returncode == 0
    reading, writing = os.pipe()
    os.close(reading)
    code = "from kbsearch.cli import main; raise SystemExit(main())"
    arguments = [sys.executable, "-c", code, "search", "--index", str(tmp_path / "i"), "password"]
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(arguments, stdout=pipe, stderr=subprocess.PIPE, timeout=120, check=False)
    assert done.stderr == b""


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_service_that_cannot_listen_says_so_last(index: Path, workers: int) -> None:
    """The port is taken by another program: exit code 1, as for every other failure."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = process("kbsearch", "serve", "--index", index, "--port", port, "--workers", workers)
    assert result.returncode == 1
    assert "in use" in result.stderr
    assert f"127.0.0.1:{port}" in result.stderr.splitlines()[-1]
    assert "--port" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_service_says_where_it_answers(index: Path, workers: int) -> None:
    """Any free port will do; what is asked at once is answered; stopped from the keyboard, it says no more."""
    code = "from kbsearch.cli import main; raise SystemExit(main())"
    command = ["serve", "--index", str(index), "--port", "0", "--workers", str(workers), "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        try:
            assert server.stdout is not None
            said = json.loads(server.stdout.readline())
            assert (said["index"], said["workers"]) == (str(index), workers)
            with urllib.request.urlopen(f"{said['url']}v1/search?q=password", timeout=60) as answer:
                assert json.load(answer)["hits"][0]["id"] == "a.en"
            os.killpg(server.pid, signal.SIGINT)
            rest, logged = server.communicate(timeout=60)
        finally:
            server.kill()
    assert (server.returncode, rest) == (0, "")
    assert "Traceback" not in logged
    lines = logged.splitlines()
    assert any("Uvicorn running" in line or "Started server process" in line for line in lines)
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO ", line) for line in lines)
