"""The calibration of the published version, taken over by the next one while it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from indexer.cut import CUTTER_VERSION
from indexer.loaders import LoadReport
from kbsearch.embed.protocol import ModelInfo
from kbsearch.manifest import CALIBRATED_FOR, CALIBRATION
from kbsearch.text.analyze import ANALYZER_VERSION
from kbsearch.version import CALIBRATION_FORMAT


def carried(out: Path, before: Mapping[str, Any], model: ModelInfo, report: LoadReport) -> dict[str, bytes]:
    """Further files of the new version, from the published one, whose manifest is `before`.

    Articles come and go without changing what a score means, so that a calibration outlives them; with another model,
    analyzer or cutter, or as a file that was damaged, it says nothing. Where it is left out, the report says so.
    """
    if CALIBRATION not in before.get("files", {}):
        return {}
    try:
        content = (out / str(before["version"]) / CALIBRATION).read_bytes()
    except OSError:
        content = b""
    if {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} != before["files"][CALIBRATION]:
        fault = "its file cannot be read or was altered"
    else:
        fault = _changed(before, content, model)
    if fault:
        report.add_note(
            f"the calibration of {before['version']} is left out, because {fault}; "
            f"until this is run, results are listed and nothing is answered: "
            f"kbsearch calibrate --index {out} --queries FILE.jsonl"
        )
        return {}
    return {CALIBRATION: content}


def _changed(before: Mapping[str, Any], content: bytes, model: ModelInfo) -> str:
    """What is another than when the calibration was learnt; "" where all is the same."""
    was: dict[str, Any] = {name: before.get(name) for name in CALIBRATED_FOR}
    now: dict[str, Any] = {"model": asdict(model), "analyzer": ANALYZER_VERSION, "cutter": CUTTER_VERSION}
    was["way of scoring"], now["way of scoring"] = orjson.loads(content).get("format"), CALIBRATION_FORMAT
    changed = [name for name, value in now.items() if was[name] != value]
    return f"of another {' and '.join(changed)}" if changed else ""
