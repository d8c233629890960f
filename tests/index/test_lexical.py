"""The lexical leg against its oracle, rank_bm25.BM25Plus, and its own promises."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rank_bm25 import BM25Plus

from benchmarks.bags import index_bags
from kbsearch.errors import SnapshotDamaged
from kbsearch.index.arrays import hash_texts
from kbsearch.index.lexical import DELTA, K1, B, LexicalHits, LexicalIndex, write_lexical
from kbsearch.index.ragged import Ragged

TOLERANCE = 1e-4

Bags = Sequence[Sequence[str]]


def oracle(bags: Bags, query: Sequence[str]) -> NDArray[np.float64]:
    """The reference scores every passage, also those that share no term with the query."""
    return np.asarray(BM25Plus([list(bag) for bag in bags], k1=K1, b=B, delta=DELTA).get_scores(list(query)))


def all_scores(hits: LexicalHits, passages: int) -> NDArray[np.float64]:
    scores = np.full(passages, hits.baseline)
    scores[hits.passages] += hits.scores
    return scores


ROOM = [
    ["cat", "sat", "mat"],
    ["cat", "cat", "dog"],
    ["dog"],
    ["bird", "sang", "song", "long", "long", "song"],
    ["mat", "mat", "mat", "mat"],
    ["fish"],
]


def test_words_that_share_terms_count_together(tmp_path: Path) -> None:
    """As if each passage held the terms of its words one by one; of rare words and of those in half of all passages."""
    random = np.random.default_rng(8)
    terms = [[f"=word{n}", f"^w{n % 30}", "+often" if n < 40 else f"+inner{n % 200}"] for n in range(1_000)]
    words = [np.unique((1_000 * random.random(random.integers(0, 9)) ** 3).astype(int)) for _ in range(4_000)]
    words.append(np.arange(1_000))
    times = [random.integers(1, 4, len(held)) for held in words]
    write_lexical(
        tmp_path / "words",
        Ragged.of_numbers([held.tolist() for held in words], np.int32),
        Ragged.of_numbers([count.tolist() for count in times], np.int32),
        Ragged.of_hashes([hash_texts(of_word).tobytes() for of_word in terms]),
    )
    spelt = [
        [term for word, count in zip(held, counts, strict=True) for term in terms[word] * count]
        for held, counts in zip(words, times, strict=True)
    ]
    index_bags(spelt, tmp_path / "terms")
    for path in (tmp_path / "terms").iterdir():
        assert (tmp_path / "words" / path.name).read_bytes() == path.read_bytes()


bags = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=12), min_size=1, max_size=25).filter(
    lambda passages: any(passages)  # rank_bm25 divides by the average length
)
queries = st.lists(st.sampled_from("abcdefghXY"), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(passages=bags, query=queries, random=st.randoms(use_true_random=False))
def test_scores_equal_the_reference(passages: Bags, query: list[str], random) -> None:
    """Scores plus baseline are BM25Plus's: repeated and unknown query terms, empty passages; probed too."""
    expected = oracle(passages, query)
    probe = np.asarray(random.sample(range(len(passages)), len(passages)), dtype=np.int64)
    with tempfile.TemporaryDirectory() as folder:
        hits = index_bags(passages, Path(folder) / "index").search(query, len(passages), probe=probe)
    np.testing.assert_allclose(all_scores(hits, len(passages)), expected, atol=TOLERANCE)
    np.testing.assert_allclose(hits.probed + hits.baseline, expected[probe], atol=TOLERANCE)


@settings(max_examples=60, deadline=None)
@given(passages=bags, query=queries)
def test_best_come_first_and_ties_keep_the_passages_order(passages: Bags, query: list[str]) -> None:
    """Hits are exactly the passages sharing a term, by falling score, equal scores by rising number."""
    with tempfile.TemporaryDirectory() as folder:
        index = index_bags(passages, Path(folder) / "index")
        hits = index.search(query, len(passages))
        sharing = {n for n, bag in enumerate(passages) if set(bag) & set(query)}
        assert set(hits.passages.tolist()) == sharing
        pairs = list(zip((-hits.scores).tolist(), hits.passages.tolist(), strict=True))
        assert pairs == sorted(pairs)
        for limit in (1, 2, 5):
            few = index.search(query, limit)
            assert few.passages.tolist() == hits.passages[:limit].tolist()


@settings(max_examples=60, deadline=None)
@given(passages=bags, query=queries)
def test_no_score_exceeds_the_bound(passages: Bags, query: list[str]) -> None:
    """The bound holds for every passage, so that a share of it is never above one."""
    with tempfile.TemporaryDirectory() as folder:
        hits = index_bags(passages, Path(folder) / "index").search(query, len(passages))
    assert np.all(hits.scores <= hits.bound * (1 + 1e-6))


@settings(max_examples=60, deadline=None)
@given(passages=bags, query=queries, mask=st.integers(min_value=0, max_value=2**25 - 1))
def test_allowed_mask_removes_passages_and_changes_no_score(passages: Bags, query: list[str], mask: int) -> None:
    """Refused passages never come back; the others keep score and order, however small the limit."""
    allowed = np.asarray([bool(mask >> n & 1) for n in range(len(passages))])
    with tempfile.TemporaryDirectory() as folder:
        index = index_bags(passages, Path(folder) / "index")
        everything = index.search(query, len(passages))
        for limit in (2, len(passages)):
            some = index.search(query, limit, allowed=allowed)
            kept = allowed[everything.passages]
            assert some.passages.tolist() == everything.passages[kept][:limit].tolist()
            assert some.scores.tolist() == everything.scores[kept][:limit].tolist()


@settings(max_examples=60, deadline=None)
@given(passages=bags, mask=st.integers(min_value=0, max_value=2**25 - 1))
def test_terms_are_together_where_a_passage_holds_both(passages: Bags, mask: int) -> None:
    """Any passage, or any allowed one."""
    allowed = np.asarray([bool(mask >> number & 1) for number in range(len(passages))], dtype=np.bool_)
    with tempfile.TemporaryDirectory() as folder:
        index = index_bags(passages, Path(folder) / "index")
        terms = sorted({term for bag in passages for term in bag} | {"absent"})
        for first, second in product(terms, terms):
            holders = np.asarray([first in bag and second in bag for bag in passages], dtype=np.bool_)
            assert index.together(first, second) == holders.any()
            assert index.together(first, second, allowed) == (holders & allowed).any()


def test_a_weight_of_two_equals_typing_the_term_twice(tmp_path: Path) -> None:
    """Weights are repetitions; so is the bound, unknown terms included."""
    index = index_bags(ROOM, tmp_path / "index")
    weighed = index.search(["cat", "mat", "zebra"], 6, weights=[2.0, 1.0, 3.0])
    repeated = index.search(["cat", "cat", "mat", "zebra", "zebra", "zebra"], 6)
    assert weighed.passages.tolist() == repeated.passages.tolist()
    np.testing.assert_allclose(weighed.scores, repeated.scores, rtol=1e-6)
    assert weighed.baseline == pytest.approx(repeated.baseline)
    assert weighed.bound == pytest.approx(repeated.bound)


def test_hand_arithmetic(tmp_path: Path) -> None:
    """`fish` in 1 of 6 passages of average length 18/6: idf·(k1 + 1)/(1 + k1·(1 − b + b·1/3)) above the baseline."""
    index = index_bags(ROOM, tmp_path / "index")
    hits = index.search(["fish"], 3)
    idf = np.log(7 / 1)
    assert hits.passages.tolist() == [5]
    assert hits.scores[0] == pytest.approx(idf * (K1 + 1) / (1 + K1 * (1 - B + B * 1 / 3)), rel=1e-5)
    assert hits.baseline == pytest.approx(idf * DELTA, rel=1e-6)
    assert hits.bound == pytest.approx(idf * (K1 + 1), rel=1e-6)


def test_an_unknown_term_finds_nothing_and_counts_as_the_rarest(tmp_path: Path) -> None:
    """A word nobody wrote lowers the share that any passage explains."""
    index = index_bags(ROOM, tmp_path / "index")
    hits = index.search(["zebra"], 5)
    assert hits.passages.size == 0
    assert hits.bound == pytest.approx(np.log(7) * (K1 + 1), rel=1e-6)
    assert index.known(["cat", "zebra"]).tolist() == [True, False]
    assert index.idf(["fish", "zebra"]).tolist() == pytest.approx([np.log(7), np.log(7)])


@pytest.mark.parametrize("bags", [[], [[], []]], ids=["no passage", "only empty passages"])
def test_an_empty_collection_answers_nothing(bags: Bags, tmp_path: Path) -> None:
    """Nothing indexed is no error (rank_bm25 divides by zero here)."""
    index = index_bags(bags, tmp_path / "index")
    hits = index.search(["cat"], 5)
    assert (hits.passages.size, hits.scores.size) == (0, 0)
    assert index.statistics.passages == len(bags)


def test_a_limit_of_zero_or_beyond_the_collection_is_harmless(tmp_path: Path) -> None:
    """The limit only bounds; it is neither memory to reserve nor a place to write."""
    index = index_bags(ROOM, tmp_path / "index")
    assert index.search(["cat"], 0).passages.size == 0
    assert index.search(["cat"], 10**12).passages.tolist() == index.search(["cat"], 6).passages.tolist()


def test_scratch_is_clean_between_queries(tmp_path: Path) -> None:
    """A query's scores never leak into the next one of the same thread, whatever was filtered or failed."""
    index = index_bags(ROOM, tmp_path / "index")
    expected = index.search(["mat"], 6)
    index.search(["cat", "dog", "song"], 1, allowed=np.zeros(6, np.bool_))
    with pytest.raises(IndexError):
        index.search(["cat", "mat"], 6, probe=np.asarray([99]))
    again = index.search(["mat"], 6, probe=np.arange(6))
    assert again.scores.tolist() == expected.scores.tolist()
    assert np.count_nonzero(again.probed) == len(again.passages) == 2


def test_two_threads_at_once_get_their_own_scores(tmp_path: Path) -> None:
    """Each thread adds up in its own memory."""
    random = np.random.default_rng(3)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    index = index_bags([random.choice(letters, 20).tolist() for _ in range(3000)], tmp_path / "index")
    asked = [random.choice(letters, 4).tolist() for _ in range(200)]
    expected = [index.search(query, 20) for query in asked]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda query: index.search(query, 20), asked))
    for one, other in zip(expected, found, strict=True):
        assert one.passages.tolist() == other.passages.tolist()
        assert one.scores.tolist() == other.scores.tolist()


def test_statistics_are_those_of_the_whole_collection(tmp_path: Path) -> None:
    """N, average length and df are stored, and a filter leaves them alone."""
    index = index_bags(ROOM, tmp_path / "index")
    assert index.statistics.passages == 6
    assert index.statistics.average_length == pytest.approx(sum(map(len, ROOM)) / 6)
    df = Counter(term for bag in ROOM for term in set(bag))
    terms = sorted(df)
    assert index.statistics.terms == len(terms)
    np.testing.assert_allclose(index.idf(terms), [np.log(7 / df[term]) for term in terms], rtol=1e-6)
    only_second = np.asarray([False, True, False, False, False, False])
    whole = dict(
        zip(*(a.tolist() for a in (index.search(["cat"], 6).passages, index.search(["cat"], 6).scores)), strict=True)
    )
    assert index.search(["cat"], 6, allowed=only_second).scores.tolist() == [whole[1]]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"passages": 1}'])
def test_damaged_statistics_are_named(content: bytes, tmp_path: Path) -> None:
    """A broken file is a SnapshotDamaged that names it."""
    index_bags(ROOM, tmp_path / "index")
    (tmp_path / "index" / "statistics.json").write_bytes(content)
    with pytest.raises(SnapshotDamaged, match=r"statistics\.json"):
        LexicalIndex(tmp_path / "index")


def test_written_statistics_are_readable_json(tmp_path: Path) -> None:
    """Statistics lie beside the arrays in plain JSON, k1, b and delta with them."""
    index_bags(ROOM, tmp_path / "index")
    stored = orjson.loads((tmp_path / "index" / "statistics.json").read_bytes())
    assert stored == {"passages": 6, "average_length": 3.0, "terms": 9, "k1": K1, "b": B, "delta": DELTA}


def test_loops_are_compiled_where_nothing_can_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only installation under a user without a home compiles in each process instead of failing."""
    from kbsearch.index import kernels

    real = kernels.njit

    def without_cache(**options: bool) -> Callable[..., object]:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(kernels, "njit", without_cache)
    double = kernels.compiled(lambda number: 2 * number)
    assert double(21) == 42
