"""`kbsearch-index list` where there is nothing to list, or nothing is published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kbsearch.manifest import CURRENT, published_version

Run = Callable[..., Any]


def test_a_directory_without_a_version_says_what_to_run(run: Run, tmp_path: Path) -> None:
    """As JSON it is an empty list."""
    result = run("kbsearch-index", "list", tmp_path)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"{tmp_path} holds no snapshot; run: kbsearch-index build SOURCE --out {tmp_path}\n"
    assert json.loads(run("kbsearch-index", "list", tmp_path, "--json").out) == []


@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize("pointer", ["20200101T000000Z-0000", ""])
def test_a_pointer_to_nothing_is_said_beside_the_list(
    run: Run, index: Path, pointer: str, as_json: tuple[str, ...]
) -> None:
    """The versions are there to go back to, so they are listed all the same."""
    version = published_version(index)
    (index / CURRENT).write_text(f"{pointer}\n")
    result = run("kbsearch-index", "list", index, *as_json)
    assert result.code == 1
    assert version in result.out
    assert f"{CURRENT} names " in result.err
    assert f"run: kbsearch-index rollback {index}" in result.err
    (index / CURRENT).unlink()  # as where no version was published yet
    assert run("kbsearch-index", "list", index, *as_json).code == 0
