"""What the comparison with other engines rests on: exact answers, shares of them found, environments, kept indexes."""

from __future__ import annotations

import ast
import shutil
import subprocess
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import __main__ as peers
from benchmarks.peers.corpus import DEPTH, Corpus, load, write
from benchmarks.peers.generate import nearest

FAKE = """
class Peer:
    version = "1"
    transport = "thin air"
    def build(self, folder, corpus):
        (folder / "index").write_text(str(len(corpus.texts)))
    def open(self, folder, corpus):
        self._count = int((folder / "index").read_text())
    def keyword(self, text):
        print("engines may write here")
        return [self._count]
"""


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Enough passages for ten in each language."""
    random = np.random.default_rng(1)
    vectors, query_vectors = (random.standard_normal((count, 8), dtype=np.float32) for count in (90, 6))
    langs, query_langs = ["lv", "lt", "en"] * 30, ["lv", "en"] * 3
    exact, exact_filtered = nearest(query_vectors @ vectors.T, query_langs, langs)
    numbers = [str(number) for number in range(90)]
    return Corpus(
        titles=numbers,
        texts=numbers,
        langs=langs,
        vectors=vectors,
        queries=numbers[:6],
        query_langs=query_langs,
        query_vectors=query_vectors,
        exact=exact,
        exact_filtered=exact_filtered,
        right=[[] for _ in range(6)],
    )


def test_right_answers_are_counted_by_language(corpus: Corpus):
    """First and among the first ten; a query without a result counts as one without a right one."""
    right = [[4], [7, 8], [1], [2], [5], [6]]
    found = [[4, 1], [0, 8], [], [3], [9, 5], [6]]
    shares = peers.answered(found, replace(corpus, right=right))
    assert shares == {"lv": [0.3333, 0.6667], "en": [0.3333, 0.6667], "all": [0.3333, 0.6667]}


def test_the_exact_best_are_what_a_loop_over_the_allowed_passages_finds(corpus: Corpus):
    """Recall under a filter is measured against the nearest of the passages that the filter leaves."""
    for query, (vector, lang) in enumerate(zip(corpus.query_vectors, corpus.query_langs, strict=True)):
        ranked = sorted(range(len(corpus.langs)), key=lambda number: -float(np.dot(corpus.vectors[number], vector)))
        assert corpus.exact[query].tolist() == ranked[:DEPTH]
        assert corpus.exact_filtered[query].tolist() == [n for n in ranked if corpus.langs[n] == lang][:DEPTH]


def test_a_corpus_is_read_as_it_was_written(corpus: Corpus, tmp_path: Path):
    """All engines get the same, whichever process reads it."""
    write(tmp_path, corpus)
    read = load(tmp_path)
    assert all(np.array_equal(getattr(read, field.name), getattr(corpus, field.name)) for field in fields(Corpus))


def test_recall_is_the_mean_share_of_the_exact_best():
    """Two of two, then one of two; the order does not count."""
    assert peers.recall([[2, 1], [3, 9]], [[1, 2], [3, 4]]) == 0.75


class Timed:
    """An engine whose queries take what is said."""

    def __init__(self, name: str, ms: float) -> None:
        self.name, self._ms, self.rounds = name, ms, 0
        self.built = {"kinds": ["vector"]}

    def ask(self, command: dict[str, int]) -> dict[str, list[object]]:
        count = command["to"] - command["from"]
        self.rounds += command["from"] == 0
        return {"ms": [self._ms] * count, "found": [[0, 1]] * count, "retrieval_ms": [None] * count}


def test_who_is_slow_is_asked_in_one_round_after_the_one_that_warms_up(corpus: Corpus):
    """Five rounds of an engine that takes a quarter of a second would keep all others waiting."""
    engines = quick, slow = Timed("quick", 1.0), Timed("slow", 2 * peers.SLOW_MS)
    figures = peers.compare(engines, "vector", corpus, rounds=3)
    assert (quick.rounds, slow.rounds) == (4, 2)
    assert figures["slow"] == {
        "p50": 2 * peers.SLOW_MS,
        "p99": 2 * peers.SLOW_MS,
        "recall": peers.recall([[0, 1]] * 6, corpus.exact.tolist()),
    }


def test_every_engine_can_be_installed_built_and_opened():
    """A file without its packages or without one of the two calls would fail after minutes."""
    for name in peers.PEERS:
        tree = ast.parse((peers.HERE / f"{name}.py").read_text(encoding="utf-8"))
        assigned = {ast.unparse(node.targets[0]) for node in tree.body if isinstance(node, ast.Assign)}
        peer = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Peer")
        calls = {node.name for node in peer.body if isinstance(node, ast.FunctionDef)}
        assert "REQUIRES" in assigned, name
        assert {"build", "open"} <= calls, name
        assert calls & set(peers.KINDS), name


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        (("dpkg-query", "apt-get"), "run: sudo apt-get install python3-xapian; or leave xapian_ out with --peers"),
        ((), "which this is not: or leave xapian_ out with --peers"),
    ],
)
def test_a_package_of_debian_that_cannot_be_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, tools: tuple[str, ...], said: str
):
    """Who is not root, or not on Debian, learns what to do."""
    monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}" if tool in tools else None)
    known = subprocess.CompletedProcess([], 1, stdout="python3-venv installed\n")
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_options: known)
    monkeypatch.setattr(peers.os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match=said):
        peers.install_debian("xapian_", ("python3-xapian", "python3-venv"))


@pytest.mark.slow
def test_an_index_is_built_once_and_opened_again(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A second run takes what the first has kept, and what it took to build."""
    write(tmp_path / "corpus", corpus)
    for module in ("runner", "corpus"):
        shutil.copy(peers.HERE / f"{module}.py", tmp_path)
    (tmp_path / "fake.py").write_text(FAKE)
    monkeypatch.setattr(peers, "HERE", tmp_path)
    monkeypatch.setattr(peers, "US", "fake")
    built = []
    for kept in (False, True):
        running = peers.Running("fake", tmp_path / "corpus", tmp_path / "work")
        answer = running.ask({"do": "ask", "kind": "keyword", "from": 0, "to": 2})
        weight = running.ask({"do": "weigh"})["memory_mib"]
        running.stop()
        assert answer["found"] == [[90], [90]]
        assert abs(weight) < 100
        assert running.built["kept"] is kept
        assert running.built["kinds"] == ["keyword"]
        assert running.built["transport"] == "thin air"
        built.append(running.built["seconds"])
    assert built[0] == built[1]
