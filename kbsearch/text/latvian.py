"""Light stemming of Latvian, on folded words.

Takes a word after `fold`, gives its stem. Imported by `stem`.

Step 1 follows K. Krēsliņš, "A stemming algorithm for Latvian", PhD thesis, Loughborough University 1996, in the
reduced form published with Apache Lucene (`LatvianStemmer`): a table of endings, each with the number of vowels the
word must exceed, then un-palatalisation. The algorithm is theirs, the code is ours. One change: customers type
without diacritics, so the table is folded. That merges ā/a, ē/e, ī/i, ū/u, and most palatalisation (ņ→n, ļ→l,
č→c, š→s, ž→z) undoes itself.

Step 2 is our own: help-centre titles name an action by a noun (atjaunošana, pasūtījums) where customers use the verb
(atjaunot, pasūtīt), so the endings that turn a verb into a noun, and the commonest verb endings, go too.
"""

from typing import Final

_VOWELS: Final = frozenset("aeiou")

# ending → (vowels the word must exceed, whether the ending palatalises); the longest that fits is taken.
_ENDINGS: Final = {
    "ajiem": (3, False), "ajai": (3, False), "ajam": (2, False), "ajos": (2, False), "ajas": (2, False),
    "iem": (2, True), "aja": (2, False), "ais": (2, False), "ai": (2, False), "ei": (2, False),
    "am": (1, False), "em": (1, False), "im": (1, False), "um": (1, False), "us": (1, True),
    "as": (1, False), "es": (1, False), "os": (1, True), "ij": (1, False), "is": (1, False), "ie": (1, False),
    "u": (1, True), "a": (1, True), "i": (1, True), "e": (1, False), "o": (1, False), "s": (0, False),
}  # fmt: skip
_LONGEST_ENDING: Final = max(map(len, _ENDINGS))

# Verb endings, looked for on the whole word, longest first: imperative and second person, then infinitives.
_VERB_ENDINGS: Final = (
    "ojieties", "ajieties", "ejieties", "ojiet", "ajiet", "ejiet", "ieties", "iet",
    "oties", "aties", "eties", "ities", "ties", "ot", "at", "et", "it", "t",
)  # fmt: skip

# What is left of a derived noun or a conjugated verb after step 1; the vowel before belongs to the suffix.
_DERIVED: Final = ("san", "jum", "j")
_ROOT_LETTERS: Final = 4  # shorter roots collide: sūtīt must not become sut


def stem_latvian(word: str) -> str:
    """Return the stem of a folded Latvian word."""
    if word.endswith(_VERB_ENDINGS):
        for ending in _VERB_ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= _ROOT_LETTERS:
                return word[: -len(ending)]
    return _without_derivation(_light_stem(word))


def _light_stem(word: str) -> str:
    vowels = sum(map(word.count, _VOWELS))
    for size in range(min(_LONGEST_ENDING, len(word) - 3), 0, -1):
        stem, ending = word[:-size], word[-size:]
        rule = _ENDINGS.get(ending)
        if rule and vowels > rule[0]:
            if ending.startswith("aj") and stem.endswith("t"):  # lietot|āj|am: the person, not a definite adjective
                continue
            return _unpalatalise(stem) if rule[1] else stem
    return word


def _unpalatalise(stem: str) -> str:
    """Undo what folding leaves of palatalisation: pj bj mj vj lose their j (kurpju → kurp)."""
    if stem[-2:] in ("pj", "bj", "mj", "vj"):
        return stem[:-1]
    return stem


def _without_derivation(stem: str) -> str:
    if stem.endswith("taj"):  # lietotājs (user) is not lietot (use)
        return stem
    for suffix in _DERIVED:
        if stem.endswith(suffix):
            root = stem[: -len(suffix)]
            if root[-1:] in _VOWELS:
                root = root[:-1]
            elif suffix == "j":
                return stem
            return root if len(root) >= _ROOT_LETTERS else stem
    # Passive participle: atjaunots, savienota.
    if stem.endswith("ot") and len(stem) - 2 >= _ROOT_LETTERS:
        return stem[:-2]
    return stem
