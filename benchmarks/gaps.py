"""How well gap triage tells meanings apart, and what is missing from what was not found: `python -m benchmarks.gaps`.

On the questions of sample_kb, of which it is known what they mean and whether an article answers them. Questions in
three languages that no article answers are grouped by meaning; and for every topic and language the knowledge base is
asked whether it holds the answer. The thresholds in use (`kbsearch/metrics/clusters.py`, `labels.py`) are marked.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from benchmarks.report import RESULTS, stamp, table, write_result
from benchmarks.traffic import SAMPLE
from indexer.pipeline import build
from kbsearch.metrics import labels
from kbsearch.metrics.clusters import LIKENESS, cluster, distinct
from kbsearch.metrics.library import Nearest
from kbsearch.service.knowledge import open_knowledge

_LIKENESSES = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
_SCORES, _WORDS = (0.22, 0.24, 0.26, 0.28, 0.30), (0.0, 0.5, 0.6, 0.7)
_MEANINGS = (0.35, 0.4, 0.45, 0.5)
# Numbers of unanswerable questions mean the same in all languages, except for these of the English ones.
_MOVED = {31: 32, **{number: number + 1 for number in range(32, 44)}, 47: 39}
_ENGLISH_ONLY = (38, 44)

Asked = list[tuple[Nearest | None, int]]


def main() -> None:
    """Measure, print, write benchmarks/results/gaps.md and gaps.json."""
    measured = stamp("python -m benchmarks.gaps")
    questions = [json.loads(line) for line in (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        build([SAMPLE], Path(folder) / "index")
        library = open_knowledge(Path(folder) / "index")
        lost = [question for question in questions if not question["relevant"]]
        plain = library.encode([question["query"] for question in questions])
        unanswered = [not question["relevant"] for question in questions]
        topics = [_topic(question) for question in lost]
        groups = {
            likeness: (
                *_pairs(cluster(distinct(plain)[unanswered], likeness), topics),
                *_pairs(cluster(plain[unanswered], likeness), topics)[:2],
            )
            for likeness in _LIKENESSES
        }
        asked: dict[tuple[str, str, str], Asked] = {}
        for question in questions:
            kind = "missing" if not question["relevant"] else question["kind"]
            kind = kind if kind in ("missing", "other_language") else "there"
            key = (kind, _topic(question), question["lang"])
            asked.setdefault(key, []).append((library.nearest(question["query"], question["lang"]), 1))
    near = {(score, words): _near(asked, score, words) for score in _SCORES for words in _WORDS}
    meaning = {least: _meaning(asked, least) for least in _MEANINGS}
    introduction = (
        f"{len(lost)} questions that no article answers, in three languages: of all pairs that are put into one group, "
        "the share that means the same (precision); of all pairs that mean the same, the share that is put into one "
        "group (recall). *Plain* is without taking out what all questions share."
    )
    held = (
        "For each topic and language, by its questions: topics with an article in that language that are taken for "
        "held, and topics without any article that are taken for missing."
    )
    elsewhere = (
        "Of topics that only another language has, those that are recognised by search alone (customers who found it "
        "later are the stronger sign); of topics without any article, those that are wrongly taken for one."
    )
    text = "\n\n".join(
        [
            "# Gap triage",
            measured.line(),
            "## Questions of one meaning",
            introduction,
            table(
                ("likeness", "precision", "recall", "groups", "precision, plain", "recall, plain"),
                [
                    (_marked(one, one == LIKENESS), *map(_share, found[:2]), found[2], *map(_share, found[3:]))
                    for one, found in groups.items()
                ],
            ),
            "## Missing, or there",
            held,
            table(
                ("score, words known", "held found", "missing found"),
                [
                    (
                        _marked(f"{score:.2f}, {words:.1f}", (score, words) == (labels.NEAR_SCORE, labels.NEAR_WORDS)),
                        *map(_share, found),
                    )
                    for (score, words), found in near.items()
                ],
            ),
            "## There, in another language",
            elsewhere,
            table(
                ("similarity", "recognised", "wrongly"),
                [(_marked(one, one == labels.NEAR_MEANING), *map(_share, found)) for one, found in meaning.items()],
            ),
        ]
    )
    print(text)
    figures = {
        "clusters": {str(one): found for one, found in groups.items()},
        "near": {f"{score}, {words}": found for (score, words), found in near.items()},
        "meaning": {str(one): found for one, found in meaning.items()},
    }
    write_result("gaps", text, figures, measured, RESULTS)


def _topic(question: dict[str, object]) -> str:
    relevant = question["relevant"]
    if relevant:
        return sorted(str(article).rpartition(".")[0] for article in relevant)[0]  # type: ignore[attr-defined]
    number, lang = int(str(question["id"])[4:]), question["lang"]
    if lang != "en":
        return f"missing {number}"
    return f"english {number}" if number in _ENGLISH_ONLY else f"missing {_MOVED.get(number, number)}"


def _pairs(numbers: Sequence[int], topics: Sequence[str]) -> tuple[float, float, int]:
    together = {pair for pair in combinations(range(len(topics)), 2) if numbers[pair[0]] == numbers[pair[1]]}
    same = {pair for pair in combinations(range(len(topics)), 2) if topics[pair[0]] == topics[pair[1]]}
    both = len(together & same)
    return both / len(together), both / len(same), len(set(numbers))


def _near(asked: dict[tuple[str, str, str], Asked], score: float, words: float) -> tuple[float, float]:
    there = [labels.is_near(mine, score, words) for (kind, _, _), mine in asked.items() if kind == "there"]
    missing = [labels.is_near(mine, score, words) for (kind, _, _), mine in asked.items() if kind == "missing"]
    return _mean(there), 1 - _mean(missing)


def _meaning(asked: dict[tuple[str, str, str], Asked], least: float) -> tuple[float, float]:
    def recognised(kind: str) -> list[bool]:
        return [
            labels.is_near(mine) or labels.means_the_same(mine, lang, least)
            for (name, _, lang), mine in asked.items()
            if name == kind
        ]

    missing = [
        not labels.is_near(mine) and labels.means_the_same(mine, lang, least)
        for (name, _, lang), mine in asked.items()
        if name == "missing"
    ]
    return _mean(recognised("other_language")), _mean(missing)


def _mean(found: Iterable[bool]) -> float:
    values = list(found)
    return sum(values) / len(values)


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _marked(value: object, used: bool) -> str:
    return f"**{value}** (in use)" if used else str(value)


if __name__ == "__main__":
    main()
