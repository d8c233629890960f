"""Whether one word looks like another mistyped, and not merely like a similar word. Pure.

Takes two folded words, says whether slipping fingers explain the difference. Imported by the spelling index: every
near word helps a search a little, but only a slip is worth asking "did you mean" — "drone" is near "done", and right.
"""

from __future__ import annotations

from typing import Final

# A longer word has few neighbours that are words too, so any single edit inside it is taken for a slip.
_LONG: Final = 8
# Two edits that touch are mostly another prefix or suffix (nusipirkti, išsipirkti), not two slips.
_APART: Final = 4

# What turns a verb into another one, often its opposite; of two spellings of one (из, ис) the one that is told apart.
_PREFIXES: Final = {
    "lv": ("aiz", "ap", "at", "ie", "iz", "ne", "no", "pa", "par", "pie", "sa", "uz"),
    "lt": ("ap", "at", "i", "is", "ne", "nu", "pa", "par", "per", "pra", "pri", "su", "uz"),
    "ru": ("в", "вы", "до", "за", "из", "на", "не", "об", "от", "пере", "по", "под", "при", "про", "раз", "с", "у"),
}
_NO: Final = ("ne", "не")
# So many letters after two prefixes tell whether they stand before one verb.
_ROOT: Final = 4

_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")


def is_slip(typed: str, meant: str) -> bool:
    """Say whether `typed` is `meant` with letters left out, doubled, swapped or hit beside; both folded."""
    start = in_common(typed, meant)
    end = in_common(typed[start:][::-1], meant[start:][::-1])
    wrong, right = typed[start : len(typed) - end], meant[start : len(meant) - end]
    if len(wrong) == 2 and wrong == right[::-1]:
        return True
    # People get the first letter right; a different ending is another form of the word, unless a key was hit twice.
    if start == 0 or end == 0:
        return start > 0 and (wrong, right) == (typed[start - 1], "")
    match len(wrong), len(right):
        case 0, 1:
            return True
        case 1, 0:
            return wrong in (typed[start - 1], typed[start + 1]) or len(typed) >= _LONG
        case 1, 1:
            return right in _BESIDE.get(wrong, "") or len(typed) >= _LONG
    return bool(wrong and right) and max(len(wrong), len(right)) >= _APART


def other_prefix(typed: str, meant: str, lang: str) -> bool:
    """Say whether the difference is the verb's prefix (ieslēgt, izslēgt) or a negation, which nobody mistypes."""
    if typed.startswith(_NO) and meant.startswith(_NO):
        typed, meant = typed[2:], meant[2:]
    prefixes = _PREFIXES.get(lang, ())
    roots = {typed[len(prefix) :][:_ROOT]: prefix for prefix in prefixes if typed.startswith(prefix)}
    return any(
        len(root := meant[len(prefix) :][:_ROOT]) == _ROOT and roots.get(root, prefix) != prefix
        for prefix in prefixes
        if meant.startswith(prefix)
    )


def in_common(one: str, other: str) -> int:
    """How many letters two words share from the beginning."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def _beside() -> dict[str, str]:
    """Each key's neighbours: in its row, and in the rows above and below."""
    beside: dict[str, str] = {}
    for upper, row, lower in zip(("", *_ROWS[:-1]), _ROWS, (*_ROWS[1:], ""), strict=True):
        for place, key in enumerate(row):
            near = (line[max(0, place - 1) : place + 2] for line in (upper, row, lower))
            beside[key] = "".join(near).replace(key, "")
    return beside


_BESIDE: Final = _beside()
