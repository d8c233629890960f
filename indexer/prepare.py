"""Documents into columns: language, passages and words of each, found once. Runs in several processes.

Pure: the same document always gives the same row, so a row can be kept and used again (batches.py).
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from indexer.cut import cut
from kbsearch.index.arrays import hash_text, hash_texts, wide_hash
from kbsearch.index.corpus import Batch
from kbsearch.index.ragged import Ragged
from kbsearch.index.titles import title_key
from kbsearch.text.analyze import HEADING_WEIGHT, TAG_WEIGHT, TITLE_WEIGHT, is_stop_word, new_word_terms
from kbsearch.text.language import LanguageDetector, plausible_detector
from kbsearch.text.normalise import normalise
from kbsearch.text.words import places, surfaces
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
    vocabulary: list[tuple[str, str]] = []
    numbers_of: dict[str, _Numbers] = {}
    records, bodies, titles, title_keys, head_keys, counts = [], [], [], [], [], []
    texts, text_keys, bags, weights, starts, ends, found = [], [], [], [], [], [], []
    for ready in cuts:
        document = ready.document
        numbers = numbers_of.setdefault(document.lang, _Numbers(document.lang, vocabulary))
        records.append(orjson.dumps({name: getattr(document, name) for name in _RECORDED}))
        bodies.append(orjson.dumps([ready.html, ready.text]))
        title = [numbers[word] for word in surfaces(document.title)]
        titles.append(title)
        title_keys.append(title_key(document.title))
        head = head_text(document.title, document.tags)
        head_keys.append(wide_hash(head.encode()))
        counts.append(len(ready.passages))
        in_head = Counter({word: TITLE_WEIGHT * times for word, times in Counter(title).items()})
        for tag in document.tags:
            for word in surfaces(tag):
                in_head[numbers[word]] += TAG_WEIGHT
        for passage in ready.passages:
            text = passage.text
            texts.append(orjson.dumps([text, passage.headings]))
            text_keys.append(wide_hash(passage_text(head, passage).encode()))
            spans = places(text)
            body = [numbers[text[start:end]] for start, end in spans]
            bag = in_head.copy()
            for heading in surfaces("\n".join(passage.headings)):
                bag[numbers[heading]] += HEADING_WEIGHT
            bag.update(body)
            bags.append(list(bag))
            weights.append(list(bag.values()))
            starts.append([start for start, _ in spans])
            ends.append([end for _, end in spans])
            found.append(body)
    named = [f"{lang}\0{word}" for word, lang in vocabulary]
    analysed = [_word(word, lang) for word, lang in vocabulary]
    terms = Ragged.of_hashes([hashes for hashes, _ in analysed])
    heads = terms.values[terms.offsets[:-1]]
    stems = Ragged.of_numbers(found, np.int32)
    batch: dict[str, NDArray[Any]] = {
        "keys": _keys([document_key(document) for document in documents or [ready.document for ready in cuts]]),
        "title_keys": hash_texts(title_keys),
        "head_keys": _keys(head_keys),
        "passage_counts": np.asarray(counts, dtype=np.int32),
        "text_keys": _keys(text_keys),
        "word_keys": hash_texts(named),
        "heads": heads,
        "stops": np.asarray([stop for _, stop in analysed], dtype=np.bool_),
    }
    ragged = {
        "records": Ragged.of_bytes(records),
        "bodies": Ragged.of_bytes(bodies),
        "titles": Ragged.of_numbers(titles, np.int32),
        "texts": Ragged.of_bytes(texts),
        "bags": Ragged.of_numbers(bags, np.int32),
        "weights": Ragged.of_numbers(weights, np.int32),
        "starts": Ragged.of_numbers(starts, np.uint16),
        "ends": Ragged.of_numbers(ends, np.uint16),
        "stems": Ragged(heads[stems.values].astype(np.uint32), stems.offsets),
        "words": Ragged.of_bytes([name.encode() for name in named]),
        "terms": terms,
    }
    for name, rows in ragged.items():
        batch[name], batch[f"{name}.offsets"] = rows.values, rows.offsets
    return batch


class _Numbers(dict[str, int]):
    """The numbers of one language's words in a batch; a word that has none gets the next one."""

    def __init__(self, lang: str, vocabulary: list[tuple[str, str]]) -> None:
        self._lang, self._vocabulary = lang, vocabulary

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self._vocabulary)
        self._vocabulary.append((word, self._lang))
        return number


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
