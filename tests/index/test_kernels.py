"""Compiled loops are compiled anew when any file with loops has changed, and where they cannot be kept this is said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import kbsearch
from kbsearch.fuse import fuse
from kbsearch.index import kernels


def test_the_stamp_names_the_files_of_all_loops() -> None:
    """Loops call each other across files: numba alone would look at the caller's."""
    names = {name for name, _, _ in kernels.source_stamp()}
    assert {"fuse.py", "retrieve.py", "kernels.py", "query_kernels.py", "candidate_kernels.py"} <= names
    assert fuse._cache._cache_file._source_stamp == kernels.source_stamp()


@pytest.mark.slow
def test_a_constant_changed_in_another_file_is_seen(tmp_path: Path) -> None:
    """A copy of the loops, run, edited in a file that only the callee knows, and run again."""
    package = tmp_path / "kbsearch"
    (package / "index").mkdir(parents=True)
    source = Path(kbsearch.__file__).parent
    (package / "__init__.py").touch()
    (package / "index" / "__init__.py").touch()
    (package / "index" / "kernels.py").write_text((source / "index" / "kernels.py").read_text())
    head = "from kbsearch.index.kernels import compiled\n"
    callee, caller = package / "callee.py", package / "caller.py"
    callee.write_text(head + "WEIGHT = 2\n\n@compiled\ndef weigh(x):\n    return WEIGHT * x\n")
    caller.write_text(
        head + "from kbsearch.callee import weigh\n\n@compiled\ndef twice(x):\n    return weigh(x) + weigh(x)\n"
    )

    def run() -> str:
        command = [sys.executable, "-c", "from kbsearch.caller import twice; print(twice(3))"]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    assert run() == "12"
    callee.write_text(callee.read_text().replace("WEIGHT = 2", "WEIGHT = 5"))
    assert run() == "30"


def test_loops_that_cannot_be_kept_are_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """Each start then takes a minute, and nothing else tells the operator why, nor what helps."""

    def without_cache(**options: bool) -> Callable[..., object]:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(kernels, "njit", without_cache)
    kernels._warn_once.cache_clear()
    kernels.compiled(abs)
    kernels.compiled_sums(abs)
    (record,) = caplog.records
    assert "NUMBA_CACHE_DIR" in record.getMessage()
