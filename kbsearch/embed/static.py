"""Static embeddings without torch: a text is the mean of its tokens' rows, made unit length.

Reads a sentence-transformers directory whose module is `StaticEmbedding`, with int8 rows and one scale a row
(the layout of model2vec): `embeddings` (vocabulary, dimension) int8 and `weights` (vocabulary,) float32.
Tulkens & van Dongen, "Model2Vec" (2024); Arora et al., "A simple but tough-to-beat baseline" (2017).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from kbsearch.embed.directory import hash_files
from kbsearch.embed.protocol import ModelInfo, Vectors
from kbsearch.errors import ModelError
from kbsearch.index.kernels import add_rows

WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"
# What is left of a text of which no part is known: the beginning of a word, and the unknown.
MEANINGLESS_TOKENS = ("\u2581", "[UNK]")

# Words whose tokens are remembered: some 100 MB.
_MAX_MEMO = 500_000
_TOKEN = np.dtype(np.int32)


def is_static_model(directory: Path) -> bool:
    """Whether the directory holds a static model in the layout that this module reads."""
    weights = directory / WEIGHTS_FILE
    if not weights.is_file() or not (directory / TOKENIZER_FILE).is_file():
        return False
    try:
        with safe_open(weights, framework="numpy") as tensors:
            # Rows of another kind, or shared by tokens ("mapping"), are left to sentence-transformers.
            ours = set(tensors.keys()) == {"embeddings", "weights"}
            return ours and tensors.get_slice("embeddings").get_dtype() == "I8"
    except (SafetensorError, OSError):
        return False


class StaticEmbedder:
    """Encodes a query in tens of microseconds; the same vectors alone, in a batch, and on every run."""

    def __init__(self, directory: Path, name: str, revision: str) -> None:
        try:
            with safe_open(directory / WEIGHTS_FILE, framework="numpy") as tensors:
                self._scales: NDArray[np.float32] = tensors.get_tensor("weights").astype(np.float32)
            self._rows = _map_rows(directory / WEIGHTS_FILE)
            self._tokenizer = Tokenizer.from_file(str(directory / TOKENIZER_FILE))
        except Exception as cause:  # tokenizers and safetensors raise bare exceptions of their own
            raise ModelError(
                f"The model in {directory} cannot be read ({cause}); reinstall kbsearch or name another model."
            ) from cause
        tokens = max(self._tokenizer.get_vocab().values(), default=-1) + 1
        if not len(self._scales) == len(self._rows) >= tokens:  # rows are added up without looking at where they end
            raise ModelError(
                f"The model in {directory} has {tokens} tokens, but {len(self._rows)} rows and {len(self._scales)} "
                "weights; its files are not of one model: reinstall kbsearch or name another model."
            )
        self._meaningless = {self._tokenizer.token_to_id(token) for token in MEANINGLESS_TOKENS}
        self._by_word = _cuts_at_spaces(self._tokenizer)
        self._memo: dict[str, bytes] = {}
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._info = ModelInfo(
            name=name,
            dimension=int(self._rows.shape[1]),
            revision=revision,
            files_sha256=hash_files(directory, directory / WEIGHTS_FILE),
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension)."""
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension); a static model treats queries and passages alike."""
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        tokens = [self._without_meaning(found) for found in self._tokens(texts)]
        ends = accumulate([len(found) // _TOKEN.itemsize for found in tokens], initial=0)
        offsets = np.fromiter(ends, np.int64, len(tokens) + 1)
        vectors = np.zeros((len(texts), self._info.dimension), dtype=np.float32)
        add_rows(self._rows, self._scales, np.frombuffer(b"".join(tokens), _TOKEN), offsets, vectors)
        return vectors

    def _without_meaning(self, tokens: bytes) -> bytes:
        """A text's tokens; none where not one of them is known.

        Such a text means nothing to the model; the unknown token's row would say that it means the same as every other
        such text.
        """
        # Nearly always the first one is known; Python's own numbers are looked up sooner than NumPy's.
        return b"" if all(token in self._meaningless for token in memoryview(tokens).cast("i")) else tokens

    def _tokens(self, texts: Sequence[str]) -> Iterator[bytes]:
        """The token numbers of each text.

        Where the tokenizer cuts at white space first, each word is looked at once: a help centre says the same words
        over and over.
        """
        if not self._by_word:
            yield from self._one_by_one(texts)
            return
        # Another thread may replace the memory at any moment, so it is looked at once.
        memo = self._memo
        split = [text.split() for text in texts]
        new = {word for words in split for word in words if word not in memo}
        if new:
            if len(memo) + len(new) > _MAX_MEMO:
                self._memo = memo = {word: memo[word] for words in split for word in words if word in memo}
            memo.update(self._of_words(list(new)))
        for words in split:
            yield b"".join([memo[word] for word in words])

    def _of_words(self, words: Sequence[str]) -> dict[str, bytes]:
        """The token numbers of words."""
        letters = [word for word in words if word.isalpha()]
        others = [word for word in words if not word.isalpha()]
        return dict(zip(letters + others, chain(self._as_one_text(letters), self._one_by_one(others)), strict=True))

    def _as_one_text(self, words: Sequence[str]) -> Iterator[bytes]:
        """The token numbers of each word of letters: as one text that is cut already, they cost less."""
        encoding = self._tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
        # Of some letters nothing is left, and some are written with a mark between words (ŀ).
        pieces = np.bincount(np.asarray(encoding.word_ids, dtype=np.int64), minlength=len(words))
        tokens = np.asarray(encoding.ids, dtype=_TOKEN).tobytes()
        ends = np.cumsum(pieces) * _TOKEN.itemsize
        return (tokens[start:end] for start, end in pairwise([0, *ends.tolist()]))

    def _one_by_one(self, texts: Sequence[str]) -> Iterator[bytes]:
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return (np.asarray(encoding.ids, dtype=_TOKEN).tobytes() for encoding in encodings)


def _cuts_at_spaces(tokenizer: Tokenizer) -> bool:
    """Whether the tokens of a text are those of its words: true where white space is cut at before anything else."""
    step = json.loads(tokenizer.to_str())["pre_tokenizer"] or {}
    while step.get("type") == "Sequence":
        step = step["pretokenizers"][0]
    return bool(step.get("type") == "WhitespaceSplit")


def _map_rows(file: Path) -> NDArray[np.int8]:
    """The rows as they lie in the file: workers share its pages, where reading would give each its own 25 MB.

    Layout of a safetensors file: eight bytes with the length of a JSON header, the header, then the tensors.
    """
    with file.open("rb") as content:
        size = int.from_bytes(content.read(8), "little")
        entry = json.loads(content.read(size))["embeddings"]
    start, shape = 8 + size + entry["data_offsets"][0], tuple(entry["shape"])
    if entry["dtype"] != "I8":
        raise ModelError(f"{file} holds rows of {entry['dtype']}, not of I8; name another model.")
    return np.memmap(file, dtype=np.int8, mode="r", offset=start, shape=shape).view(np.ndarray)
