"""The whole recipe on tiny made-up data: every step runs, a killed training continues, and the export is readable."""

from __future__ import annotations

import json
import lzma
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

RECIPE = Path(__file__).resolve().parents[2] / "models" / "recipe"
WORDS = ["reset", "change", "delete", "password", "account", "order", "invoice", "delivery", "email", "phone"]
WORDS += ["open", "close", "send", "find", "print"]
STEPS = "40"


def translate(text: str) -> str:
    """Make a word-by-word foreign language."""
    return " ".join(word[::-1] + "as" for word in text.split())


def make_shared(shared: Path) -> None:
    """Write parallel sentences, pairs and development sets in the formats of ``shared/``."""
    rng = random.Random(1)
    sentences = [" ".join(rng.sample(WORDS, 5)) for _ in range(400)]
    for folder in ("train/parallel", "train/pairs", "eval/alchemy", "eval/bitext"):
        (shared / folder).mkdir(parents=True)
    for language in ("lv", "lt"):
        with lzma.open(shared / f"train/parallel/{language}.tsv.xz", "wt", encoding="utf-8") as file:
            file.writelines(f"{text}\t{translate(text)}\tms-alchemyinsights\tHT\n" for text in sentences)
    for language in ("en", "lv", "lt"):
        said = str if language == "en" else translate
        with lzma.open(shared / f"train/pairs/{language}.jsonl.xz", "wt", encoding="utf-8") as file:
            for number, text in enumerate(sentences[:60]):
                title, heading = said(" ".join(text.split()[:2])), said(text.split()[2]) if number % 2 else ""
                row = {"path": f"{number}.md", "title": title, "heading": heading, "passage": said(text)}
                file.write(json.dumps(row | {"source": "ms-alchemyinsights"}) + "\n")
        (shared / f"eval/bitext/{language}.txt").write_text("\n".join(map(said, sentences[:50])) + "\n", "utf-8")
        docs = [{"id": f"{i}.{language}", "group": str(i), "body": said(t)} for i, t in enumerate(sentences[:50])]
        titles = [
            {"id": f"{i}.{language}", "query": said(" ".join(t.split()[:3])), "relevant": {str(i): 1}}
            for i, t in enumerate(sentences[:50])
        ]
        for name, rows in (("docs", docs), ("titles", titles)):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (shared / f"eval/alchemy/{name}.{language}.jsonl").write_text(lines, encoding="utf-8")


def make_teacher(folder: Path) -> None:
    """Write an untrained one-layer BERT with the test's words as a sentence-transformers folder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    vocabulary = folder.parent / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n")
    config = BertConfig(vocab_size=20, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
    body = folder.parent / "body"
    BertModel(config).save_pretrained(body)
    BertTokenizerFast(str(vocabulary)).save_pretrained(body)
    SentenceTransformer(modules=[Transformer(str(body)), Pooling(32), Normalize()], device="cpu").save(str(folder))


def recipe(step: str, *arguments: str | Path) -> str:
    """Run one command of the recipe as a user does; return its standard output."""
    command = [sys.executable, str(RECIPE / f"{step}.py"), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout


@pytest.mark.slow
def test_recipe_from_text_to_model(tmp_path: Path) -> None:
    """Every step runs; stopping in the middle changes nothing; the folder loads and follows the documented formula."""
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    shared, work, teacher = tmp_path / "shared", tmp_path / "work", tmp_path / "teacher"
    tokenizer, model = work / "tokenizer.json", tmp_path / "model"
    make_shared(shared)
    make_teacher(teacher)
    recipe("tokenizer", "--shared", shared, "--out", tokenizer, "--work", work, "--size", "300")
    recipe("teacher", "--shared", shared, "--work", work, "--teacher", teacher)
    recipe("corpus", "--shared", shared, "--work", work, "--tokenizer", tokenizer)
    train = ["--shared", shared, "--work", work, "--tokenizer", tokenizer, "--steps", STEPS, "--pair-batch", "32"]
    train += ["--parallel-batch", "64", "--checkpoint", "20", "--threads", "1"]
    recipe("train_static", *train, "--out", work / "whole.npz")
    recipe("train_static", *train, "--out", work / "halves.npz", "--stop-after", "20")
    recipe("train_static", *train, "--out", work / "halves.npz")
    with np.load(work / "whole.npz") as whole, np.load(work / "halves.npz") as halves:
        np.testing.assert_allclose(whole["rows"], halves["rows"], atol=1e-6)

    recipe("export", "--checkpoint", work / "whole.npz", "--tokenizer", tokenizer, "--out", model)
    texts = ["Reset password", translate("reset password account"), "delivery?"]
    weights = load_file(model / "model.safetensors")
    encode = Tokenizer.from_file(str(model / "tokenizer.json")).encode
    rows = weights["embeddings"].astype(np.float32) * weights["weights"][:, None]
    expected = np.stack([rows[encode(text, add_special_tokens=False).ids].mean(axis=0) for text in texts])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    loaded = SentenceTransformer(str(model), device="cpu")
    np.testing.assert_allclose(expected, loaded.encode(texts), atol=1e-5)

    assert json.loads(recipe("measure", model))["query_us"]["p50"] > 0

    mini = ["--shared", shared, "--work", work, "--tokenizer", tokenizer, "--static", model]
    mini += [
        "--teacher",
        teacher,
        "--layers",
        "0",
        "--own-width",
        "8",
        "--steps",
        "4",
        "--checkpoint",
        "2",
        "--threads",
        "1",
    ]
    mini += ["--parallel-batch", "32", "--pair-batch", "16", "--out", work / "mini.pt"]
    assert "step 2," in recipe("train_mini", *mini, "--stop-after", "2")
    assert "step 4," in recipe("train_mini", *mini)
    graph = tmp_path / "graph"
    parts = ["--checkpoint", work / "mini.pt", "--static", model, "--teacher", teacher]
    recipe("export_mini", *parts, "--out", graph)
    assert json.loads(recipe("measure", graph))["query_us"]["p50"] > 0
    report = json.loads(recipe("evaluate", graph, "--shared", shared, "--json"))
    assert report["title_body"]["lv->lv"]["recall@10"] > 50

    report = json.loads(recipe("evaluate", model, "--shared", shared, "--json"))
    assert {"lv->en", "en->lt", "en->en"} <= set(report["title_body"])
    assert report["title_body"]["lv->lv"]["recall@10"] > 50
    assert report["bitext"]["lv-en"] > 50

    with lzma.open(shared / "train/parallel/lt.tsv.xz", "at", encoding="utf-8") as file:
        file.write(f"a late row\t{translate('a late row')}\tms-alchemyinsights\tHT\n")
    command = [sys.executable, str(RECIPE / "corpus.py"), "--shared", str(shared), "--work", str(work)]
    outcome = subprocess.run(
        [*command, "--tokenizer", str(tokenizer)], capture_output=True, text=True, timeout=120, check=False
    )
    assert outcome.returncode == 1
    assert outcome.stderr.endswith("remove it and teacher.*, and run teacher.py again.\n")
    assert "Traceback" not in outcome.stderr


@pytest.mark.slow
def test_absent_data_is_one_clear_sentence(tmp_path: Path) -> None:
    """A wrong path ends with a sentence that names the folder and the option, without a traceback."""
    command = [sys.executable, str(RECIPE / "tokenizer.py"), "--shared", str(tmp_path), "--out", str(tmp_path / "t")]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 1
    assert "pass --shared" in outcome.stderr
    assert "Traceback" not in outcome.stderr
