"""From a model's name to an embedder: bundled models first, then directories, then sentence-transformers.

Bundled models live in `models/` beside the package in a checkout, and inside the package in an installed wheel.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.embed.protocol import Embedder
from kbsearch.embed.static import StaticEmbedder, is_static_model
from kbsearch.errors import ModelError

REGISTRY_FILE = "registry.toml"


def load_embedder(name: str | None = None) -> Embedder:
    """The embedder called `name`: a bundled model, `hashing`, a directory, or a sentence-transformers model.

    None gives the default bundled model. Raises ModelError with the known names.
    """
    if name == "hashing":
        return HashingEmbedder()
    bundled, default = _read_registry()
    if name is None:
        name = default
    if name in bundled:
        return StaticEmbedder(bundled[name], name)
    directory = Path(name)
    if is_static_model(directory):
        return StaticEmbedder(directory, name)
    if not directory.is_dir() and (directory.is_absolute() or name.count("/") != 1):
        raise ModelError(
            f"There is no model {name!r}; bundled models are {', '.join(sorted(bundled))}, "
            "anything else must be a directory or a hub name such as organisation/model."
        )
    from kbsearch.embed.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(name)


def models_directory() -> Path:
    """Where the bundled models lie."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "models", package.parent / "models"):
        if (candidate / REGISTRY_FILE).is_file():
            return candidate
    raise ModelError(f"The bundled models are missing beside {package}; reinstall kbsearch.")


def _read_registry() -> tuple[dict[str, Path], str]:
    directory = models_directory()
    entries = tomllib.loads((directory / REGISTRY_FILE).read_text(encoding="utf-8"))["models"]
    bundled = {name: directory / entry["path"] for name, entry in entries.items()}
    default = next(name for name, entry in entries.items() if entry.get("default", False))
    return bundled, default
