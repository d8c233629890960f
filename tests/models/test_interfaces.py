"""What the recipe takes from the strings of other programs."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "recipe"))

import interfaces


def test_only_words_are_left_of_an_interface_string() -> None:
    """No access keys, tags or placeholders; plurals and code are no phrases."""
    assert interfaces.clean("&Open <b>%s</b> in %PRODUCTNAME…") == "Open in …"
    assert interfaces.clean("Ka~s &amp; ko") == "Kas & ko"
    assert not interfaces.worth("{count, plural, one {day} other {days}}")
    assert not interfaces.worth("%1")
    assert interfaces.worth("suņa barība")


def test_a_data_pack_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    """Two strings are read from a made-up pack; a later version is not guessed at."""
    folder = tmp_path / "chromium" / "usr/lib/chromium/locales"
    folder.mkdir(parents=True)
    texts = ["Atvērt", "Aizvērt"]
    body = "".join(texts).encode()
    start = 12 + 6 * 3
    ends = [start, start + len(texts[0].encode()), start + len(body)]
    index = b"".join(struct.pack("<HI", key, end) for key, end in zip((7, 9, 0), ends, strict=True))
    (folder / "lv.pak").write_bytes(struct.pack("<IB3xHH", 5, 1, 2, 0) + index + body)
    assert interfaces.chromium(tmp_path, "lv") == {"7": "Atvērt", "9": "Aizvērt"}
    (folder / "lv.pak").write_bytes(struct.pack("<IB3xHH", 6, 1, 0, 0))
    with pytest.raises(SystemExit, match=r"lv.pak is a data pack of version 6"):
        interfaces.chromium(tmp_path, "lv")


def test_a_help_page_becomes_passages_below_their_headings() -> None:
    """Title and heading come from the page; a page without a title says nothing."""
    sentence = "one two three four five six seven eight nine"
    page = "text/a.xhp"
    entries = [
        (page, "tit", "Title", "Virsraksts"),
        (page, "par_id1", sentence, sentence),
        (page, "hd_id2", "Part", "Daļa"),
        (page, "par_id3", sentence, sentence),
        ("text/b.xhp", "par_id1", sentence, sentence),
        ("ui/c.ui", "label", sentence, sentence),
    ]
    rows = list(interfaces.help_passages(entries, 3))
    assert [(row.title, row.heading, row.passage) for row in rows] == [
        ("Virsraksts", "", sentence),
        ("Virsraksts", "Daļa", sentence),
    ]
