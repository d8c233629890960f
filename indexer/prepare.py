"""Documents into columns: language, passages and words of each, found once. Runs in several processes.

Pure: the same document always gives the same row, so a row can be kept and used again (batches.py).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from indexer.cut import cut
from indexer.wording import Wording, wording
from kbsearch.index.arrays import hash_text, hash_texts, wide_hash
from kbsearch.index.corpus import Batch
from kbsearch.index.ragged import Ragged
from kbsearch.index.titles import title_key
from kbsearch.text.analyze import HEADING_WEIGHT, TAG_WEIGHT, TITLE_WEIGHT, is_stop_word, new_word_terms
from kbsearch.text.language import LanguageDetector, plausible_detector
from kbsearch.text.normalise import normalise
from kbsearch.types import CutDocument, Document, Passage

WORD = re.compile(r"[^\W\d_]{3}")
_RECORDED = tuple(field.name for field in fields(Document) if field.name not in ("body", "format"))


def document_key(document: Document) -> bytes:
    """16 bytes that stand for everything a document's row depends on."""
    return wide_hash(orjson.dumps(document))


def prepare(documents: Sequence[Document]) -> Batch:
    """Cut and analyse documents, one row each."""
    return columns([cut(with_language(tidy(document))) for document in documents], documents)


def columns(cuts: Sequence[CutDocument], documents: Sequence[Document] | None = None) -> Batch:
    """The columns of cut documents; `documents` are what they were cut from."""
    ready = [found.document for found in cuts]
    passages = [passage for found in cuts for passage in found.passages]
    owner = np.repeat(np.arange(len(cuts)), [len(found.passages) for found in cuts])
    heads = [head_text(document.title, document.tags) for document in ready]
    head_of = [heads[number] for number in owner.tolist()]
    read = _words_of(ready, passages, owner)
    analysed = [_word(word, lang) for word, lang in read.vocabulary]
    named = [f"{lang}\0{word}" for word, lang in read.vocabulary]
    terms = Ragged.of_hashes([hashes for hashes, _ in analysed])
    stem_terms = terms.values[terms.offsets[:-1]]
    bounds = list(pairwise(accumulate((len(cuts), len(cuts), len(passages), len(passages)), initial=0)))
    titles, tags, headings, words = (read.numbers.part(*rows) for rows in bounds)
    starts, ends = read.starts.part(*bounds[-1]), read.ends.part(*bounds[-1])
    counted = (titles.at(owner), TITLE_WEIGHT), (tags.at(owner), TAG_WEIGHT), (headings, HEADING_WEIGHT), (words, 1)
    bags, weights = _bags(counted, len(passages), max(1, len(read.vocabulary)))
    batch: dict[str, NDArray[Any]] = {
        "keys": _keys([document_key(document) for document in documents or ready]),
        "title_keys": hash_texts(title_key(document.title) for document in ready),
        "head_keys": _keys([wide_hash(head.encode()) for head in heads]),
        "passage_counts": np.bincount(owner, minlength=len(cuts)).astype(np.int32),
        "text_keys": _keys([wide_hash(passage_text(*pair).encode()) for pair in zip(head_of, passages, strict=True)]),
        "word_keys": hash_texts(named),
        "heads": stem_terms,
        "stops": np.asarray([stop for _, stop in analysed], dtype=np.bool_),
    }
    ragged = {
        "records": Ragged.of_bytes([orjson.dumps({name: getattr(one, name) for name in _RECORDED}) for one in ready]),
        "bodies": Ragged.of_bytes([orjson.dumps([found.html, found.text]) for found in cuts]),
        "titles": titles,
        "texts": Ragged.of_bytes([orjson.dumps([passage.text, passage.headings]) for passage in passages]),
        "bags": bags,
        "weights": weights,
        "starts": Ragged(starts.values.astype(np.uint16), starts.offsets),
        "ends": Ragged(ends.values.astype(np.uint16), ends.offsets),
        "stems": Ragged(stem_terms[words.values].astype(np.uint32), words.offsets),
        "words": Ragged.of_bytes([name.encode() for name in named]),
        "terms": terms,
    }
    for name, rows in ragged.items():
        batch[name], batch[f"{name}.offsets"] = rows.values, rows.offsets
    return batch


def _words_of(documents: Sequence[Document], passages: Sequence[Passage], owner: NDArray[np.int64]) -> Wording:
    """The words of the titles, of the tags, of the passages' headings and of their texts, in this order."""
    langs = [document.lang for document in documents]
    lang_of = [langs[number] for number in owner.tolist()]
    return wording(
        [
            *(document.title for document in documents),
            *("\n".join(document.tags) for document in documents),
            *("\n".join(passage.headings) for passage in passages),
            *(passage.text for passage in passages),
        ],
        [*langs, *langs, *lang_of, *lang_of],
    )


def _bags(counted: Iterable[tuple[Ragged, int]], passages: int, size: int) -> tuple[Ragged, Ragged]:
    """The words of each passage, each once, and how much each counts there.

    `counted`: words of each passage, and how much one of them counts; `size`: how many different words there are.
    """
    pairs, weights = [], []
    for words, weight in counted:
        pairs.append(np.repeat(np.arange(passages), np.diff(words.offsets)) * size + words.values)
        weights.append(np.full(len(words.values), weight))
    held, which = np.unique(np.concatenate(pairs), return_inverse=True)
    times = np.bincount(which, weights=np.concatenate(weights), minlength=len(held)).astype(np.int32)
    offsets = np.searchsorted(held, np.arange(passages + 1) * size)
    return Ragged((held % size).astype(np.int32), offsets), Ragged(times, offsets)


def tidy(document: Document) -> Document:
    """The document with its title normalised."""
    return replace(document, title=normalise(document.title).replace("\n", " "))


def with_language(document: Document, detector: LanguageDetector | None = None) -> Document:
    """The document with its language, detected where the source does not say; "und" where nothing can be told."""
    if document.lang:
        return document
    guesses = (detector or plausible_detector()).detect(f"{document.title}\n{document.body}")
    return replace(document, lang=guesses[0].lang if guesses else "und")


def head_text(title: str, tags: Sequence[str]) -> str:
    """What is embedded of a whole document: what its editor says that it is about."""
    return "\n".join((title, ", ".join(tags))) if tags else title


def passage_text(head: str, passage: Passage) -> str:
    """What is embedded of a passage: it reads best below its document's head and its own headings.

    A head without a word ("No. 12", "§ 4.2") is left out: it says nothing and would blur what the passage says.
    """
    return "\n".join((*([head] if WORD.search(head) else []), *passage.headings, passage.text))


def _keys(keys: Sequence[bytes]) -> NDArray[np.uint64]:
    """Shape (len(keys), 2)."""
    return np.frombuffer(b"".join(keys), dtype=np.uint64).reshape(-1, 2)


@lru_cache(maxsize=500_000)  # some 150 MB
def _word(word: str, lang: str) -> tuple[bytes, bool]:
    """A word's term hashes as bytes, that of its stem first, and whether it is a stop word."""
    return array("Q", map(hash_text, new_word_terms(word, lang))).tobytes(), is_stop_word(word, lang)
