"""Train the small transformer: the teacher's upper body under the multilingual vocabulary; optional step 6.

Takes ``corpus.npz``, the teacher and a trained static model; gives ``mini.pt``, from which an interrupted run
continues. The rows of the new vocabulary start as the teacher's own input rows of the English words that the static
model finds nearest (FOCUS, Dobler and de Melo, 2023); training is the static model's: distillation on parallel
sentences and InfoNCE on titles → passages, with the same batches.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from corpus import Corpus, Ragged
from corpus import load as load_corpus
from data import DEFAULT_SHARED, DEFAULT_WORK
from evaluate import evaluate
from numpy.typing import NDArray
from teacher import installed_teacher, load_vectors
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from train_static import Sampler, contrast, query_tokens
from train_static import embed as static_embed
from train_static import load as load_static
from transformers import AutoTokenizer, BertModel

SPECIAL = ("[PAD]", "[CLS]", "[SEP]")  # appended to the vocabulary in this order
NEIGHBOURS = 5  # English words whose input rows make up the first guess of a token
TEMPERATURE = 0.05  # of their softmax over cosines


@dataclass(slots=True)
class Config:
    """What a run depends on; a checkpoint is continued only under the same."""

    steps: int
    parallel_batch: int
    pair_batch: int
    rate: float
    embedding_rate: float
    scale: float
    max_tokens: int
    layers: list[int]
    seed: int


class Mini(nn.Module):
    """BERT with mean pooling over all tokens, marks of start and end included, as in the teacher."""

    def __init__(self, body: BertModel, max_tokens: int) -> None:
        super().__init__()
        self.body = body
        self.max_tokens = max_tokens
        self.pad = body.config.vocab_size - len(SPECIAL)

    def forward(self, tokens: Ragged) -> Tensor:
        """Return L2-normalised rows in float32."""
        lengths = np.minimum(np.diff(tokens.offsets), self.max_tokens - 2)
        ids = np.full((len(lengths), int(lengths.max()) + 2), self.pad, np.int64)
        for row, (start, length) in enumerate(zip(tokens.offsets[:-1], lengths, strict=True)):
            ids[row, 0], ids[row, length + 1] = self.pad + 1, self.pad + 2
            ids[row, 1 : length + 1] = tokens.flat[start : start + length]
        index = torch.from_numpy(ids).to(self.body.device)
        mask = index != self.pad
        with torch.autocast(self.body.device.type, torch.bfloat16):
            hidden = self.body(input_ids=index, attention_mask=mask.long()).last_hidden_state
        weight = mask.unsqueeze(2).float()
        return functional.normalize((hidden.float() * weight).sum(dim=1) / weight.sum(dim=1), dim=1)


def build(teacher: Path, static_rows: Tensor, tokenizer: Tokenizer, config: Config) -> Mini:
    """Return the untrained student: chosen layers of the teacher, input rows guessed through the static model."""
    source = BertModel.from_pretrained(str(teacher), add_pooling_layer=False)
    source.encoder.layer = nn.ModuleList([source.encoder.layer[i] for i in config.layers])
    source.config.num_hidden_layers = len(config.layers)
    words = AutoTokenizer.from_pretrained(str(teacher)).get_vocab()
    whole = [word for word in words if word.isalnum()]
    ids = [tokenizer.encode(word, add_special_tokens=False).ids for word in whole]
    flat = np.concatenate([np.array(row, np.int32) for row in ids])
    anchors = static_embed(static_rows, Ragged(flat, np.cumsum([0] + [len(row) for row in ids])))
    old = source.embeddings.word_embeddings.weight.detach()
    known = old[torch.tensor([words[word] for word in whole])]
    guessed = []
    for block in torch.split(functional.normalize(static_rows, dim=1), 2048):
        cosine, nearest = (block @ anchors.T).topk(min(NEIGHBOURS, len(whole)), dim=1)
        weight = (cosine / TEMPERATURE).softmax(dim=1)
        guessed.append((weight.unsqueeze(2) * known[nearest]).sum(dim=1))
    special = old[torch.tensor([words[name] for name in SPECIAL])]
    rows = torch.cat([*guessed, special])
    source.embeddings.word_embeddings = nn.Embedding(len(rows), rows.shape[1], sparse=True, _weight=rows)
    source.config.vocab_size = len(rows)
    source.config.pad_token_id = len(rows) - len(SPECIAL)
    return Mini(source, config.max_tokens)


def batch_loss(
    student: Mini, corpus: Corpus, sampler: Sampler, vectors: NDArray[np.float16], config: Config, step: int
) -> Tensor:
    """Return the loss of one batch, the static model's without its noisy half."""
    rng = np.random.default_rng([config.seed, step])
    rows = sampler.parallel(rng)
    rows = rows[corpus.english[rows] < len(vectors)]  # each sample is dear here: only those with a target
    english, position = np.unique(corpus.english[rows], return_index=True)
    rows = rows[position]
    target = torch.from_numpy(vectors[english].astype(np.float32)).to(student.body.device)
    translated: Tensor = student(corpus.translation.take(rows))
    asked, passage = sampler.pairs(rng)
    queries = student(query_tokens(corpus, asked, passage, rng.random(len(asked)) < 0.7))
    passages = student(corpus.passage.take(passage))
    distil: Tensor = 2 * (1 - (translated * target).sum(dim=1).mean()) + contrast(translated, target, config.scale)
    retrieve: Tensor = contrast(queries, passages, config.scale)
    return distil + retrieve


def develop(student: Mini, tokenizer: Tokenizer, shared: Path) -> str:
    """Return the development figures of lv, lt and en in one line."""

    @torch.inference_mode()
    def encode(texts: list[str]) -> NDArray[np.float32]:
        encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
        order = np.argsort([len(encoding.ids) for encoding in encodings])
        vectors = np.empty((len(texts), student.body.config.hidden_size), np.float32)
        for start in range(0, len(texts), 32):
            block = order[start : start + 32]
            ids = [np.array(encodings[i].ids, np.int32) for i in block]
            tokens = Ragged(np.concatenate(ids), np.cumsum([0] + [len(row) for row in ids]))
            vectors[block] = student(tokens).cpu().numpy()
        return vectors

    student.eval()
    report = evaluate(encode, shared, ["en", "lv", "lt"])
    student.train()
    figures = (f"{way} {by['recall@1']}/{by['recall@10']}" for way, by in report["title_body"].items())
    return ", ".join(figures) + f", bitext {report['bitext']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED, help="for the development figures in the log")
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK)
    parser.add_argument("--tokenizer", type=Path, default=DEFAULT_WORK / "tokenizer.json")
    parser.add_argument("--teacher", type=Path, help="sentence-transformers folder; default: the installed package")
    parser.add_argument("--static", type=Path, default=DEFAULT_WORK / "static.npz")
    parser.add_argument("--out", type=Path, default=DEFAULT_WORK / "mini.pt")
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5], help="of the teacher, to keep")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--parallel-batch", type=int, default=256)
    parser.add_argument("--pair-batch", type=int, default=128)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--rate", type=float, default=5e-5, help="of the body, falls linearly to 0")
    parser.add_argument("--embedding-rate", type=float, default=1e-3, help="of the input rows, falls linearly to 0")
    parser.add_argument("--scale", type=float, default=20.0, help="of cosines in InfoNCE")
    parser.add_argument("--checkpoint", type=int, default=500, help="steps between two checkpoints")
    parser.add_argument("--stop-after", type=int, help="end after this many steps, to be continued")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    config = Config(
        args.steps,
        args.parallel_batch,
        args.pair_batch,
        args.rate,
        args.embedding_rate,
        args.scale,
        args.max_tokens,
        args.layers,
        args.seed,
    )
    settings: dict[str, Any] = {name: getattr(config, name) for name in Config.__slots__}
    corpus, vectors = load_corpus(args.work / "corpus.npz"), load_vectors(args.work)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    static = load_static(args.static)[0]
    student = build(args.teacher or installed_teacher(), static.rows, tokenizer, config).to(args.device)
    rows = student.body.embeddings.word_embeddings.weight
    body = [parameter for parameter in student.parameters() if parameter is not rows]
    optimisers = [torch.optim.AdamW(body, config.rate), torch.optim.SparseAdam([rows], config.embedding_rate)]
    parts: list[Any] = [*optimisers]
    parts += [
        torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / config.steps) for optimiser in optimisers
    ]
    step, seconds = 0, 0.0
    if args.out.exists():
        saved = torch.load(args.out, map_location=args.device, weights_only=True)
        if json.loads(saved["config"]) != settings:
            raise SystemExit(f"{args.out} belongs to another run ({saved['config']}): pass another --out or remove it.")
        student.load_state_dict(saved["student"])
        for part, state in zip(parts, saved["parts"], strict=True):
            part.load_state_dict(state)
        step, seconds = saved["step"], saved["seconds"]
    else:
        print(f"start: {develop(student, tokenizer, args.shared)}", flush=True)
    sampler = Sampler(corpus, static.topics, config.parallel_batch, config.pair_batch)
    last = min(config.steps, args.stop_after or config.steps)
    losses: list[float] = []
    while step < last:
        began = time.monotonic()
        loss = batch_loss(student, corpus, sampler, vectors, config, step)
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(body, 1.0)
        for part in parts:
            part.step()
        losses.append(float(loss.detach()))
        step += 1
        seconds += time.monotonic() - began
        if step % args.checkpoint == 0 or step == last:
            partial = args.out.with_suffix(".partial")
            states = [part.state_dict() for part in parts]
            saved = {"student": student.state_dict(), "parts": states, "step": step, "seconds": seconds}
            torch.save(saved | {"config": json.dumps(settings)}, partial)
            partial.rename(args.out)
            figures = develop(student, tokenizer, args.shared)
            print(f"step {step}, {seconds:.0f} s, loss {np.mean(losses):.3f}: {figures}", flush=True)
            losses.clear()


if __name__ == "__main__":
    main()
