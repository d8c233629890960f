"""What every loader of a sentence-transformers directory reads from it: prompts, and a hash of its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

# Card of intfloat/multilingual-e5-*: every text starts with "query: " or "passage: "; their files do not say so.
E5_PROMPTS = {"query": "query: ", "document": "passage: "}
DOCUMENT_PROMPTS = ("document", "passage", "corpus")


def read_prompts(directory: Path) -> tuple[str, str]:
    """What goes before a query and before a passage; "" where the model asks for nothing."""
    file = directory / "config_sentence_transformers.json"
    settings = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    prompts = {name: text for name, text in (settings.get("prompts") or {}).items() if text}
    if not prompts and "e5" in model_name(directory).lower():
        prompts = dict(E5_PROMPTS)
    always = prompts.get(settings.get("default_prompt_name") or "", "")
    document = next((prompts[name] for name in DOCUMENT_PROMPTS if name in prompts), always)
    return prompts.get("query", always), document


def model_name(directory: Path) -> str:
    """The directory's name; in the hub's cache, `models--organisation--name/snapshots/COMMIT`, the model's."""
    if directory.parent.name == "snapshots":
        return directory.parents[1].name
    return directory.name


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
