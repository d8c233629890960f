"""What every loader of a sentence-transformers directory reads from it: prompts, and a hash of its files."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from kbsearch.errors import ModelError

# Card of intfloat/multilingual-e5-*: every text starts with "query: " or "passage: "; their files do not say so.
E5_PROMPTS = {"query": "query: ", "document": "passage: "}
DOCUMENT_PROMPTS = ("document", "passage", "corpus")
_E5 = re.compile(r"(?<![a-z0-9])e5(?![a-z0-9])")


def read_modules(directory: Path) -> list[dict[str, Any]]:
    """What a text goes through, in that order: the type and the path of each; none where no file says so.

    Raises ModelError.
    """
    file = directory / "modules.json"
    modules: list[dict[str, Any]] = _read_json(file, list)
    if not all(isinstance(module, dict) and {"type", "path"} <= module.keys() for module in modules):
        raise _damaged(file, "it lists something without type and path")
    return modules


def read_settings(file: Path) -> dict[str, Any]:
    """What one of a model's JSON files says by name; nothing where there is no such file. Raises ModelError."""
    settings: dict[str, Any] = _read_json(file, dict)
    return settings


def read_prompts(directory: Path) -> tuple[str, str]:
    """What goes before a query and before a passage; "" where the model asks for nothing. Raises ModelError."""
    file = directory / "config_sentence_transformers.json"
    settings = read_settings(file)
    stated = settings.get("prompts") or {}
    if not isinstance(stated, dict) or not all(isinstance(text, str) for text in stated.values() if text):
        raise _damaged(file, "its prompts are no texts by name")
    prompts = {name: text for name, text in stated.items() if text}
    if not prompts and _E5.search(model_name(directory).lower()):
        prompts = dict(E5_PROMPTS)
    always = prompts.get(settings.get("default_prompt_name") or "", "")
    document = next((prompts[name] for name in DOCUMENT_PROMPTS if name in prompts), always)
    return prompts.get("query", always), document


def model_name(directory: Path) -> str:
    """The directory's name; in the hub's cache, `models--organisation--name/snapshots/COMMIT`, the model's."""
    if directory.parent.name == "snapshots":
        return directory.parents[1].name
    return directory.absolute().name


def hash_files(directory: Path, *weights: Path) -> str:
    """SHA-256 over the given weights and every small file that shapes a vector; cards do not."""
    digest = hashlib.sha256()
    small = [path for path in directory.rglob("*") if path.suffix in (".json", ".txt", ".model") and path.is_file()]
    for path in sorted({*small, *weights}):
        digest.update(path.relative_to(directory).as_posix().encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _read_json(file: Path, kind: type) -> Any:
    """The content of a file that holds one value of a kind, an empty one where there is no file."""
    if not file.is_file():
        return kind()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as cause:
        raise _damaged(file, str(cause)) from cause
    if not isinstance(content, kind):
        raise _damaged(file, f"it holds no {'list' if kind is list else 'settings by name'}")
    return content


def _damaged(file: Path, fault: str) -> ModelError:
    return ModelError(f"{file} cannot be read ({fault}); install the model again or name another one.")
