"""The bundled models as they are shipped: no torch, no network, always the same vectors, meaning across languages."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from kbsearch.embed.protocol import Embedder
from kbsearch.embed.registry import REGISTRY_FILE, load_embedder, models_directory

ENTRIES = tomllib.loads((models_directory() / REGISTRY_FILE).read_text(encoding="utf-8"))["models"]
MOST_MEGABYTES = {"kbsearch-static": 30, "kbsearch-mini": 45}

# A question, and what answers it, in two languages each.
PAIRS = (
    ("Kā atjaunot paroli?", "How to reset a forgotten password"),
    ("kaip grąžinti prekę", "Returning an item you bought"),
    ("kur ir mans pasutijums", "Track your order"),
    ("mano sąskaita faktūra", "Download an invoice for your order"),
    ("atcelt abonementu", "Cancel the subscription"),
    ("pakeisti el. pašto adresą", "Change the e-mail address of an account"),
)
TEXTS = [text for pair in PAIRS for text in pair]


@pytest.fixture(scope="module", params=sorted(ENTRIES))
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return load_embedder(request.param)


def test_questions_are_nearest_to_what_answers_them(embedder: Embedder) -> None:
    """In another language, typed without diacritics or with them."""
    questions = embedder.encode_queries([question for question, _ in PAIRS])
    answers = embedder.encode_passages([answer for _, answer in PAIRS])
    assert (questions @ answers.T).argmax(axis=1).tolist() == list(range(len(PAIRS)))


def test_a_vector_does_not_depend_on_its_company(embedder: Embedder) -> None:
    """Alone, in a batch, again, and by a second copy of the model."""
    together = embedder.encode_passages(TEXTS)
    alone = np.concatenate([embedder.encode_passages([text]) for text in TEXTS])
    again = load_embedder(embedder.info.name).encode_passages(TEXTS[::-1])[::-1]
    assert np.abs(together - alone).max() <= 1e-5
    assert np.abs(together - again).max() <= 1e-5
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)


def test_a_letter_that_is_no_one_word_moves_no_other_word(embedder: Embedder) -> None:
    """Of an Arabic sign nothing is left, and a Catalan letter becomes two words; both are letters."""
    texts = ["parole \ufe70 rēķins", "\u013f pasūtījums", "lampa"]
    together = load_embedder(embedder.info.name).encode_passages(texts)
    alone = np.concatenate([embedder.encode_passages([text]) for text in texts])
    assert np.abs(together - alone).max() <= 1e-5


def test_what_is_registered_is_what_is_shipped(embedder: Embedder) -> None:
    """Dimension, licence, size and card."""
    entry = ENTRIES[embedder.info.name]
    folder = models_directory() / entry["path"]
    megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    assert embedder.info.dimension == entry["dimension"]
    assert megabytes < MOST_MEGABYTES[embedder.info.name]
    assert entry["licence"] == "Apache-2.0"
    assert "## What it is bad at" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_loading_asks_for_neither_torch_nor_a_network(name: str, tmp_path: Path) -> None:
    """In a process of its own, where opening a socket ends it, and whose home stays empty.

    A library that reports to its makers does so past Python's sockets, under an id of the machine that it keeps there.
    """
    program = (
        "import socket, sys\n"
        "def refuse(*_, **__): raise SystemExit('a socket was opened')\n"
        "socket.socket.connect = refuse\n"
        "from kbsearch.embed.registry import load_embedder\n"
        f"load_embedder({name!r}).encode_queries(['parole'])\n"
        "print('torch' in sys.modules)\n"
    )
    homes = {name: str(tmp_path) for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | homes,
    )
    assert (result.stdout.strip(), result.returncode) == ("False", 0), result.stderr
    assert list(tmp_path.rglob("*")) == []
