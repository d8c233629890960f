"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from indexer.loaders import fields, lines, office, pdf, whole, zendesk
from indexer.web import sitemap
from indexer.web.client import MAX_BYTES
from kbsearch.service.settings import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_python_block_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    """It builds the sample help centre and finds the article on forgotten passwords first."""
    (tmp_path / "sample_kb").symlink_to(ROOT / "sample_kb")
    monkeypatch.chdir(tmp_path)
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert block is not None
    exec(compile(block[1], "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"(answer|list) \d+", lines[0])
    assert "Paroles atjaunošana" in lines[1]


def test_every_setting_is_documented():
    """docs/service.md has a row with the name and the help of every setting."""
    text = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    for setting in SETTINGS:
        assert f"| `{setting.metadata['env']}` |" in text
        assert setting.metadata["help"] in text


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link and picture of a page exists."""
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_limits_of_sources_are_those_of_the_code():
    """A row of docs/sources.md for each of them."""
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    for row in (
        f"| a line of JSON Lines or CSV | {lines.MAX_LINE >> 20} MiB |",
        f"| a file of Markdown, text, HTML or subtitles, a file of the editor's | {whole.MAX_FILE >> 20} MiB |",
        f"| a Word file, packed | {office.MAX_FILE >> 20} MiB |",
        f"| a Word file, its text unpacked | {office.MAX_UNPACKED >> 20} MiB |",
        f"| an export of Zendesk | {zendesk.MAX_EXPORT >> 20} MiB |",
        f"| a PDF | {pdf.MAX_PAGES:,} pages |",
        f"| a website | {sitemap.MAX_SITEMAPS:,} sitemaps, {sitemap.MAX_PAGES:,} pages, {MAX_BYTES >> 20} MiB a page |",
        f"| an article's id, its group | {fields.MAX_ID} characters |",
        f"| a title, a tag, a category | {fields.MAX_TITLE:,} characters |",
    ):
        assert row in text
