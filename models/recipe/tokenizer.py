"""Train the subword vocabulary shared by all models; step 1 of the recipe.

Takes ``shared/train``; gives ``tokenizer.json``. Lower case and the removal of diacritics live in its normalizer, so
every reader of the file agrees and a query typed without diacritics gets the same vector as one typed with them.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from data import (
    DEFAULT_SHARED,
    DEFAULT_WORK,
    LANGUAGE_WEIGHT,
    languages,
    read_pairs,
    read_parallel,
    source_weight,
    training_folders,
)
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

LEAST = 1.5  # a word counted less often, one of a single row of business software, is left out
UNKNOWN = "[UNK]"
# Letters that Unicode does not decompose, mapped to what people type instead.
PLAIN_LETTERS = {"ł": "l", "đ": "d", "ø": "o", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ς": "σ"}


def normalizer() -> normalizers.Normalizer:
    """Return lower case → compatibility decomposition → no combining marks → plain letters."""
    steps: list[normalizers.Normalizer] = [normalizers.Lowercase(), normalizers.NFKD(), normalizers.StripAccents()]
    steps += [normalizers.Replace(letter, plain) for letter, plain in PLAIN_LETTERS.items()]
    # Soft hyphens, zero-width characters and other controls vanish; line breaks become spaces.
    steps += [normalizers.Replace(Regex(r"[\u00ad\u200b-\u200f\u2060\ufeff]"), "")]
    return normalizers.Sequence(steps)


def train_unigram(texts: Iterator[str], size: int) -> Tokenizer:
    """Train a Unigram model over words that start with ``▁``; punctuation marks are tokens of their own."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Metaspace()]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=size, unk_token=UNKNOWN, special_tokens=[UNKNOWN], max_piece_length=20, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train_wordpiece(texts: Iterator[str], size: int) -> Tokenizer:
    """Train a WordPiece model over words; punctuation marks are tokens of their own."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=[UNKNOWN], limit_alphabet=600, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def word_counts(folders: Sequence[Path], power: float) -> dict[str, float]:
    """Count the words of every language and of English, rows by source; return each count ** ``power``, by language.

    A power below 1 gives rare words a say: four fifths of the rows are business software, whose words would fill the
    vocabulary and leave ``parking`` in pieces.
    """
    total: Counter[str] = Counter()

    def add(texts: Iterable[tuple[str, float]], language: str) -> None:
        counts: Counter[str] = Counter()
        for text, weight in texts:
            for word in text.lower().split():
                counts[word] += weight  # type: ignore[assignment]
        for word, count in counts.items():
            if count >= LEAST:
                total[word] += LANGUAGE_WEIGHT.get(language, 1.0) * count**power  # type: ignore[assignment]

    english: dict[str, float] = {}
    for language in languages(folders, "parallel"):
        rows = list(read_parallel(folders, language))
        english.update((row.english, source_weight(row.source)) for row in rows)
        add(((row.translation, source_weight(row.source)) for row in rows), language)
    add(english.items(), "en")
    add(((row.passage, source_weight(row.source)) for row in read_pairs(folders, "en")), "en")
    return total


def repeated(counts: dict[str, float], seed: int) -> Iterator[str]:
    """Yield each word about twice as often as its count, halves by chance: a trainer counts in whole numbers."""
    rng = random.Random(seed)
    for word, count in counts.items():
        times = int(2 * count + rng.random())
        if times:
            yield " ".join([word] * times)


def save(tokenizer: Tokenizer, path: Path) -> None:
    """Write the tokenizer in one line, with Unigram scores cut to four decimals to save a third of the file."""
    content = json.loads(tokenizer.to_str())
    if content["model"]["type"] == "Unigram":
        content["model"]["vocab"] = [[piece, round(score, 4)] for piece, score in content["model"]["vocab"]]
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    partial.rename(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK, help="folder of what interfaces.py collected")
    parser.add_argument("--out", type=Path, default=DEFAULT_WORK / "tokenizer.json")
    parser.add_argument("--model", choices=["unigram", "wordpiece"], default="unigram")
    parser.add_argument("--size", type=int, default=64_000, help="number of tokens")
    parser.add_argument("--power", type=float, default=0.5, help="of the words' counts; 1 leaves them as they are")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    args.out.parent.mkdir(parents=True, exist_ok=True)
    train = train_unigram if args.model == "unigram" else train_wordpiece
    tokenizer = train(repeated(word_counts(training_folders(args.shared, args.work), args.power), args.seed), args.size)
    save(tokenizer, args.out)
    print(f"{tokenizer.get_vocab_size()} tokens, {args.out.stat().st_size / 1e6:.1f} MB in {args.out}")


if __name__ == "__main__":
    main()
