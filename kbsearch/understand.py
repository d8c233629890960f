"""What a typed query says: its likely languages, its index terms, its misspelt words.

Takes the query as typed and what the snapshot knows; gives the engine an `Understanding`. The detected language is a
prior that chooses analyzers and breaks ties; it never removes a result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from operator import itemgetter

from kbsearch.index.arrays import Flags
from kbsearch.index.lexical import LexicalIndex
from kbsearch.lexicon import Lexicon, ReadWord, WordFacts
from kbsearch.text.analyze import query_terms
from kbsearch.text.cyrillic import to_cyrillic
from kbsearch.text.digraphs import HAVE_DIGRAPHS
from kbsearch.text.keyboard import in_other_layout, look_alike
from kbsearch.text.language import LanguageDetector
from kbsearch.text.normalise import fold
from kbsearch.text.stems import stem_terms
from kbsearch.text.tags import one_region_each, primary
from kbsearch.text.words import put_in, surfaces, words
from kbsearch.types import noun

# Short queries are detected badly by anybody; the language of the page that the customer chose weighs more.
INTERFACE_PRIOR = 4.0
# Reading a query as a language it is not in costs a few useless terms; missing its language costs the stems.
PLAUSIBLE = 0.15
MAX_READINGS = 3
# From this share on a query is in a language that the collection lacks, where it knows few of the words.
SURE = 0.5
RUSSIAN = "ru"
# Of a text in Latin letters: how likely Russian must be among its neighbours' languages and those of the collection.
# From here on no title in those languages is taken for it, and two in three Russian questions are.
LATIN_RUSSIAN = 0.15
NEIGHBOURS = frozenset({RUSSIAN, "de", "en", "et", "lt", "lv", "pl"})
# A guessed word must not weigh as much as one that was typed, nor an editor's other word for it.
CORRECTION_WEIGHT = 0.7
SYNONYM_WEIGHT = 0.7
# What a stem term begins with (kbsearch/text/analyze.py).
_STEM = "~"
# More letters before digits are a word (iOS 16), not the beginning of a code. Editors make a dash of a hyphen.
_CODE = re.compile(r"\b([^\W\d_]{1,2})([ ./‐‑–-]?)(\d[^\W_]+)")
# A number and what is counted (9V, 2.4GHz, 30dienas), parted by nothing.
_COUNTED = re.compile(r"(?<![\w/@.-])(\d+(?:[.,]\d+)?)([^\W\d_]+)(?![\w/@-]|\.\w)")


@noun
class Understanding:
    """A query made ready for both legs."""

    typed: str
    """Normalised, with the alphabet and the spaces that were meant, and without digraphs."""
    text: str
    """Its words, slips corrected, and Latin letters spelt as the Cyrillic they stand for: what the dense leg reads."""
    content: tuple[str, ...]
    """Words that are no stop words (all words, where every one is)."""
    languages: dict[str, float]
    """Probability by language, likeliest first; empty where nothing can be said."""
    readings: tuple[str, ...]
    """Languages whose analyzers read the query, best first."""
    stems: tuple[tuple[str, ...], ...]
    """The stem terms of each content word (of its correction, where it is misspelt) and its synonyms."""
    sequence: tuple[tuple[str, ...], ...]
    """The stem terms of each word (and of its correction, where it is misspelt), stop words too, in their order."""
    terms: tuple[str, ...]
    weights: tuple[float, ...]
    marked: tuple[str, ...]
    """The stem terms whose words a snippet marks."""
    spare: float
    """What terms that only stand in for others add to the lexical bound: no passage needs to hold both."""
    unknown: frozenset[str]
    """Content words of which the collection holds neither the form nor any stem, nor what an editor says they mean."""
    corrections: Mapping[str, str]
    """Content words that may be misspelt → what is searched for as well."""
    synonyms: Mapping[str, tuple[str, ...]]
    """Words and phrases typed → the editor's other words for them."""
    did_you_mean: str | None


def understand(
    typed: str,
    languages: dict[str, float],
    interface_lang: str,
    lexicon: Lexicon,
    allowed: Flags | None = None,
) -> Understanding:
    """Read a normalised query. `languages`: its `likely_languages`; `interface_lang`: that of the page, or "".

    `lexicon` is that of the caller; `allowed` flags the passages that may be found, None means all. No word that only
    other passages hold is offered as a correction. Where the same keys write known words of another alphabet in place
    of unknown ones, or where a space is missing or too many, what was meant is read, and offered. Two letters that
    stand for one of Latvian or Lithuanian are read as that one: nothing was mistyped.
    """
    query = _read(typed, languages, interface_lang, lexicon, allowed)
    plain = _without_digraphs(query, interface_lang, lexicon)
    if plain != typed:
        languages = likely_languages(plain, interface_lang, lexicon.detector)
        query = _read(plain, languages, interface_lang, lexicon, allowed)
    meant = _meant(query, lexicon)
    if meant == plain:
        return query
    languages = likely_languages(meant, interface_lang, lexicon.detector)
    query = _read(meant, languages, interface_lang, lexicon, allowed)
    return replace(query, did_you_mean=query.did_you_mean or meant)


def likely_languages(text: str, interface_lang: str, detector: LanguageDetector) -> dict[str, float]:
    """Language → probability, likeliest first: what was detected times the prior of the interface language.

    `text`: normalised; `interface_lang`: that of the page, or "". Of a language's regions one stands for all.
    """
    own = primary(interface_lang)
    detected = detector.probabilities(text)
    # Each region looks as likely as the language does: together they must neither share its probability nor gain by it.
    weighed = {
        lang: detected[lang] * (INTERFACE_PRIOR if primary(lang) == own else 1.0) for lang in one_region_each(detected)
    }
    if not weighed:
        return dict.fromkeys(one_region_each(lang for lang in detector.languages if primary(lang) == own), 1.0)
    total = sum(weighed.values())
    ordered = sorted(weighed.items(), key=itemgetter(1), reverse=True)
    return {lang: weight / total for lang, weight in ordered}


def _without_digraphs(query: Understanding, interface_lang: str, lexicon: Lexicon) -> str:
    """What was typed, with one letter for each two that stand for it, where that is Latvian or Lithuanian."""
    plain = lexicon.without_digraphs(query.typed) if query.unknown else query.typed
    if plain == query.typed or _outside(plain, interface_lang, lexicon):
        return query.typed
    likeliest = next(iter(likely_languages(plain, interface_lang, lexicon.detector)), "")
    return plain if primary(likeliest) in HAVE_DIGRAPHS else query.typed


def _meant(query: Understanding, lexicon: Lexicon) -> str:
    """What was typed, with the keys of the alphabet that was meant, or with the spaces that were."""
    if not query.unknown:
        return query.typed
    meant = lexicon.in_other_layout(query.typed)
    if meant:
        return meant
    if not lexicon.speaks(query.readings[0]):
        return query.typed
    return lexicon.respaced(query.typed, query.unknown, query.corrections)


def _read(
    typed: str, languages: dict[str, float], interface_lang: str, lexicon: Lexicon, allowed: Flags | None
) -> Understanding:
    """Read the letters as they stand, in Cyrillic where Latin ones stand for it."""
    readings = _readings(languages, interface_lang, lexicon.detector)
    text, readings = lexicon.in_cyrillic(typed, readings)
    if not text.replace(" ", "").isalpha():  # few queries
        text = _with_numbers_apart(_with_whole_codes(text, readings, lexicon), readings, lexicon)
    surface = surfaces(text)
    words_read = lexicon.read(surface, readings)
    content = _content(words_read)
    facts = {word.text: lexicon.facts(word.text, readings) for word in content}
    # A word of another language that the collection speaks is no mistake: it is read in that language.
    foreign = {word: known.written for word, known in facts.items() if known.written}
    unknown = {word for word, known in facts.items() if not known.held} - foreign.keys()
    strangers = 2 * len(unknown) > len(facts) or not lexicon.speaks(interface_lang or readings[0])
    outside = _outside(typed, interface_lang, lexicon) if strangers else {}
    # An editor's words hold on his pages, whatever language they look like.
    synonyms = _synonyms(surface, one_region_each(filter(None, (*readings, *outside, interface_lang))), lexicon)
    unknown -= _explained(synonyms, lexicon)
    corrections: dict[str, str] = {}
    slips: dict[str, str] = {}
    spelt: dict[str, str] = {}
    if outside:
        # Words of a language that the collection lacks are no misspelt ones of those that it has.
        languages, readings = outside, tuple(outside)
        words_read = lexicon.read(surface, readings)
        content = _content(words_read)
        unknown.intersection_update(word.text for word in content)
        if RUSSIAN in outside and text.isascii():
            spelt = _in_cyrillic(surface, lexicon)
    else:
        corrections, slips = _corrections(facts, unknown, readings, lexicon, allowed)
        spelt = slips
    typed_words = tuple(word.text for word in content)
    weights: dict[str, float] = {}
    # Where nothing but stop words was typed, they are what counts.
    alone = len(content) == len(words_read)
    for word in words_read:
        weights.update(word.rest if word.is_stop and not alone else word.terms)
    for other, langs in foreign.items():
        _add(weights, query_terms(other, langs), 1.0)
    for other in corrections.values():
        _add(weights, (term for lang in readings for term in stem_terms(other, lang)), CORRECTION_WEIGHT)
    own = len(weights)
    for others in synonyms.values():
        for other, lang in others.items():
            _add(weights, query_terms(other, (lang,)), SYNONYM_WEIGHT)
    sequence = tuple(_sequel(word, readings, corrections) for word in words_read)
    # Passages mark words by their stems, protected or not.
    plain = [stem for word, stems in zip(words_read, sequence, strict=True) if word.is_protected for stem in stems]
    offered = {word: _as_typed(word, slip, typed) for word, slip in slips.items()}
    return Understanding(
        typed=typed,
        # Marks around words say nothing of what is asked, yet three of them move a vector more than a word does.
        text=" ".join(spelt.get(word, word) for word in surface),
        content=typed_words,
        languages=languages,
        readings=readings,
        stems=tuple(_title_stems(word, readings, corrections, synonyms, lexicon) for word in content),
        sequence=sequence,
        terms=tuple(weights),
        weights=tuple(weights.values()),
        marked=(*(term for term in weights if term[0] == _STEM), *plain),
        spare=_bound(list(weights)[own:], SYNONYM_WEIGHT, lexicon.lexical) if synonyms else 0.0,
        unknown=frozenset(unknown),
        corrections=corrections,
        synonyms={" ".join(phrase): tuple(others) for phrase, others in synonyms.items()},
        did_you_mean=_replace(text, offered) if offered else None,
    )


def _readings(languages: Mapping[str, float], interface_lang: str, detector: LanguageDetector) -> tuple[str, ...]:
    """The languages to read a query in, best first; at least one, perhaps ""."""
    plausible = [lang for lang, share in languages.items() if share >= PLAUSIBLE][:MAX_READINGS]
    plausible = plausible or list(detector.languages[:1])
    # Nothing speaks for or against a language without a profile: it is read too, first where it is the user's own.
    others = one_region_each(lang for lang in detector.undetected if lang not in plausible)
    own = [lang for lang in others if primary(lang) == primary(interface_lang)]
    ordered = sorted((*plausible, *others), key=lambda lang: lang not in own)
    return tuple(ordered[:MAX_READINGS]) or ("",)


def _content(words_read: list[ReadWord]) -> list[ReadWord]:
    """The words that are no stop words; all, where every one is."""
    return [word for word in words_read if not word.is_stop] or words_read


def _corrections(
    facts: Mapping[str, WordFacts],
    unknown: AbstractSet[str],
    readings: tuple[str, ...],
    lexicon: Lexicon,
    allowed: Flags | None,
) -> tuple[dict[str, str], dict[str, str]]:
    """The words that may be misspelt, each with the word that was probably meant; and those of them to ask about."""
    corrections, slips = {}, {}
    for word, known in facts.items():
        if known.doubtful or word in unknown:
            near = lexicon.correct(word, readings, allowed, known_stem=known.doubtful)
            if near:
                corrections[word] = near.word
                if near.is_slip and not known.doubtful:
                    slips[word] = near.word
    return corrections, slips


def _outside(text: str, interface_lang: str, lexicon: Lexicon) -> dict[str, float]:
    """The language of a text where it is surely none that the collection has, and its probability; else nothing.

    Russian in Latin letters need not be sure: it resembles every language that is written in them.
    """
    weighed = likely_languages(text, interface_lang, lexicon.any_detector)
    if text.isascii() and not lexicon.speaks(RUSSIAN):
        near = sum(share for lang, share in weighed.items() if lang in NEIGHBOURS or lexicon.speaks(lang))
        russian = weighed.get(RUSSIAN, 0.0)
        if russian and russian >= LATIN_RUSSIAN * near:
            return {RUSSIAN: russian / near}
    lang, share = next(iter(weighed.items()), ("", 0.0))
    return {lang: share} if share >= SURE and not lexicon.speaks(lang) else {}


def _in_cyrillic(surface: Sequence[str], lexicon: Lexicon) -> dict[str, str]:
    """The words in Latin letters that the collection does not hold, each as Russian spells it."""
    held = lexicon.held(surface, (*lexicon.detector.languages, *lexicon.detector.undetected))
    pairs = zip(surface, held, strict=True)
    return {word: to_cyrillic(word.lower()) for word, known in pairs if word.isalpha() and not known}


def _synonyms(
    surface: Sequence[str], langs: Iterable[str], lexicon: Lexicon
) -> Mapping[tuple[str, ...], Mapping[str, str]]:
    """The editor's other words for what was typed, as `Thesaurus.expand` gives them."""
    asked_in = tuple(langs) or ("",)
    begun = any(word.begins_phrase for word in lexicon.read(surface, asked_in))
    return lexicon.thesaurus.expand(surface, asked_in) if begun else {}


def _explained(synonyms: Mapping[tuple[str, ...], Mapping[str, str]], lexicon: Lexicon) -> AbstractSet[str]:
    """The words typed of which an editor says what they stand for, where the collection holds that."""
    return {
        word
        for phrase, others in synonyms.items()
        if any(all(lexicon.held(surfaces(other), (lang,))) for other, lang in others.items())
        for word in phrase
    }


def _with_whole_codes(text: str, readings: Sequence[str], lexicon: Lexicon) -> str:
    """The text with codes that the collection holds written as it holds them: E4012 for E 4012, E-4012, and for У-4012
    and Е4012 with Cyrillic letters."""

    def whole(code: re.Match[str]) -> str:
        letters, mark, digits = code.groups()
        # With a space between, a letter may be a word: "с 10 часов" is no "C10".
        others = () if mark == " " else (look_alike(letters), in_other_layout(letters))
        spellings = (first + digits for first in (letters, *others))
        return next((known for known in spellings if lexicon.holds_whole(known, readings)), code[0])

    return _CODE.sub(whole, text)


def _with_numbers_apart(text: str, readings: Sequence[str], lexicon: Lexicon) -> str:
    """The text with a space between a number and what is counted, unless the collection writes them as one word."""
    return _COUNTED.sub(lambda one: one[0] if lexicon.holds_whole(one[0], readings) else f"{one[1]} {one[2]}", text)


def _title_stems(
    word: ReadWord,
    readings: Sequence[str],
    corrections: Mapping[str, str],
    synonyms: Mapping[tuple[str, ...], Mapping[str, str]],
    lexicon: Lexicon,
) -> tuple[str, ...]:
    meant = corrections.get(word.text)
    own = tuple(lexicon.stems(meant, lang)[0] for lang in readings) if meant else word.stems
    others = synonyms.get((word.text,), {}) if synonyms else {}
    return (*own, *(stem_terms(other, lang)[0] for other, lang in others.items() if surfaces(other) == [other]))


def _sequel(word: ReadWord, readings: Sequence[str], corrections: Mapping[str, str]) -> tuple[str, ...]:
    """The stem terms by which passages know a word, protected or not, and its correction."""
    own = tuple(stem_terms(word.text, lang)[0] for lang in readings) if word.is_protected else word.stems
    meant = corrections.get(word.text)
    return (*own, *(stem_terms(meant, lang)[0] for lang in readings)) if meant else own


def _add(weights: dict[str, float], terms: Iterable[str], weight: float) -> None:
    for term in terms:
        weights.setdefault(term, weight)


def _bound(terms: Sequence[str], weight: float, lexical: LexicalIndex) -> float:
    """What terms of one weight add to the bound of a lexical search."""
    return float(lexical.idf(terms).sum()) * weight * (lexical.statistics.k1 + 1)


def _as_typed(word: str, correction: str, text: str) -> str:
    """The correction in the user's own way of writing: without diacritics where he types none, with his capitals."""
    if text.isascii() and fold(correction).isascii():
        correction = fold(correction)
    if len(word) > 1 and word.isupper():
        return correction.upper()
    return correction[:1].upper() + correction[1:] if word[:1].isupper() else correction


def _replace(text: str, corrections: Mapping[str, str]) -> str:
    found = (word for word in words(text) if word.text in corrections)
    return put_in(text, ((word.start, word.end, corrections[word.text]) for word in found))
