"""The words of many texts, found and numbered all at once: a fraction of what they cost one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.arrays import hash_texts
from kbsearch.index.ragged import Ragged
from kbsearch.text.words import MARK, places

# Code points of the texts that are read together: each takes some 40 bytes meanwhile.
_AT_ONCE = 1_000_000
# An odd number has an inverse among 64-bit numbers. These are π and e, of which nobody chose the digits.
_BASE = np.uint64(0x3243F6A8885A308D)
_INVERSE = np.uint64(pow(int(_BASE), -1, 2**64))
_SPREAD = np.uint64(0xB7E151628AED2A6B)
# What code points are to `places_at_once`; the last one stands for all from there on.
_OTHER, _LETTER, _SPACE, _STOP, _INTRICATE = range(5)
_LAST = 0xFFFF


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of texts; what is ragged has a row for each text."""

    numbers: Ragged
    """Which of the vocabulary each word is."""
    starts: Ragged
    ends: Ragged
    """Where it stands, in code points."""
    vocabulary: list[tuple[str, str]]
    """Each different word, and its language."""


def wording(texts: Sequence[str], langs: Sequence[str]) -> Wording:
    """The words of some texts, each in its language, as `kbsearch.text.words.words` finds them."""
    parts = [_found(texts[begin:end], begin) for begin, end in _together(texts)]
    owner, starts, ends, keys = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    # The same letters are another word in another language.
    _, first, numbers = np.unique(keys ^ hash_texts(langs)[owner], return_index=True, return_inverse=True)
    offsets = np.searchsorted(owner, np.arange(len(texts) + 1))
    met = zip(owner[first].tolist(), starts[first].tolist(), ends[first].tolist(), strict=True)
    return Wording(
        Ragged(numbers.astype(np.int32), offsets),
        Ragged(starts, offsets),
        Ragged(ends, offsets),
        [(texts[text][start:end], langs[text]) for text, start, end in met],
    )


def places_at_once(codes: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each of the words of a text starts and where it ends, as `kbsearch.text.words.places` says, but for a text
    as its code points and, where it is long, several times faster.

    No word goes beyond white space. A piece between white space that holds nothing but letters and marks that never
    stand in a word has the words that its letters make; only the other pieces are read by the expression.
    """
    kinds = _kinds().take(codes, mode="clip")
    space = kinds == _SPACE
    before_space = np.append(space[1:], True)[: len(space)]
    piece = np.cumsum(space)
    holds_one = np.zeros(len(codes) + 1, dtype=np.bool_)
    holds_one[piece[(kinds == _INTRICATE) | ((kinds == _STOP) & ~before_space)]] = True
    intricate = holds_one[piece]
    edges = np.diff(((kinds == _LETTER) & ~intricate).astype(np.int8), prepend=0, append=0)
    starts, ends = edges == 1, edges == -1
    where = np.flatnonzero(intricate)
    read = np.asarray(places(codes[where].tobytes().decode("utf-32-le")), dtype=np.int64).reshape(-1, 2)
    starts[where[read[:, 0]]] = True
    ends[where[read[:, 1] - 1] + 1] = True
    return np.flatnonzero(starts), np.flatnonzero(ends)


@cache
def _kinds() -> NDArray[np.uint8]:
    """What each code point is to `places_at_once`."""
    every = "".join(map(chr, range(_LAST + 1)))
    kinds = np.full(_LAST + 1, _OTHER, dtype=np.uint8)
    # Later ones overrule earlier ones. A full stop or a colon before white space joins nothing.
    for kind, expression in (
        (_LETTER, r"[^\W\d_]"),
        (_SPACE, r"\s"),
        (_STOP, r"[.:]"),
        (_INTRICATE, rf"[\d_@+#‐‑'’·{MARK}-]"),
    ):
        kinds[[found.start() for found in re.finditer(expression, every)]] = kind
    kinds[_LAST] = _INTRICATE
    return kinds


def _together(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The first text and the one after the last of each group that is read together; one group at least."""
    begin = size = 0
    for number, text in enumerate(texts):
        if size > _AT_ONCE:
            yield begin, number
            begin, size = number, 0
        size += len(text)
    yield begin, len(texts)


def _found(texts: Sequence[str], number: int) -> tuple[NDArray[np.integer[Any]], ...]:
    """For each word of some texts, of which the first has this number: its text, where it stands there, its key."""
    codes = np.frombuffer("\n".join(texts).encode("utf-32-le"), dtype=np.uint32)
    starts, ends = places_at_once(codes)
    begins = np.cumsum([0, *(len(text) + 1 for text in texts)])
    owner = np.searchsorted(begins, starts, side="right") - 1
    return owner + number, starts - begins[owner], ends - begins[owner], _keys(codes, starts, ends)


def _keys(codes: NDArray[np.uint32], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A 64-bit number for each word, the same wherever it stands: the polynomial of its letters (Karp and Rabin, 1987),
    modulo 2^64, from a running sum over the text.

    Each letter is spread over all bits first. As with `hash_text`, all that a collision would lead to is a false match.
    """
    letters = codes * _SPREAD
    letters ^= letters >> np.uint64(29)
    letters *= _SPREAD
    letters *= _powers(_INVERSE, len(codes))
    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(letters, out=sums[1:])
    keys: NDArray[np.uint64] = (sums[ends] - sums[starts]) * _powers(_BASE, len(codes))[starts]
    return keys


def _powers(base: np.uint64, count: int) -> NDArray[np.uint64]:
    """The first `count` powers of a number, modulo 2^64, from 1 on."""
    powers = np.full(count, base)
    powers[:1] = 1
    return np.cumprod(powers, out=powers)
