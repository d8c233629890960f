"""Duplicates across sources become one article, translations are proposed, and the editor has the last word."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import indexer.cli
from indexer.duplicates import NEARLY, near_duplicates
from indexer.pipeline import build
from indexer.prepare import prepare
from indexer.translations import Proposal, as_csv, document_vectors, pairs, propose
from kbsearch.embed.hashing import HashingEmbedder
from kbsearch.index.corpus import whole
from kbsearch.snapshot import Snapshot, open_snapshot
from kbsearch.types import Document

Write = Callable[..., Path]
Row = dict[str, Any]
SAMPLE = Path(__file__).parents[2] / "sample_kb"

LONG = "Open the sign-in page and choose Forgot password. We send a link to your e-mail address at once. " * 2
LONG += "The link works for an hour; afterwards ask for another one in the same way as before."


def row(identity: str, **fields: Any) -> Row:
    return {"id": identity, "title": "Reset your password", "body": LONG, "lang": "en", **fields}


def built(folder: Path, *sources: list[Row], groups: str = "", **options: Any) -> tuple[Snapshot, Any]:
    folder.mkdir(exist_ok=True)
    paths = []
    for number, rows in enumerate(sources):
        paths.append(folder / f"{number}.jsonl")
        paths[-1].write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in rows))
    if groups:
        (folder / "groups.csv").write_text(groups, encoding="utf-8")
        paths.append(folder / "groups.csv")
    report = build(paths, folder / "index", embedder=HashingEmbedder(), **options)
    return open_snapshot(folder / "index"), report


def groups_of(snapshot: Snapshot) -> dict[str, str]:
    return {record["id"]: record["group"] for record in map(snapshot.record, range(snapshot.document_count))}


def test_a_copy_in_another_source_is_shown_as_one_article(tmp_path: Path) -> None:
    """Also where a few words differ; its translations come along, and the report names the pair."""
    copy = row("site/reset", group="site", body=LONG.replace("an hour", "one hour"))
    translation = row("site/atjaunot", group="site", lang="lv", title="Atjaunot paroli", body="Atveriet lapu.")
    snapshot, report = built(tmp_path, [row("reset.en", group="reset")], [copy, translation])
    assert groups_of(snapshot) == dict.fromkeys(["reset.en", "site/reset", "site/atjaunot"], "reset")
    assert snapshot.manifest["groups"] == 1
    [note] = report.notes
    assert note.startswith("reset.en and site/reset are nearly the same (")
    assert note.endswith("% of their text); shown as one article")


@pytest.mark.parametrize(
    "other",
    [
        {"audience": ["agent"]},
        {"title": "Two-step sign-in on phones"},
        {"lang": "de"},
        {"body": "Open the sign-in page and choose Forgot password. Then call us."},
    ],
    ids=["audience", "title", "language", "text"],
)
def test_what_differs_stays_apart(tmp_path: Path, other: Row) -> None:
    """Another audience above all: what agents read must not come to stand for what everybody reads."""
    snapshot, _ = built(tmp_path, [row("a")], [row("b", **other)])
    assert groups_of(snapshot) == {"a": "a", "b": "b"}


@pytest.mark.parametrize("body", ["Yes.", LONG], ids=["short", "long"])
def test_titles_that_differ_by_a_word_stay_apart(tmp_path: Path, body: str) -> None:
    """However alike the texts are: the second question would never be found. Punctuation makes no difference."""
    asked = [f"Is delivery to the door of your house free of charge in {place}" for place in ("Latvia?", "Estonia?")]
    one, other = (row(title, title=title, body=body) for title in asked)
    copy = row("copy", title=f"{asked[0]}!", body=body)
    snapshot, report = built(tmp_path, [one], [other, copy])
    assert groups_of(snapshot) == {one["id"]: one["id"], other["id"]: other["id"], "copy": one["id"]}
    assert any("both are kept" in note for note in report.notes)


def test_copies_of_many_forms_that_are_alike_find_their_originals(tmp_path: Path) -> None:
    """Two titles of thirty are alike as well, and each form is only compared with its neighbours."""
    titles = [f"Application form number {number}" for number in range(30)]
    originals = [row(f"a-{number}", title=title) for number, title in enumerate(titles)]
    copies = [row(f"b-{number}", title=title) for number, title in enumerate(titles)]
    snapshot, _ = built(tmp_path, originals, copies)
    assert groups_of(snapshot) == {f"{source}-{number}": f"a-{number}" for source in "ab" for number in range(30)}


def test_one_source_may_hold_an_article_twice(tmp_path: Path) -> None:
    """Its authors may have meant it; they are told."""
    snapshot, report = built(tmp_path, [row("a"), row("b")])
    assert groups_of(snapshot) == {"a": "a", "b": "b"}
    assert report.notes == ("a and b are nearly the same (100% of their text); both are kept",)


def test_many_alike_are_summed_up(tmp_path: Path) -> None:
    """A hundred forms that are alike do not scroll everything else away."""
    _, report = built(tmp_path, [row(f"form-{number}") for number in range(40)])
    assert len(report.notes) == 11
    assert report.notes[-1] == "29 more pairs of articles are nearly the same; all are kept"


def test_the_editor_holds_duplicates_apart_and_ties_translations(tmp_path: Path) -> None:
    """groups.csv: ids and groups; a wrong id is a problem with its line; update and build agree."""
    rows = [row("a"), row("c", lang="lv", title="Parole", body="Atveriet lapu.")]
    text = "id,group,lang,title,similarity\na,a,en,Reset,1.00\nc,a,lv,Parole,0.93\nnobody,a,lv,,0.9\n"
    snapshot, report = built(tmp_path, rows, [row("b")], groups=text)
    assert groups_of(snapshot) == {"a": "a", "c": "a", "b": "b"}
    [problem] = report.problems
    assert (problem.line, "'nobody' is the id of no article" in problem.reason) == (4, True)
    assert built(tmp_path, rows, [row("b")], groups=text, update=True)[1].unchanged
    changed, _ = built(tmp_path, rows, [row("b")], groups="id,group\nb,a\n", update=True)
    fresh, _ = built(tmp_path / "fresh", rows, [row("b")], groups="id,group\nb,a\n")
    assert groups_of(changed) == groups_of(fresh) == {"a": "a", "c": "c", "b": "a"}
    assert changed.manifest["files"] == fresh.manifest["files"]


def test_a_rule_may_name_the_group_that_was_tied(tmp_path: Path, write_jsonl: Write) -> None:
    """What the editor sees is what the editor names."""
    folder = tmp_path / "kb"
    write_jsonl(folder / "a.jsonl", [row("a"), row("b", title="Other", body="Other words altogether.")])
    (folder / "groups.csv").write_text("id;group\na;passwords\n")
    (folder / "rules.csv").write_text("query,action,target\nlogin,pin,passwords\n")
    report = build([folder], tmp_path / "index", embedder=HashingEmbedder())
    assert report.problems == ()
    assert open_snapshot(tmp_path / "index").editing.rules[0].target == "a"


WORDS = [f"word{number}" for number in range(300)]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), replaced=st.floats(0, 0.3))
def test_signatures_find_what_comparing_all_pairs_finds(seed: int, replaced: float) -> None:
    """The oracle compares every pair by runs of three words; a pair near the limit may be missed, no clear one."""
    chance = random.Random(seed)
    texts = [[chance.choice(WORDS) for _ in range(chance.randint(40, 200))] for _ in range(6)]
    texts += [[chance.choice(WORDS) if chance.random() < replaced else word for word in text] for text in texts[:3]]
    documents = [
        Document(id=str(n), title=f"t{n}", body=" ".join(text), group=str(n), lang="en") for n, text in enumerate(texts)
    ]
    runs = [set(zip(text, text[1:], text[2:], strict=False)) for text in texts]
    shared = {(a, b): len(runs[a] & runs[b]) / len(runs[a] | runs[b]) for a, b in combinations(range(len(texts)), 2)}
    corpus = whole(prepare(documents))
    records = [orjson.loads(record) for record in corpus.of_documents("records").rows()]
    found = {(pair.first, pair.second): pair.text for pair in near_duplicates(corpus, records)}
    assert all(found[pair] == pytest.approx(shared[pair]) for pair in found)
    assert {pair for pair, share in shared.items() if share >= NEARLY + 0.15} <= set(found)
    assert set(found) <= {pair for pair, share in shared.items() if share >= NEARLY}


@pytest.fixture(scope="module")
def untied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample help centre with every translation on its own, under the bundled model."""
    from indexer.loaders import LoadReport, load_sources

    folder = tmp_path_factory.mktemp("untied")
    documents = load_sources([SAMPLE], report=LoadReport())
    fields = ("id", "title", "body", "lang", "type", "format", "audience")
    rows = [{name: getattr(document, name) for name in fields} for document in documents]
    (folder / "kb.jsonl").write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in rows))
    build([folder / "kb.jsonl"], folder / "index")
    return folder


@pytest.mark.slow
def test_translations_of_the_sample_help_centre_are_proposed(untied: Path) -> None:
    """Their ids say which belong together: nearly all are found, nearly none wrongly, no language twice in a group."""
    proposals = propose(open_snapshot(untied / "index"))
    proposed: dict[str, list[Any]] = {}
    for each in proposals:
        proposed.setdefault(each.group, []).append(each)
    right = wrong = 0
    for members in proposed.values():
        assert len(members) > 1
        assert len({each.lang for each in members}) == len(members)
        for one, other in combinations(members, 2):
            same = one.id.partition(".")[0] == other.id.partition(".")[0]
            right, wrong = right + same, wrong + (not same)
    ids = [path.stem for path in SAMPLE.glob("*/*.md")]
    true = sum(count * (count - 1) // 2 for count in (ids.count(name) for name in set(ids)))
    assert right >= 0.9 * true
    assert wrong <= 0.05 * right


@pytest.mark.parametrize("title", ["=HYPERLINK(A1)", "+1", "-1", "@SUM(A1)"])
def test_a_title_is_no_formula_of_the_editors_spreadsheet(title: str) -> None:
    """Titles are what a website says; ids and groups are read again, so they stay."""
    text = as_csv([Proposal("=a", "-g", "lv", title, 0.9), Proposal("b", "g", "", "B", 1)])
    header, named, other = csv.reader(text.splitlines())
    assert header == ["id", "group", "lang", "title", "similarity"]
    assert (named, other) == (["=a", "-g", "lv", f"'{title}", "0.90"], ["b", "g", "", "B", "1.00"])


def test_proposals_are_read_by_programs_as_well(tmp_path: Path, capsys: Any) -> None:
    """What would be in the file, or what was written."""
    other = "Parcels come on Tuesdays; the courier rings once and leaves a card with a code for the locker."
    built(
        tmp_path, [row("a"), row("b", lang="lv"), row("c", title="Parcels", body=other), row("d", lang="lv", body="No")]
    )
    index = str(tmp_path / "index")
    assert indexer.cli.main(["propose", index, "--json"]) == 0
    proposed = orjson.loads(capsys.readouterr().out)
    assert [(each["id"], each["group"], each["lang"]) for each in proposed] == [("a", "a", "en"), ("b", "a", "lv")]
    file = str(tmp_path / "groups.csv")
    assert indexer.cli.main(["propose", index, "--to", file, "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out) == {"path": file, "groups": 1, "articles": 2}


@pytest.mark.slow
def test_the_file_that_is_proposed_is_the_file_that_is_accepted(untied: Path, capsys: Any) -> None:
    """`propose`, a copy beside the articles, `update`: everything is tied, and nothing more is proposed."""
    index = str(untied / "index")
    assert indexer.cli.main(["propose", index, "--to", str(untied / "groups.csv")]) == 0
    assert "put the file beside the articles" in capsys.readouterr().out
    sources = [str(untied / "kb.jsonl"), str(untied / "groups.csv")]
    assert indexer.cli.main(["update", *sources, "--out", index]) == 0
    snapshot = open_snapshot(untied / "index")
    tied = groups_of(snapshot)
    assert tied["reset-password.lv"] == tied["reset-password.lt"] == tied["reset-password.en"]
    capsys.readouterr()
    assert indexer.cli.main(["propose", index]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "id,group,lang,title,similarity"
    assert len(rows) <= 6


def test_what_an_editor_accepted_is_not_written_over(tmp_path: Path, capsys: Any) -> None:
    """What is tied already is proposed no more, so a file without it would untie it; nothing to say makes no file."""
    built(tmp_path, [row("a"), row("b")])
    accepted = tmp_path / "groups.csv"
    accepted.write_text("id,group\na,a\n")
    assert indexer.cli.main(["propose", str(tmp_path / "index"), "--to", str(accepted)]) == 2
    assert f"--to {accepted} is there already" in capsys.readouterr().err
    assert accepted.read_text() == "id,group\na,a\n"
    assert indexer.cli.main(["propose", str(tmp_path / "index"), "--to", str(tmp_path / "new.csv")]) == 0
    assert "look like untied translations; " in capsys.readouterr().out
    assert not (tmp_path / "new.csv").exists()


def test_only_mutual_neighbours_of_languages_that_are_missing_are_pairs() -> None:
    """By hand: unit vectors in the plane; b is nearest to both, but belongs to the nearer; a tied one is left alone."""
    angles = np.radians([0.0, 3.0, 10.0, 90.0, 91.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    languages = np.asarray([0, 1, 0, 0, 1], dtype=np.int32)
    alone = np.arange(5, dtype=np.int32)
    assert [(pair.first, pair.second) for pair in pairs(vectors, languages, alone, 1.0)] == [(0, 1), (3, 4)]
    tied = np.asarray([0, 1, 2, 3, 3], dtype=np.int32)
    assert [(pair.first, pair.second) for pair in pairs(vectors, languages, tied, 1.0)] == [(0, 1)]


def test_vectors_of_documents_are_the_means_of_their_passages(tmp_path: Path) -> None:
    snapshot, _ = built(tmp_path, [row("a", body=f"## One\n\n{LONG}\n\n## Two\n\nOther words."), row("b")])
    vectors = document_vectors(snapshot)
    passages = snapshot.dense.vectors(np.asarray(snapshot.passages_of(0)))
    assert len(passages) == 2
    mean = passages.mean(axis=0)
    assert vectors[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
