"""Print the ranking quality of a model folder on the development sets; last step of the recipe.

Dense title → body recall@1 and @10 in percent on ``shared/eval/alchemy`` (one vector per document, made of its body
text; a hit is any translation of the relevant document) and bitext accuracy in percent on ``shared/eval/bitext`` and on
``everyday.tsv``: forty everyday questions in three languages, written for this recipe and in no training data.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np
from data import DEFAULT_SHARED, MissingDataError, require
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Encode = Callable[[list[str]], Vectors]
EVERYDAY = Path(__file__).parent / "everyday.tsv"


class Report(TypedDict):
    """Percentages by direction, for example ``title_body["lv->en"]["recall@1"]`` and ``bitext["lv-en"]``."""

    title_body: dict[str, dict[str, float]]
    bitext: dict[str, float]
    everyday: dict[str, float]


def encoder(model: Path) -> Encode:
    """Load a model folder as the product does."""
    from kbsearch.embed.registry import load_embedder  # training uses this module where the product is not installed

    if not (model / "modules.json").is_file():
        raise MissingDataError(f"No model in {model}: pass a sentence-transformers folder.")
    return load_embedder(str(model)).encode_passages


def recall(queries: Vectors, documents: Vectors, relevant: NDArray[np.int64]) -> dict[str, float]:
    """Return recall@1 and @10 in percent of one relevant document per query; -1 marks one that is absent."""
    scores = queries @ documents.T
    target = np.where(relevant >= 0, scores[np.arange(len(relevant)), relevant], -np.inf)
    rank = (scores >= target[:, None]).sum(axis=1)  # ties count against the model
    return {f"recall@{k}": round(100 * float(np.mean((rank <= k) & (relevant >= 0))), 1) for k in (1, 10)}


def evaluate(encode: Encode, shared: Path, languages: list[str] | None = None) -> Report:
    """Measure every same-language direction, every X→en and en→X, and bitext X–en."""
    folder = require(shared / "eval" / "alchemy")
    codes = languages or sorted(path.name.split(".")[1] for path in folder.glob("docs.*.jsonl"))
    queries: dict[str, Vectors] = {}
    documents: dict[str, Vectors] = {}
    wanted: dict[str, list[str]] = {}
    groups: dict[str, dict[str, int]] = {}
    for code in codes:
        docs = [json.loads(line) for line in (folder / f"docs.{code}.jsonl").open(encoding="utf-8")]
        titles = [json.loads(line) for line in (folder / f"titles.{code}.jsonl").open(encoding="utf-8")]
        documents[code] = encode([doc["body"] for doc in docs])
        queries[code] = encode([title["query"] for title in titles])
        wanted[code] = [next(iter(title["relevant"])) for title in titles]
        groups[code] = {doc["group"]: row for row, doc in enumerate(docs)}
    directions = [(code, code) for code in codes]
    directions += [pair for code in codes if code != "en" for pair in ((code, "en"), ("en", code)) if "en" in codes]
    title_body: dict[str, dict[str, float]] = {}
    for asked, indexed in directions:
        relevant = np.array([groups[indexed].get(group, -1) for group in wanted[asked]])
        # A title whose article does not exist in the indexed language has no answer there: it is left out.
        answerable = relevant >= 0
        title_body[f"{asked}->{indexed}"] = recall(queries[asked][answerable], documents[indexed], relevant[answerable])
    lines = EVERYDAY.read_text(encoding="utf-8").splitlines()
    everyday = dict(zip(lines[0].split("\t"), zip(*(line.split("\t") for line in lines[1:]), strict=True), strict=True))
    texts = {code: file.read_text(encoding="utf-8").splitlines() for code, file in bitext_files(shared, codes).items()}
    return {
        "title_body": title_body,
        "bitext": bitext(encode, texts),
        "everyday": bitext(encode, {code: list(texts) for code, texts in everyday.items() if code in codes}),
    }


def bitext_files(shared: Path, codes: list[str]) -> dict[str, Path]:
    """Return the file of aligned sentences of each language that has one."""
    files = {code: require(shared / "eval" / "bitext") / f"{code}.txt" for code in codes}
    return {code: file for code, file in files.items() if file.is_file()}


def bitext(encode: Encode, texts: dict[str, list[str]]) -> dict[str, float]:
    """Return the share of lines whose nearest neighbour is their own translation, mean of both directions."""
    sides = {code: encode(lines) for code, lines in texts.items()}
    accuracy: dict[str, float] = {}
    for code in sides:
        if code != "en" and "en" in sides:
            scores = sides[code] @ sides["en"].T
            own = np.arange(len(scores))
            hits = [np.mean(scores.argmax(axis=axis) == own) for axis in (0, 1)]
            accuracy[f"{code}-en"] = round(100 * float(np.mean(hits)), 1)
    return accuracy


def as_markdown(report: Report) -> str:
    """Write the report as two Markdown tables."""
    lines = ["| title → body | recall@1 | recall@10 |", "|---|---|---|"]
    for direction, figures in report["title_body"].items():
        lines.append(f"| {direction.replace('->', '→')} | {figures['recall@1']} | {figures['recall@10']} |")
    for name, figures in (("bitext", report["bitext"]), ("everyday", report["everyday"])):
        lines += ["", f"| {name} | accuracy |", "|---|---|"]
        lines += [f"| {pair.replace('-', '–')} | {accuracy} |" for pair, accuracy in figures.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path, help="sentence-transformers folder")
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED)
    parser.add_argument("--languages", nargs="*", help="default: all of the development set")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    report = evaluate(encoder(args.model), args.shared, args.languages)
    print(json.dumps(report, indent=1) if args.json else as_markdown(report))


if __name__ == "__main__":
    main()
