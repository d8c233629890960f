"""ONNX directories: pooling, prompts, length and one vector a text by oracles; real architectures against torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from kbsearch.embed.onnx import OnnxEmbedder, is_onnx_model
from kbsearch.embed.registry import load_embedder
from kbsearch.errors import ModelError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "query:", "passage:", "reset", "the", "password", "order", "late"]
ROWS = np.random.default_rng(7).normal(size=(len(WORDS), 16)).astype(np.float32)


def write_tokenizer(folder: Path) -> None:
    """A word is a token; a text is [CLS] … [SEP]."""
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_tokens(["query:", "passage:"])
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in WORDS[:4]])
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def write_modules(folder: Path, pooling: dict[str, Any], kinds: tuple[str, ...] = ("Pooling", "Normalize")) -> None:
    """The list of modules, with the pooling's settings."""
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    for number, kind in enumerate(kinds, 1):
        path = f"{number}_{kind}"
        (folder / path).mkdir()
        (folder / path / "config.json").write_text(json.dumps(pooling if kind == "Pooling" else {}))
        modules.append(
            {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        )
    (folder / "modules.json").write_text(json.dumps(modules))


def write_model(
    folder: Path,
    pooling: dict[str, Any],
    kinds: tuple[str, ...] = ("Pooling", "Normalize"),
    takes: str = "input_ids",
    gives: tuple[str, ...] = ("last_hidden_state",),
) -> Path:
    """A graph that looks each token's row up: whatever comes out can be worked out by hand."""
    (folder / "onnx").mkdir(parents=True)
    nodes = [
        helper.make_node("Gather", ["rows", takes], ["last_hidden_state"]),
        helper.make_node("ReduceMax", ["last_hidden_state"], ["sentence_embedding"], axes=[1], keepdims=0),
    ]
    shapes = {"last_hidden_state": ["texts", "tokens", 16], "sentence_embedding": ["texts", 16]}
    graph = helper.make_graph(
        nodes,
        "rows",
        [helper.make_tensor_value_info(takes, TensorProto.INT64, ["texts", "tokens"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in gives],
        [numpy_helper.from_array(ROWS, "rows")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "onnx" / "model.onnx")
    write_tokenizer(folder)
    write_modules(folder, pooling, kinds)
    return folder


def unit(row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The row with length one."""
    return row / np.linalg.norm(row)


RESET = [2, 6, 7, 8, 3]  # [CLS] reset the password [SEP]


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode_mean_tokens": True}, ROWS[RESET].mean(axis=0)),
        ({"pooling_mode": "mean"}, ROWS[RESET].mean(axis=0)),
        ({"pooling_mode_cls_token": True}, ROWS[2]),
        ({"pooling_mode_lasttoken": True}, ROWS[3]),
    ],
    ids=["mean", "mean, as release 6 writes it", "cls", "last"],
)
def test_pooling_is_what_the_directory_says(pooling: dict[str, Any], expected: Any, tmp_path: Path) -> None:
    """By hand from the rows."""
    embedder = load_embedder(str(write_model(tmp_path / "model", pooling)))
    assert isinstance(embedder, OnnxEmbedder)
    np.testing.assert_allclose(embedder.encode_queries(["reset the password"])[0], unit(expected), atol=1e-6)


def test_prompts_come_from_the_files_and_for_e5_from_its_card(tmp_path: Path) -> None:
    """A query and a passage of one text differ by their prompt."""
    folder = write_model(tmp_path / "tiny-e5", {"pooling_mode": "mean"})
    embedder = load_embedder(str(folder))
    np.testing.assert_allclose(
        embedder.encode_queries(["password"])[0], unit(ROWS[[2, 4, 8, 3]].mean(axis=0)), atol=1e-6
    )
    np.testing.assert_allclose(embedder.encode_passages(["late"])[0], unit(ROWS[[2, 5, 10, 3]].mean(axis=0)), atol=1e-6)
    settings = {"prompts": {"query": "", "document": ""}}
    plain = shutil.copytree(folder, tmp_path / "plain")
    (plain / "config_sentence_transformers.json").write_text(json.dumps(settings))
    np.testing.assert_allclose(
        load_embedder(str(plain)).encode_queries(["password"])[0], unit(ROWS[[2, 8, 3]].mean(axis=0)), atol=1e-6
    )


def test_lower_case_is_for_prompts_as_well(tmp_path: Path) -> None:
    """As sentence-transformers does it, in the tokenizer."""
    folder = write_model(tmp_path / "model", {"pooling_mode": "mean"})
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "Query: "}}')
    (folder / "sentence_bert_config.json").write_text('{"do_lower_case": true}')
    found = load_embedder(str(folder)).encode_queries(["Password"])[0]
    np.testing.assert_allclose(found, unit(ROWS[[2, 4, 8, 3]].mean(axis=0)), atol=1e-6)


def test_the_longest_text_is_what_the_files_say(tmp_path: Path) -> None:
    """Tokens beyond it, marks of start and end included, change nothing."""
    folder = write_model(tmp_path / "model", {"pooling_mode": "mean"})
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 5}')
    rows = load_embedder(str(folder)).encode_passages(["reset the password", "reset the password order late"])
    np.testing.assert_array_equal(rows[0], rows[1])


@pytest.mark.parametrize(
    "settings",
    [
        {"sentence_xlm-roberta_config.json": '{"max_seq_length": 5}'},
        {"config.json": '{"max_position_embeddings": 5}'},
    ],
    ids=["as older releases name the file", "the positions that there are"],
)
def test_the_longest_text_is_the_one_of_sentence_transformers(settings: dict[str, str], tmp_path: Path) -> None:
    """The tokenizer's own 64 would be longer than the model can read."""
    folder = write_model(tmp_path / "model", {"pooling_mode": "mean"})
    for name, content in settings.items():
        (folder / name).write_text(content)
    rows = load_embedder(str(folder)).encode_passages(["reset the password", "reset the password order late"])
    np.testing.assert_array_equal(rows[0], rows[1])


def test_the_longest_text_that_a_model_states_itself_comes_first(tmp_path: Path) -> None:
    """As sentence-transformers has it, whatever else its files say."""
    folder = write_model(tmp_path / "model", {"pooling_mode": "mean"})
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 7}')
    (folder / "config.json").write_text('{"max_position_embeddings": 5}')
    rows = load_embedder(str(folder)).encode_passages(["reset the password", "reset the password order late"])
    assert not np.array_equal(rows[0], rows[1])


@pytest.mark.parametrize(("name", "prompted"), [("phase5", False), ("e5", True), ("my_e5-small.v2", True)])
def test_a_model_is_an_e5_by_a_word_of_its_name(name: str, prompted: bool, tmp_path: Path) -> None:
    """Letters that happen to end in e and 5 ask for no prompt."""
    embedder = load_embedder(str(write_model(tmp_path / name, {"pooling_mode": "mean"})))
    rows = [2, 4, 8, 3] if prompted else [2, 8, 3]
    np.testing.assert_allclose(embedder.encode_queries(["password"])[0], unit(ROWS[rows].mean(axis=0)), atol=1e-6)


def test_a_text_has_one_vector_and_an_unknown_one_has_none(tmp_path: Path) -> None:
    """Alone, in any batch; nothing readable gives a zero row, no texts no rows."""
    embedder = load_embedder(str(write_model(tmp_path / "model", {"pooling_mode": "mean"})))
    texts = ["reset", "", "order late password the", "zzz qqq", "password"]
    together = embedder.encode_passages(texts)
    for number, text in enumerate(texts):
        np.testing.assert_array_equal(embedder.encode_passages([text])[0], together[number])
    np.testing.assert_array_equal(np.linalg.norm(together, axis=1) > 0.5, [True, False, True, False, True])
    assert embedder.encode_passages([]).shape == (0, 16)


def test_what_the_graph_alone_does_not_give_is_left_to_torch(tmp_path: Path) -> None:
    """A further layer after the pooling, or a pooling of another kind."""
    assert is_onnx_model(write_model(tmp_path / "a", {"pooling_mode": "mean"}))
    assert not is_onnx_model(write_model(tmp_path / "b", {"pooling_mode": "mean"}, ("Pooling", "Dense", "Normalize")))
    assert not is_onnx_model(write_model(tmp_path / "c", {"pooling_mode_max_tokens": True}))
    several = {"pooling_mode_mean_tokens": True, "pooling_mode_mean_sqrt_len_tokens": True}
    assert not is_onnx_model(write_model(tmp_path / "d", several))
    assert not is_onnx_model(write_model(tmp_path / "e", {"pooling_mode": "mean", "include_prompt": False}))


def test_a_module_that_comes_with_a_model_is_left_to_torch(tmp_path: Path) -> None:
    """Whatever it is called, nobody here knows what it does."""
    folder = write_model(tmp_path / "model", {"pooling_mode": "mean"})
    modules = (folder / "modules.json").read_text()
    (folder / "modules.json").write_text(modules.replace("sentence_transformers.models.T", "custom_st.T"))
    assert not is_onnx_model(folder)


def test_a_graph_that_also_gives_the_pooled_vector_is_read(tmp_path: Path) -> None:
    """In whichever order: the pooling is the directory's."""
    gives = ("sentence_embedding", "last_hidden_state")
    embedder = load_embedder(str(write_model(tmp_path / "model", {"pooling_mode": "mean"}, gives=gives)))
    np.testing.assert_allclose(
        embedder.encode_queries(["reset the password"])[0], unit(ROWS[RESET].mean(axis=0)), atol=1e-6
    )


@pytest.mark.parametrize(
    ("graph", "named"),
    [({"takes": "task_id"}, "takes task_id"), ({"gives": ("sentence_embedding",)}, "gives no vectors of tokens")],
    ids=["takes", "gives"],
)
def test_a_graph_of_another_kind_is_refused_when_it_is_loaded(graph: Any, named: str, tmp_path: Path) -> None:
    """Not at the first query."""
    with pytest.raises(ModelError, match=named):
        load_embedder(str(write_model(tmp_path / "model", {"pooling_mode": "mean"}, **graph)))


@pytest.mark.parametrize(
    "name",
    [
        "modules.json",
        "1_Pooling/config.json",
        "tokenizer_config.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
    ],
)
@pytest.mark.parametrize("content", [b"garbage", b"\xff", b'"text"', b"[1]"])
def test_a_damaged_file_of_settings_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    """No JSON, no UTF-8, or of another shape: one sentence with the file in it."""
    folder = write_model(tmp_path / "model", {"pooling_mode": "mean"})
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{folder / name} cannot be read .*; install the model again"):
        load_embedder(str(folder))


def test_prompts_that_are_no_texts_are_refused_when_they_are_read(tmp_path: Path) -> None:
    """Not at the first query."""
    folder = write_model(tmp_path / "model", {"pooling_mode": "mean"})
    for prompts in ('["query: "]', '{"query": 1}'):
        (folder / "config_sentence_transformers.json").write_text(f'{{"prompts": {prompts}}}')
        with pytest.raises(ModelError, match="its prompts are no texts by name"):
            load_embedder(str(folder))


@pytest.mark.parametrize("name", ["onnx/model.onnx", "tokenizer.json"])
def test_a_damaged_model_is_named(name: str, tmp_path: Path) -> None:
    """The directory stands in the error."""
    folder = write_model(tmp_path / "model", {"pooling_mode": "mean"})
    (folder / name).write_bytes(b"garbage")
    with pytest.raises(ModelError, match=str(folder)):
        load_embedder(str(folder))


def test_a_model_of_the_hub_is_pinned_by_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloaded before, it is found without a network; the manifest gets name, commit and hash."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "hub" / "models--someone--tiny-e5"
    write_model(home / "snapshots" / commit, {"pooling_mode": "mean"})
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    info = load_embedder("someone/tiny-e5").info
    assert (info.name, info.revision) == ("someone/tiny-e5", commit)
    assert len(info.files_sha256) == 64


def test_neither_torch_nor_a_network_is_asked_for(tmp_path: Path) -> None:
    """In a process of its own, where sockets are refused."""
    folder = write_model(tmp_path / "model", {"pooling_mode": "mean"})
    program = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
        "from kbsearch.embed.registry import load_embedder\n"
        f"load_embedder({str(folder)!r}).encode_queries(['reset the password'])\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def build_architecture(folder: Path, family: str) -> Path:
    """A tiny untrained model of the family as sentence-transformers saves it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    body = folder.parent / f"{folder.name}-body"
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    if family == "xlm-roberta":
        config: Any = XLMRobertaConfig(vocab_size=len(WORDS), max_position_embeddings=130, pad_token_id=0, **sizes)
        XLMRobertaModel(config).save_pretrained(body)
    else:
        BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=128, **sizes)).save_pretrained(body)
    write_tokenizer(body)
    pooling = Pooling(32, "cls" if family == "bge" else "mean")
    SentenceTransformer(modules=[Transformer(str(body)), pooling, Normalize()], device="cpu").save(str(folder))
    return folder


def export_graph(folder: Path) -> None:
    """Write the directory's own transformer as onnx/model.onnx, the way the hub's models carry theirs."""
    import torch
    from transformers import AutoModel

    body = AutoModel.from_pretrained(str(folder), attn_implementation="eager").eval()
    ids = torch.tensor([[2, 6, 7, 3]])
    (folder / "onnx").mkdir()
    axes = {0: torch.export.Dim("texts", max=8), 1: torch.export.Dim("tokens", min=2, max=64)}

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    torch.onnx.export(
        Graph(),
        (ids.repeat(2, 1), torch.ones((2, 4), dtype=torch.int64)),
        str(folder / "onnx" / "model.onnx"),
        input_names=["input_ids", "attention_mask"],
        output_names=["last_hidden_state"],
        dynamic_shapes=(axes, axes),
        external_data=False,
        dynamo=True,
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporter's own
@pytest.mark.parametrize("family", ["minilm", "bge", "xlm-roberta"])
def test_real_architectures_give_what_torch_gives(family: str, tmp_path: Path) -> None:
    """The directory through torch, then with a graph of itself through onnxruntime: the same vectors."""
    folder = build_architecture(tmp_path / f"tiny-{family}", family)
    texts = ["reset the password", "order late", "the"]
    through_torch = load_embedder(str(folder))
    assert not isinstance(through_torch, OnnxEmbedder)
    wanted = through_torch.encode_passages(texts)
    export_graph(folder)
    through_graph = load_embedder(str(folder))
    assert isinstance(through_graph, OnnxEmbedder)
    np.testing.assert_allclose(through_graph.encode_passages(texts), wanted, atol=1e-5)


@pytest.mark.slow
def test_a_model_stored_in_half_precision_is_computed_in_full(tmp_path: Path) -> None:
    """A text has one vector of unit length, alone and in a batch."""
    import torch
    from sentence_transformers import SentenceTransformer

    folder = tmp_path / "half"
    model = SentenceTransformer(str(build_architecture(tmp_path / "tiny", "minilm")), device="cpu")
    model.to(torch.bfloat16).save(str(folder))
    embedder = load_embedder(str(folder))
    texts = ["reset the password", "order late", "the", "reset " * 20]
    together = embedder.encode_passages(texts)
    alone = np.concatenate([embedder.encode_passages([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
