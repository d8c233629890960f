"""Which language is a short query in: our detector beside langdetect and lingua, on the same labelled queries.

    python -m benchmarks.language

Queries: `sample_kb/questions.jsonl` without codes and queries in another language than their label, and, where
../shared is there, titles of real articles in seven languages. Half of each set (every second query) chose the
constants of kbsearch/text/language.py; the other half is shown. Each is asked as typed and without diacritics, and
Russian typed with Latin letters in two ways.
All detectors know the same languages.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from statistics import median
from time import perf_counter

import orjson
from langdetect.detector_factory import DetectorFactory
from langdetect.lang_detect_exception import LangDetectException
from lingua import IsoCode639_1, LanguageDetectorBuilder

from benchmarks.report import RESULTS, ROOT, stamp, table, write_result
from kbsearch.text.language import LanguageDetector
from kbsearch.text.normalise import fold

LANGUAGES = ("en", "lv", "lt", "et", "ru", "pl", "de")
TITLES = ROOT.parent / "shared" / "eval" / "alchemy"
UNDECIDABLE = ("code", "other_language")
ROUNDS = 5

# Russian in Latin letters: as passports spell it, and as many type it in a chat.
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
_PASSPORT = "a b v g d e zh z i i k l m n o p r s t u f kh ts ch sh shch ie y - e iu ia e"
_CHAT = "a b v g d e zh z i j k l m n o p r s t u f h c ch sh sch - y - e yu ya e"

Queries = Mapping[str, Sequence[str]]
"""Language → queries in it."""
Detect = Callable[[str], str]
"""Query → language, "" where none is given."""


def langdetect(languages: Sequence[str]) -> Detect:
    """Seeded, as its README advises for the same answer twice."""
    factory = DetectorFactory()
    factory.seed = 0
    profiles = files("langdetect") / "profiles"
    factory.load_json_profile([(profiles / lang).read_text(encoding="utf-8") for lang in languages])

    def detect(text: str) -> str:
        detector = factory.create()
        detector.append(text)
        try:
            return str(detector.detect())
        except LangDetectException:
            return ""

    return detect


def lingua(languages: Sequence[str]) -> Detect:
    """In its high-accuracy mode, models loaded beforehand."""
    codes = [getattr(IsoCode639_1, lang.upper()) for lang in languages]
    detector = LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_preloaded_language_models().build()

    def detect(text: str) -> str:
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else ""

    return detect


def kbsearch(languages: Sequence[str]) -> Detect:
    """Ours."""
    detector = LanguageDetector(languages)

    def detect(text: str) -> str:
        guesses = detector.detect(text)
        return guesses[0].lang if guesses else ""

    return detect


DETECTORS = {"langdetect": langdetect, "lingua": lingua, "kbsearch": kbsearch}


def read_sample() -> Queries:
    """Questions of the sample help centre."""
    lines = (ROOT / "sample_kb" / "questions.jsonl").read_bytes().splitlines()
    rows = [row for line in lines if (row := orjson.loads(line)).get("kind") not in UNDECIDABLE]
    return {lang: [row["query"] for row in rows if row["lang"] == lang][1::2] for lang in ("en", "lv", "lt")}


def read_titles() -> Queries:
    """Titles of real articles; empty where ../shared is not there."""
    paths = {lang: TITLES / f"titles.{lang}.jsonl" for lang in LANGUAGES}
    return {
        lang: [orjson.loads(line)["query"] for line in path.read_bytes().splitlines()][1::2]
        for lang, path in paths.items()
        if path.is_file()
    }


def in_latin(text: str, letters: str) -> str:
    """Spell Russian with Latin letters; a hyphen among them means that the letter is left out."""
    latin = {ord(letter): spelt.strip("-") for letter, spelt in zip(_CYRILLIC, letters.split(), strict=True)}
    return text.lower().translate(latin)


def cases(sample: Queries, titles: Queries) -> dict[str, tuple[Sequence[str], Queries]]:
    """Name → (languages told apart, queries)."""
    found: dict[str, tuple[Sequence[str], Queries]] = {
        "sample_kb, 3 languages": (("en", "lv", "lt"), sample),
        "sample_kb, 7 languages": (LANGUAGES, sample),
    }
    if titles:
        found["titles, 7 languages"] = (LANGUAGES, titles)
    if titles:
        found["all of these, 7 languages"] = (LANGUAGES, _join(sample, titles))
    for name, (languages, queries) in list(found.items()):
        plain = {lang: [fold(query) for query in of_lang] for lang, of_lang in queries.items()}
        found[f"{name}, no diacritics"] = (languages, plain)
    if titles:
        for name, letters in (("passport", _PASSPORT), ("chat", _CHAT)):
            typed = [in_latin(query, letters) for query in titles["ru"] if not query.isascii()]
            found[f"Russian in Latin letters ({name})"] = (LANGUAGES, {"ru": typed})
    return found


def _join(one: Queries, other: Queries) -> Queries:
    return {lang: [*one.get(lang, ()), *other.get(lang, ())] for lang in {**other, **one}}


def accuracy(detect: Detect, queries: Queries) -> float:
    """Share of queries whose language was named, averaged over languages."""
    shares = [sum(detect(query) == lang for query in of_lang) / len(of_lang) for lang, of_lang in queries.items()]
    return sum(shares) / len(shares)


def microseconds(detectors: Mapping[str, Detect], queries: Sequence[str]) -> dict[str, float]:
    """Median time of a query, detectors interleaved query by query, median of rounds."""
    rounds: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(ROUNDS):
        taken: dict[str, list[float]] = {name: [] for name in detectors}
        for query in queries:
            for name, detect in detectors.items():
                started = perf_counter()
                detect(query)
                taken[name].append((perf_counter() - started) * 1e6)
        for name, values in taken.items():
            rounds[name].append(median(values))
    return {name: round(median(values), 1) for name, values in rounds.items()}


def first_time(languages: Sequence[str], queries: Sequence[str]) -> float:
    """Median time of ours with nothing remembered, in microseconds."""
    taken = []
    detector = LanguageDetector(languages)
    for query in queries:
        detector._memo = {}
        started = perf_counter()
        detector.detect(query)
        taken.append((perf_counter() - started) * 1e6)
    return round(median(taken), 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write benchmarks/results/language.{md,json}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    measured = stamp("python -m benchmarks.language")
    sample, titles = read_sample(), read_titles()
    rows, figures = [], {}
    for name, (languages, queries) in cases(sample, titles).items():
        row = {rival: round(100 * accuracy(make(languages), queries), 1) for rival, make in DETECTORS.items()}
        size = sum(map(len, queries.values()))
        figures[name] = {"n": size, **row}
        rows.append((name, size, *row.values()))
    everyone = [query for of_lang in (titles or sample).values() for query in of_lang]
    speed = microseconds({name: make(LANGUAGES) for name, make in DETECTORS.items()}, everyone)
    cold = first_time(LANGUAGES, everyone)
    markdown = "\n\n".join(
        [
            "# Which language is a query in",
            measured.line(),
            (__doc__ or "").split("\n\n")[2].replace("\n", " "),
            "Accuracy in percent, averaged over languages; the detectors choose among the languages named.",
            table(("queries", "n", *DETECTORS), rows),
            f"Median time of a query among 7 languages, interleaved, {ROUNDS} rounds: "
            + ", ".join(f"{name} {value} µs" for name, value in speed.items())
            + f"; kbsearch with none of the words met before {cold} µs.",
        ]
    )
    write_result(
        "language", markdown, {"accuracy": figures, "median_us": speed, "first_time_us": cold}, measured, options.out
    )
    print(markdown)


if __name__ == "__main__":
    main()
