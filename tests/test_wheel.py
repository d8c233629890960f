"""The built wheel is complete: installed somewhere else, it indexes and searches with the bundled model."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kbsearch.snapshot import published_version

REPOSITORY = Path(__file__).resolve().parents[1]
MODEL = "kbsearch-mini"

pytestmark = pytest.mark.slow


def call(*command: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=cwd,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert (REPOSITORY / "models" / MODEL).is_dir(), (
        f"models/{MODEL} is missing, so no wheel can be built; train it with models/recipe."
    )
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, REPOSITORY)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment: the wheel, and this environment's libraries without the checkout; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    call(sys.executable, "-m", "venv", "--without-pip", folder)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    call(
        sys.executable,
        "-m",
        "pip",
        "--python",
        folder / "bin" / "python",
        "install",
        "--no-deps",
        "--no-index",
        "--quiet",
        wheel,
    )
    # A path in a .pth file is searched last and its own .pth files, the checkout's among them, are not read.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_only_our_two_packages_are_installed(names: set[str]) -> None:
    """No top-level `models`, `tests` or `benchmarks` beside other people's."""
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"kbsearch", "indexer"}


def test_every_module_and_data_file_is_in_the_wheel(names: set[str]) -> None:
    """Code, word lists, the portal's files: whatever git would keep under both packages."""
    expected = {
        path.relative_to(REPOSITORY).as_posix()
        for package in ("kbsearch", "indexer")
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - names == set()
    assert {"kbsearch/text/stopwords/lv.txt", "kbsearch/text/stopwords/lt.txt"} <= names
    assert any(name.startswith("kbsearch/service/portal/") for name in names)


def test_the_model_and_its_registry_are_in_the_wheel(names: set[str]) -> None:
    """Inside the package, where the registry looks for them."""
    model = REPOSITORY / "models" / MODEL
    files = {
        f"kbsearch/models/{MODEL}/{path.relative_to(model).as_posix()}" for path in model.rglob("*") if path.is_file()
    }
    assert files | {"kbsearch/models/registry.toml"} <= names


def test_licence_and_commands_are_declared(wheel: Path, names: set[str]) -> None:
    """Apache-2.0, and both programs."""
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    with zipfile.ZipFile(wheel) as archive:
        (entry,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        text = archive.read(entry).decode()
    assert "kbsearch = kbsearch.cli:main" in text
    assert "kbsearch-index = indexer.cli:main" in text


def test_the_installed_wheel_indexes_and_searches(
    environment: Path, tmp_path: Path, handmade_rows: tuple[dict[str, object], ...], write_jsonl: Callable[..., Path]
) -> None:
    """From another directory, with the bundled model, offline: build, then find."""
    write_jsonl(tmp_path / "articles.jsonl", handmade_rows)
    where = call(
        environment / "python",
        "-c",
        "import kbsearch, indexer; print(kbsearch.__file__, indexer.__file__)",
        cwd=tmp_path,
    )
    assert str(REPOSITORY / "kbsearch") not in where.stdout
    assert where.stdout.count(str(environment.parent)) == 2
    built = call(environment / "kbsearch-index", "build", "articles.jsonl", "--out", "index", "--json", cwd=tmp_path)
    assert json.loads(built.stdout)["documents"] == len(handmade_rows)
    found = call(environment / "kbsearch", "search", "--index", "index", "ka atjaunot paroli", "--json", cwd=tmp_path)
    outcome = json.loads(found.stdout)
    assert outcome["hits"][0]["id"] == "reset-password.lv"
    assert not outcome["degraded"]
    listed = call(environment / "kbsearch-index", "list", "index", "--json", cwd=tmp_path)
    assert json.loads(listed.stdout)[0]["model"] == MODEL


def test_the_installed_wheel_calibrates_and_measures(environment: Path, tmp_path: Path) -> None:
    """What a customer runs on his own index: nothing of it reads the checkout."""
    questions = REPOSITORY / "sample_kb" / "questions.jsonl"
    call(environment / "kbsearch-index", "build", REPOSITORY / "sample_kb", "--out", "index", cwd=tmp_path)

    def measure(command: str, *options: object) -> dict[str, Any]:
        asked = [environment / "kbsearch", command, "--index", "index", "--queries", questions, "--json", *options]
        found: dict[str, Any] = json.loads(call(*asked, cwd=tmp_path).stdout)
        return found

    assert measure("calibrate")["version"] == published_version(tmp_path / "index")
    assert measure("eval")["decision"]["answered"] > 0
    receipt = measure("bench", "--seconds", "0.3", "--rounds", "1", "--html", "receipt.html")
    assert receipt["index"]["snapshot"] == published_version(tmp_path / "index")
    assert "<svg" in (tmp_path / "receipt.html").read_text(encoding="utf-8")
