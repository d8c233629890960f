"""Write the trained transformer as a sentence-transformers folder with an int8 ONNX graph; step 8.

The graph takes ``input_ids`` and ``attention_mask`` and gives ``last_hidden_state``, whose mean over a text's tokens,
made unit length, is the joined vector of both branches: that is what the folder's Pooling and Normalize modules do.
Tables are int8 with one scale a row, matrices int8 by column with activations quantised as they come (onnxruntime's
dynamic quantisation).
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from data import DEFAULT_WORK, REPOSITORY
from export import SETTINGS, quantise
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file
from teacher import installed_teacher
from tokenizers import AddedToken, Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from torch.nn import functional
from train_mini import SPECIAL, STATIC_WEIGHT, Mini, load_student

POSITIONS = 512
MAX_TOKENS = 320  # of a text that are read; more made it slower and no better (README.md)
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]


class Table(nn.Module):
    """Rows of int8 with a scale each."""

    def __init__(self, quantised: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]) -> None:
        super().__init__()
        rows, scale = quantised
        self.register_buffer("rows", torch.from_numpy(rows))
        self.register_buffer("scale", torch.from_numpy(scale)[:, None])

    def forward(self, index: Tensor) -> Tensor:
        """Return float rows."""
        rows, scale = functional.embedding(index, self.rows), functional.embedding(index, self.scale)  # type: ignore[arg-type]
        return rows.float() * scale


class Graph(nn.Module):
    """The student as one graph, with the three projections of attention in one product."""

    def __init__(self, student: Mini, static: Table) -> None:
        super().__init__()
        self.static = static
        self.own = Table(quantise(student.own.weight.detach().numpy()))
        self.enter = student.enter
        self.embeddings = student.body.embeddings
        self.layers = student.body.encoder.layer
        self.heads = student.body.config.num_attention_heads
        self.joint = nn.ModuleList()
        for layer in self.layers:
            own = layer.attention.self  # type: ignore[union-attr]
            parts = (own.query, own.key, own.value)  # type: ignore[union-attr]
            linear = nn.Linear(parts[0].in_features, 3 * parts[0].out_features)
            linear.weight.data = torch.cat([part.weight.data for part in parts])
            linear.bias.data = torch.cat([part.bias.data for part in parts])
            self.joint.append(linear)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return a vector a token, shape (texts, tokens, width); padding gives zeros."""
        mask = attention_mask.float().unsqueeze(2)
        rows = self.static(input_ids)
        x = self.enter(torch.cat([rows, self.own(input_ids)], dim=2))
        x = x + self.embeddings.position_embeddings.weight[: input_ids.shape[1]]  # type: ignore[index]
        x = self.embeddings.LayerNorm(x + self.embeddings.token_type_embeddings.weight[0])  # type: ignore[operator]
        hidden = ((1.0 - attention_mask.float()) * -1e9)[:, None, None, :].expand(-1, 1, input_ids.shape[1], -1)
        for layer, joint in zip(self.layers, self.joint, strict=True):
            x = self._layer(x, layer, joint, hidden)
        rows, x = rows * mask, x * mask
        return STATIC_WEIGHT * rows / length(rows) + x / length(x)

    def _layer(self, x: Tensor, layer: Any, joint: nn.Module, hidden: Tensor) -> Tensor:
        query, key, value = joint(x).chunk(3, dim=2)
        read: Tensor = torch.onnx.ops.attention(
            query, key, value, hidden, q_num_heads=self.heads, kv_num_heads=self.heads
        )[0]
        x = layer.attention.output.LayerNorm(layer.attention.output.dense(read) + x)
        inner = functional.gelu(layer.intermediate.dense(x))
        out: Tensor = layer.output.LayerNorm(layer.output.dense(inner) + x)
        return out


def length(rows: Tensor) -> Tensor:
    """Return the length of the sum of a text's rows, shape (texts, 1, 1)."""
    return rows.sum(dim=1, keepdim=True).square().sum(dim=2, keepdim=True).sqrt().clamp_min(1e-9)


def write_tokenizer(source: Path, folder: Path) -> None:
    """Add the marks of start, end and padding to the static model's tokenizer."""
    tokenizer = Tokenizer.from_file(str(source))
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL])
    ids = {name: tokenizer.token_to_id(name) for name in SPECIAL}
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, ids[name]) for name in ("[CLS]", "[SEP]")],
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    names = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MAX_TOKENS, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def mean(students: list[Mini]) -> Mini:
    """Return the first student with the mean of all parameters (model soups, Wortsman et al., 2022)."""
    states = [student.state_dict() for student in students]
    students[0].load_state_dict({name: sum(state[name] for state in states) / len(states) for name in states[0]})
    return students[0]


def write(folder: Path, student: Mini, static: Path) -> None:
    """Replace the model's files in ``folder`` by a rename; the model card there is kept."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in ("1_Pooling", "2_Normalize", "onnx"):
        (partial / name).mkdir(parents=True)
    write_tokenizer(static / "tokenizer.json", partial)
    tensors = load_file(static / "model.safetensors")
    none = np.zeros((len(SPECIAL), tensors["embeddings"].shape[1]), np.int8)
    rows = np.concatenate([tensors["embeddings"], none])
    scale = np.concatenate([tensors["weights"].astype(np.float32), np.ones(len(SPECIAL), np.float32)])
    width = student.static.shape[1]
    ids = torch.ones((2, 7), dtype=torch.int64)
    tokens = torch.export.Dim("tokens", min=2, max=POSITIONS)
    texts = torch.export.Dim("texts", min=1, max=4096)
    exact = partial / "exact.onnx"
    torch.onnx.export(
        Graph(student, Table((rows, scale))).eval(),
        (ids, torch.ones_like(ids)),  # two tensors: one given twice would become one input
        str(exact),
        input_names=["input_ids", "attention_mask"],
        output_names=["last_hidden_state"],
        dynamic_shapes=({0: texts, 1: tokens}, {0: texts, 1: tokens}),
        external_data=False,
        dynamo=True,
        opset_version=23,
    )
    quantize_dynamic(
        exact,
        partial / "onnx" / "model.onnx",
        op_types_to_quantize=["MatMul", "Gemm"],
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
    exact.unlink()
    config = student.body.config.to_dict() | {
        "architectures": ["BertModel"],
        "vocab_size": len(student.static),
        "pad_token_id": student.pad,
        "max_position_embeddings": POSITIONS,
    }
    kept = {key: value for key, value in config.items() if key not in {"_name_or_path", "dtype"}}
    files = {
        "config.json": kept,
        "modules.json": MODULES,
        "config_sentence_transformers.json": SETTINGS,
        "sentence_bert_config.json": {"max_seq_length": MAX_TOKENS, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
    }
    for name, content in files.items():
        (partial / name).write_text(json.dumps(content, indent=2) + "\n")
    if (folder / "README.md").exists():
        shutil.copyfile(folder / "README.md", partial / "README.md")
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", type=Path, nargs="+", default=[DEFAULT_WORK / "mini.pt"], help="several: mean")
    parser.add_argument("--static", type=Path, default=REPOSITORY / "models" / "kbsearch-static")
    parser.add_argument("--teacher", type=Path, help="sentence-transformers folder; default: the installed package")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "models" / "kbsearch-mini")
    args = parser.parse_args()

    students = [load_student(checkpoint, args.teacher or installed_teacher()) for checkpoint in args.checkpoint]
    write(args.out, mean(students), args.static)
    size = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file())
    print(f"{args.out}, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
