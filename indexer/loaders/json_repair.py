"""Strict JSON out of JSON that an editor or a content system has spoilt. Used for JSON-LD.

One pass over the text with a stack of open brackets. Any quotation mark may open a string where JSON expects one;
the string ends at the first quotation mark after which JSON could go on, so quotes inside a text survive.
"""

from __future__ import annotations

import json
import re

_MARKS = "\"“”„‟«»″"
QUOTE = f"[{_MARKS}]"

_KEY_NEXT = re.compile(r"\s*:")
_VALUE_NEXT = re.compile(
    rf"\s*(?:$|[}}\]]\s*(?:$|[,}}\]])|[}}\]]\s*[{{\[]|,?\s*{QUOTE}[@\w.:-]{{1,60}}{QUOTE}\s*:|,\s*[}}\]])")
_ENTRY_NEXT = re.compile(rf"\s*(?:$|\]|,\s*(?:{QUOTE}|[{{\[\]]))")
_BARE = re.compile(r"[^\s,:{}\[\]]+")
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')


def repair(text: str) -> str:
    """Return `text` as JSON: plain quotes, escaped control characters, no trailing commas, all brackets closed.

    Text that is no JSON at all comes back as something `json.loads` refuses.
    """
    out: list[str] = []
    stack: list[str] = []
    at, wants_key = 0, False
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char in "{[":
            _comma_if_missing(out)
            stack.append("}" if char == "{" else "]")
            out.append(char)
            wants_key = char == "{"
            at += 1
        elif char in "}]":
            if out and out[-1] == ",":
                out.pop()
            if char in stack:  # close what was left open inside; ignore a bracket that was never opened
                while (last := stack.pop()) != char:
                    out.append(last)
                out.append(char)
            if out and not stack:
                break
            wants_key = False
            at += 1
        elif char == ",":
            if out and out[-1] not in (",", "{", "["):
                out.append(",")
            wants_key = bool(stack) and stack[-1] == "}"
            at += 1
        elif char == ":":
            out.append(":")
            wants_key = False
            at += 1
        elif char in _MARKS:
            in_list = bool(stack) and stack[-1] == "]"
            follows = _KEY_NEXT if wants_key else _ENTRY_NEXT if in_list else _VALUE_NEXT
            end = _string_end(text, at + 1, follows)
            if _comma_if_missing(out) and not in_list:  # a comma was left out between two members
                end = _string_end(text, at + 1, _KEY_NEXT)
            out.append(_quoted(text[at + 1:end]))
            at = end + 1
        else:
            bare = _BARE.match(text, at)
            out.append(bare[0] if bare else "")
            at = bare.end() if bare else at + 1
    if out and out[-1] == ",":
        out.pop()
    return "".join(out) + "".join(reversed(stack))


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
        parts += [json.dumps(raw[last:escape.start()], ensure_ascii=False)[1:-1], escape[0]]
        last = escape.end()
    parts.append(json.dumps(raw[last:], ensure_ascii=False)[1:-1])
    return f'"{"".join(parts)}"'


def _comma_if_missing(out: list[str]) -> bool:
    if out and (out[-1] in ("}", "]") or out[-1].startswith('"')):
        out.append(",")
        return True
    return False
