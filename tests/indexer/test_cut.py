"""Documents into safe HTML, plain text and passages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from indexer.cut import CUTTER_VERSION, MAX_CHARS, MAX_WORDS, TAIL_CHARS, TAIL_WORDS, cut
from indexer.loaders import LoadReport, load_sources
from indexer.render import render
from indexer.sentences import _END, sentences
from kbsearch.types import BODY_FORMATS, CutDocument, Document, Passage

SHARED = Path(__file__).parents[3] / "shared" / "kb"
STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def cut_body(body: str, body_format: str = "markdown", title: str = "Virsraksts") -> CutDocument:
    return cut(Document(id="a", title=title, body=body, group="a", lang="lv", format=body_format))


def words(count: int, word: str = "vārds") -> str:
    return " ".join(f"{word}{number}" for number in range(count))


def assert_in_limits(done: CutDocument) -> None:
    assert done.passages
    for passage in done.passages:
        assert passage.text.strip() == passage.text != ""
        assert len(passage.text) <= MAX_CHARS + TAIL_CHARS
        assert len(passage.text.split()) <= MAX_WORDS + TAIL_WORDS


def test_a_short_article_is_one_passage():
    done = cut_body("Nospiediet **Aizmirsu\nparoli**.\n\nGatavs!")
    assert done.passages == (Passage("Nospiediet Aizmirsu paroli.\nGatavs!"),)
    assert done.text == "Nospiediet Aizmirsu paroli.\nGatavs!"
    assert done.html == "<p>Nospiediet <strong>Aizmirsu\nparoli</strong>.</p>\n<p>Gatavs!</p>\n"
    assert CUTTER_VERSION


def test_headings_make_the_path_and_are_never_mixed():
    done = cut_body("Ievads.\n\n# A\n\na\n\n## B\n\nb\n\n### C\n\nc\n\n## D\n\nd\n\n# A\n\ne")
    assert [(passage.headings, passage.text) for passage in done.passages] == [
        ((), "Ievads."),
        (("A",), "a"),
        (("A", "B"), "b"),
        (("A", "B", "C"), "c"),
        (("A", "D"), "d"),
        (("A",), "e"),
    ]
    assert done.text.split("\n") == ["Ievads.", "A", "a", "B", "b", "C", "c", "D", "d", "A", "e"]


def test_a_heading_that_repeats_the_title_is_not_in_the_path():
    assert cut_body("# Virsraksts\n\nTeksts.").passages == (Passage("Teksts."),)


def test_a_heading_with_nothing_under_it_is_found_all_the_same():
    done = cut_body("# Jautājumi\n\n## Kas maksā?\n\n## Kurš ved?\n\nKurjers.\n\n# Beigas")
    assert [(passage.headings, passage.text) for passage in done.passages] == [
        (("Jautājumi",), "Kas maksā?"),
        (("Jautājumi", "Kurš ved?"), "Kurjers."),
        ((), "Beigas"),
    ]


def test_list_items_stay_whole_and_numbered():
    body = "3. Atveriet\n\n   vēstuli\n4. Spiediet *saiti*\n   - zaļo\n   - zilo\n\n   vai pogu\n\n* beigas"
    assert cut_body(body).text == "3. Atveriet\nvēstuli\n4. Spiediet saiti\n- zaļo\n- zilo\nvai pogu\n- beigas"
    assert cut_body('<ol start="x"><li>a<li><p>b<p>c</ol>', "html").text == "1. a\n2. b\nc"
    assert cut_body("<li>a<ul><li></ul>", "html").text == "- a"


def test_transcripts_listings_images_and_line_breaks_keep_their_words():
    assert cut_body("[00:12] Izslēdziet.\n\n[00:21] Nolieciet.").text == "[00:12] Izslēdziet.\n[00:21] Nolieciet."
    assert cut_body("```\nipconfig  /all\nexit\n```").text == "ipconfig /all\nexit"
    assert cut_body("Spied ![zobrats](x.png)!").text == "Spied zobrats !"
    assert cut_body("a<br>b<div>c</div>d<section>e</section>f", "html").text == "a\nb\nc\nd\ne\nf"
    assert cut_body("un<b>der</b>stand", "html").text == "understand"


def test_plain_text_is_escaped_and_keeps_its_lines():
    done = cut_body("a < b &amp; *c*\nd\n\n<script>e</script>", "text")
    assert done.html == "<p>a &lt; b &amp;amp; *c*<br>\nd</p>\n<p>&lt;script&gt;e&lt;/script&gt;</p>"
    assert done.text == "a < b &amp; *c*\nd\n<script>e</script>"


def test_a_body_without_words_is_found_by_its_title():
    assert cut_body("<script>x</script>", "html").passages == (Passage("Virsraksts"),)
    assert cut_body("![](x.png)", "markdown").passages == (Passage("Virsraksts"),)


def test_long_sections_are_cut_evenly_between_blocks_and_sentences():
    done = cut_body("\n\n".join(f"{words(89, 'x')} beigas." for _ in range(5)))
    assert [len(passage.text.split()) for passage in done.passages] == [270, 180]
    done = cut_body(" ".join(f"Teikums {words(8, 'x')}." for _ in range(40)))
    assert [len(passage.text.split()) for passage in done.passages] == [180, 180]
    assert all(passage.text.startswith("Teikums") and passage.text.endswith(".") for passage in done.passages)


def test_a_long_block_keeps_its_lines():
    """A list item with steps of its own, or a paragraph with line breaks; sentences of one line share it."""
    item = "\n".join(f"Solis {number} sākas. {words(20, 'x')} beidzas." for number in range(20))
    done = cut_body(f"- {item}".replace("\n", "<br>"))
    assert len(done.passages) > 1
    lines = "\n".join(passage.text for passage in done.passages).split("\n")
    assert lines == f"- {item}".split("\n")


def test_a_short_tail_joins_the_passage_before_it():
    done = cut_body(f"{words(118, 'x')}.\n\nPaldies par uzmanību.")
    assert len(done.passages) == 1
    assert done.passages[0].text.endswith("x117.\nPaldies par uzmanību.")


def test_an_endless_sentence_is_split_between_words_and_an_endless_word_inside():
    done = cut_body(words(500))
    assert_in_limits(done)
    assert " ".join(passage.text for passage in done.passages) == words(500)
    done = cut_body("x" * 5000, "text")
    assert_in_limits(done)
    assert "".join(passage.text for passage in done.passages) == "x" * 5000


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Spied pogu. Gaidi! Vai nāk? Jā…", 4),
        ("Sk. piem. Latvijas Pasta lapu, plkst. 10.00 utt. un citur.", 1),
        ("No 2021. gada 31. maija maksā 5. Jānis.", 1),
        ("Tā bija 2023. Tagad nav. Versija v7. Cita.", 4),
        ("Kreipkitės į A. Petraitį, pvz. Vilniuje. Ačiū.", 2),
        ("He said “Stop.” Then left (fast.) Now.", 3),
        ("Версия 2.0 и т.д. в файле. Дальше.", 2),
        ("これは文です。次の文です！終わり", 3),
        ("viena\ndivas", 2),
        ("", 0),
    ],
)
def test_sentences_end_where_a_reader_would_say(text, count):
    assert len(sentences(text)) == count


MARKS = st.lists(st.sampled_from([*'.!?…"”»)] \nab。！」', "Mr", "...", "?! "]), max_size=12).map("".join)


@STEADY
@given(MARKS)
def test_a_run_of_marks_ends_a_sentence_where_it_does_from_each_of_them(text):
    """The oracle is the expression without the look behind, which tries a run from each of its marks."""
    oracle = re.compile(_END.pattern.removeprefix("(?<![.!?…])"))
    assert [found.span() for found in _END.finditer(text)] == [found.span() for found in oracle.finditer(text)]


def test_a_page_of_dots_takes_no_time():
    started = perf_counter()
    assert sentences("." * 20_000 + "a") == ["." * 20_000 + "a"]
    assert perf_counter() - started < 5  # it took half a minute


NASTY = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//x>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<iframe srcdoc='<script>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "[x](javascript:alert(1))",
    "[x](data:text/html,y)",
    '<a href="vbscript:x">x</a>',
    "<style>@import 'x'</style>",
    "<p style='background:url(x)' onclick='x'>y</p>",
    "<form action=x><input><button formaction=javascript:x>",
    "![x](javascript:alert(1))",
    "<base href=//x>",
    "<![CDATA[<script>x</script>]]>",
    "<p\nonmouseover\n=\nx>",
    "<details open ontoggle=alert(1)>x</details>",
    "<template><script>x</script></template>",
    "<textarea><script>x</script></textarea>",
    "</p><body onload=x>",
]
PIECES = st.lists(
    st.sampled_from(
        [
            *NASTY,
            "# ",
            "- ",
            "1. ",
            "\n",
            "\n\n",
            "> ",
            "`",
            "*",
            "|",
            "---",
            "<p>",
            "</p>",
            "<table>",
            "<tr>",
            "<td>",
            "<li>",
            "<ol>",
            "<h2>",
            "<pre>",
            "&lt;",
            "\0",
            "\ud800",
            "vārds ",
        ]
    )
    | st.text(max_size=20),
    max_size=12,
).map("".join)


def assert_safe(html: str) -> None:
    """What a browser would make of it: no element or attribute that runs or loads anything but pictures."""
    for node in LexborHTMLParser(html).root.traverse():
        assert node.tag not in (
            "script",
            "style",
            "iframe",
            "svg",
            "math",
            "form",
            "base",
            "input",
            "template",
            "object",
        )
        for name, value in node.attributes.items():
            assert name in (
                "href",
                "src",
                "alt",
                "title",
                "rel",
                "loading",
                "start",
                "lang",
                "dir",
                "width",
                "height",
                "colspan",
                "rowspan",
                "scope",
                "open",
                "id",
                "value",
            ), name
            assert name != "id" or (value or "").startswith("article-")
            if name in ("href", "src"):
                scheme = re.match(r"\s*([a-z][a-z0-9+.-]*):", value or "", re.IGNORECASE)
                assert scheme is None or scheme[1].lower() in ("http", "https", "mailto", "tel")


@pytest.mark.parametrize("payload", NASTY)
@pytest.mark.parametrize("body_format", BODY_FORMATS)
def test_no_payload_survives(payload, body_format):
    assert_safe(cut_body(f"Teksts {payload} beigas", body_format).html)


@STEADY
@given(PIECES, st.sampled_from(BODY_FORMATS))
def test_any_body_is_cut_into_safe_html_and_passages_in_limits(body, body_format):
    done = cut_body(body, body_format)
    assert_safe(done.html)
    assert_in_limits(done)
    assert cut(done.document) == done


@STEADY
@given(
    st.lists(st.text(min_size=1, max_size=30) | st.sampled_from(["vārds.", "\n", "\n\n", "Utt. ", "1."]), max_size=300)
)
def test_every_word_of_a_plain_text_is_in_a_passage(parts):
    done = cut_body(" ".join(parts), "text")
    wanted = done.text.split()
    assert [word for passage in done.passages for word in passage.text.split()] == (wanted or ["Virsraksts"])


def test_every_word_of_a_long_plain_text_is_in_a_passage_and_in_the_text():
    body = "\n\n".join(f"{words(n, f'w{n}x')}." for n in (3, 150, 20, 400, 1, 90))
    done = cut_body(body, "text")
    assert done.text.split() == body.split()
    assert [word for passage in done.passages for word in passage.text.split()] == body.split()
    assert_in_limits(done)


def test_links_are_safe_and_pictures_lazy():
    html = render("[a](https://x.example) [b](/lv) [c](mailto:a@b.c) ![d](d.png)", "markdown")
    assert html.count('rel="noopener noreferrer nofollow"') == 3
    assert '<img src="d.png" alt="d" loading="lazy">' in html


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 100_000,
        "<b>" * 100_000,
        "> " * 20_000 + "x",
        "<table><tr><td>" * 5000,
        "<ul><li>" * 900,
        "[" * 20_000,
        "<p>" * 50_000 + "x",
    ],
)
def test_deep_nesting_takes_neither_the_stack_nor_long(body):
    for body_format in ("html", "markdown"):
        assert_in_limits(cut_body(body, body_format))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real help centre, ../shared/kb, is not here")
def test_the_real_help_centre_is_cut_in_limits():
    report = LoadReport()
    for number, document in enumerate(load_sources([SHARED / "seeds", SHARED / "alchemy"], report=report)):
        if number % 20 and number > 8:
            continue
        done = cut(document)
        assert_in_limits(done)
        assert_safe(done.html)
        assert cut(replace(document, format="html")).passages
