"""Another model, as docs/reindexing.md has it: beside the old one, compared, published through the gate, undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from replaying import Desk, Row

import indexer.cli
from indexer import work
from indexer.folders import CACHE
from indexer.pipeline import build
from kbsearch.calibration import publish_calibrated
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.embed.protocol import ModelInfo, Vectors
from kbsearch.engine import open_engine
from kbsearch.errors import ModelError
from kbsearch.manifest import CALIBRATION, published_version, verify_snapshot
from kbsearch.types import SearchRequest
from kbsearch.version import CALIBRATION_FORMAT
from kbsearch.versions import discard, list_snapshots

SINCE = ["--from", "2026-11-01", "--to", "2026-11-04"]


@pytest.fixture
def desk(tmp_path: Path, handmade_rows: tuple[Row, ...], write_jsonl: Callable[..., Path]) -> Iterator[Desk]:
    made = Desk(tmp_path, handmade_rows, write_jsonl)
    yield made
    made.store.close()


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """A command with --json; returns its answer and its exit code."""

    def call(*arguments: object) -> dict[str, Any]:
        capfd.readouterr()
        code = indexer.cli.main([*map(str, arguments), "--json"])
        answer: dict[str, Any] = orjson.loads(capfd.readouterr().out)
        return answer | {"code": code}

    return call


def models(desk: Desk) -> list[str]:
    return [entry.manifest["model"]["name"] for entry in list_snapshots(desk.out)]


def test_a_model_is_changed_without_anybody_noticing(
    desk: Desk, run: Callable[..., dict[str, Any]], static_model: Path
) -> None:
    """Each step of the recipe, and what each embeds."""
    update = ["update", desk.source(), "--out", desk.out]
    shadow = run(*update, "--model", static_model, "--no-publish")
    assert (shadow["published"], shadow["documents_analysed"]) == (False, 0)
    assert shadow["passages_embedded"] > 0
    assert published_version(desk.out) == desk.published

    # Meanwhile articles change as on any day, with the old model.
    def more(rows: dict[str, Row]) -> None:
        rows["new.en"] = {"id": "new.en", "title": "Gift wrapping", "body": "We wrap gifts.", "lang": "en"}

    desk.source(more)
    nightly = run(*update)
    assert (nightly["published"], nightly["passages_embedded"]) == (True, 1)
    assert models(desk) == ["hashing", str(static_model), "hashing"]

    # The candidate takes the change over: one passage, not all.
    again = run(*update, "--model", static_model, "--no-publish")
    assert again["passages_embedded"] == 1
    compared = run("replay", desk.out, "--candidate", again["version"], "--events", desk.events, *SINCE)
    assert compared["models"] == {"against": "hashing", "candidate": str(static_model)}

    # Through the gate; what its budget allows is the operator's word.
    gated = run(*update, "--model", static_model, "--gate", desk.events, "--max-broken", "10%", *SINCE)
    assert (gated["code"], gated["published"], gated["passages_embedded"]) == (0, True, 0)
    assert open_engine(desk.out).search(SearchRequest(q="reset password")).hits[0].group == "reset-password"

    # And back: the old model's vectors are all still there.
    assert indexer.cli.main(["rollback", str(desk.out)]) == 0
    assert published_version(desk.out) == nightly["version"]
    desk.source(lambda rows: rows.pop("goats.lv") and None)
    assert run(*update)["passages_embedded"] == 0
    assert models(desk)[0] == "hashing"


def test_a_worse_model_is_refused_by_the_gate(
    desk: Desk, run: Callable[..., dict[str, Any]], static_model: Path
) -> None:
    """The old one stays published."""
    refused = run(
        "update", desk.source(), "--out", desk.out, "--model", static_model, "--gate", desk.events, *SINCE, "--first", 1
    )
    assert (refused["code"], refused["published"]) == (1, False)
    assert [cause["kind"] for cause in refused["replay"]["causes"]] == ["model"]
    assert published_version(desk.out) == desk.published


def test_an_update_keeps_the_calibration_and_another_model_does_not(
    desk: Desk, run: Callable[..., dict[str, Any]], static_model: Path
) -> None:
    """What was learnt from scores of one model says nothing about those of another; the report says what to run."""
    learnt = publish_calibrated(desk.out, b'{"format": %d}' % CALIBRATION_FORMAT, desk.published)
    update = ["update", desk.source(lambda rows: rows.pop("goats.lv") and None), "--out", desk.out]
    kept = run(*update)
    assert kept["version"] != learnt
    assert (desk.out / kept["version"] / CALIBRATION).read_bytes() == b'{"format": %d}' % CALIBRATION_FORMAT
    assert run(*update)["unchanged"]
    other = run(*update, "--model", static_model, "--no-publish")
    assert not (desk.out / other["version"] / CALIBRATION).exists()
    assert any("kbsearch calibrate" in note for note in other["notes"])


@pytest.mark.parametrize("content", [b'{"format": 1, "trunc', b'{"format": %d }' % CALIBRATION_FORMAT, None])
def test_a_damaged_calibration_is_left_out(
    content: bytes | None, desk: Desk, run: Callable[..., dict[str, Any]]
) -> None:
    """Cut short, altered or gone: the next version is whole without it, and the report says what to run."""
    learnt = publish_calibrated(desk.out, b'{"format": %d}' % CALIBRATION_FORMAT, published_version(desk.out))
    path = desk.out / learnt / CALIBRATION
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    update = run("update", desk.source(), "--out", desk.out)
    assert (update["code"], update["published"], update["unchanged"]) == (0, True, False)
    verify_snapshot(desk.out / update["version"])
    assert not (desk.out / update["version"] / CALIBRATION).exists()
    fault = f"the calibration of {learnt} is left out, because its file cannot be read or was altered"
    assert fault in [note.partition(";")[0] for note in update["notes"]]


@pytest.mark.parametrize("command", ["build", "update"])
def test_an_empty_name_is_no_model(desk: Desk, command: str, capfd: pytest.CaptureFixture[str]) -> None:
    """`--model "$UNSET"` would build with the default, or read the current folder."""
    assert indexer.cli.main([command, str(desk.source()), "--out", str(desk.out), "--model", ""]) == 1
    assert "There is no model ''" in capfd.readouterr().err
    assert models(desk) == ["hashing"]


def test_an_update_leaves_what_another_model_has_embedded_so_far(
    tmp_path: Path, write_jsonl: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with another model is interrupted; the nightly update comes first, then it goes on."""

    class Other(HashingEmbedder):
        """Stops after some batches."""

        def __init__(self, batches: int) -> None:
            self.batches = batches

        @property
        def info(self) -> ModelInfo:
            return replace(super().info, name="other")

        def encode_passages(self, texts: Sequence[str]) -> Vectors:
            if not self.batches:
                raise ModelError("the machine is restarted")
            self.batches -= 1
            return super().encode_passages(texts)

    monkeypatch.setattr(work, "TEXTS", 4)
    articles = [{"id": str(n), "title": f"Title {n}", "body": f"Body {n}.", "lang": "en"} for n in range(9)]
    source, index = write_jsonl(tmp_path / "s.jsonl", articles), tmp_path / "index"
    build([source], index, embedder=HashingEmbedder())
    with pytest.raises(ModelError):
        build([source], index, embedder=Other(2), update=True, publishing=False)
    write_jsonl(source, [*articles, {"id": "new", "title": "New", "body": "Text."}])
    build([source], index, embedder=HashingEmbedder(), update=True)
    # Ten titles and ten passages are twenty texts, or five batches; two are there.
    build([source], index, embedder=Other(3), update=True, publishing=False)
    # It came to its end, so the shelf goes with the last version that names it.
    discard(index, list_snapshots(index)[0].version)
    build([source], index, embedder=HashingEmbedder(), update=True)
    assert len(list((index / CACHE).glob("vectors-*"))) == 1
