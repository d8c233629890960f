"""Train the small transformer beside the static model: the teacher's layers under the multilingual vocabulary; step 7.

Takes ``corpus.npz``, the teacher and the exported static model; gives ``mini.pt``, from which an interrupted run
continues. The input rows of the new vocabulary start near the teacher's own rows of the English words that the static
model finds nearest (FOCUS, Dobler and de Melo, 2023); training is the static model's: distillation on parallel
sentences and InfoNCE on titles → passages, with the same batches. The transformer learns alone and, at half the
weight, together with the static branch, which stays as it is: the static model has seen every training article often
and would leave the transformer nothing to learn from them.
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
from data import DEFAULT_SHARED, DEFAULT_WORK, REPOSITORY
from evaluate import evaluate
from numpy.typing import NDArray
from safetensors.numpy import load_file
from teacher import installed_teacher, load_vectors
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from train_static import SAME_PASSAGE, Sampler, contrast, query_tokens, topics_of
from train_static import embed as static_embed
from transformers import AutoTokenizer, BertConfig, BertModel

SPECIAL = ("[PAD]", "[CLS]", "[SEP]")  # appended to the vocabulary in this order
NEIGHBOURS = 5  # English words whose input rows make up the first guess of a token
STATIC_WEIGHT = 0.5  # of the static branch beside the transformer; README.md has the figures
TEMPERATURE = 0.05  # of their softmax over cosines
BLOCK_TOKENS = {"cpu": 1536, "cuda": 65_536}  # in one pass through the body, padding included
WARM_UP = 100  # steps in which the rates rise
# torch's fused attention spends four times as long on the way back on a CPU.
ATTENTION = {"cpu": "eager", "cuda": "sdpa"}
BODY = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}
DROPPED = 0.1  # share of the tokens of a text that are left out


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
    own_width: int
    seed: int


class Mini(nn.Module):
    """A static model with a transformer beside it that reads the same tokens in their context.

    The vector of a text is the normalised weighted sum of the two branches' unit vectors: the mean of the static rows,
    and the mean of the transformer's outputs, marks of start and end included, as in the teacher. The transformer's
    input rows are a linear map of the static ones plus ``own``, a narrow table of its own: a second full table would
    double the model.
    """

    def __init__(self, body: BertModel, static: Tensor, own: Tensor, enter: Tensor, max_tokens: int) -> None:
        super().__init__()
        self.body = body
        self.static = nn.Parameter(static, requires_grad=False)
        self.own = nn.Embedding(*own.shape, sparse=True, _weight=own)
        self.enter = nn.Linear(static.shape[1] + own.shape[1], body.config.hidden_size, bias=False)
        self.enter.weight.data = enter
        self.max_tokens = max_tokens
        self.pad = len(static) - len(SPECIAL)

    def forward(self, tokens: Ragged) -> tuple[Tensor, Tensor]:
        """Return the L2-normalised rows of both branches in float32."""
        lengths = np.minimum(np.diff(tokens.offsets), self.max_tokens - 2)
        order = np.argsort(lengths, kind="stable")
        # Texts of like length together: padding would be half of the work.
        limit = BLOCK_TOKENS[self.static.device.type]
        cuts, start = [], 0
        for end, length in enumerate(lengths[order]):
            if (end - start + 1) * (length + 2) > limit and end > start:
                cuts.append(end)
                start = end
        parts = [self._block(tokens, block, lengths[block]) for block in np.split(order, cuts)]
        back = torch.from_numpy(np.argsort(order, kind="stable")).to(self.static.device)
        return torch.cat([part[0] for part in parts])[back], torch.cat([part[1] for part in parts])[back]

    def _block(self, tokens: Ragged, texts: NDArray[np.int64], lengths: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        place = np.arange(int(lengths.max()) + 1)
        inside = place < lengths[:, None]
        ids = np.full((len(texts), len(place) + 1), self.pad, np.int64)
        ids[:, 1:][inside] = tokens.flat[(tokens.offsets[texts][:, None] + place)[inside]]
        ids[:, 0], ids[np.arange(len(texts)), lengths + 1] = self.pad + 1, self.pad + 2
        index = torch.from_numpy(ids).to(self.static.device, non_blocking=True)
        mask = index != self.pad
        rows = self.static[index]
        with torch.autocast(self.static.device.type, torch.bfloat16):
            inputs = self.enter(torch.cat([rows, self.own(index)], dim=2))
            hidden = self.body(inputs_embeds=inputs, attention_mask=mask.long()).last_hidden_state
        context = (hidden.float() * mask.unsqueeze(2).float()).sum(dim=1)
        return functional.normalize(rows.sum(dim=1), dim=1), functional.normalize(context, dim=1)


def join(branches: tuple[Tensor, Tensor]) -> Tensor:
    """Return the L2-normalised sum of the two branches, the static one at its weight."""
    return functional.normalize(STATIC_WEIGHT * branches[0] + branches[1], dim=1)


def build(teacher: Path, static_rows: Tensor, tokenizer: Tokenizer, config: Config) -> Mini:
    """Return the untrained student: chosen layers of the teacher, input rows guessed through the static model."""
    source = BertModel.from_pretrained(str(teacher), add_pooling_layer=False, dtype=torch.float32, **BODY)
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
    wanted = torch.cat([*guessed, old[torch.tensor([words[name] for name in SPECIAL])]])
    static = torch.cat([static_rows, torch.zeros(len(SPECIAL), static_rows.shape[1])])
    # The map explains what it can, the narrow table the directions in which most is left.
    mapped = torch.linalg.lstsq(static, wanted).solution
    left, size, right = torch.svd_lowrank(wanted - static @ mapped, q=config.own_width, niter=4)
    own, enter = left * size.sqrt(), torch.cat([mapped, size.sqrt()[:, None] * right.T]).T.contiguous()
    source.embeddings.word_embeddings = nn.Embedding(1, 1)  # never asked
    return Mini(source, static, own, enter, config.max_tokens)


def load_student(checkpoint: Path, teacher: Path) -> Mini:
    """Read the student of a checkpoint; of the teacher only the shape of its layers is needed."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state, config = saved["student"], json.loads(saved["config"])
    shape = BertConfig.from_pretrained(str(teacher), **BODY)
    shape.num_hidden_layers = len(config["layers"])
    body = BertModel(shape, add_pooling_layer=False)
    body.embeddings.word_embeddings = nn.Embedding(1, 1)
    student = Mini(body, state["static"], state["own.weight"], state["enter.weight"], config["max_tokens"])
    student.load_state_dict(state)
    return student.eval()


def batch_loss(
    student: Mini, corpus: Corpus, sampler: Sampler, vectors: NDArray[np.float16], config: Config, step: int
) -> Tensor:
    """Return the loss of one batch: of the transformer, plus half of that of both branches together."""
    rng = np.random.default_rng([config.seed, step])
    rows = sampler.parallel(rng)
    rows = rows[corpus.english[rows] < len(vectors)]  # each sample is dear here: only those with a target
    english, position = np.unique(corpus.english[rows], return_index=True)
    rows = rows[position]
    target = torch.from_numpy(vectors[english].astype(np.float32)).to(student.static.device)
    translation = corpus.translation.take(np.where(rng.random(len(rows)) < 0.5, corpus.typo[rows], rows))
    asked, passage = sampler.pairs(rng)
    query = query_tokens(corpus, asked, passage, rng.random(len(asked)) < 0.7)
    texts = [translation, corpus.english_tokens.take(english), query, corpus.passage.take(passage)]
    tokens = Ragged.concatenate(texts).drop(DROPPED, rng)
    read = [branch.split([len(part.offsets) - 1 for part in texts]) for branch in student(tokens)]
    translated, original, queries, passages = zip(*read, strict=True)
    alike = passages[0] @ passages[0].T  # one text under two addresses is no negative of itself
    same = alike.fill_diagonal_(0) > SAME_PASSAGE

    def loss(translated: Tensor, original: Tensor, queries: Tensor, passages: Tensor) -> Tensor:
        far = 2 - (translated * target).sum(dim=1).mean() - (original * target).sum(dim=1).mean()
        distil = 2 * far + contrast(translated, target, config.scale)
        return distil + contrast(queries, passages, config.scale, same)

    alone = loss(translated[1], original[1], queries[1], passages[1])
    return alone + loss(join(translated), join(original), join(queries), join(passages)) / 2


def develop(student: Mini, tokenizer: Tokenizer, shared: Path) -> str:
    """Return the development figures of lv, lt and en, of the transformer alone and of both branches, a line each."""
    known: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}

    @torch.inference_mode()
    def branches(texts: list[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
        order = np.argsort([len(encoding.ids) for encoding in encodings])
        joined = np.empty((len(texts), student.static.shape[1]), np.float32)
        alone = np.empty_like(joined)
        for start in range(0, len(texts), 512):
            block = order[start : start + 512]
            ids = [np.array(encodings[i].ids, np.int32) for i in block]
            tokens = Ragged(np.concatenate(ids), np.cumsum([0] + [len(row) for row in ids]))
            both = student(tokens)
            joined[block], alone[block] = join(both).cpu().numpy(), both[1].cpu().numpy()
        return joined, alone

    def line(branch: int) -> str:
        def encode(texts: list[str]) -> NDArray[np.float32]:
            key = "\n".join(texts)
            if key not in known:
                known[key] = branches(texts)
            return known[key][branch]

        report = evaluate(encode, shared, ["en", "lv", "lt"])
        figures = (f"{way} {by['recall@1']}/{by['recall@10']}" for way, by in report["title_body"].items())
        return ", ".join(figures) + f", bitext {report['bitext']}"

    student.eval()
    lines = f"\n  both: {line(0)}\n  transformer: {line(1)}"
    student.train()
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED, help="for the development figures in the log")
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK)
    parser.add_argument("--tokenizer", type=Path, default=DEFAULT_WORK / "tokenizer.json")
    parser.add_argument("--teacher", type=Path, help="sentence-transformers folder; default: the installed package")
    parser.add_argument("--static", type=Path, default=REPOSITORY / "models" / "kbsearch-static")
    parser.add_argument("--out", type=Path, default=DEFAULT_WORK / "mini.pt")
    parser.add_argument("--start", type=Path, help="checkpoint whose student this run starts from")
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5], help="of the teacher, to keep")
    parser.add_argument("--own-width", type=int, default=96, help="of the transformer's own table of rows")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--parallel-batch", type=int, default=256)
    parser.add_argument("--pair-batch", type=int, default=128)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1e-4, help="of the body, falls linearly to 0")
    parser.add_argument("--embedding-rate", type=float, default=1e-3, help="of the own table, falls linearly to 0")
    parser.add_argument("--scale", type=float, default=20.0, help="of cosines in InfoNCE")
    parser.add_argument("--checkpoint", type=int, default=500, help="steps between two checkpoints")
    parser.add_argument("--stop-after", type=int, help="end after this many steps, to be continued")
    parser.add_argument("--device", choices=list(ATTENTION), default="cpu")
    parser.add_argument("--compile", action="store_true", help="the body with torch.compile; for long runs on a GPU")
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
        args.own_width,
        args.seed,
    )
    settings: dict[str, Any] = {name: getattr(config, name) for name in Config.__slots__}
    corpus, vectors = load_corpus(args.work / "corpus.npz"), load_vectors(args.work)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    tensors = load_file(args.static / "model.safetensors")
    static = torch.from_numpy(tensors["embeddings"].astype(np.float32) * tensors["weights"][:, None])
    teacher = args.teacher or installed_teacher()
    student = load_student(args.start, teacher) if args.start else build(teacher, static, tokenizer, config)
    student.max_tokens = config.max_tokens
    student = student.to(args.device)
    student.body.set_attn_implementation(ATTENTION[args.device])
    if args.compile:
        student.body.compile(dynamic=True)
    own = student.own.weight
    body = [parameter for parameter in student.parameters() if parameter.requires_grad and parameter is not own]
    optimisers = [torch.optim.AdamW(body, config.rate), torch.optim.SparseAdam([own], config.embedding_rate)]

    def rate_at(step: int) -> float:
        return min(1.0, (step + 1) / WARM_UP) * (1 - step / config.steps)

    parts: list[Any] = [*optimisers]
    parts += [torch.optim.lr_scheduler.LambdaLR(optimiser, rate_at) for optimiser in optimisers]
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
    sampler = Sampler(corpus, topics_of(corpus, static, config.seed), config.parallel_batch, config.pair_batch)
    last = min(config.steps, args.stop_after or config.steps)
    losses: list[Tensor] = []
    while step < last:
        began = time.monotonic()
        loss = batch_loss(student, corpus, sampler, vectors, config, step)
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(body, 1.0)
        for part in parts:
            part.step()
        losses.append(loss.detach())  # read at the checkpoint: a device is not waited for
        step += 1
        seconds += time.monotonic() - began
        if step % args.checkpoint == 0 or step == last:
            partial = args.out.with_suffix(".partial")
            states = [part.state_dict() for part in parts]
            saved = {"student": student.state_dict(), "parts": states, "step": step, "seconds": seconds}
            torch.save(saved | {"config": json.dumps(settings)}, partial)
            partial.rename(args.out)
            figures = develop(student, tokenizer, args.shared)
            print(f"step {step}, {seconds:.0f} s, loss {torch.stack(losses).mean():.3f}: {figures}", flush=True)
            losses.clear()


if __name__ == "__main__":
    main()
