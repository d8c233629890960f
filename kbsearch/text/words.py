"""Words of a text with their places, codes and addresses kept whole.

Takes normalised text, gives `Word`s whose offsets index that text. Imported by `analyze` (index terms) and by
whoever highlights words in a snippet.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# \w misses combining vowel signs (Hindi, Thai, Hebrew points), which would cut those words to pieces.
MARK = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0981-\u0dff"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u200c\u200d"
)
_RUN = rf"[^\W_](?:[^\W_]|[{MARK}])*"
# indexer/wording.py knows which signs can make a word more than a run of letters.
# A dot joins letters only before a known ending, or a missing space after a full stop would glue two words.
_DOMAIN_END = "com|org|net|eu|lv|lt|ee|ru|pl|de|io|uk|fi|se|info|biz|gov|edu"
_WORD = re.compile(
    rf"""
    [^\W\d_]+(?=[\s,;!?)]|[.:](?:\s|\Z)|\Z)                               # most words: nothing else begins like this
  | (?:https?://|www\.)[^\s<>"„“”«»]*[^\s<>"„“”«».,;:!?()\[\]{{}}'’*]   # URL, without the sentence's punctuation
  | [^\W_][\w.+-]*@[^\W_][\w-]*(?:\.[^\W_][\w-]*)+                        # e-mail address
  | (?:[^\W_]+[.-])+(?:{_DOMAIN_END})(?![\w-])                           # bare domain: Outlook.com
  | [^\W\d_]{{1,6}}[-‐‑]?\d[^\W_]*(?:[-‐‑./]\d[^\W_]*)+                   # AB-1234/5  v2.1.3
  | \d+(?:[.,:]\d+)+(?![^\W\d_])                                         # 2.4  10,5  12:30  1.0.3
  | [A-Za-z](?:\+\+|\#)(?!\w)                                            # C++  C#
  | {_RUN}(?:[-‐‑_'’ʼ·]{_RUN})*                                          # P-104  wi-fi  don't  ERR_TIMED_OUT
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word as typed and its place: `text == source[start:end]`, offsets in code points."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """Return the words of a text in order."""
    return [Word(text[start:end], start, end) for start, end in places(text)]


def places(text: str) -> list[tuple[int, int]]:
    """Return only where each of `words(text)` starts and ends."""
    return [match.span() for match in _WORD.finditer(text)]


def surfaces(text: str) -> list[str]:
    """Return only the surface forms of `words(text)`: several times faster where places are not needed."""
    # Most queries are letters and spaces, of which the expression makes the same.
    return text.split() if text.replace(" ", "").isalpha() else _WORD.findall(text)


def put_in(text: str, pieces: Iterable[tuple[int, int, str]]) -> str:
    """Return the text with each piece in place of what stands from its first offset to its second; in order, apart."""
    parts, done = [], 0
    for start, end, piece in pieces:
        parts += [text[done:start], piece]
        done = end
    return "".join([*parts, text[done:]])
