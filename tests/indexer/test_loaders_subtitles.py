"""Subtitles as transcripts, read back by what shows them."""

from __future__ import annotations

from loading import load

from indexer.cut import cut
from kbsearch.service.transcript import read_video

VTT = """WEBVTT - Setting up
title: Setting up the hub
url: https://v.example/hub.mp4

STYLE
::cue { color: white }

NOTE tags: hub; setup

intro
00:00:00.500 --> 00:00:04.000 position:10%
<v Anna>Hello! Today we are
setting up the <b>hub</b>.

00:04.100 --> 00:00:09.000
You need a cable &amp; a phone.

00:00:14.000 --> 00:00:16.000
Plug it in.

01:01:05.000 --> 01:01:07.000
That is all.
"""


def read(path, text, encoding="utf-8"):
    path.write_text(text, encoding=encoding)
    [document], report = load(path)
    assert report.problem_count == 0
    return document


def test_a_transcript_is_what_the_page_reads(tmp_path):
    """Fields from header and notes, tags and styles gone, hours where there are some."""
    document = read(tmp_path / "hub-setup.en.vtt", VTT)
    assert (document.id, document.group, document.lang) == ("hub-setup.en", "hub-setup", "en")
    assert (document.type, document.title, document.tags) == ("video", "Setting up the hub", ("hub", "setup"))
    video = read_video(cut(document).text, document.url)
    assert [(line.time, line.seconds, line.text) for line in video.lines] == [
        ("0:00", 0, "Hello! Today we are setting up the hub. You need a cable & a phone."),
        ("0:14", 14, "Plug it in."),
        ("1:01:05", 3665, "That is all."),
    ]
    assert video.lines[1].href == "https://v.example/hub.mp4#t=14"


def test_srt_with_bom_and_carriage_returns(tmp_path):
    """As Windows programs write them; the title comes from the name."""
    text = "\ufeff1\n00:00:01,000 --> 00:00:02,000\n{\\an8}Labdien!\n\n2\n00:01:05,000 --> 00:01:07,500\nViss.\n"
    text = text.replace("\n", "\r\n")
    document = read(tmp_path / "filtra_maina.lv.srt", text)
    assert (document.lang, document.group, document.title) == ("lv", "filtra_maina", "filtra maina")
    assert document.body == "[0:01] Labdien!\n\n[1:05] Viss."


def test_a_name_without_language(tmp_path):
    """The language is then detected as everywhere."""
    document = read(tmp_path / "v1.2 hub.srt", "1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    assert (document.lang, document.group) == ("", "v1.2 hub")


def test_lines_that_roll_up_are_taken_once(tmp_path):
    """Automatic subtitles show each line again above the next one."""
    text = "WEBVTT\n\n00:00.000 --> 00:02.000\nfirst line\n\n00:02.000 --> 00:04.000\nfirst line\nsecond line\n\n"
    text += "00:04.000 --> 00:06.000\nsecond line\nthird <00:05.000><c>line</c>\n"
    assert read(tmp_path / "v.vtt", text).body == "[0:00] first line second line third line"


def test_speech_without_full_stops_is_split_after_half_a_minute(tmp_path):
    cues = "\n\n".join(f"00:{at:02}.000 --> 00:{at + 2:02}.000\nword{at}" for at in range(0, 58, 2))
    document = read(tmp_path / "v.vtt", f"WEBVTT\n\n{cues}\n")
    assert [part.partition("]")[0] for part in document.body.split("\n\n")] == ["[0:00", "[0:30"]


def test_a_file_without_cues_is_a_problem(tmp_path):
    (tmp_path / "good.vtt").write_text(VTT)
    (tmp_path / "v.vtt").write_text("WEBVTT\n\nnothing\n")
    _, report = load(tmp_path)
    assert "holds no subtitle" in report.problems[0].reason


def test_srt_as_careless_programs_write_it(tmp_path):
    """No blank line before a cue, no milliseconds, a text of digits, and the language in capitals."""
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\nLabdien!\n2\n00:00:20 --> 00:00:22\nKods ir\n112\n\n"
        "3\n0:01:05 --> 0:01:07.500\n2026\n4\n00:01:40,5 --> 00:01:41,5\nViss.\n"
    )
    document = read(tmp_path / "filtri.LV.srt", text)
    assert document.body == "[0:01] Labdien!\n\n[0:20] Kods ir 112\n\n[1:05] 2026\n\n[1:40] Viss."
    assert (document.group, document.lang) == ("filtri", "lv")
