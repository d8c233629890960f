"""Snapshots as earlier programs wrote them: format 1 is frozen, and what reads it now reads every part of it.

`tests/golden/snapshots/v1` was written by

    python -m tests.golden.snapshots

from the sources beside it. A change that cannot read it any more is a new format: raise `FORMAT_VERSION`, keep v1 as
the one that is refused, and freeze a v2. Analyzers may change without the format: their version is checked apart.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import orjson
import pytest

from indexer.cut import cut
from kbsearch import manifest as module
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.engine import Engine
from kbsearch.errors import SnapshotMismatch
from kbsearch.manifest import FORMAT_VERSION, MANIFEST, verify_snapshot
from kbsearch.snapshot import Snapshot, open_snapshot
from kbsearch.types import Document, SearchRequest

GOLDEN = Path(__file__).parents[1] / "golden" / "snapshots"
V1 = GOLDEN / "v1"
ROWS = [orjson.loads(line) for line in (GOLDEN / "source.jsonl").read_bytes().splitlines()]


@pytest.fixture(scope="module")
def frozen() -> Snapshot:
    """Read whatever the analyzers are called today: this is about the format."""
    written = orjson.loads((V1 / MANIFEST).read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ANALYZER_VERSION", written["analyzer"])
        return open_snapshot(V1.parent, V1.name)


def test_the_frozen_format_is_the_one_that_is_written() -> None:
    """Whoever raises the format freezes a new one."""
    assert orjson.loads((V1 / MANIFEST).read_bytes())["format"] == FORMAT_VERSION == 1


def test_every_document_is_read_back(frozen: Snapshot) -> None:
    """As it stands in the source; bodies as the cutter made them when it was frozen, which has not changed since."""
    assert frozen.document_count == len(ROWS)
    for number, row in enumerate(ROWS):
        stored = frozen.stored(number)
        document = Document(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in _full(row).items()}
        )
        for name in ("id", "group", "lang", "type", "title", "url", "category", "tags", "audience", "updated_at"):
            assert getattr(stored, name) == getattr(document, name)
        assert (stored.html, stored.text) == (cut(document).html, cut(document).text)
        assert frozen.number_of(row["id"]) == number


def _full(row: dict[str, object]) -> dict[str, object]:
    return {"group": row["id"], "url": "", "updated_at": "", "format": "markdown", **row}


def test_passages_groups_and_attributes_are_read_back(frozen: Snapshot) -> None:
    """By hand, from the sources."""
    passages = [frozen.passage(number) for number in range(5)]
    assert [passage.headings for passage in passages] == [("Steps",), ("Steps", "By phone"), (), (), ()]
    assert passages[1].text == "Call us & ask for code E4012."
    assert [list(frozen.passages_of(number)) for number in range(4)] == [[0, 1], [2], [3], [4]]
    assert frozen.document_group.tolist() == [0, 0, 1, 2]
    assert np.flatnonzero(frozen.documents_with("audience", ["agent"])).tolist() == [3]
    assert np.flatnonzero(frozen.documents_with("tag", ["password", "parole"])).tolist() == [0, 1]
    assert frozen.languages == ("en", "lt", "lv")


def test_what_the_editor_said_is_read_back(frozen: Snapshot) -> None:
    """Synonyms and rules."""
    assert [synonym.typed for synonym in frozen.editing.synonyms] == [("password", "passphrase")]
    assert [(rule.query, rule.action, rule.target) for rule in frozen.editing.rules] == [("help", "pin", "reset.en")]


@pytest.mark.parametrize(
    ("q", "lang", "first"),
    [
        ("reset your password", "en", "reset.en"),
        ("pasword", "en", "reset.en"),
        ("E4012", "en", "reset.en"),
        ("atjaunot paroli", "lv", "reset.lv"),
        ("sekimo numeris", "lt", "parcel.lt"),
        ("passphrase", "en", "reset.en"),
        ("help", "lv", "reset.lv"),
    ],
)
def test_both_legs_titles_and_spelling_are_read_back(frozen: Snapshot, q: str, lang: str, first: str) -> None:
    """A search reads all of them."""
    outcome = Engine(frozen, HashingEmbedder()).search(SearchRequest(q=q, lang=lang))
    assert [hit.id for hit in outcome.hits][:1] == [first]


def test_vectors_are_read_back(frozen: Snapshot) -> None:
    """Those of the model that the manifest names."""
    texts = ["Kur mano siunta\nSiunta turi sekimo numerį."]
    vector = HashingEmbedder().encode_passages(texts)[0]
    np.testing.assert_allclose(frozen.dense.vectors(np.asarray([3]))[0], vector, atol=1e-3)


@pytest.mark.parametrize("number", [0, 2, "1", None], ids=repr)
def test_an_unknown_format_is_refused_with_the_way_out(tmp_path: Path, number: object) -> None:
    """Before anything else of it is read: a future manifest may have other fields."""
    copied = Path(shutil.copytree(V1, tmp_path / "index" / "v1"))
    (copied / MANIFEST).write_bytes(orjson.dumps({"format": number, "anything": "else"}))
    for check in (lambda: verify_snapshot(copied), lambda: open_snapshot(copied.parent, copied.name)):
        with pytest.raises(SnapshotMismatch) as caught:
            check()
        assert f"has format {number!r}, this kbsearch reads 1" in str(caught.value)
        assert f"rebuild it: kbsearch-index build SOURCE --out {copied.parent}" in str(caught.value)
