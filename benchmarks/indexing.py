"""How long a build and an update take, and how much memory and disk, for a generated help centre.

python -m benchmarks.indexing                                            100,000 articles → results/indexing-static.md
python -m benchmarks.indexing --model kbsearch-mini --passages 1 --words 12 → results/indexing-mini.md

A transformer takes a thousand times as long for a text as the static rows do, so that its articles are answers of a
sentence or two here. The longer they are, the smaller is the share of an update.

Every run is a process of its own, as from the command line: its peak memory is its own and that of its workers. The
result of the update is compared with a build of the same sources, file by file.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson

from benchmarks.report import RESULTS, WORK, stamp, table, write_result
from benchmarks.synthetic import MEDIAN_WORDS, Generator
from kbsearch.snapshot import published_version, read_manifest

LANGUAGES = ("lv", "lt", "en")
CHANGED = 0.01
PASSAGES = (1, 2, 2, 3)
"""Generated passages that make an article, drawn from these; the real help centre at hand has two on the mean."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Generate, run, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.indexing", description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000, metavar="N")
    parser.add_argument("--passages", type=int, nargs="+", default=PASSAGES, metavar="N", help="of an article")
    parser.add_argument("--words", type=int, default=MEDIAN_WORDS, metavar="N", help="of a passage, at the median")
    parser.add_argument("--model", default="kbsearch-static", metavar="NAME", help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args(arguments)
    per_article = " ".join(map(str, options.passages))
    measured = stamp(
        f"python -m benchmarks.indexing --articles {options.articles} --passages {per_article} "
        f"--words {options.words} --model {options.model}"
    )
    folder = WORK / "indexing"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    articles = generate(options.articles, options.passages, options.words)
    source = write(folder / "articles.jsonl", articles)
    runs = [run("build", source, folder / "index", options.model)]
    runs.append(run("update", source, folder / "index") | {"what": "update, nothing new"})
    write(source, edited(articles))
    runs.append(run("update", source, folder / "index") | {"what": f"update, {CHANGED:.0%} changed"})
    figures = {
        "articles": options.articles,
        "model": options.model,
        "runs": runs,
        "share": {name: runs[2][name] / runs[0][name] for name in ("seconds", "processor_seconds")},
        "identical": None,
        "bytes": {
            "source": source.stat().st_size,
            "snapshot": size_of(folder / "index" / published_version(folder / "index")),
            "finished work kept for updates": size_of(folder / "index" / ".cache"),
        },
    }
    name = f"indexing-{options.model.removeprefix('kbsearch-')}"
    write_result(name, described(measured.line(), figures), figures, measured, options.out)
    runs.append(run("build", source, folder / "fresh", options.model) | {"what": "build of the same"})
    figures["identical"] = files_of(folder / "index") == files_of(folder / "fresh")
    write_result(name, described(measured.line(), figures), figures, measured, options.out)
    shutil.rmtree(folder)
    if not figures["identical"]:
        raise SystemExit("the update's snapshot is not that of a build")


def generate(count: int, sizes: Sequence[int] = PASSAGES, words: int = MEDIAN_WORDS) -> list[dict[str, Any]]:
    """Articles in three languages, none alike, of as many passages as one of `sizes` says, each of about `words`."""
    chance = random.Random(1)
    articles: list[dict[str, Any]] = []
    for lang in LANGUAGES:
        passages = Generator(lang, 1, words).passages(count * max(sizes))
        for number in range(len(articles), count * (LANGUAGES.index(lang) + 1) // len(LANGUAGES)):
            parts = [next(passages) for _ in range(chance.choice(sizes))]
            body = "\n\n".join(f"## {part.title}\n\n{part.text}" for part in parts)
            articles.append({"id": f"a{number}", "lang": lang, "title": parts[0].title, "body": body})
    return articles


def edited(articles: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One article in a hundred: most with another sentence, some gone, some new."""
    chance = random.Random(2)
    chosen = set(chance.sample(range(len(articles)), round(CHANGED * len(articles))))
    now = []
    for number, article in enumerate(articles):
        what = chance.random() if number in chosen else 1.0
        if what < 0.1:
            continue
        now.append(article | ({"body": f"{article['body']}\n\nEdited {number}."} if what < 1.0 else {}))
        if what < 0.2:
            now.append(article | {"id": f"new-{number}", "title": f"New {article['title']} {number}"})
    return now


def write(path: Path, articles: Sequence[dict[str, Any]]) -> Path:
    """One line an article."""
    path.write_bytes(b"".join(orjson.dumps(article) + b"\n" for article in articles))
    return path


def run(command: str, source: Path, out: Path, model: str | None = None) -> dict[str, Any]:
    """Run it; seconds on the clock and of the processors, and the peaks of memory. No model: the published one."""
    code = "import sys; from indexer.cli import main; sys.exit(main())"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = perf_counter()
    arguments = [sys.executable, "-c", code, command, str(source), "--out", str(out), "--json"]
    arguments += ["--model", model] if model else []
    done = subprocess.run(arguments, stdout=subprocess.PIPE, check=True)
    seconds = perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = orjson.loads(done.stdout)
    kept = ("documents", "documents_analysed", "passages", "passages_embedded", "peak_mebibytes")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    facts = {"what": command, "seconds": seconds, "processor_seconds": processor} | {
        name: report[name] for name in kept
    }
    print(facts, flush=True)
    return facts


def files_of(root: Path) -> dict[str, Any]:
    """Checksums of the published version's files."""
    files: dict[str, Any] = read_manifest(root / published_version(root))["files"]
    return files


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def described(line: str, figures: dict[str, Any]) -> str:
    """The page."""
    rows = [
        [
            run["what"],
            f"{run['seconds']:.1f}",
            f"{run['processor_seconds']:.1f}",
            f"{run['documents_analysed']:,}",
            f"{run['passages_embedded']:,}",
            f"{run['peak_mebibytes']:,.0f}",
        ]
        for run in figures["runs"]
    ]
    header = ["run", "seconds", "processor seconds", "articles analysed", "passages embedded", "peak MiB"]
    built = figures["runs"][0]
    sizes = [[name, f"{size / 2**20:,.0f}"] for name, size in figures["bytes"].items()]
    verdict = {None: "not compared", True: "byte for byte the same", False: "NOT the same"}[figures["identical"]]
    return "\n\n".join(
        [
            f"# Builds and updates with {figures['model']}",
            line,
            f"{figures['articles']:,} generated articles in {', '.join(LANGUAGES)}; {CHANGED:.0%} of them changed, "
            "deleted or new. Peak memory is that of the main process.",
            table(header, rows),
            f"The build made {built['passages'] / built['seconds']:,.0f} passages a second, "
            f"{built['passages'] / built['processor_seconds']:,.0f} a second of processor time.",
            f"The update took {figures['share']['seconds']:.1%} of the time of a full build, and "
            f"{figures['share']['processor_seconds']:.1%} of its processor time.",
            f"The snapshots of the update and of a build of the same articles: {verdict}.",
            table(["on disk", "MiB"], sizes),
        ]
    )


if __name__ == "__main__":
    main()
