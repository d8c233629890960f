"""The phrases that customers use with a person, as regular expressions: `phrases/`, one file a language.

A file's lines, read top to bottom:

    name = phrase | phrase      a list; `@name` in a pattern stands for any of its phrases
    [section]                   what the patterns below mean
    talk|speak to @someone      a pattern: words with alternatives; `word*` with an ending of up to four letters,
                                `word?` may be missing, and a lone `.` where the clause must end

Words of the section `fill` may stand between any two words of a pattern. What the sections mean, `intents.py` says;
`opening` and `closing` are what stands before and after a question out of politeness (`courtesy.py`), and small talk
where nothing else is said; no ending is left open in them, nor in `hello`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kbsearch.text.normalise import fold

LANGUAGES = ("en", "lv", "lt", "et", "ru", "pl", "de")
"""Languages whose phrases are known; those of the page."""

_SECTIONS = (
    *("human", "human alone", "no", "sought", "yes", "thanks", "assent", "hello", "help", "polite", "fill", "others"),
    *("opening", "closing"),
)


APOSTROPHE = r"['’`´]"
_WORD = re.compile(r"[^\W_]+")
_WITHIN_A_WORD = re.compile(rf"(?<=\w){APOSTROPHE}(?=\w)")


@dataclass(frozen=True, slots=True)
class Patterns:
    """The phrases of one language."""

    lines: Mapping[str, Sequence[str]]
    """Section → its patterns, folded, as they are written."""
    lists: Mapping[str, str]
    fill: str

    def any_of(self, *sections: str) -> str:
        """The regular expression of the sections' patterns, over folded words with single spaces; not compiled."""
        return _either(_compile(line.split(), self.lists, self.fill) for name in sections for line in self.lines[name])


def plain_words(text: str) -> str:
    """A text as the patterns take it: its words in one spelling, apostrophes left out, with single spaces."""
    return " ".join(_WORD.findall(_one_spelling(_WITHIN_A_WORD.sub("", text))))


@cache
def read_patterns(lang: str) -> Patterns:
    """Read one language's file.

    :raises ValueError: a line that cannot be read; it names file and line.
    """
    text = (files("kbsearch.chat") / "phrases" / f"{lang}.txt").read_text(encoding="utf-8")
    lists: dict[str, str] = {}
    sections: dict[str, list[str]] = {name: [] for name in _SECTIONS}
    section = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = _one_spelling(raw.partition("#")[0].strip())
        if line.startswith("["):
            section = line.strip("[]")
            if section not in sections:
                raise ValueError(f"{lang}.txt:{number}: there is no section {section!r}")
        elif "=" in line:
            name, _, phrases = line.partition("=")
            lists[name.strip()] = _either(_words(phrase.split()) for phrase in phrases.split("|"))
        elif line and not section:
            raise ValueError(f"{lang}.txt:{number}: a pattern before the first [section]")
        elif line:
            sections[section].append(line)
    fill = "(?: " + _either(_words(line.split()) for line in sections["fill"]) + "){0,3}"
    return Patterns(sections, lists, fill)


def _one_spelling(text: str) -> str:
    """Folded, and without soft signs: Latin letters leave them out ("pogovorit"), and many who write "связатся"."""
    return fold(text).replace("ь", "")


def _compile(tokens: list[str], lists: Mapping[str, str], fill: str) -> str:
    """The regular expression of a pattern over words with single spaces."""
    written, begun = "", False
    for token in tokens:
        if token == ".":
            written += "$"
            continue
        optional = token.endswith("?")
        name = token.removesuffix("?")
        one = lists[name[1:]] if name.startswith("@") else _either(_words([word]) for word in name.split("|"))
        one = f"{fill} {one}" if begun else f"{one}{fill} " if optional else one
        written += f"(?:{one})?" if optional else one
        begun = begun or not optional
    return written


def _words(words: Iterable[str]) -> str:
    return " ".join(re.escape(word).replace(r"\*", r"\w{0,4}") for word in words)


def _either(alternatives: Iterable[str]) -> str:
    return "(?:" + "|".join(alternatives) + ")"
