"""What the tests of both command lines share: programs run in this process, and a small published index."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import indexer.cli
import kbsearch.cli

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


@pytest.fixture(scope="session")
def rows() -> list[dict[str, str]]:
    return ROWS


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
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
def master(tmp_path_factory: pytest.TempPathFactory, write_jsonl: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    source = write_jsonl(folder / "good.jsonl", ROWS)
    assert indexer.cli.main(["build", str(source), "--out", str(folder / "index"), "--model", "hashing"]) == 0
    return folder


@pytest.fixture
def index(master: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(master / "index", tmp_path / "index"))
