"""Tokenise all training texts once; step 3 of the recipe.

Takes ``shared/train``, ``english.jsonl`` and ``tokenizer.json``; gives ``corpus.npz``: ragged token arrays of the
parallel sentences, of their English side, and of titles, headings and passages.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from data import (
    DEFAULT_SHARED,
    DEFAULT_WORK,
    LANGUAGE_WEIGHT,
    MissingDataError,
    add_typo,
    as_query,
    languages,
    read_pairs,
    read_parallel,
    source_weight,
    training_folders,
)
from numpy.typing import NDArray
from teacher import load_english
from tokenizers import Tokenizer

MAX_WORDS = 160  # of a text; passages have at most 150
TYPO_SHARE = 0.25  # of the sentences have a copy with a typo


@dataclass(slots=True)
class Ragged:
    """Rows of different lengths in one flat array; row i is ``flat[offsets[i] : offsets[i + 1]]``."""

    flat: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """Return the given rows, in order."""
        starts, lengths = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        index = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        return Ragged(self.flat[index], offsets)

    def drop(self, share: float, rng: np.random.Generator) -> Ragged:
        """Return the rows without a random share of their tokens; the first token of a row always stays."""
        kept = rng.random(len(self.flat)) >= share
        kept[self.offsets[:-1][np.diff(self.offsets) > 0]] = True
        counts = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])
        return Ragged(self.flat[kept], counts[self.offsets])

    @staticmethod
    def concatenate(parts: Sequence[Ragged]) -> Ragged:
        """Return the rows of all parts below each other."""
        shifts = np.cumsum([0] + [int(part.offsets[-1]) for part in parts[:-1]])
        ends = [part.offsets[1:] + shift for part, shift in zip(parts, shifts, strict=True)]
        return Ragged(np.concatenate([part.flat for part in parts]), np.concatenate([np.zeros(1, np.int64), *ends]))


@dataclass(slots=True)
class Corpus:
    """All training texts as token ids; ``english`` holds rows of the teacher's matrix.

    The rows of ``translation`` that follow the last sentence are copies with a typo: sentence i's is row ``typo[i]``,
    which is i itself for one without a copy.
    """

    english_tokens: Ragged
    english: NDArray[np.int64]
    translation: Ragged
    typo: NDArray[np.int64]
    weight: NDArray[np.float64]
    title: Ragged
    query: Ragged
    passage: Ragged
    path: NDArray[np.int64]
    language: NDArray[np.int64]
    has_heading: NDArray[np.bool_]
    pair_weight: NDArray[np.float64]


def tokenize(tokenizer: Tokenizer, texts: Iterable[str]) -> Ragged:
    """Encode texts, each cut to MAX_WORDS; every different word is encoded once, as words never share a token."""
    numbers: dict[str, int] = {}
    sequence: list[int] = []
    ends = [0]
    for text in texts:
        sequence.extend([numbers.setdefault(word, len(numbers)) for word in text.split()[:MAX_WORDS]])
        ends.append(len(sequence))
    encodings = tokenizer.encode_batch_fast(list(numbers), add_special_tokens=False)
    lengths = np.array([len(encoding.ids) for encoding in encodings], np.int64)
    flat = np.fromiter((token for encoding in encodings for token in encoding.ids), np.int32, int(lengths.sum()))
    words = Ragged(flat, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))
    tokens = words.take(np.array(sequence, np.int64))
    return Ragged(tokens.flat, tokens.offsets[np.array(ends)])


def build(folders: Sequence[Path], work: Path, tokenizer_file: Path, seed: int) -> Corpus:
    """Read, tokenise and index everything."""
    rng = random.Random(seed)
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    texts = load_english(work)
    row_of = {text: row for row, text in enumerate(texts)}
    english: list[int] = []
    translations: list[str] = []
    weight: list[float] = []
    for language in languages(folders, "parallel"):
        for row in read_parallel(folders, language):
            if row.english not in row_of:
                raise MissingDataError(
                    f"{work / 'english.jsonl'} lacks sentences of the training data, which has grown since: remove it "
                    "and teacher.*, and run teacher.py again."
                )
            english.append(row_of[row.english])
            translations.append(row.translation)
            weight.append(source_weight(row.source) * LANGUAGE_WEIGHT.get(language, 1.0))
    typo = np.arange(len(translations))
    misspelt = np.flatnonzero([rng.random() < TYPO_SHARE for _ in translations])
    typo[misspelt] = len(translations) + np.arange(len(misspelt))
    copies = [add_typo(translations[row], rng) for row in misspelt]

    path_ids: dict[str, int] = {}
    codes = languages(folders, "pairs")
    pairs = [(code, row) for code in codes for row in read_pairs(folders, code)]
    queries = [as_query(f"{row.title} {row.heading}".strip(), rng) for _, row in pairs]
    return Corpus(
        english_tokens=tokenize(tokenizer, texts),
        english=np.array(english),
        translation=tokenize(tokenizer, translations + copies),
        typo=typo,
        weight=np.array(weight),
        title=tokenize(tokenizer, (as_query(row.title, rng) for _, row in pairs)),
        query=tokenize(tokenizer, queries),
        passage=tokenize(tokenizer, (row.passage for _, row in pairs)),
        path=np.array([path_ids.setdefault(row.path, len(path_ids)) for _, row in pairs]),
        language=np.array([codes.index(code) for code, _ in pairs]),
        has_heading=np.array([bool(row.heading) for _, row in pairs]),
        pair_weight=np.array([source_weight(row.source) * LANGUAGE_WEIGHT.get(code, 1.0) for code, row in pairs]),
    )


def save(corpus: Corpus, path: Path) -> None:
    """Write the corpus; ``load`` is the inverse."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in Corpus.__slots__:
        value = getattr(corpus, name)
        if isinstance(value, Ragged):
            small = np.uint16 if value.flat.max(initial=0) < 1 << 16 else np.int32
            arrays[f"{name}.flat"], arrays[f"{name}.offsets"] = value.flat.astype(small), value.offsets
        else:
            arrays[name] = value
    np.savez(path, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> Corpus:
    """Read what ``save`` wrote."""
    with np.load(path) as arrays:
        fields: dict[str, Any] = {
            name: Ragged(arrays[f"{name}.flat"].astype(np.int32), arrays[f"{name}.offsets"])
            if f"{name}.flat" in arrays.files
            else arrays[name]
            for name in Corpus.__slots__
        }
    return Corpus(**fields)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK)
    parser.add_argument("--tokenizer", type=Path, default=DEFAULT_WORK / "tokenizer.json")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    corpus = build(training_folders(args.shared, args.work), args.work, args.tokenizer, args.seed)
    save(corpus, args.work / "corpus.npz")
    print(f"{len(corpus.english)} parallel rows, {len(corpus.path)} title → passage rows in {args.work / 'corpus.npz'}")


if __name__ == "__main__":
    main()
