"""Embedders keep their protocol: deterministic unit rows, a zero row for nothing, and a name for their files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from kbsearch.embed import registry
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.embed.protocol import Embedder
from kbsearch.embed.registry import load_embedder, models_directory, reads_context
from kbsearch.embed.static import StaticEmbedder, is_static_model
from kbsearch.errors import ModelError

TEXTS = ["How to reset your password", "", "Kā atjaunot paroli", "zzzz qqqq", "password"]


@pytest.fixture(params=["hashing", "static"])
def embedder(request: pytest.FixtureRequest, static_model: Path) -> Embedder:
    return HashingEmbedder() if request.param == "hashing" else StaticEmbedder(static_model, "tiny", "1")


def test_rows_are_unit_vectors_in_order(embedder: Embedder) -> None:
    """One float32 row a text, of the promised width, of length one."""
    rows = embedder.encode_passages(TEXTS)
    assert rows.shape == (len(TEXTS), embedder.info.dimension)
    assert rows.dtype == np.float32
    lengths = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(lengths[[0, 2, 4]], 1.0, rtol=1e-5)
    assert lengths[1] == 0.0


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    """An empty batch is no error."""
    assert embedder.encode_passages([]).shape == (0, embedder.info.dimension)


def test_a_text_has_one_vector(embedder: Embedder) -> None:
    """To the bit: alone, in any batch, as query or passage."""
    together = embedder.encode_passages(TEXTS)
    for number, text in enumerate(TEXTS):
        np.testing.assert_array_equal(embedder.encode_passages([text])[0], together[number])
        np.testing.assert_array_equal(embedder.encode_queries([text])[0], together[number])


def test_texts_that_share_words_are_closer() -> None:
    """What makes the hashing embedder fit for tests."""
    one, near, far = HashingEmbedder().encode_passages(["reset the password", "password reset", "delivery to Riga"])
    assert one @ near > 0.6 > one @ far


@settings(deadline=None, max_examples=60)
@given(st.text())
def test_any_text_has_a_vector(text: str) -> None:
    """Finite, of length one or zero."""
    row = HashingEmbedder().encode_queries([text])[0]
    assert np.isfinite(row).all()
    assert np.linalg.norm(row) == pytest.approx(1.0, abs=1e-5) or not row.any()


def test_a_static_vector_is_the_scaled_mean_of_its_rows(static_model: Path) -> None:
    """The documented formula, in float64: the rows of the text's words times their scales, summed, of length one."""
    tensors = load_file(static_model / "model.safetensors")
    vocabulary = json.loads((static_model / "tokenizer.json").read_text())["model"]["vocab"]
    ids = [vocabulary.get(word, 0) for word in ["reset", "your", "password", "nowhere"]]
    total = (tensors["embeddings"][ids].astype(np.float64) * tensors["weights"][ids, None]).sum(axis=0)
    found = StaticEmbedder(static_model, "tiny", "1").encode_queries(["Reset your password nowhere"])[0]
    np.testing.assert_allclose(found, total / np.linalg.norm(total), atol=1e-6)


def test_a_static_model_reads_long_texts_whole(static_model: Path) -> None:
    """The last word of a long text counts."""
    embedder = StaticEmbedder(static_model, "tiny", "1")
    long, longer = embedder.encode_passages(["order " * 3000, "order " * 3000 + "password " * 3000])
    assert long @ longer < 0.99


def test_the_fingerprint_covers_name_and_content_of_files(static_model: Path, tmp_path: Path) -> None:
    """The same files anywhere have the same fingerprint; one changed row gives another."""
    copy = Path(shutil.copytree(static_model, tmp_path / "copy"))
    original = StaticEmbedder(static_model, "tiny", "1").info
    assert StaticEmbedder(copy, "tiny", "1").info == original
    tensors = load_file(copy / "model.safetensors")
    tensors["embeddings"][3, 3] ^= 1
    save_file(tensors, copy / "model.safetensors")
    assert StaticEmbedder(copy, "tiny", "1").info.files_sha256 != original.files_sha256


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"", b"garbage"], ids=repr)
def test_a_damaged_static_model_is_named(name: str, content: bytes | None, static_model: Path, tmp_path: Path) -> None:
    """Missing, empty or foreign files are a ModelError with the directory in it."""
    copy = Path(shutil.copytree(static_model, tmp_path / "copy"))
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_bytes(content)
    with pytest.raises(ModelError, match=str(copy)):
        StaticEmbedder(copy, "tiny", "1")
    if name == "model.safetensors" or content is None:
        assert not is_static_model(copy)


def test_only_rows_of_our_kind_are_read_here(static_model: Path, tmp_path: Path) -> None:
    """Others of model2vec's layouts are sentence-transformers' to read."""
    copy = Path(shutil.copytree(static_model, tmp_path / "copy"))
    tensors = load_file(copy / "model.safetensors")
    assert is_static_model(copy)
    save_file(tensors | {"mapping": np.zeros(len(tensors["weights"]), np.int32)}, copy / "model.safetensors")
    assert not is_static_model(copy)
    save_file(tensors | {"embeddings": tensors["embeddings"].astype(np.float32)}, copy / "model.safetensors")
    assert not is_static_model(copy)


@pytest.mark.parametrize("short", [{"embeddings", "weights"}, {"embeddings"}, {"weights"}])
def test_rows_of_another_vocabulary_are_refused(short: set[str], static_model: Path, tmp_path: Path) -> None:
    """Compiled code would read beyond their end."""
    copy = Path(shutil.copytree(static_model, tmp_path / "copy"))
    tensors = load_file(copy / "model.safetensors")
    cut = {name: tensor[:-1] if name in short else tensor for name, tensor in tensors.items()}
    save_file(cut, copy / "model.safetensors")
    with pytest.raises(ModelError, match=rf"{copy} has \d+ tokens, but \d+ rows"):
        load_embedder(str(copy))


def test_the_registry_knows_hashing_and_directories(static_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name or path; what the snapshot keeps of a path holds in any folder that it is served from."""
    assert isinstance(load_embedder("hashing"), HashingEmbedder)
    loaded = load_embedder(str(static_model))
    assert isinstance(loaded, StaticEmbedder)
    assert (loaded.info.name, loaded.info.revision) == (str(static_model), "directory")
    monkeypatch.chdir(static_model.parent)
    assert load_embedder(static_model.name).info == loaded.info


def test_an_unknown_model_names_the_known_ones() -> None:
    """The sentence says which value and what else there is."""
    with pytest.raises(ModelError, match=r"There is no model 'no-such-model'; bundled models are .*kbsearch-static"):
        load_embedder("no-such-model")
    with pytest.raises(ModelError, match="/no/such/directory"):
        load_embedder("/no/such/directory")


def test_the_default_is_the_bundled_model(monkeypatch: pytest.MonkeyPatch, static_model: Path, tmp_path: Path) -> None:
    """No name gives the entry marked default, found relative to the registry."""
    shutil.copytree(static_model, tmp_path / "small")
    (tmp_path / "registry.toml").write_text(
        '[models.other]\npath = "nowhere"\n[models.small]\npath = "small"\ndefault = true\n'
    )
    monkeypatch.setattr(registry, "models_directory", lambda: tmp_path)
    assert load_embedder().info.name == "small"
    assert load_embedder("small").info == load_embedder().info


def test_a_bundled_model_without_its_files_asks_to_be_installed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is not tried as a model for torch."""
    (tmp_path / "small").mkdir()
    (tmp_path / "registry.toml").write_text('[models.small]\npath = "small"\ndefault = true\n')
    monkeypatch.setattr(registry, "models_directory", lambda: tmp_path)
    with pytest.raises(ModelError, match=r"Files of model 'small' are missing or damaged in .*; reinstall kbsearch"):
        load_embedder()


def test_a_checkout_has_its_registry() -> None:
    """The bundled models are found beside the package."""
    assert (registry.models_directory() / registry.REGISTRY_FILE).is_file()


@pytest.fixture(scope="module")
def transformer_folder(tmp_path_factory: pytest.TempPathFactory, static_model: Path) -> Path:
    """A sentence-transformers directory that needs torch: a tiny static model in that library's own float layout."""
    tensors = load_file(static_model / "model.safetensors")
    folder = tmp_path_factory.mktemp("models") / "tiny-e5"
    folder.mkdir()
    shutil.copy(static_model / "tokenizer.json", folder / "tokenizer.json")
    weight = tensors["embeddings"].astype(np.float32) * tensors["weights"][:, None]
    save_file({"embedding.weight": weight}, folder / "model.safetensors")
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    return folder


@pytest.mark.slow
def test_any_sentence_transformers_directory_can_be_used(transformer_folder: Path) -> None:
    """Unit rows, a fingerprint of the files, and the prefixes that E5's card asks for."""
    embedder = load_embedder(str(transformer_folder))
    rows = embedder.encode_passages(["reset your password", "order"])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, rtol=1e-4)
    assert embedder.info.files_sha256
    assert rows.shape == (2, embedder.info.dimension)
    # The directory is called …e5, so queries and passages of one text differ by their prefix.
    tensors = load_file(transformer_folder / "model.safetensors")["embedding.weight"]
    vocabulary = json.loads((transformer_folder / "tokenizer.json").read_text())["model"]["vocab"]
    expected = tensors[[vocabulary.get("query:", 0), vocabulary["password"]]].mean(axis=0)
    np.testing.assert_allclose(embedder.encode_queries(["password"])[0], expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.slow
def test_a_directory_that_is_no_model_is_named(tmp_path: Path) -> None:
    """Whatever the library raises becomes one sentence."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"empty' cannot be loaded"):
        load_embedder(str(tmp_path / "empty"))


def test_models_that_read_words_in_their_context_are_known_by_name() -> None:
    """The bundled two, and what is neither bundled nor made of rows."""
    assert reads_context("kbsearch-mini")
    assert reads_context("organisation/model")
    assert not reads_context("kbsearch-static")
    assert not reads_context(str(models_directory() / "kbsearch-static"))
    assert not reads_context("hashing")


def test_a_text_without_a_known_token_has_no_direction() -> None:
    """Two texts that the bundled model cannot read are not alike; one it can read in part keeps its meaning."""
    vectors = load_embedder().encode_queries(["ᚠᚢᚦ", "שלום", "ᚠᚢᚦ parole"])
    assert not vectors[:2].any()
    assert np.linalg.norm(vectors[2]) == pytest.approx(1.0, abs=1e-5)
