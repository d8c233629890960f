"""Writes sources, and loads them with a report."""

from __future__ import annotations

import json
from pathlib import Path

from indexer.loaders import LoadReport, load_sources
from kbsearch.types import Document

GOOD = {"id": "reset.lv", "title": "Kā atjaunot paroli", "body": "Nospiediet **Aizmirsu paroli**."}


def load(*paths: Path) -> tuple[list[Document], LoadReport]:
    report = LoadReport()
    return list(load_sources(paths, report=report)), report


def write_lines(path: Path, *lines: object) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path
