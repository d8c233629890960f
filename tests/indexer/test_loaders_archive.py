"""Archives: read like folders, and harmless whatever is in them."""

from __future__ import annotations

import io
import os
import random
import tarfile
import zipfile

import pytest
from loading import load

from indexer.loaders import archive
from kbsearch.errors import SourceError

FILES = {"help/a.md": "# A\n\ntext a", "help/sub/b.html": "<title>B</title><p>text b</p>", "help/logo.png": "x"}
KINDS = ["zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.bz2"]


def pack(path, files):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                packed.writestr(name, content)
    else:
        mode = {"gz": "w:gz", "tgz": "w:gz", "xz": "w:xz", "bz2": "w:bz2"}.get(path.name.rpartition(".")[2], "w")
        with tarfile.open(path, mode) as packed:
            for name, content in files.items():
                add(packed, name, content.encode())
    return path


def add(packed, name, content=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    packed.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_like_a_folder(tmp_path, kind):
    documents, report = load(pack(tmp_path / f"export.{kind}", FILES))
    assert [(document.id, document.title) for document in documents] == [("help/a", "A"), ("help/sub/b", "B")]
    assert report.notes == [f"{tmp_path}/export.{kind}: 1 files of other kinds left out (1 .png)"]


def test_in_a_folder_its_name_comes_before_the_ids(tmp_path):
    (tmp_path / "z.md").write_text("# Z\n\ntext")
    pack(tmp_path / "old.zip", FILES)
    assert [document.id for document in load(tmp_path)[0]] == ["old/help/a", "old/help/sub/b", "z"]


def test_archives_in_archives_are_opened_once(tmp_path):
    """As exports come in parts; no further, so that a bomb of bombs stays closed."""
    inner = pack(tmp_path / "c.zip", {"deep.md": "# Deep\n\nx"}).read_bytes()
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as packed:
        packed.writestr("b.md", "# B\n\nx")
        packed.writestr("c.zip", inner)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("b.zip", (tmp_path / "b.zip").read_bytes())
    documents, report = load(tmp_path / "a.zip")
    assert [document.id for document in documents] == ["b"]
    assert report.notes == [f"{tmp_path}/a.zip: 1 files of other kinds left out (1 .zip)"]


def test_problems_name_archive_and_file(tmp_path):
    path = pack(tmp_path / "e.zip", FILES | {"bad.md": "---\ntitle: [\n---\nx"})
    _, report = load(path)
    assert str(report.problems[0]).startswith(f"{path}/bad.md:")


@pytest.mark.parametrize("name", ["../../evil.md", "/etc/evil.md", "a/../../evil.md", "..\\evil.md", "C:/evil.md"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_paths_that_lead_out_are_refused(tmp_path, monkeypatch, kind, name):
    """Nothing is written outside, and the rest is read."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    if kind == "tar.gz" and "\\" in name:
        pytest.skip("a backslash is no separator in tar")
    before = sorted(os.listdir("/etc"))
    documents, report = load(pack(tmp_path / f"e.{kind}", {name: "# Evil\n\nx", "good.md": "# Good\n\nx"}))
    assert [document.title for document in documents] == ["Good"]
    assert "leads out of the archive" in report.problems[0].reason
    assert sorted(os.listdir("/etc")) == before
    assert [path.name for path in tmp_path.iterdir()] == [f"e.{kind}"]


def test_links_and_devices_are_passed_over(tmp_path):
    with tarfile.open(tmp_path / "e.tar", "w") as packed:
        add(packed, "passwd.md", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(packed, "hard.md", type=tarfile.LNKTYPE, linkname="/etc/passwd")
        add(packed, "device.md", type=tarfile.CHRTYPE)
        add(packed, "good.md", b"# Good\n\nx")
    link = zipfile.ZipInfo("passwd.md")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
        packed.writestr("good.md", "# Good\n\nx")
    for name in ("e.tar", "e.zip"):
        assert [document.title for document in load(tmp_path / name)[0]] == ["Good"]


def test_a_bomb_fills_nothing(tmp_path, monkeypatch):
    """A file that unpacks to more than it may is left out, by size and by ratio; so is all beyond the total."""
    monkeypatch.setattr(archive, "_RATIO_FROM", 1000)
    path = pack(tmp_path / "e.zip", {"bomb.md": "x" * 5_000_000, "good.md": "# Good\n\nx"})
    documents, report = load(path)
    assert [document.title for document in documents] == ["Good"]
    assert "e.zip/bomb.md: unpacks to more than" in str(report.problems[0])
    monkeypatch.setattr(archive, "MAX_MEMBER", 1000)
    documents, report = load(pack(tmp_path / "e.tar.gz", {"bomb.md": "x" * 1001, "good.md": "# Good\n\nx"}))
    assert ([document.title for document in documents], report.problem_count) == (["Good"], 1)
    monkeypatch.setattr(archive, "MAX_TOTAL", 12)
    documents, report = load(pack(tmp_path / "t.tar", {"a.md": "# A\n\nx", "b.md": "# B\n\nx", "c.md": "# C\n\nx"}))
    assert [document.title for document in documents] == ["A", "B"]
    assert "the rest is left out" in report.problems[0].reason


@pytest.mark.parametrize("kind", KINDS)
def test_half_an_archive_is_refused(tmp_path, kind):
    """Whatever lies beside it: articles of the other half would leave the index as if they were deleted."""
    files = {f"{number}.md": f"# T{number}\n\n{random.Random(number).randbytes(999).hex()}" for number in range(9)}
    path = pack(tmp_path / f"e.{kind}", files)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (tmp_path / "good.md").write_text("# Good\n\nx")
    with pytest.raises(SourceError, match=rf"e\.{kind} is damaged or cut short .*; nothing was published"):
        load(tmp_path)


def test_what_is_no_archive_is_said_in_one_line(tmp_path):
    (tmp_path / "e.tar").write_bytes(b"no archive at all")
    with pytest.raises(SourceError, match=r"e\.tar is damaged or cut short") as said:
        load(tmp_path / "e.tar")
    assert "\n" not in str(said.value)


def test_a_damaged_file_of_a_zip_spares_the_others(tmp_path):
    """Each is packed by itself."""
    path = tmp_path / "e.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name in "abc":
            packed.writestr(f"{name}.md", f"# {name}\n\ntext of {name}")
    path.write_bytes(path.read_bytes().replace(b"text of b", b"text of x", 1))
    documents, report = load(path)
    assert [document.title for document in documents] == ["a", "c"]
    assert [str(problem) for problem in report.problems] == [
        f"{path}/b.md: is damaged (Bad CRC-32 for file 'b.md'); pack it again"
    ]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_names_are_read_whatever_this_system_takes(tmp_path, kind):
    """Longer than a file's may be here; a page without a title is called by its name all the same."""
    files = {f"help/{'ā' * 200}.html": "<p>long</p>", "./help/b.md": "text", "help//./c.md": "# C\n\ntext"}
    documents, report = load(pack(tmp_path / f"e.{kind}", files))
    assert [(document.id, document.title) for document in documents] == [
        (f"help/{'ā' * 200}", "ā" * 200),
        ("help/b", "b"),
        ("help/c", "C"),
    ]
    assert report.problem_count == 0


def test_a_locked_archive_is_reported(tmp_path):
    """The flag of encryption alone is enough: there is no password to give."""
    path = pack(tmp_path / "e.zip", {"a.md": "# A\n\nx"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(SourceError, match=r"e\.zip/a\.md: cannot be unpacked: .*password"):
        load(path)
