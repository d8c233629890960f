"""Documents into columns: language, passages and words of each, found once. Runs in several processes.

Pure: the same document always gives the same row, so a row can be kept and used again (batches.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from indexer.cut import cut
from kbsearch.index.arrays import hash_texts, wide_hash
from kbsearch.index.corpus import Batch
from kbsearch.index.ragged import Ragged
from kbsearch.index.titles import title_key
from kbsearch.text.analyze import HEADING_WEIGHT, TAG_WEIGHT, TITLE_WEIGHT, is_stop_word, word_terms
from kbsearch.text.language import LanguageDetector, plausible_detector
from kbsearch.text.normalise import normalise
from kbsearch.text.stems import stem_terms
from kbsearch.text.words import surfaces, words
from kbsearch.types import CutDocument, Document, Passage

WORD = re.compile(r"[^\W\d_]{3}")


def document_key(document: Document) -> bytes:
    """16 bytes that stand for everything a document's row depends on."""
    return wide_hash(orjson.dumps(document))


def prepare(documents: Sequence[Document]) -> Batch:
    """Cut and analyse documents, one row each."""
    return columns([cut(with_language(tidy(document))) for document in documents], documents)


def columns(cuts: Sequence[CutDocument], documents: Sequence[Document] | None = None) -> Batch:
    """The columns of cut documents; `documents` are what they were cut from."""
    vocabulary: dict[tuple[str, str], int] = {}
    records, bodies, titles, title_keys, head_keys, counts = [], [], [], [], [], []
    texts, text_keys, bags, weights, starts, ends, stems = [], [], [], [], [], [], []

    def number(word: str, lang: str) -> int:
        return vocabulary.setdefault((word, lang), len(vocabulary))

    for ready in cuts:
        document, lang = ready.document, ready.document.lang
        record = asdict(document)
        del record["body"], record["format"]
        records.append(orjson.dumps(record))
        bodies.append(orjson.dumps([ready.html, ready.text]))
        title = [number(word, lang) for word in surfaces(document.title)]
        titles.append(title)
        title_keys.append(title_key(document.title))
        head = head_text(document.title, document.tags)
        head_keys.append(wide_hash(head.encode()))
        counts.append(len(ready.passages))
        in_head = Counter({word: TITLE_WEIGHT * times for word, times in Counter(title).items()})
        for tag in document.tags:
            for word in surfaces(tag):
                in_head[number(word, lang)] += TAG_WEIGHT
        for passage in ready.passages:
            texts.append(orjson.dumps([passage.text, passage.headings]))
            text_keys.append(wide_hash(passage_text(head, passage).encode()))
            placed = words(passage.text)
            body = [number(word.text, lang) for word in placed]
            bag = in_head.copy()
            for heading in surfaces("\n".join(passage.headings)):
                bag[number(heading, lang)] += HEADING_WEIGHT
            bag.update(body)
            bags.append(list(bag))
            weights.append(list(bag.values()))
            starts.append([word.start for word in placed])
            ends.append([word.end for word in placed])
            stems.append(body)
    entries = [_word(word, lang) for word, lang in vocabulary]
    heads = np.asarray([head for _, head, _ in entries], dtype=np.uint64)
    named = [f"{lang}\0{word}" for word, lang in vocabulary]
    found = Ragged.of_numbers(stems, np.int32)
    batch: dict[str, NDArray[Any]] = {
        "keys": _keys([document_key(document) for document in documents or [ready.document for ready in cuts]]),
        "title_keys": hash_texts(title_keys),
        "head_keys": _keys(head_keys),
        "passage_counts": np.asarray(counts, dtype=np.int32),
        "text_keys": _keys(text_keys),
        "word_keys": hash_texts(named),
        "heads": heads,
        "stops": np.asarray([stop for _, _, stop in entries], dtype=np.bool_),
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
        "stems": Ragged(heads[found.values].astype(np.uint32), found.offsets),
        "words": Ragged.of_bytes([name.encode() for name in named]),
        "terms": Ragged.of_hashes([terms for terms, _, _ in entries]),
    }
    for name, rows in ragged.items():
        batch[name], batch[f"{name}.offsets"] = rows.values, rows.offsets
    return batch


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


@lru_cache(maxsize=200_000)
def _word(word: str, lang: str) -> tuple[bytes, int, bool]:
    """A word's term hashes as bytes, the hash of its stem term, and whether it is a stop word."""
    head = int(hash_texts(stem_terms(word, lang)[:1])[0])
    return hash_texts(word_terms(word, lang)).tobytes(), head, is_stop_word(word, lang)
