"""Rules of the house that a machine can hold: imports, doors, sizes, and what is deliberately absent."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

import kbsearch

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("kbsearch", "indexer")
MOST_LINES = 400

HEAVY = ("torch", "faiss", "fastapi", "sentence_transformers", "numba", "transformers", "ir_measures", "pandas")

# Library → the one module (or, with a slash at the end, the one folder) that imports it.
DOORS = {
    "faiss": "kbsearch/index/dense.py",
    "numba": "kbsearch/index/kernels.py",
    "xxhash": "kbsearch/index/arrays.py",
    "rapidfuzz": "kbsearch/index/spelling.py",
    "langdetect": "kbsearch/text/language.py",
    "Stemmer": "kbsearch/text/",
    "sentence_transformers": "kbsearch/embed/sentence_transformer.py",
    "safetensors": "kbsearch/embed/static.py",
    "tokenizers": "kbsearch/embed/",
    "ir_measures": "kbsearch/evaluate.py",
    "rank_bm25": None,  # the oracle of tests and the baseline of benchmarks
    "bm25s": None,
    "torch": None,
    "transformers": None,
    "onnxruntime": "kbsearch/embed/onnx.py",
    "fastapi": "kbsearch/service/",
    "starlette": "kbsearch/service/",
    "pydantic": "kbsearch/service/",
    "uvicorn": "kbsearch/service/",
    "jwt": "kbsearch/service/",
    "prometheus_client": "kbsearch/service/",
    "sqlite3": "kbsearch/sqlite_file.py",
    "httpx2": "kbsearch/handover/targets/http.py",
    "psycopg": "kbsearch/events/postgres.py",
    "psycopg_pool": "kbsearch/events/postgres.py",
    "phonenumbers": "kbsearch/events/numbers.py",
    "stdnum": "kbsearch/events/numbers.py",
    "pyromark": "indexer/",
    "selectolax": "indexer/",
    "nh3": "indexer/",
    "frontmatter": "indexer/",
    "mammoth": "indexer/",
    "readability": "indexer/",
    "lxml": "indexer/",
    "pypdf": "indexer/",
    "protego": "indexer/",
    "tqdm": "indexer/",
}
# Libraries that one file of their folder imports, not several.
SINGLE = (
    "Stemmer",
    "jwt",
    "prometheus_client",
    "nh3",
    "frontmatter",
    "mammoth",
    "readability",
    "lxml",
    "pypdf",
    "protego",
    "uvicorn",
)


@cache
def sources() -> dict[str, ast.Module]:
    files = sorted(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))
    return {path.relative_to(REPOSITORY).as_posix(): ast.parse(path.read_bytes()) for path in files}


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level names of absolute imports, wherever in the file they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@cache
def importers() -> dict[str, set[str]]:
    found = defaultdict(set)
    for name, tree in sources().items():
        for library in imported(tree):
            found[library].add(name)
    return found


def modules_after(code: str) -> set[str]:
    """Names of the modules loaded in a fresh interpreter after some code."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["kbsearch", "kbsearch.cli", "kbsearch.types", "kbsearch.errors"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    """The package and its command line load what a search needs only when somebody searches."""
    assert modules_after(f"import {module}") & set(HEAVY) == set()


def test_the_indexer_starts_without_torch() -> None:
    """Models that need torch load it when they are asked for."""
    assert modules_after("import indexer.cli, indexer.pipeline") & {"torch", "fastapi", "transformers"} == set()


def test_searching_with_a_bundled_model_never_imports_torch(
    tmp_path: Path, static_model: Path, handmade_rows: tuple[dict[str, object], ...], write_jsonl: Callable[..., Path]
) -> None:
    """Neither building nor searching, with a model in the bundled layout."""
    source = write_jsonl(tmp_path / "s.jsonl", handmade_rows)
    loaded = modules_after(
        "from pathlib import Path\n"
        "from indexer.pipeline import build\n"
        "from kbsearch import SearchRequest, open_engine\n"
        f"build([Path({str(source)!r})], Path({str(tmp_path / 'i')!r}), model={str(static_model)!r})\n"
        f"outcome = open_engine({str(tmp_path / 'i')!r}).search(SearchRequest(q='reset your password'))\n"
        "assert outcome.hits[0].group == 'reset-password', outcome\n"
        "assert not outcome.degraded\n"
    )
    assert loaded & {"torch", "sentence_transformers", "transformers", "onnxruntime", "fastapi"} == set()
    assert "faiss" in loaded


@pytest.mark.parametrize(("library", "door"), DOORS.items(), ids=DOORS)
def test_one_door_per_library(library: str, door: str | None) -> None:
    """Each library is imported by one module, or stays within its ring."""
    found = importers().get(library, set())
    if door is None:
        assert found == set()
    elif door.endswith("/"):
        assert {name for name in found if not name.startswith(door)} == set()
        if library in SINGLE:
            assert len(found) <= 1
    else:
        assert found <= {door}


def test_every_import_is_a_declared_dependency() -> None:
    """Nothing works only because something else happened to install it."""
    distribution = {
        "Stemmer": "pystemmer",
        "faiss": "faiss-cpu",
        "frontmatter": "python-frontmatter",
        "jwt": "pyjwt",
        "stdnum": "python-stdnum",
        "lxml": "readability-lxml",  # parses with it and raises its errors
        "readability": "readability-lxml",
        "yaml": "python-frontmatter",  # parses with it and raises its errors
    }
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = chain(project["dependencies"], *project["optional-dependencies"].values())
    declared = {re.split(r"[\[>=]", name)[0].lower().replace("-", "_") for name in needed}
    # These come with fastapi, by its own contract.
    declared |= {"starlette", "pydantic", "anyio"}
    foreign = set(importers()) - set(sys.stdlib_module_names) - set(PACKAGES)
    names = {distribution.get(name, name).lower().replace("-", "_") for name in foreign}
    assert names <= declared


def test_every_declared_dependency_is_decided() -> None:
    """Each has its row in docs/decisions.md: why it, and its licence."""
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    groups = (declared["project"]["optional-dependencies"], declared["dependency-groups"])
    needed = chain(declared["project"]["dependencies"], *(names for group in groups for names in group.values()))
    page = (REPOSITORY / "docs" / "decisions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    decided = {name.split()[0].lower() for row in rows for name in re.sub(r"\(.*?\)", "", row).split(",")}
    assert {re.split(r"[\[>=]", name)[0].lower() for name in needed} - decided == set()


def test_nothing_is_pickled() -> None:
    """No module that can, and no array loaded without saying so."""
    assert not {
        name
        for library in ("pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
        for name in importers().get(library, ())
    }
    for name, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                options = {option.arg: option.value for option in node.keywords}
                allowed = options.get("allow_pickle")
                assert not (isinstance(allowed, ast.Constant) and allowed.value), f"{name}:{node.lineno}"
                if ast.unparse(node.func) in ("np.load", "numpy.load", "np.lib.format.read_array"):
                    assert isinstance(allowed, ast.Constant), f"{name}:{node.lineno} must say allow_pickle=False"


def test_no_assert_guards_a_caller() -> None:
    """`assert` vanishes under -O, so the packages have none."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
    ]
    assert found == []


def test_no_file_is_too_long_to_read() -> None:
    """Split before 400 lines."""
    long = {
        str(path.relative_to(REPOSITORY)): lines
        for folder in (*PACKAGES, "benchmarks", "models", "tests")
        for path in (REPOSITORY / folder).rglob("*.py")
        if (lines := len(path.read_bytes().splitlines())) > MOST_LINES
    }
    assert long == {}


def test_every_module_says_where_it_stands() -> None:
    """Each file that holds code opens with a docstring."""
    assert [name for name, tree in sources().items() if tree.body and not ast.get_docstring(tree)] == []


def test_every_broad_except_is_explained() -> None:
    """`except Exception` carries its reason on the line or the next, says that it raises again, or is logged."""
    unexplained = []
    for name in sources():
        lines = (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if line.strip().startswith(("except Exception", "except BaseException", "except:")):
                following = " ".join(lines[number : number + 6])
                if not any(sign in following for sign in ("#", "raise", "logger.", "_LOG.", "_refuse(")):
                    unexplained.append(f"{name}:{number + 1}")
    assert unexplained == []


def test_imports_point_one_way() -> None:
    """The contracts in pyproject.toml hold."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_exported_names_are_sorted_and_there() -> None:
    """`__all__` is what a reader expects, in order, and each name can be had."""
    assert list(kbsearch.__all__) == sorted(kbsearch.__all__)
    for name in kbsearch.__all__:
        assert getattr(kbsearch, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        kbsearch.nonsense  # noqa: B018


def test_every_error_stands_in_the_tree_at_the_top() -> None:
    """The docstring of errors.py lists each class."""
    from kbsearch import errors

    classes = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]
    assert classes
    assert all(name in (errors.__doc__ or "") for name in classes)
    assert all(issubclass(getattr(errors, name), errors.KbsearchError) for name in classes)
