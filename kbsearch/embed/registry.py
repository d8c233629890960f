"""From a model's name to an embedder: bundled models first, then directories, then models of the hub.

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
BUNDLED = "bundled"
LOCAL = "directory"
# Weights for other frameworks and other graphs than the one that is read.
UNREAD_FILES = ("*.h5", "*.ot", "*.msgpack", "*.tflite", "openvino/*", "onnx/model_*", "coreml/*")
HUB_SECONDS = 10.0


def load_embedder(name: str | None = None) -> Embedder:
    """The embedder called `name`: a bundled model, `hashing`, a directory, or a model of the hub.

    None gives the default bundled model. Raises ModelError with the known names.
    """
    if name == "hashing":
        return HashingEmbedder()
    bundled, default = _read_registry()
    if name is None:
        name = default
    if name in bundled:
        return _open(bundled[name], name, BUNDLED)
    directory = Path(name)
    # An empty name, mostly an unset variable of a script, must not come to mean the current folder.
    if name and directory.is_dir():
        # An index that was built with it is served from another folder.
        return _open(directory, str(directory.resolve()), LOCAL)
    if directory.is_absolute() or name.count("/") != 1:
        raise ModelError(
            f"There is no model {name!r}; bundled models are {', '.join(sorted(bundled))}, "
            "anything else must be a directory or a hub name such as organisation/model."
        )
    directory = _fetch(name)
    return _open(directory, name, directory.name)


def is_quick(embedder: Embedder) -> bool:
    """Whether a query's vector takes microseconds and cannot fail: no model is computed, rows are added up."""
    return isinstance(embedder, StaticEmbedder | HashingEmbedder)


def is_bundled(embedder: Embedder) -> bool:
    """Whether a model is one of ours, which are computed in this process and by nothing but the processor."""
    return embedder.info.revision == BUNDLED


def reads_context(name: str) -> bool:
    """Whether the model called `name` reads words in their context; others add up what each word means alone."""
    return name != "hashing" and not is_static_model(_read_registry()[0].get(name, Path(name)))


def models_directory() -> Path:
    """Where the bundled models lie."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "models", package.parent / "models"):
        if (candidate / REGISTRY_FILE).is_file():
            return candidate
    raise ModelError(f"The bundled models are missing beside {package}; reinstall kbsearch.")


def _open(directory: Path, name: str, revision: str) -> Embedder:
    """The cheapest embedder that can read the directory: rows alone, then an ONNX graph, then torch."""
    if is_static_model(directory):
        return StaticEmbedder(directory, name, revision)
    # Imported here: a static model needs neither onnxruntime nor torch.
    from kbsearch.embed.onnx import OnnxEmbedder, is_onnx_model

    if is_onnx_model(directory):
        return OnnxEmbedder(directory, name, revision)
    if revision == BUNDLED:
        raise ModelError(f"Files of model {name!r} are missing or damaged in {directory}; reinstall kbsearch.")
    from kbsearch.embed.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(directory, name, revision)


def _fetch(name: str) -> Path:
    """The directory of a hub model in the local cache, named by its commit; downloaded where it is not there yet.

    What was downloaded before needs no network; anything else is looked up once before it is downloaded, because the
    library would try each file for minutes before it gives up.
    """
    from huggingface_hub import HfApi, snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=True, ignore_patterns=list(UNREAD_FILES)))
    except Exception:  # whatever it raises, it means that the model is not here
        try:
            HfApi().model_info(name, timeout=HUB_SECONDS)
            return Path(snapshot_download(name, ignore_patterns=list(UNREAD_FILES)))
        except Exception as cause:
            raise ModelError(
                f"Model {name!r} cannot be fetched ({cause}); give the path of a sentence-transformers directory, "
                "a hub name that this machine can reach, or leave --model out for the bundled one."
            ) from cause


def _read_registry() -> tuple[dict[str, Path], str]:
    directory = models_directory()
    entries = tomllib.loads((directory / REGISTRY_FILE).read_text(encoding="utf-8"))["models"]
    bundled = {name: directory / entry["path"] for name, entry in entries.items()}
    default = next(name for name, entry in entries.items() if entry.get("default", False))
    return bundled, default
