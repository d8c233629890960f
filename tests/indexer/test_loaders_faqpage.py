"""FAQPage JSON-LD, sound and broken."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.loaders.faqpage import blocks_in_text, questions
from indexer.loaders.html import read as read_html
from indexer.loaders.json_repair import repair
from indexer.loaders.plain import read as read_plain
from indexer.loaders.report import Found, Note, Problem, SourceFile

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
SOURCE = SourceFile(Path("page.txt"), "page.txt", "page")
SOUND = """{"@context": "https://schema.org", "@type": "FAQPage", "mainEntity": [
 {"@type": "Question", "name": "Kā maksāt?", "acceptedAnswer": {"@type": "Answer", "text": "Ar karti."}},
 {"@type": "Question", "name": "Kad piegādās?", "acceptedAnswer": {"@type": "Answer", "text": "Rīt, „laikus“."}}]}"""
PAIRS = [("Kā maksāt?", "Ar karti."), ("Kad piegādās?", "Rīt, „laikus“.")]


def pairs(block: str) -> list[tuple[str, str]]:
    items = questions(SOURCE, block, line=1, page={})
    return [(item.document.title, item.document.body) for item in items if isinstance(item, Found)]


def broken(old: str, new: str, count: int = -1) -> str:
    assert old in SOUND
    return SOUND.replace(old, new, count)


BREAKS = {
    "typographic quotes": broken('"', "“").replace("“@", "„@").replace("“:", "”:"),
    "guillemets": broken('"', "»"),
    "trailing commas": broken("}}", "},}").replace("]}", ",]}"),
    "missing closing braces": SOUND.removesuffix("]}"),
    "all closing braces missing": SOUND.rstrip("]}"),
    "line break in a text": broken("Ar karti.", "Ar\nkarti."),
    "control character in a text": broken("Ar karti.", "Ar\x07\tkarti."),
    "entities for quotes": broken('"', "&quot;"),
    "missing comma between questions": broken("}},\n", "}}\n"),
    "missing comma between members": broken('"Question", "name"', '"Question" "name"'),
    "comment tail": SOUND + ";",
    "bad escape": broken("Ar karti.", "Ar \\karti."),
    "plain quotes inside a text": broken("„laikus“", '"laikus"'),
    "no opening quotes at all": broken(': "', ": "),
}


@pytest.mark.parametrize("block", BREAKS.values(), ids=BREAKS)
def test_a_broken_block_gives_its_questions_all_the_same(block):
    found = pairs(block)
    letters = [("".join(filter(str.isalpha, name)), "".join(filter(str.isalpha, text))) for name, text in found]
    assert letters == [("Kāmaksāt", "Arkarti"), ("Kadpiegādās", "Rītlaikus")]


@pytest.mark.parametrize("prefix", ["https://schema.org/", "http://schema.org/"])
def test_types_may_be_whole_addresses(tmp_path, prefix):
    """In pages whose script says its encoding as well, and in text."""
    block = SOUND.replace('"@type": "', f'"@type": "{prefix}')
    assert pairs(block) == PAIRS
    page = tmp_path / "page.html"
    page.write_text(f'<script type="application/LD+json; charset=utf-8">{block}</script><p>x</p>')
    titles = [item.document.title for item in read_html(SourceFile(page, "p", "p")) if isinstance(item, Found)]
    assert titles == ["p", *(name for name, _ in PAIRS)]
    assert blocks_in_text(f"x {block} y") == [(2, 2 + len(block))]


def test_a_sound_block_is_read_as_it_is():
    found = list(questions(SOURCE, SOUND, line=7, page={"lang": "lv", "url": "https://x.example/"}))
    assert pairs(SOUND) == PAIRS
    assert not any(isinstance(item, Note) for item in found)
    first = found[0]
    assert isinstance(first, Found)
    assert (first.document.id, first.document.type, first.line) == ("page#ka-maksat", "faq", 7)
    assert (first.document.lang, first.document.url) == ("lv", "https://x.example/")


def test_recovery_is_told():
    items = list(questions(SOURCE, BREAKS["typographic quotes"], line=3, page={}))
    assert items[0] == Note("page.txt:3: FAQPage JSON-LD was broken; 2 questions recovered by repair")


def test_questions_are_found_in_graphs_and_lists_with_html_and_language():
    block = json.dumps(
        [
            {
                "@graph": [
                    {
                        "@type": ["WebPage", "FAQPage"],
                        "inLanguage": "lt",
                        "mainEntity": {
                            "@type": ["Question"],
                            "name": "<b>Kaip</b> &amp; kada?",
                            "acceptedAnswer": [{"text": "<p>Taip</p>"}],
                        },
                    }
                ]
            }
        ]
    )
    (item,) = questions(SOURCE, block, line=1, page={"lang": "en"})
    assert isinstance(item, Found)
    document = item.document
    assert (document.title, document.body, document.format, document.lang) == (
        "Kaip & kada?",
        "<p>Taip</p>",
        "html",
        "lt",
    )


def test_escaped_html_in_an_answer_is_html():
    (item,) = questions(
        SOURCE, broken("Ar karti.", "&lt;b&gt;Ar&lt;/b&gt; karti.").partition(",\n {")[0] + "]}", line=1, page={}
    )
    assert isinstance(item, Found)
    assert (item.document.body, item.document.format) == ("<b>Ar</b> karti.", "html")


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ('{"@type": "FAQPage"', "broken beyond recovery, or without any question"),
        ('{"@type": "FAQPage", "mainEntity": []}', "broken beyond recovery, or without any question"),
        ('FAQPage {{{{ "name', "broken beyond recovery"),
        ('{"@type": "FAQPage", "mainEntity": {"@type": "Question", "name": "Kā?"}}', "question 'Kā?' has no answer"),
        ('{"@type": "FAQPage", "mainEntity": {"@type": "Question", "acceptedAnswer": "x"}}', "has no name"),
        (
            '{"@type": "FAQPage", "inLanguage": "{{l}}", "mainEntity": {"@type": "Question", "name": "a",'
            ' "acceptedAnswer": "x"}}',
            "lang '{{l}}' is no language code",
        ),
    ],
)
def test_what_cannot_be_recovered_is_reported(block, reason):
    (item,) = questions(SOURCE, block, line=5, page={})
    assert isinstance(item, Problem)
    assert item.line == 5
    assert reason in item.reason


def test_a_text_page_with_a_block_gives_the_page_and_its_questions(tmp_path):
    path = tmp_path / "page.txt"
    path.write_text(f"Palīdzība\n\nIevads.\n{BREAKS['typographic quotes']}\n\nBeigas.\n", encoding="utf-8")
    items = list(read_plain(SourceFile(path, "page.txt", "page")))
    documents = [item.document for item in items if isinstance(item, Found)]
    assert [document.type for document in documents] == ["article", "faq", "faq"]
    assert documents[0].body.split() == ["Ievads.", "Beigas."]
    assert [item.line for item in items if isinstance(item, Found)] == [None, 4, 4]


def test_a_block_without_its_end_does_not_swallow_the_page():
    text = f"Virsraksts\n{SOUND.removesuffix(']}')}\nPats beigu teksts."
    ((start, end),) = blocks_in_text(text)
    assert text[end:].strip() == "Pats beigu teksts."
    assert text[start] == "{"


def test_an_html_page_gives_the_page_and_its_questions(tmp_path):
    path = tmp_path / "page.html"
    script = f'<script type="application/ld+json">\n{SOUND}</script><script type="application/ld+json">{{"a": </script>'
    path.write_text(f"<html lang=lv><head>\n{script}</head><body><p>Saturs</p></body></html>", encoding="utf-8")
    items = list(read_html(SourceFile(path, "page.html", "page")))
    assert [item.document.id for item in items if isinstance(item, Found)] == [
        "page",
        "page#ka-maksat",
        "page#kad-piegadas",
    ]
    assert [item.line for item in items if isinstance(item, Found)] == [None, 3, 3]
    assert {item.document.lang for item in items if isinstance(item, Found)} == {"lv"}
    path.write_text(f"<html><head>{script}</head><body></body></html>", encoding="utf-8")
    assert [type(item) for item in read_html(SourceFile(path, "page.html", "page"))] == [Found, Found]


@STEADY
@given(st.text(st.sampled_from('{}[]",:\\ \n“”„name@textFAQPage&quot;1')))
def test_nothing_crashes_the_recovery(noise):
    repair(noise)
    for block in (noise, SOUND[: len(noise) * 7] + noise, SOUND.replace("maks", noise), f'"@type":"FAQPage"{noise}'):
        blocks_in_text(block)
        for item in questions(SOURCE, block, line=1, page={}):
            assert isinstance(item, Found | Problem | Note)


KEYS = st.text(st.sampled_from("@aKā1_-:."), min_size=1, max_size=20)
QUOTELESS = st.text(st.characters(blacklist_characters='"\\“”„‟«»″', blacklist_categories=["Cs"]))


@STEADY
@given(
    st.recursive(
        QUOTELESS | st.integers() | st.booleans() | st.none(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=8,
    ).filter(lambda value: isinstance(value, dict | list))
)
def test_repair_of_sound_json_changes_nothing(value):
    assert json.loads(repair(json.dumps(value, ensure_ascii=False))) == value


@pytest.mark.parametrize(
    "noise",
    [
        '{"@type":"FAQPage",' * 5000,
        '{"@type":"FAQPage","name":"' + " " * 100_000 + "x",
        '"@type":"FAQPage" "name": "a" ' * 5000,
        '{"@type":"FAQPage"' + "“ " * 50_000,
    ],
)
def test_hostile_blocks_take_no_more_than_linear_time(noise):
    start = process_time()
    blocks_in_text(noise)
    assert not [item for item in questions(SOURCE, noise, line=1, page={}) if isinstance(item, Found)]
    assert process_time() - start < 5  # a quadratic pass takes minutes
