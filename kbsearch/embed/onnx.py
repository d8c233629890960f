"""A sentence-transformers directory with an ONNX graph, without torch: the only module that imports onnxruntime.

Pooling, normalisation, longest text and prompts come from the directory's own files. Texts are encoded one by one:
quantised graphs scale their activations by the largest of a batch, so that a text's vector would depend on its company.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from kbsearch.embed.directory import hash_files, read_modules, read_prompts, read_settings
from kbsearch.embed.protocol import ModelInfo, Vectors
from kbsearch.errors import ModelError

# Read when it is loaded; else release 1.32 writes an id of the machine into ~/.cache, and reports to its makers.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

GRAPHS = ("onnx/model.onnx", "model.onnx")
TOKENIZER_FILE = "tokenizer.json"
POOLINGS = ("mean", "cls", "lasttoken")
# What is left of a text of which no part is known, besides the model's own name of the unknown.
WORD_START = "\u2581"
_READABLE = {"Transformer", "Pooling", "Normalize"}
_GIVEN = ("input_ids", "attention_mask", "token_type_ids")


def is_onnx_model(directory: Path) -> bool:
    """Whether the directory holds a graph, and nothing around it that this module cannot compute. Raises ModelError."""
    if _graph_of(directory) is None or not (directory / TOKENIZER_FILE).is_file():
        return False
    modules = read_modules(directory)
    kinds = [_kind_of(module) for module in modules]
    return set(kinds) <= _READABLE and kinds[:1] == ["Transformer"] and _pooling_of(directory, modules) in POOLINGS


class OnnxEmbedder:
    """Encodes a short query in about a millisecond; the same vectors alone, in a batch, and on every run."""

    def __init__(self, directory: Path, name: str, revision: str) -> None:
        graph = _graph_of(directory) or directory / GRAPHS[0]
        try:
            self._tokenizer = Tokenizer.from_file(str(directory / TOKENIZER_FILE))
            self._session = onnxruntime.InferenceSession(
                str(graph), _session_options(), providers=["CPUExecutionProvider"]
            )
        except Exception as cause:  # onnxruntime and tokenizers raise bare exceptions of their own
            raise ModelError(
                f"The model in {directory} cannot be read ({cause}); reinstall kbsearch or name another model."
            ) from cause
        self._pooling = _pooling_of(directory, read_modules(directory))
        # Asked for once: each asking costs as much as a layer's smallest step.
        self._inputs = [node.name for node in self._session.get_inputs()]
        # A vector a token; graphs may give the pooled one as well.
        tokens = next((node for node in self._session.get_outputs() if len(node.shape) == 3), None)
        if tokens is None or not set(self._inputs) <= set(_GIVEN):
            raise ModelError(
                f"{graph} takes {', '.join(self._inputs)} and gives {'' if tokens else 'no '}vectors of tokens, where "
                f"kbsearch has {', '.join(_GIVEN)} and needs such vectors; name another model, or move the graph away: "
                "then the weights are read through torch."
            )
        self._output = tokens.name
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_longest(directory))
        settings = read_settings(directory / "tokenizer_config.json")
        self._lower = any(each.get("do_lower_case", False) for each in _transformer_settings(directory))
        self._meaningless = {
            self._tokenizer.token_to_id(token) for token in (WORD_START, str(settings.get("unk_token")))
        }
        self._query_prompt, self._passage_prompt = read_prompts(directory)
        self._workers = len(os.sched_getaffinity(0))
        width = tokens.shape[-1]
        if not isinstance(width, int):  # a graph may leave it open
            width = read_settings(directory / "config.json").get("hidden_size")
        if not isinstance(width, int):
            raise ModelError(f"Model {name!r} does not say how wide its vectors are; use another model.")
        # Large graphs keep their weights in files beside them, named after them.
        self._info = ModelInfo(name, width, revision, hash_files(directory, *graph.parent.glob(f"{graph.name}*")))

    @property
    def info(self) -> ModelInfo:
        return self._info

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), with the model's query prompt."""
        return self._encode(self._query_prompt, texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), with the model's document prompt; one text a core at a time."""
        return self._encode(self._passage_prompt, texts)

    def _encode(self, prompt: str, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self._info.dimension), dtype=np.float32)
        prompted = [prompt + text for text in texts]
        if self._lower:
            prompted = [text.lower() for text in prompted]
        # A batch of one would wake the tokenizer's threads for nothing.
        one = len(prompted) == 1
        encodings = [self._tokenizer.encode(prompted[0])] if one else self._tokenizer.encode_batch(prompted)
        work = [
            (row, encoding)
            for row, encoding, text in zip(vectors, encodings, texts, strict=True)
            if text.strip() and self._says_something(encoding)
        ]
        if len(work) == 1:
            self._fill(*work[0])
        elif work:
            with ThreadPoolExecutor(self._workers) as pool:
                list(pool.map(lambda pair: self._fill(*pair), work))
        return vectors

    def _says_something(self, encoding: Encoding) -> bool:
        """Whether one token is known; the unknown token's vector would say that all such texts mean the same."""
        special = encoding.special_tokens_mask
        return any(
            not mark and token not in self._meaningless for token, mark in zip(encoding.ids, special, strict=True)
        )

    def _fill(self, row: NDArray[np.float32], encoding: Encoding) -> None:
        ids = np.asarray([encoding.ids], dtype=np.int64)
        given = dict(zip(_GIVEN, (ids, np.ones_like(ids), np.zeros_like(ids)), strict=True))
        (tokens,) = self._session.run([self._output], {name: given[name] for name in self._inputs})
        # A text is alone in its batch, so that no padding has to be left out; the sum points where the mean does.
        pooled = np.add.reduce(tokens[0]) if self._pooling == "mean" else tokens[0, 0 if self._pooling == "cls" else -1]
        length = float(np.sqrt(pooled @ pooled))
        if length > 0.0:
            np.divide(pooled, length, out=row)


def _session_options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    # Several queries or passages run side by side; threads within one of them would only wait for each other.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Adding and normalising in one step takes half as long again as in two; a query is a sixth quicker without.
    options.add_session_config_entry("optimization.disable_specified_optimizers", "SkipLayerNormFusion")
    return options


def _graph_of(directory: Path) -> Path | None:
    return next((directory / name for name in GRAPHS if (directory / name).is_file()), None)


def _kind_of(module: dict[str, Any]) -> str:
    """The class of a module of the library; of one that comes with a model, whatever it may do, its whole name."""
    kind = str(module["type"])
    return kind.rsplit(".", 1)[-1] if kind.startswith("sentence_transformers.") else kind


def _pooling_of(directory: Path, modules: Sequence[dict[str, Any]]) -> str:
    """The name of the pooling, "" where there is none, more than one, or one that leaves the prompt out."""
    folder = next((str(module["path"]) for module in modules if _kind_of(module) == "Pooling"), None)
    settings = {} if folder is None else read_settings(directory / folder / "config.json")
    if not settings.get("include_prompt", True):
        return ""
    stated = settings.get("pooling_mode")
    if stated is None:  # releases of sentence-transformers before 6 write one switch a kind
        kinds = {"mean_tokens": "mean", "cls_token": "cls"}
        switches = [name.removeprefix("pooling_mode_") for name, on in settings.items() if on and "_mode_" in name]
        return kinds.get(switches[0], switches[0]) if len(switches) == 1 else ""
    return stated if isinstance(stated, str) else ""


def _transformer_settings(directory: Path) -> list[dict[str, Any]]:
    """What sentence-transformers says of its first module; older releases name the file after the architecture."""
    return [read_settings(file) for file in sorted(directory.glob("sentence_*_config.json"))]


def _longest(directory: Path) -> int:
    """Tokens of the longest text, marks included: what the model's files say, 512 where they say nothing."""
    stated = [settings.get("max_seq_length") for settings in _transformer_settings(directory)]
    tokenizer, body = (read_settings(directory / name) for name in ("tokenizer_config.json", "config.json"))
    bounds = [tokenizer.get("model_max_length"), body.get("max_position_embeddings")]
    # Tokenizers without a limit state an astronomical one.
    said, bound = (
        [value for value in values if isinstance(value, int) and 0 < value < 100_000] for values in (stated, bounds)
    )
    return said[0] if said else min(bound, default=512)
