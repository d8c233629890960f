"""What Snowball's Lithuanian stemmer leaves over on folded words, and verbs beside their nouns.

Takes a folded word and its Snowball stem, gives the stem to index. Imported by `stem`.

Snowball undoes slaptažodžio → slaptažod only with diacritics in place; the same is done here after folding. Help
centres name an action by a noun (keitimas, prisijungimas) where customers use the verb (keisti, prisijungti): the
endings of both go, so that they meet.
"""

from typing import Final

_VOWELS: Final = frozenset("aeiouy")
_NOUN_SUFFIXES: Final = ("jim", "im", "ym")  # mokėjimas, keitimas, užsakymas, after Snowball
_VERB_ENDINGS: Final = ("kites", "kite", "tis", "ti")  # imperative, infinitive, each reflexive too
_ROOT_LETTERS: Final = 3


def stem_lithuanian(word: str, snowball: str) -> str:
    """Return the stem of a folded Lithuanian word, given Snowball's stem of it."""
    for ending in _VERB_ENDINGS:
        if word.endswith(ending) and len(word) >= _ROOT_LETTERS + 3:
            return _verb_root(word[: -len(ending)])
    for suffix in _NOUN_SUFFIXES:
        if snowball.endswith(suffix) and len(snowball) - len(suffix) >= _ROOT_LETTERS:
            return _without_theme_vowel(snowball[: -len(suffix)])
    if snowball.endswith("dz"):  # slaptažodžio
        return snowball[:-1]
    if snowball.endswith("c") and len(snowball) > 4:  # pokyčio
        return f"{snowball[:-1]}t"
    return snowball


def _verb_root(root: str) -> str:
    # keit+ti is written keisti: the noun keitimas shows the root.
    return f"{root[:-1]}t" if root.endswith("s") else _without_theme_vowel(root)


def _without_theme_vowel(root: str) -> str:
    return root[:-1] if root[-1] in _VOWELS and len(root) > _ROOT_LETTERS else root
