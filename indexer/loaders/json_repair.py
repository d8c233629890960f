"""Strict JSON out of JSON that an editor or a content system has spoilt. Used for JSON-LD.

One pass over the text with a stack of open brackets. Any quotation mark may open a string where JSON expects one;
the string ends at the first quotation mark after which JSON could go on, so quotes inside a text survive.
"""

from __future__ import annotations

import json
import re

_MARKS = '"“”„‟«»″'
QUOTE = f"[{_MARKS}]"

_KEY_NEXT = re.compile(r"\s*:")
_VALUE_NEXT = re.compile(
    rf"\s*(?:$|[}}\]]\s*(?:$|[,}}\]])|[}}\]]\s*[{{\[]|,?\s*{QUOTE}[@\w.:-]{{1,60}}{QUOTE}\s*:|,\s*[}}\]])"
)
_ENTRY_NEXT = re.compile(rf"\s*(?:$|\]|,\s*(?:{QUOTE}|[{{\[\]]|-?\d|true\b|false\b|null\b))")
_BARE = re.compile(r"[^\s,:{}\[\]]+")
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')


def repair(text: str) -> str:
    """Return `text` as JSON: plain quotes, escaped control characters, no trailing commas, all brackets closed.

    Text that is no JSON at all comes back as something `json.loads` refuses.
    """
    return _Repair(text).run()


def end_of_object(text: str, start: int) -> int:
    """Return where the object that opens at `start` ends; braces inside texts are rare enough to count along.

    Where braces are missing, it ends with the last one there is.
    """
    depth, last = 0, start
    for brace in re.finditer(r"[{}]", text[start:]):
        depth += 1 if brace[0] == "{" else -1
        last = start + brace.start()
        if depth == 0:
            break
    tail = re.compile(r"[\s}\]]*[}\]]").match(text, last + 1) if depth else None
    return tail.end() if tail else last + 1


def _string_end(text: str, start: int, follows: re.Pattern[str]) -> int:
    """The first closing mark after which `follows` fits, else the end of the text."""
    at = start
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] in _MARKS and follows.match(text, at + 1):
            return at
        else:
            at += 1
    return len(text)


def _quoted(raw: str) -> str:
    """The raw inside of a string as a JSON string; good escapes keep their meaning."""
    parts: list[str] = []
    last = 0
    for escape in _ESCAPE.finditer(raw):
        parts += [json.dumps(raw[last : escape.start()], ensure_ascii=False)[1:-1], escape[0]]
        last = escape.end()
    parts.append(json.dumps(raw[last:], ensure_ascii=False)[1:-1])
    return f'"{"".join(parts)}"'


class _Repair:
    """The state of one pass: what is written, which brackets are open, and whether a key comes next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._out: list[str] = []
        self._open: list[str] = []
        self._wants_key = False

    def run(self) -> str:
        at = 0
        while at < len(self._text):
            char = self._text[at]
            if char in _MARKS:
                at = self._string(at)
                continue
            bare = _BARE.match(self._text, at)
            if bare:  # a number, true, false, null
                self._out.append(bare[0])
                at = bare.end()
                continue
            at += 1
            if char in "{[":
                self._opening(char)
            elif char in "}]":
                self._closing(char)
                if not self._open:
                    break
            elif char == "," and self._out and self._out[-1] not in (",", "{", "["):
                self._out.append(",")
                self._wants_key = self._open[-1:] == ["}"]
            elif char == ":":
                self._out.append(":")
                self._wants_key = False
        self._drop_comma()
        return "".join(self._out) + "".join(reversed(self._open))

    def _string(self, at: int) -> int:
        in_list = self._open[-1:] == ["]"]
        if self._add_missing_comma() and not in_list:
            self._wants_key = True
        follows = _KEY_NEXT if self._wants_key else _ENTRY_NEXT if in_list else _VALUE_NEXT
        end = _string_end(self._text, at + 1, follows)
        self._out.append(_quoted(self._text[at + 1 : end]))
        return end + 1

    def _opening(self, bracket: str) -> None:
        self._add_missing_comma()
        self._open.append("}" if bracket == "{" else "]")
        self._out.append(bracket)
        self._wants_key = bracket == "{"

    def _closing(self, bracket: str) -> None:
        """Close what was left open inside as well; ignore a bracket that was never opened."""
        self._drop_comma()
        self._wants_key = False
        if bracket in self._open:
            while (last := self._open.pop()) != bracket:
                self._out.append(last)
            self._out.append(bracket)

    def _add_missing_comma(self) -> bool:
        if self._out and (self._out[-1] in ("}", "]") or self._out[-1].startswith('"')):
            self._out.append(",")
            return True
        return False

    def _drop_comma(self) -> None:
        if self._out and self._out[-1] == ",":
            self._out.pop()
