"""Sanitised HTML into blocks of plain text, each with its heading path. Second step of cutting.

Takes what `render` gives; a block is a paragraph, a list item, a table row or a code listing, in reading order.
The walk keeps its own stack, so that deep nesting costs memory and never the interpreter's.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from indexer.render import BLOCK_TAGS
from kbsearch.text.normalise import normalise

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
# Headings and list items are breaks of their own kind; columns hold no text.
_BREAKING = frozenset(BLOCK_TAGS) - {"col", "colgroup", "li", *_HEADINGS}
_INLINE_BREAKING = _BREAKING - {"td", "th"} | {"li", *_HEADINGS}
_LAYOUT = "h1, h2, h3, h4, h5, h6, ul, ol, pre, blockquote, p + p, div + div"
"""What makes a table a page layout rather than data, unless it names its columns, rows or itself."""
_MOST_CARRIED = 100_000
"""Times that cells of one table are said again where they span; a few bytes could else ask for billions."""

_WHITE = re.compile(r"[^\S ]\s*| \s+")
"""White space that is more than one plain space; the rest needs no work."""
_BREAKS = re.compile(r"\n\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of text that is better not split; blocks of one `section` stand under the same heading."""

    text: str
    headings: tuple[str, ...]
    section: int


@dataclass(slots=True)
class Outline:
    """What the walk found: blocks for passages, and every line of text, headings included."""

    blocks: list[Block] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def outline(html: str, title: str) -> Outline:
    """Return the blocks and lines of sanitised HTML; a heading that repeats the title is left out of paths."""
    body = LexborHTMLParser(html).body
    walk = _Walk(title)
    if body is not None:
        walk.run(body)
    return walk.found


class _Walk:
    def __init__(self, title: str) -> None:
        self.found = Outline()
        self._title = title
        self._path: list[tuple[int, str]] = []
        self._section = 0
        self._childless = False  # a heading was read and nothing under it yet
        self._buffer: list[str] = []
        self._mark = ""  # "3. " or "- " before the text of the list item being read
        self._items = 0  # list items open
        self._listings = 0  # <pre> elements open
        self._counters: list[int | None] = []  # one per open list: the next number, None in a bulleted one

    def run(self, body: LexborNode) -> None:
        waiting: list[tuple[LexborNode, bool]] = [(body, False)]
        while waiting:
            node, leaving = waiting.pop()
            if leaving:
                self._leave(node.tag or "")
            elif node.is_text_node:
                text = node.text_content or ""
                self._buffer.append(text if self._listings else _in_one_line(text))
            elif self._enter(node):
                waiting.append((node, True))
                waiting.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
        self._flush()
        self._end_section(0)

    def _enter(self, node: LexborNode) -> bool:
        """Start an element; False where it has been read whole."""
        tag = node.tag or ""
        if tag == "br":
            self._buffer.append("\n")
        elif tag == "img":
            self._buffer.append(f" {node.attributes.get('alt') or ''} ")
        elif tag in _HEADINGS:
            self._heading(_HEADINGS[tag], inline_text(node).replace("\n", " "))
            return False
        elif tag == "table":
            return not self._table(node)
        elif tag == "li":
            self._item(node)
        elif tag in _BREAKING:
            self._break()
            if tag in ("ol", "ul"):
                self._counters.append(_number(node, "start", 1) if tag == "ol" else None)
            elif tag == "pre":
                self._listings += 1
        return True

    def _leave(self, tag: str) -> None:
        if tag == "li":
            self._flush()
            self._items -= 1
            self._mark = ""
        elif tag in _BREAKING:
            self._break()
            if tag in ("ol", "ul"):
                self._counters.pop()
            elif tag == "pre":
                self._listings -= 1

    def _table(self, node: LexborNode) -> bool:
        """Add each row as a block; False for a layout table, which is walked instead."""
        self._flush()
        rows = table_rows(node)
        for row in rows:
            self._buffer.append(row)
            self._flush()
        return bool(rows)

    def _item(self, node: LexborNode) -> None:
        self._flush()
        self._items += 1
        number = self._counters[-1] if self._counters else None
        if number is not None:
            number = _number(node, "value", number)
        self._mark = "- " if number is None else f"{number}. "
        if number is not None:
            self._counters[-1] = number + 1

    def _break(self) -> None:
        """Inside a list item a new paragraph is a new line of the item; elsewhere it is a new block."""
        if self._items:
            self._buffer.append("\n")
        else:
            self._flush()

    def _flush(self) -> None:
        if not self._buffer:
            return
        text = _tidy(self._buffer)
        self._buffer.clear()
        if text:
            text, self._mark = self._mark + text, ""
            self._childless = False
            self.found.lines.append(text)
            self.found.blocks.append(Block(text, self._headings(), self._section))

    def _heading(self, level: int, text: str) -> None:
        self._flush()
        self._mark = ""
        if not text:
            return
        self._end_section(level)
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._section += 1
        self.found.lines.append(text)
        if text != self._title:
            self._path.append((level, text))
            self._childless = True

    def _end_section(self, level: int) -> None:
        """A heading with nothing under it would be lost to search, so it becomes a block under its parents."""
        if self._childless and self._path[-1][0] >= level:
            self.found.blocks.append(Block(self._path[-1][1], self._headings()[:-1], self._section))
        self._childless = False

    def _headings(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._path)


def table_rows(table: LexborNode) -> list[str]:
    """Return a data table as lines: "Code: E03; Meaning: brush blocked", or "E03: brush blocked" in two columns.

    A layout table gives no rows; its cells are then read as ordinary blocks.
    """
    if len(table.css("table")) > 1:  # itself and others inside
        return []
    if table.css_first("th, caption") is None and table.css_first(_LAYOUT) is not None:
        return []
    rows = _grid(table)
    start = next((number for number, row in enumerate(rows) if _names_columns(row)), len(rows))
    end = start
    while end < len(rows) and (end == start or _goes_on(rows[end - 1], rows[end])):
        end += 1
    names = [_together(column) for column in zip(*rows[start:end], strict=True)]
    lines = [inline_text(caption) for caption in table.css("caption")]
    lines += [_in_words(row, []) for row in rows[:start]]
    if not any(len(row) == len(names) for row in rows[end:]):  # nothing stands under them
        lines.append("; ".join(name for name in names if name))
    lines += [_in_words(row, names) for row in rows[end:]]
    return [line for line in lines if line]


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    text: str
    is_name: bool


def _grid(table: LexborNode) -> list[list[_Cell]]:
    """The rows of a table; a cell that spans columns or rows stands in each of them."""
    rows: list[list[_Cell]] = []
    hanging: dict[int, tuple[_Cell, int]] = {}  # by column: a cell of rows above, and how many rows it still takes
    room = _MOST_CARRIED
    for row in table.css("tr"):
        own = deque(node for node in row.iter() if node.tag in ("td", "th"))
        if room <= 0:
            hanging = {}
        width = max(hanging, default=-1) + 1
        below: dict[int, tuple[_Cell, int]] = {}
        cells: list[_Cell] = []
        while own or len(cells) < width:
            columns = 1
            if len(cells) in hanging:
                cell, left = hanging[len(cells)]
                room -= 1
            elif own:
                node = own.popleft()
                cell = _Cell(inline_text(node).replace("\n", " "), node.tag == "th")
                left = max(_number(node, "rowspan", 1), 1)
                columns = min(max(_number(node, "colspan", 1), 1), max(room, 1))
                room -= columns - 1
            else:
                cell, left = _Cell("", False), 1
            for column in range(len(cells), len(cells) + columns):
                cells.append(cell)
                if left > 1:
                    below[column] = (cell, left - 1)
        hanging = below
        rows.append(cells)
    return rows


def _names_columns(row: list[_Cell]) -> bool:
    return len(row) > 2 and len(set(row)) > 1 and all(cell.is_name for cell in row)


def _goes_on(above: list[_Cell], row: list[_Cell]) -> bool:
    """Whether names of columns have a second line: one above spans several columns, or reaches down."""
    spans = len(set(above)) < len(above) or not set(above).isdisjoint(row)
    return spans and _names_columns(row) and len(row) == len(above)


def _together(cells: Iterable[_Cell]) -> str:
    """The words of some cells, those of one that spans them once."""
    return " ".join(cell.text for cell in dict.fromkeys(cells) if cell.text)


def _in_words(row: list[_Cell], names: list[str]) -> str:
    """One row as a line; a cell that fills it all is not said of each column."""
    apart = [cell.text for cell in dict.fromkeys(row)]
    if len(apart) == len(row) == 2 and all(apart):
        return ": ".join(apart)
    if len(names) == len(row) and len(apart) > 1:
        pairs = zip(names, (cell.text for cell in row), strict=True)
        return "; ".join(f"{name}: {text}" if name else text for name, text in pairs if text)
    return "; ".join(text for text in apart if text)


def inline_text(node: LexborNode) -> str:
    """Return the text of one element, with line breaks where it shows some."""
    parts: list[str] = []
    waiting: list[LexborNode | str] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            parts.append(current)
            continue
        if current.is_text_node:
            parts.append(_in_one_line(current.text_content or ""))
            continue
        if current.tag == "img":
            parts.append(f" {current.attributes.get('alt') or ''} ")
        elif current.tag == "br":
            parts.append("\n")
        elif current.tag in _INLINE_BREAKING:
            parts.append("\n")
            waiting.append("\n")
        waiting.extend(reversed(list(current.iter(include_text=True))))
    return _tidy(parts)


def _in_one_line(text: str) -> str:
    """Text with its white space as plain spaces, one at a time; line breaks of the source show none."""
    # What can be printed holds no white space but plain spaces.
    return text if text.isprintable() and "  " not in text else _WHITE.sub(" ", text)


def _tidy(parts: list[str]) -> str:
    """Parts as one normalised text, several line breaks as one."""
    text = normalise("".join(parts))
    return _BREAKS.sub("\n", text) if "\n" in text else text


def _number(node: LexborNode, name: str, default: int) -> int:
    """A whole number in an attribute."""
    value = node.attributes.get(name) or ""
    return int(value) if re.fullmatch(r"-?\d{1,6}", value) else default
