"""Train the subword vocabulary shared by all models; step 1 of the recipe.

Takes ``shared/train``; gives ``tokenizer.json``. Lower case and the removal of diacritics live in its normalizer, so
every reader of the file agrees and a query typed without diacritics gets the same vector as one typed with them.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from data import DEFAULT_SHARED, DEFAULT_WORK, LANGUAGE_WEIGHT, languages, read_pairs, read_parallel, source_weight
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

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


def sample_texts(shared: Path, per_language: int, seed: int) -> Iterator[str]:
    """Yield about ``per_language`` × language weight texts of each language, sources weighted, plus English."""
    rng = random.Random(seed)
    english: set[str] = set()
    for language in languages(shared, "parallel"):
        rows = list(read_parallel(shared, language))
        rows += [row for row in rows if source_weight(row.source) > 1]  # twice: rarer, more varied words
        english.update(row.english for row in rows)
        wanted = int(per_language * LANGUAGE_WEIGHT.get(language, 1.0))
        for row in rng.sample(rows, min(wanted, len(rows))):
            yield row.translation
    passages = [row.passage for row in read_pairs(shared, "en")]
    wanted = int(per_language * LANGUAGE_WEIGHT["en"])
    yield from rng.sample(sorted(english), min(wanted, len(english)))
    yield from rng.sample(passages, min(wanted // 4, len(passages)))


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
    parser.add_argument("--out", type=Path, default=DEFAULT_WORK / "tokenizer.json")
    parser.add_argument("--model", choices=["unigram", "wordpiece"], default="unigram")
    parser.add_argument("--size", type=int, default=64_000, help="number of tokens")
    parser.add_argument("--per-language", type=int, default=20_000, help="texts sampled per language of weight 1")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    args.out.parent.mkdir(parents=True, exist_ok=True)
    train = train_unigram if args.model == "unigram" else train_wordpiece
    tokenizer = train(sample_texts(args.shared, args.per_language, args.seed), args.size)
    save(tokenizer, args.out)
    print(f"{tokenizer.get_vocab_size()} tokens, {args.out.stat().st_size / 1e6:.1f} MB in {args.out}")


if __name__ == "__main__":
    main()
