"""`/widget.js`: one small file, kept by browsers, loadable from anywhere, with nothing that strict pages refuse."""

from __future__ import annotations

import gzip
import re
from importlib.resources import files

import orjson
import pytest
from fastapi.testclient import TestClient

from kbsearch.chat.intents import Intent, read_intent
from kbsearch.chat.patterns import LANGUAGES
from kbsearch.chat.state import Conversation
from kbsearch.chat.turn import Asked, question_of
from kbsearch.service.widget_file import PARTS, load_widget

FOLDER = files("kbsearch.service") / "widget"
PORTAL = files("kbsearch.service") / "portal"
MAX_COMPRESSED = 20_000


def test_it_is_one_small_file(client: TestClient) -> None:
    """Under 20 kB as browsers get it: script, style and seven languages."""
    response = client.get("/widget.js", headers={"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) < MAX_COMPRESSED
    assert response.content == load_widget().file.content == gzip.decompress(load_widget().file.compressed)
    assert client.get("/widget.js", headers={"Accept-Encoding": "identity"}).content == response.content
    assert "import " not in re.sub(r"//.*", "", response.text)


def test_any_page_may_load_and_keep_it(client: TestClient) -> None:
    """CORS and CORP say so; asked again with its ETag, nothing is sent twice."""
    response = client.get("/widget.js", headers={"Origin": "https://shop.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "max-age=300" in response.headers["cache-control"]
    tag = response.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = client.get("/widget.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get("/widget.js", headers={"If-None-Match": '"other"'}).status_code == 200
    plain = client.get("/widget.js", headers={"Accept-Encoding": "identity", "If-None-Match": tag})
    assert (plain.status_code, plain.headers["etag"] == tag) == (200, False)
    head = client.head("/widget.js")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function", "document.cookie",
             "localStorage", "setAttribute(\"style", ".style.", "cssText", "iframe src"]
)  # fmt: skip
def test_it_does_nothing_that_strict_pages_refuse(word: str) -> None:
    """A glance at the source; the browser tests are the proof."""
    assert word not in load_widget().file.content.decode()


def test_it_is_whole_in_every_language() -> None:
    """The same texts, all of them used by the script, and none missing."""
    tables = {lang: orjson.loads((FOLDER / "messages" / f"{lang}.json").read_bytes()) for lang in LANGUAGES}
    script = "".join((FOLDER / name).read_text(encoding="utf-8") for name in PARTS)
    used = set(re.findall(r"\btexts\.(\w+)", script)) | {"name", "email", "message"}
    used |= {"status_open", "status_pending", "status_solved"}
    for table in tables.values():
        assert set(table) == used
        assert all(text.strip() for text in table.values())
        assert "{email}" in table["filed_text"]
        assert "{limit}" in table["too_long"]


@pytest.mark.parametrize("lang", ["et", "lt", "pl", "ru"])
def test_names_of_languages_stand_behind_a_colon(lang: str) -> None:
    """Browsers know them in the nominative only, which no sentence of these languages would take."""
    assert orjson.loads((FOLDER / "messages" / f"{lang}.json").read_bytes())["also"].endswith(":")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_calls_things_what_the_page_calls_them(lang: str) -> None:
    """Who reads both is not told of two states, nor asked for two addresses."""
    here, there = (orjson.loads((at / "messages" / f"{lang}.json").read_bytes()) for at in (FOLDER, PORTAL))
    for name in (
        "name", "email", "email_bad", "message", "sending", "send", "contact", "retry", "thanks", "popular",
        "suggestions", "new_tab", "status_open", "status_pending", "status_solved",
    ):  # fmt: skip
        assert here[name] == there[name]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_its_buttons_say_what_the_chat_understands(lang: str) -> None:
    """Yes, no, none of these and talk to a person, each in the page's language."""
    texts = orjson.loads((FOLDER / "messages" / f"{lang}.json").read_bytes())
    read = {name: read_intent(texts[name]).intent for name in ("yes", "no", "none", "person")}
    assert read == {"yes": Intent.YES, "no": Intent.NO, "none": Intent.NO, "person": Intent.HUMAN}
    said = Conversation(asked=(Asked("x", "q"),), last="choices", noes=1)
    assert question_of(said, texts["none"]) is None
