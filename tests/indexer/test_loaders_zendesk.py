"""Zendesk Help Center: export files and saved pages of the API."""

from __future__ import annotations

import json

import pytest
from loading import load

ARTICLE = {
    "id": 360001,
    "url": "https://acme.zendesk.com/api/v2/help_center/lv/articles/360001.json",
    "html_url": "https://acme.zendesk.com/hc/lv/articles/360001",
    "author_id": 1,
    "draft": False,
    "promoted": False,
    "section_id": 11,
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-10-01T08:00:00Z",
    "name": "Kā atjaunot paroli",
    "title": "Kā atjaunot paroli",
    "source_locale": "lv",
    "locale": "lv",
    "outdated": False,
    "user_segment_id": None,
    "label_names": ["parole"],
    "body": "<p>Nospiediet <b>Aizmirsu paroli</b>.</p>",
}
SECTIONS = [
    {"id": 10, "name": "Konts", "category_id": 5, "parent_section_id": None, "locale": "lv"},
    {"id": 11, "name": "Parole", "category_id": 5, "parent_section_id": 10, "locale": "lv"},
]
CATEGORIES = [{"id": 5, "name": "Palīdzība", "locale": "lv"}]


def write(path, content):
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def test_an_article_with_everything(tmp_path):
    """Id by locale, group by number, category down to the section, link, labels, time."""
    page = {"articles": [ARTICLE], "sections": SECTIONS, "categories": CATEGORIES, "count": 1, "next_page": None}
    [document], report = load(write(tmp_path / "articles.json", page))
    assert (document.id, document.group, document.lang) == ("360001.lv", "360001", "lv")
    assert document.title == "Kā atjaunot paroli"
    assert (document.format, "<b>Aizmirsu" in document.body) == ("html", True)
    assert document.category == ("Palīdzība", "Konts", "Parole")
    assert document.tags == ("parole",)
    assert document.url == ARTICLE["html_url"]
    assert document.updated_at == "2026-10-01T08:00:00Z"
    assert document.audience == ("public",)
    assert (report.problem_count, report.notes) == (0, [])


def test_translations_share_the_group(tmp_path):
    """Sideloaded at the top, or inside the article; the article's own locale comes once."""
    lithuanian = {"id": 7, "source_id": 360001, "locale": "lt", "title": "Slaptažodis", "body": "<p>Spustelėkite</p>"}
    english = {"locale": "en-us", "title": "Password", "body": "<p>Click</p>", "draft": False}
    own = {"locale": "lv", "title": "Kā atjaunot paroli", "body": "<p>Nospiediet</p>"}
    page = {"articles": [ARTICLE | {"translations": [own, english]}], "translations": [lithuanian]}
    documents, _ = load(write(tmp_path / "a.json", page))
    assert [document.id for document in documents] == ["360001.lv", "360001.en-us", "360001.lt"]
    assert {document.group for document in documents} == {"360001"}


@pytest.mark.parametrize("order", [1, -1])
def test_of_copies_the_one_that_changed_last_is_read(tmp_path, order):
    """Pages overlap. At the same time it is the one that fewer may read; another locale is no copy."""
    old = ARTICLE | {"updated_at": "2026-09-01T08:00:00Z", "title": "Vecā parole"}
    restricted = ARTICLE | {"user_segment_id": 9}
    other = ARTICLE | {"locale": "lt", "title": "Slaptažodis"}
    pages = [{"articles": [one]} for one in [old, ARTICLE, restricted, other][::order]]
    documents, report = load(write(tmp_path / "articles.json", pages))
    found = {document.id: (document.title, document.audience) for document in documents}
    assert found == {
        "360001.lv": (ARTICLE["title"], ("segment-9",)),
        "360001.lt": ("Slaptažodis", ("public",)),
    }
    assert report.problem_count == 0


def test_lists_of_pages_of_articles_and_one_article(tmp_path):
    """However the pages were saved."""
    second = ARTICLE | {"id": 2}
    shapes = [
        [{"articles": [ARTICLE]}, {"articles": [second], "sections": SECTIONS}],
        [ARTICLE, second],
        {"articles": [ARTICLE, second], "meta": {"has_more": False}, "links": {"next": None}},
    ]
    for number, shape in enumerate(shapes):
        documents, _ = load(write(tmp_path / f"{number}.json", shape))
        assert [document.id for document in documents] == ["360001.lv", "2.lv"]
    [document], _ = load(write(tmp_path / "one.json", {"article": ARTICLE}))
    assert document.id == "360001.lv"


def test_names_are_found_in_the_files_beside(tmp_path):
    """One file a kind, as a script that saves each list of the API leaves them."""
    write(tmp_path / "articles.json", {"articles": [ARTICLE]})
    write(tmp_path / "sections.json", {"sections": SECTIONS})
    write(tmp_path / "categories.json", {"categories": CATEGORIES})
    [document], report = load(tmp_path)
    assert document.category == ("Palīdzība", "Konts", "Parole")
    assert (report.problem_count, report.notes) == (0, [])


def test_what_nobody_may_see_is_left_out_and_segments_are_audiences(tmp_path):
    """What only some may read never becomes public, also where the segment is not named in the file."""
    page = {
        "articles": [
            ARTICLE | {"id": 1, "draft": True},
            ARTICLE | {"id": 5, "hidden": True},
            ARTICLE | {"id": 2, "user_segment_id": 77},
            ARTICLE | {"id": 3, "user_segment_id": 78},
            ARTICLE | {"id": 4, "user_segment_id": 79},
        ],
        "user_segments": [{"id": 77, "user_type": "staff"}, {"id": 78, "user_type": "signed_in_users"}],
    }
    documents, report = load(write(tmp_path / "a.json", page))
    assert [document.audience for document in documents] == [("agent",), ("signed_in",), ("segment-79",)]
    assert report.notes == [f"{tmp_path / 'a.json'}: 2 versions left out that nobody may see yet: drafts, hidden ones"]


@pytest.mark.parametrize("name", ["tags", "or_tags", "organization_ids", "group_ids", "added_user_ids"])
def test_a_segment_of_some_is_an_audience_of_its_own(tmp_path, name):
    """An article for the customers of one organization is not for everybody who is signed in."""
    segments = [
        {"id": 77, "user_type": "signed_in_users", name: [5]},
        {"id": 78, "user_type": "staff", name: [5]},
        {"id": 79, "user_type": "signed_in_users", name: []},
    ]
    article = ARTICLE | {"user_segment_id": 77, "user_segment_ids": [77, 78, 79]}
    [document], _ = load(write(tmp_path / "a.json", {"articles": [article], "user_segments": segments}))
    assert document.audience == ("segment-77", "segment-78", "signed_in")


def test_what_is_wrong_is_said_article_by_article(tmp_path):
    """The others are read."""
    page = {"articles": [ARTICLE | {"id": 9, "body": None}, ARTICLE | {"id": 8, "title": "", "name": ""}, ARTICLE]}
    documents, report = load(write(tmp_path / "a.json", page))
    assert [document.id for document in documents] == ["360001.lv"]
    assert [problem.reason for problem in report.problems] == [
        "article 9 (lv): body is missing or empty",
        "article 8 (lv): title is missing or empty",
    ]


def test_odd_numbers_cost_their_article_only(tmp_path):
    """Above all what says who may read it: taken for nothing it would make the article public."""
    odd = [
        {"user_segment_ids": 5},
        {"user_segment_ids": 0},
        {"user_segment_ids": [[7]]},
        {"user_segment_id": [7]},
        {"section_id": {}},
        {"section_id": 12},
        {"id": [1]},
        {"id": None},
    ]
    page = {
        "articles": [*(ARTICLE | {"id": number} | fields for number, fields in enumerate(odd)), ARTICLE],
        "sections": [*SECTIONS, {"id": 12, "name": "x", "parent_section_id": [10]}, {"id": [13], "name": "y"}],
        "user_segments": [{"id": {}, "user_type": "staff"}],
    }
    documents, report = load(write(tmp_path / "a.json", page))
    assert [document.id for document in documents] == ["360001.lv"]
    assert [problem.reason for problem in report.problems] == [
        "article 0 (lv): user_segment_ids must be a list of numbers or texts, not 5",
        "article 1 (lv): user_segment_ids must be a list of numbers or texts, not 0",
        "article 2 (lv): user_segment_ids must be a list of numbers or texts, not [[7]]",
        "article 3 (lv): user_segment_id must be a number or text, not [7]",
        "article 4 (lv): section_id must be a number or text, not {}",
        "article 5 (lv): parent_section_id must be a number or text, not [10]",
        "article [1]: id must be a number or text",
        "article None: id must be a number or text",
    ]


def test_other_json_is_left_out_and_broken_json_reported(tmp_path):
    """A package.json among the pages is no problem."""
    write(tmp_path / "a.json", {"articles": [ARTICLE]})
    write(tmp_path / "package.json", {"name": "x"})
    (tmp_path / "z.json").write_text('{"articles": [\n{"id": 1,]}')
    documents, report = load(tmp_path)
    assert len(documents) == 1
    assert report.notes == [f"{tmp_path / 'package.json'}: holds no Zendesk Help Center export; left out"]
    assert str(report.problems[0]).startswith(f"{tmp_path / 'z.json'}:2: not JSON")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_the_encoding_are_understood(tmp_path, encoding):
    """PowerShell writes them; also into the files beside."""
    for name, content in (("articles", [ARTICLE]), ("sections", SECTIONS), ("categories", CATEGORIES)):
        (tmp_path / f"{name}.json").write_text(json.dumps({name: content}), encoding=encoding)
    [document], report = load(tmp_path)
    assert (document.title, document.category) == ("Kā atjaunot paroli", ("Palīdzība", "Konts", "Parole"))
    assert report.problem_count == 0
