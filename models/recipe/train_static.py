"""Train the static model: one row per token, a text is the mean of its rows; step 4 of the recipe.

Takes ``corpus.npz`` and the teacher's vectors; gives ``static.npz`` (float32 rows), written at each checkpoint
together with the optimiser's state, from which an interrupted run continues. Each step draws

- parallel sentences: both sides learn the teacher's vector of the English side, by 1 − cosine and by in-batch InfoNCE
  (van den Oord et al., 2018); a sentence that the teacher has not encoded yet only learns to meet its English side;
- titles → passages of the same article, in one language and across languages, by InfoNCE in both directions. Half of
  the articles of a batch come from a few topics, so that its negatives are hard (Hofstätter et al., 2021).
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from corpus import Corpus, Ragged
from corpus import load as load_corpus
from data import DEFAULT_SHARED, DEFAULT_WORK
from evaluate import evaluate
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from teacher import load_vectors
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

Rows = NDArray[np.float32]
TeacherRows = NDArray[np.float16]
BETAS = (0.9, 0.99)
EPSILON = 1e-8
ARTICLES_PER_TOPIC = 40
TOPIC_DRAWS = 32  # articles drawn from one topic in a batch
SAME_PASSAGE = 0.95  # cosine above which two passages of a batch are one text and no negatives of each other
SMOOTHING = 1e-3  # of SIF weighting (Arora et al., 2017), used for the first guess of the rows


@dataclass(slots=True)
class Config:
    """What a run depends on; a checkpoint is continued only under the same."""

    steps: int
    parallel_batch: int
    pair_batch: int
    rate: float
    scale: float
    dropout: float
    seed: int


@dataclass(slots=True)
class State:
    """Rows and Adam's two moments, plus the number of finished steps."""

    rows: Tensor
    first: Tensor
    second: Tensor
    topics: NDArray[np.int64]
    step: int
    seconds: float


def topics_of(corpus: Corpus, rows: Tensor, seed: int) -> NDArray[np.int64]:
    """Group the articles by k-means over the mean vector of their passages; return the topic of each path."""
    count = int(corpus.path.max()) + 1
    means = np.zeros((count, rows.shape[1]), np.float32)
    with torch.no_grad():
        for block in np.array_split(np.arange(len(corpus.path)), max(1, len(corpus.path) // 4096)):
            np.add.at(means, corpus.path[block], embed(rows, corpus.passage.take(block)).cpu().numpy())
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    topics = max(1, count // ARTICLES_PER_TOPIC)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an emptied topic is simply never drawn
        return np.asarray(kmeans2(means, topics, iter=15, minit="points", rng=seed)[1], np.int64)


def initial_rows(corpus: Corpus, vectors: TeacherRows, size: int, device: str) -> Tensor:
    """Guess each row: the mean teacher vector of the texts with the token, rarer tokens larger."""
    total = torch.zeros((size, vectors.shape[1]), device=device)
    count = np.zeros(size, np.float64)
    sentences = np.arange(len(corpus.english))
    usable = sentences[corpus.english < len(vectors)]
    mean = vectors[:: max(1, len(vectors) // 20_000)].astype(np.float32).mean(axis=0)
    for block in np.array_split(usable, max(1, len(usable) // 10_000)):
        target = torch.from_numpy(vectors[corpus.english[block]].astype(np.float32) - mean).to(device)
        for tokens in (corpus.translation.take(block), corpus.english_tokens.take(corpus.english[block])):
            lengths = torch.from_numpy(np.diff(tokens.offsets)).to(device)
            index = torch.from_numpy(tokens.flat.astype(np.int64)).to(device)
            total.index_add_(0, index, target.repeat_interleave(lengths, dim=0))
            count += np.bincount(tokens.flat, minlength=size)
    weight = SMOOTHING / (SMOOTHING + count / count.sum()) / (count + 3.0)
    return total * torch.from_numpy(weight.astype(np.float32)).to(device)[:, None]


class Sampler:
    """Draws batches; the step's number alone decides what is drawn, so that a resumed run sees the same."""

    def __init__(self, corpus: Corpus, topics: NDArray[np.int64], parallel_batch: int, pair_batch: int) -> None:
        self.parallel_batch = parallel_batch
        self.pair_batch = pair_batch
        cumulative = np.cumsum(corpus.weight)
        self.parallel_cumulative = cumulative / cumulative[-1]
        order = np.argsort(corpus.path, kind="stable")
        self.pair_order = order
        starts = np.searchsorted(corpus.path[order], np.arange(corpus.path.max() + 2))
        # Squared: most articles exist in 20 languages, and lv, lt and en would be 3 rows of 20.
        self.row_edges = np.concatenate([np.zeros(1), np.cumsum(corpus.pair_weight[order] ** 2)])
        self.path_edges = self.row_edges[starts]
        # Articles lie topic by topic on a line, each as wide as its weight, so that a topic is one stretch of it.
        self.path_order = np.argsort(topics, kind="stable")
        weight = np.sqrt(np.bincount(corpus.path, corpus.pair_weight))  # a long article is not worth many short ones
        cumulative = np.cumsum(weight[self.path_order])
        self.path_cumulative = cumulative / cumulative[-1]
        ends = np.searchsorted(topics[self.path_order], np.arange(topics.max() + 2))
        self.topic_edges = np.concatenate([np.zeros(1), self.path_cumulative])[ends]

    def parallel(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw row numbers with replacement, by weight."""
        return np.searchsorted(self.parallel_cumulative, rng.random(self.parallel_batch))

    def pairs(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw (row of the query, row of the passage) for different articles, half of them across languages."""
        free = rng.random(self.pair_batch // 2)
        topics = np.searchsorted(self.topic_edges, rng.random(max(1, len(free) // TOPIC_DRAWS)), side="right") - 1
        start, end = self.topic_edges[topics, None], self.topic_edges[topics + 1, None]
        near = (start + rng.random((len(topics), TOPIC_DRAWS)) * (end - start)).ravel()
        drawn = np.searchsorted(self.path_cumulative, np.concatenate([free, near])).clip(max=len(self.path_order) - 1)
        paths = np.unique(self.path_order[drawn])
        passages = self._row_of(paths, rng)
        queries = self._row_of(paths, rng)
        same = rng.random(len(paths)) < 0.5
        return np.where(same, passages, queries), passages

    def _row_of(self, paths: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        start, end = self.path_edges[paths], self.path_edges[paths + 1]
        drawn = np.searchsorted(self.row_edges, start + rng.random(len(paths)) * (end - start), side="right") - 1
        rows: NDArray[np.int64] = self.pair_order[drawn]
        return rows


def query_tokens(
    corpus: Corpus, query: NDArray[np.int64], passage: NDArray[np.int64], full: NDArray[np.bool_]
) -> Ragged:
    """Return title + heading where the passage is the query's own (and ``full``), else the title alone."""
    own = (query == passage) & full
    both = Ragged.concatenate([corpus.title.take(query), corpus.query.take(query)])
    return both.take(np.arange(len(query)) + own * len(query))


def embed(rows: Tensor, tokens: Ragged) -> Tensor:
    """Return the L2-normalised mean rows."""
    mean = functional.embedding_bag(
        torch.from_numpy(tokens.flat.astype(np.int64)).to(rows.device),
        rows,
        torch.from_numpy(tokens.offsets[:-1]).to(rows.device),
        mode="mean",
    )
    return functional.normalize(mean, dim=1)


def contrast(left: Tensor, right: Tensor, scale: float, ignored: Tensor | None = None) -> Tensor:
    """Return symmetric InfoNCE: row i of one side belongs to row i of the other; ``ignored`` marks no negatives."""
    scores = left @ right.T * scale
    if ignored is not None:
        scores = scores.masked_fill(ignored, -scale)
    target = torch.arange(len(left), device=left.device)
    return (functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target)) / 2


def train_step(
    state: State, corpus: Corpus, sampler: Sampler, vectors: TeacherRows, config: Config
) -> tuple[float, float]:
    """Do one step in place; return the two losses."""
    rng = np.random.default_rng([config.seed, state.step])
    rows = sampler.parallel(rng)
    unique_english, position = np.unique(corpus.english[rows], return_index=True)
    rows = rows[position]
    translation = corpus.translation.take(np.where(rng.random(len(rows)) < 0.5, corpus.typo[rows], rows))
    english = corpus.english_tokens.take(unique_english)
    known = unique_english < len(vectors)
    target = torch.from_numpy(vectors[unique_english[known]].astype(np.float32)).to(state.rows.device)
    asked, passage = sampler.pairs(rng)
    query = query_tokens(corpus, asked, passage, rng.random(len(asked)) < 0.7)
    tokens = Ragged.concatenate([translation, english, query, corpus.passage.take(passage)])
    tokens = tokens.drop(config.dropout, rng)
    touched, local_ids = np.unique(tokens.flat, return_inverse=True)
    tokens.flat = local_ids.astype(np.int32)
    index = torch.from_numpy(touched).to(state.rows.device)

    local = state.rows[index].requires_grad_()
    mean = embed(local, tokens)
    x, e, q, p = torch.split(mean, [len(rows), len(rows), len(asked), len(asked)])
    seen = torch.from_numpy(known).to(state.rows.device)
    distil = contrast(x, e, config.scale)
    if known.any():
        distil = distil + 2 * (2 - (x[seen] * target).sum(dim=1).mean() - (e[seen] * target).sum(dim=1).mean())
        distil = distil + contrast(x[seen], target, config.scale)
    same = (p @ p.T).detach().fill_diagonal_(0) > SAME_PASSAGE
    retrieve = contrast(q, p, config.scale, same)
    (distil + retrieve).backward()  # type: ignore[no-untyped-call]
    assert local.grad is not None
    adam(state, index, local.grad, config.rate * (1 - state.step / config.steps))
    state.step += 1
    return float(distil.detach()), float(retrieve.detach())


def adam(state: State, index: Tensor, gradient: Tensor, rate: float) -> None:
    """Update the touched rows only (Kingma and Ba, 2015, as in torch.optim.SparseAdam)."""
    first = state.first[index].lerp_(gradient, 1 - BETAS[0])
    second = state.second[index].mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    state.first[index], state.second[index] = first, second
    count = state.step + 1
    denominator = (second / (1 - BETAS[1] ** count)).sqrt_().add_(EPSILON)
    state.rows[index] -= rate / (1 - BETAS[0] ** count) * first / denominator


def save(state: State, config: Config, path: Path) -> None:
    """Write the checkpoint whole or not at all; ``load`` is the inverse."""
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        rows=state.rows.cpu().numpy(),
        first=state.first.cpu().numpy(),
        second=state.second.cpu().numpy(),
        topics=state.topics,
        step=state.step,
        seconds=state.seconds,
        config=json.dumps([getattr(config, name) for name in Config.__slots__]),
    )
    partial.rename(path)


def load(path: Path, device: str) -> tuple[State, Config]:
    """Read a checkpoint."""
    with np.load(path) as file:
        rows, first, second = (torch.from_numpy(file[name]).to(device) for name in ("rows", "first", "second"))
        state = State(rows, first, second, file["topics"], int(file["step"]), float(file["seconds"]))
        return state, Config(*json.loads(str(file["config"])))


def develop(state: State, tokenizer: Tokenizer, shared: Path) -> str:
    """Return the development figures of lv, lt and en in one line."""

    def encode(texts: list[str]) -> Rows:
        flat = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
        offsets = np.cumsum([0] + [len(ids) for ids in flat])
        tokens = Ragged(np.concatenate([np.array(ids, np.int32) for ids in flat]), offsets)
        return embed(state.rows, tokens).cpu().numpy()

    report = evaluate(encode, shared, ["en", "lv", "lt"])
    figures = (f"{way} {by['recall@1']}/{by['recall@10']}" for way, by in report["title_body"].items())
    return ", ".join(figures) + f", bitext {report['bitext']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED, help="for the development figures in the log")
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK)
    parser.add_argument("--tokenizer", type=Path, default=DEFAULT_WORK / "tokenizer.json")
    parser.add_argument("--out", type=Path, default=DEFAULT_WORK / "static.npz")
    parser.add_argument("--start", type=Path, help="checkpoint whose rows this run starts from")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--parallel-batch", type=int, default=1024)
    parser.add_argument("--pair-batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=0.01, help="Adam's, falls linearly to 0")
    parser.add_argument("--scale", type=float, default=20.0, help="of cosines in InfoNCE")
    parser.add_argument("--dropout", type=float, default=0.15, help="share of the tokens of a text left out")
    parser.add_argument("--checkpoint", type=int, default=1000, help="steps between two checkpoints")
    parser.add_argument("--stop-after", type=int, help="end after this many steps, to be continued")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="2 spend more on waiting")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    config = Config(args.steps, args.parallel_batch, args.pair_batch, args.rate, args.scale, args.dropout, args.seed)
    corpus, vectors = load_corpus(args.work / "corpus.npz"), load_vectors(args.work)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    if args.out.exists():
        state, before = load(args.out, args.device)
        if before != config:
            raise SystemExit(f"{args.out} belongs to another run ({before}): pass another --out or remove it.")
    else:
        if args.start:
            rows = load(args.start, args.device)[0].rows
        else:
            rows = initial_rows(corpus, vectors, tokenizer.get_vocab_size(), args.device)
            rows *= 0.3 / rows.norm(dim=1).mean()  # Adam's rate is in units of the rows
        topics = topics_of(corpus, rows, args.seed)
        state = State(rows, torch.zeros_like(rows), torch.zeros_like(rows), topics, 0, 0.0)
        print(f"start: {develop(state, tokenizer, args.shared)}", flush=True)
    sampler = Sampler(corpus, state.topics, config.parallel_batch, config.pair_batch)
    last = min(config.steps, args.stop_after or config.steps)
    losses: list[tuple[float, float]] = []
    while state.step < last:
        began = time.monotonic()
        losses.append(train_step(state, corpus, sampler, vectors, config))
        state.seconds += time.monotonic() - began
        if state.step % args.checkpoint == 0 or state.step == last:
            save(state, config, args.out)
            distil, retrieve = np.mean(losses, axis=0)
            print(
                f"step {state.step}, {state.seconds:.0f} s, distil {distil:.3f}, retrieve {retrieve:.3f}: "
                f"{develop(state, tokenizer, args.shared)}",
                flush=True,
            )
            losses.clear()


if __name__ == "__main__":
    main()
