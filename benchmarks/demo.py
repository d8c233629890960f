"""The index that `make demo` serves: sample_kb, calibrated with its own questions, so that some are answered."""

from __future__ import annotations

from pathlib import Path

import orjson

from benchmarks.report import ROOT
from indexer.pipeline import build
from kbsearch.calibrate import as_json, calibrate
from kbsearch.calibration import publish_calibrated
from kbsearch.engine import open_engine
from kbsearch.evaluate import read_queries

SAMPLE = ROOT / "sample_kb"
ERROR = 0.05


def build_demo(index: Path, model: str) -> None:
    """Publish it under `index`."""
    build([SAMPLE], index, model=model)
    engine = open_engine(index)
    calibration, _ = calibrate(engine, read_queries(SAMPLE / "questions.jsonl"), ERROR)
    publish_calibrated(index, orjson.dumps(as_json(calibration)), engine.snapshot)
