"""Whether the piece of an article that is shown as the answer holds what was asked: `python -m benchmarks.answers`.

The questions of sample_kb whose answers are known (`sample_kb/answers.jsonl`), each with its article given, so that
ranking plays no part. The product's choice (`kbsearch/answering.py`) is compared with other ways to choose, at the same
length, with its own without one of its parts, and with its own at other lengths. Some questions are also asked on pages
in other languages, of the article's translation. Of questions for a code of a table it is counted how many are shown
the code's row, and no other before it.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_sets import SAMPLE_KB
from benchmarks.report import RESULTS, stamp, table, write_result
from indexer.pipeline import build
from kbsearch import answering
from kbsearch.answer import look_up, same_place
from kbsearch.answering import ANSWER_LENGTH, Asked, Place, best_place, cut_out, grown, sentences_of
from kbsearch.embed.protocol import Vectors
from kbsearch.embed.registry import load_embedder
from kbsearch.engine import Engine
from kbsearch.evaluate import JudgedQuery, read_queries
from kbsearch.metrics.intervals import bootstrap_mean, wilson
from kbsearch.snapshot import Snapshot, open_snapshot
from kbsearch.text.normalise import normalise
from kbsearch.understand import Understanding, likely_languages, understand

PRODUCT = f"kbsearch, {ANSWER_LENGTH} characters"
OTHER_LENGTHS = (160, 240, 480)
LANGUAGES = ("all", "en", "lt", "lv")
# Later steps than a list's first.
MIDDLE = re.compile(r"(?:[2-9]|\d\d+)\. ")
CODES = {
    "payment-declined": ("P-104", "P-117", "P-203"),
    "promo-code-not-working": ("PROMO-17", "PROMO-22", "PROMO-31"),
    "vac-error-codes": ("E03", "E07", "E12", "E21", "E30"),
}
ASKING = {
    "en": (
        "{}",
        "error {}",
        "what does {} mean",
        "Payment declined, error code {}. Please try again",
        "it shows {} what to do",
        "code {} meaning",
    ),
    "lt": (
        "{}",
        "klaida {}",
        "ką reiškia {}",
        "Mokėjimas nepavyko, klaidos kodas {}. Bandykite dar kartą",
        "rodo klaidą {} ką daryti",
        "kodas {} priežastis",
    ),
    "lv": (
        "{}",
        "kļūda {}",
        "ko nozīmē {}",
        "Maksājums neizdevās (kods {}). Mēģiniet vēlreiz.",
        "parādās kļūda {} ko darīt",
        "kods {} iemesls",
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its article, and what an answer has to contain: any one of these."""

    question: JudgedQuery
    asked: Asked
    told: Asked
    """The article in the language of the question; the same, unless a translation of it is asked."""
    vector: NDArray[np.float32]
    contains: tuple[str, ...]


Encode = Callable[[tuple[str, ...]], Vectors]
Method = Callable[[Case], str]


def main() -> None:
    """Measure, print, write benchmarks/results/answers.md and answers.json."""
    measured = stamp("python -m benchmarks.answers")
    embedder = load_embedder()
    with tempfile.TemporaryDirectory() as folder:
        build([SAMPLE_KB], Path(folder), embedder=embedder)
        engine = Engine(open_snapshot(Path(folder)), embedder)
        labelled = [_case(engine, *label) for label in read_labels()]
        cases = [case for case in labelled if case.told is case.asked]
        translated = [case for case in labelled if case.told is not case.asked]
        # Articles are asked about more than once.
        encode = cache(lambda texts: embedder.encode_passages(texts))
        figures = _figures_of(cases, _answers(cases, encode))
        abroad = _figures_of(translated, _answers_abroad(translated, engine._snapshot, encode))
        codes = code_figures(engine)
    counts = Counter(case.question.lang for case in cases)
    heads = ("answer", "words", *(f"right, {lang}" for lang in LANGUAGES), "against kbsearch", "middle")
    text = "\n\n".join(
        [
            "# The sentences that answer",
            measured.line(),
            f"{len(cases)} questions ({', '.join(f'{lang} {counts[lang]}' for lang in sorted(counts))}) with their "
            f"article given; model {embedder.info.name}. Right: per cent of the answers that contain the text that "
            "answers, with 95 % intervals (Wilson). Against kbsearch: points, over the same questions (bootstrap over "
            "pairs). A longer answer can only contain more, so ways to choose are compared at one length. Middle: per "
            "cent that begin with a later step of a list than its first.",
            table(heads, [_row(name, figure) for name, figure in figures.items()]),
            f"The same of {len(translated)} questions on pages in another language than their own, answered from the "
            "article's translation into that; by language of the question.",
            table(heads, [_row(name, figure) for name, figure in abroad.items()]),
            f"Of {codes['n']} questions for a code of a table (`P-203`, `P 203`, `P203`; in three languages) "
            f"{100 * codes['shown']:.1f} % are shown its row, {100 * codes['first']:.1f} % with no other before it.",
        ]
    )
    print(text)
    write_result(
        "answers", text, {"n": counts, "methods": figures, "translated": abroad, "codes": codes}, measured, RESULTS
    )


def read_labels() -> list[tuple[JudgedQuery, str, tuple[str, ...]]]:
    """Questions of sample_kb, an article for each, and the texts of which its answer has to contain one."""
    questions = {question.id: question for question in read_queries(SAMPLE_KB / "questions.jsonl")}
    labels = []
    for line in (SAMPLE_KB / "answers.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        question = questions[label["id"]]
        (article,) = question.relevant
        labels.append((question, article, tuple(label["contains"])))
        for lang, contains in label.get("translations", {}).items():
            labels.append((question, f"{article.removesuffix(question.lang)}{lang}", tuple(contains)))
    return labels


def first_sentences(case: Case) -> str:
    """The beginning of the article."""
    text = "\n".join(passage.text for passage in case.asked.passages)
    start, end = grown(text, sentences_of(text), 0, ANSWER_LENGTH)
    return text[start:end]


def most_words(case: Case) -> str:
    """Around the sentence that holds most of the query's words."""

    def held(place: int, start: int, end: int) -> int:
        return len({word for at, _, word in case.asked.passages[place].places if start <= at < end})

    return _around_best(case, [[held(*sentence) for sentence in passage] for passage in _sentences(case.asked)])


def nearest_sentence(case: Case, encode: Encode) -> str:
    """Around the sentence whose vector is nearest to the query's."""
    texts = [
        tuple(case.asked.passages[place].text[start:end] for place, start, end in passage)
        for passage in _sentences(case.asked)
    ]
    return _around_best(case, [(encode(passage) @ case.vector).tolist() for passage in texts])


def nearest_passage(case: Case, encode: Encode) -> str:
    """The product's choice within the passage whose vector is nearest to the query's."""
    nearest = int(np.argmax(encode(tuple(passage.text for passage in case.asked.passages)) @ case.vector))
    return _product(case.asked._replace(passages=case.asked.passages[nearest : nearest + 1]))


def _sentences(asked: Asked) -> list[list[tuple[int, int, int]]]:
    """By passage: its place, start and end of each of its sentences."""
    return [
        [(place, start, end) for start, end in sentences_of(passage.text)]
        for place, passage in enumerate(asked.passages)
    ]


def _around_best(case: Case, scores: Sequence[Sequence[float]]) -> str:
    """The first sentence with the highest score (by passage and sentence), grown as the product's answer is."""
    places = [(passage, sentence) for passage, row in enumerate(scores) for sentence in range(len(row))]
    passage, sentence = max(places, key=lambda place: scores[place[0]][place[1]])
    text = case.asked.passages[passage].text
    start, end = grown(text, sentences_of(text), sentence, ANSWER_LENGTH)
    return text[start:end]


def _product(asked: Asked, length: int = ANSWER_LENGTH) -> str:
    return cut_out(asked, best_place(asked), length).text


def _answers(cases: Sequence[Case], encode: Encode) -> dict[str, list[str]]:
    methods: dict[str, Method] = {
        PRODUCT: lambda case: _product(case.asked),
        "first sentences": first_sentences,
        "most words": most_words,
        "nearest sentence": partial(nearest_sentence, encode=encode),
        "kbsearch in the nearest passage": partial(nearest_passage, encode=encode),
    }
    answers = {name: [method(case) for case in cases] for name, method in methods.items()}
    parts = {"HEADING_SHARE": ("headings", 0.0), "TITLE_SHARE": ("the title", 1.0)}
    for constant, (name, without) in parts.items():
        with patch.object(answering, constant, without):
            answers[f"kbsearch without {name}"] = [_product(case.asked) for case in cases]
    answers["kbsearch, one sentence"] = [_product(case.asked, 0) for case in cases]
    for length in OTHER_LENGTHS:
        answers[f"kbsearch, {length} characters"] = [_product(case.asked, length) for case in cases]
    return answers


def _answers_abroad(cases: Sequence[Case], snapshot: Snapshot, encode: Encode) -> dict[str, list[str]]:
    def same_number(case: Case) -> Place:
        best = best_place(case.told)
        return Place(min(best.passage, len(case.asked.passages) - 1), 0, best.share)

    methods: dict[str, Method] = {
        PRODUCT: lambda case: cut_out(case.asked, same_place(snapshot, case.told, case.asked)).text,
        "by the words that the translation holds": lambda case: _product(case.asked),
        "first sentences": first_sentences,
        "the passage of the same number": lambda case: cut_out(case.asked, same_number(case)).text,
        "kbsearch in the nearest passage": partial(nearest_passage, encode=encode),
    }
    return {name: [method(case) for case in cases] for name, method in methods.items()}


def code_figures(engine: Engine) -> dict[str, float]:
    """The number of questions for codes, the share whose answer shows the code's row, and with no row before it."""
    n = shown = first = 0
    for (lang, wordings), (article, codes) in product(ASKING.items(), CODES.items()):
        for wording, code, mark in product(wordings, codes, ("", " ", "-")):
            written = re.sub(r"-?(?=\d)", mark, code, count=1)
            asked = _asked(engine, _read(engine, wording.format(written), lang), f"{article}.{lang}")
            places = {answer.find(other): other for answer in [_product(asked)] for other in codes if other in answer}
            n += 1
            shown += code in places.values()
            first += bool(places) and places[min(places)] == code
    return {"n": n, "shown": shown / n, "first": first / n}


def _case(engine: Engine, question: JudgedQuery, article: str, contains: tuple[str, ...]) -> Case:
    (told,) = question.relevant
    query = _read(engine, question.query, article.rpartition(".")[2])
    asked = _asked(engine, query, article)
    vector = engine._embedder.encode_queries([query.text])[0]
    return Case(question, asked, asked if told == article else _asked(engine, query, told), vector, contains)


# The parts that a search goes through, since a search would rank.


def _read(engine: Engine, text: str, lang: str) -> Understanding:
    typed = normalise(text)
    return understand(typed, likely_languages(typed, lang, engine._lexicon.detector), lang, engine._lexicon)


def _asked(engine: Engine, query: Understanding, article: str) -> Asked:
    snapshot = engine._snapshot
    number = snapshot.number_of(article)
    assert number is not None, article
    return look_up(snapshot, query, engine._lexicon, number, snapshot.passages_of(number))


def _right(cases: Sequence[Case], texts: Sequence[str]) -> list[bool]:
    return [any(part in text for part in case.contains) for case, text in zip(cases, texts, strict=True)]


def _figures_of(cases: Sequence[Case], answers: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    langs = [case.question.lang for case in cases]
    own = _right(cases, answers[PRODUCT])
    return {name: _figures(texts, _right(cases, texts), own, langs) for name, texts in answers.items()}


def _figures(
    texts: Sequence[str], right: Sequence[bool], product: Sequence[bool], langs: Sequence[str]
) -> dict[str, Any]:
    shares = {}
    for lang in LANGUAGES:
        own = [hit for hit, its in zip(right, langs, strict=True) if lang in ("all", its)]
        shares[lang] = {"share": sum(own) / len(own), "interval": wilson(sum(own), len(own))}
    differences = [float(a) - float(b) for a, b in zip(right, product, strict=True)]
    return {
        "words": sum(len(text.split()) for text in texts) / len(texts),
        "right": shares,
        "middle": sum(map(bool, map(MIDDLE.match, texts))) / len(texts),
        "difference": {"mean": float(np.mean(differences)), "interval": bootstrap_mean(Counter(differences))},
    }


def _row(name: str, figure: Mapping[str, Any]) -> list[str]:
    def cell(value: float, interval: Sequence[float], form: str) -> str:
        low, high = (f"{100 * end:{form}}" for end in interval)
        return f"{100 * value:{form}} ({low} to {high})"

    shares = [cell(figure["right"][lang]["share"], figure["right"][lang]["interval"], ".0f") for lang in LANGUAGES]
    difference = figure["difference"]
    against = "" if name == PRODUCT else cell(difference["mean"], difference["interval"], "+.1f")
    name = f"**{name}** (in use)" if name == PRODUCT else name
    return [name, f"{figure['words']:.0f}", *shares, against, f"{100 * figure['middle']:.1f}"]


if __name__ == "__main__":
    main()
