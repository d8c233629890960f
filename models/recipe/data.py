"""Readers of ``shared/train`` and the text augmentation; first step of the recipe, imported by all others."""

from __future__ import annotations

import json
import lzma
import random
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_SHARED = REPOSITORY.parent / "shared"
DEFAULT_WORK = REPOSITORY / "var" / "train"

# How often a row of a source is drawn, relative to one row of ERP instructions (about 80 % of the lv and lt rows).
# Support snippets and interface strings are nearer to what people ask a help centre.
SOURCE_WEIGHT = {
    "ms-d365-finops": 0.6,
    "ms-d365-projops": 0.6,
    "ms-alchemyinsights": 3.0,
    "libreoffice": 0.6,
    "cldr": 3.0,  # everyday things, few and short
}
OTHER_SOURCE_WEIGHT = 2.0
# Latvian and Lithuanian come first, with English, then the neighbours; every other language counts 1.
LANGUAGE_WEIGHT = {"lv": 2.0, "lt": 2.0, "en": 2.0, "et": 1.5, "ru": 1.5, "pl": 1.5, "de": 1.25}

QUESTION_WORDS = frozenset((Path(__file__).parent / "question_words.txt").read_text(encoding="utf-8").split())


class MissingDataError(SystemExit):
    """The training or evaluation data is not where the path argument says."""


@dataclass(frozen=True, slots=True)
class ParallelRow:
    """One aligned sentence: English, its translation and the source it comes from."""

    english: str
    translation: str
    source: str


@dataclass(frozen=True, slots=True)
class PairRow:
    """One passage of an article with the title and heading that lead to it; ``path`` is shared by all languages."""

    path: str
    title: str
    heading: str
    passage: str
    source: str


def require(folder: Path) -> Path:
    """Return the folder, or end the program with one sentence when it is absent."""
    if not folder.is_dir():
        raise MissingDataError(f"No data in {folder}: pass --shared with the folder that holds train/ and eval/.")
    return folder


def training_folders(shared: Path, work: Path) -> list[Path]:
    """Return the folders with a ``train/``: the given one, and what ``interfaces.py`` collected if it has run."""
    more = work / "more"
    return [require(shared), more] if more.is_dir() else [require(shared)]


def languages(folders: Sequence[Path], kind: str) -> list[str]:
    """Return the codes of the languages with a file of this kind (``parallel`` or ``pairs``)."""
    return sorted({p.name.split(".")[0] for folder in folders for p in require(folder / "train" / kind).glob("*.xz")})


def _lines(folders: Sequence[Path], kind: str, name: str) -> Iterator[str]:
    for folder in folders:
        file = folder / "train" / kind / name
        if file.exists():
            with lzma.open(file, "rt", encoding="utf-8", newline="\n") as lines:
                yield from lines


def read_parallel(folders: Sequence[Path], language: str) -> Iterator[ParallelRow]:
    """Yield the aligned sentences of one language with English."""
    for line in _lines(folders, "parallel", f"{language}.tsv.xz"):
        english, translation, source, _ = line.rstrip("\n").split("\t")
        yield ParallelRow(english, translation, source)


def read_pairs(folders: Sequence[Path], language: str) -> Iterator[PairRow]:
    """Yield the title → passage rows of one language."""
    for line in _lines(folders, "pairs", f"{language}.jsonl.xz"):
        row = json.loads(line)
        yield PairRow(row["path"], row["title"], row["heading"], row["passage"], row["source"])


def source_weight(source: str) -> float:
    """Return how often a row of this source is drawn."""
    return SOURCE_WEIGHT.get(source, OTHER_SOURCE_WEIGHT)


def strip_diacritics(text: str) -> str:
    """Drop combining marks: ``ēdieni`` → ``edieni``."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def add_typo(text: str, rng: random.Random) -> str:
    """Drop, double or swap one letter of one longer word."""
    words = text.split(" ")
    candidates = [i for i, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not candidates:
        return text
    i = rng.choice(candidates)
    word = words[i]
    at = rng.randrange(1, len(word) - 1)
    kind = rng.random()
    if kind < 0.4:
        words[i] = word[:at] + word[at + 1 :]
    elif kind < 0.6:
        words[i] = word[:at] + word[at] + word[at:]
    else:
        words[i] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def as_query(text: str, rng: random.Random) -> str:
    """Write a title the way people type: sometimes without question words, marks or end punctuation, with a typo."""
    if rng.random() < 0.4:
        kept = [word for word in text.split() if word.lower().strip("?.,!") not in QUESTION_WORDS]
        if len(kept) >= 2:
            text = " ".join(kept)
    if rng.random() < 0.5:
        text = text.rstrip("?.! ")
    if rng.random() < 0.25:
        text = add_typo(text, rng)
    return text
