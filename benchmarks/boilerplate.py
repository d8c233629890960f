"""What removing menus, cookie notices and teasers from web pages is worth, by method → results/boilerplate.md.

python -m benchmarks.boilerplate

The articles of sample_kb are dressed as pages of three kinds of site, so what each method should find is known. Words
of its text are compared with the article's, and the questions of sample_kb are asked of an index of what it found.
The library that was not chosen is left out unless it is installed: pip install trafilatura
"""

from __future__ import annotations

import html
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

import orjson

from benchmarks.quality_sets import SAMPLE_KB
from benchmarks.report import RESULTS, stamp, table, write_result
from indexer.blocks import outline
from indexer.loaders import LoadReport, load_sources
from indexer.loaders.html import read
from indexer.loaders.report import Found, SourceFile
from indexer.pipeline import build
from indexer.render import render
from kbsearch.embed.registry import load_embedder
from kbsearch.engine import open_engine
from kbsearch.evaluate import read_queries, run_queries, summarise
from kbsearch.text.words import surfaces
from kbsearch.types import Document

WORDS = {
    "lv": "Sākums Veikals Palīdzība Konts Grozs Kontakti Ziņas Karjera Par mums Meklēt Ienākt Reģistrēties",
    "lt": "Pradžia Parduotuvė Pagalba Paskyra Krepšelis Kontaktai Naujienos Karjera Apie mus Ieškoti Prisijungti",
    "en": "Home Shop Help Account Basket Contact News Careers About us Search Sign in Register",
}
COOKIES = {
    "lv": "Mēs izmantojam sīkdatnes, lai uzlabotu vietnes darbību. Turpinot lietot vietni, jūs piekrītat tam.",
    "lt": "Naudojame slapukus, kad svetainė veiktų geriau. Naršydami toliau sutinkate su slapukų naudojimu.",
    "en": "We use cookies to improve this website. By going on you agree that we store them on your device.",
}
RELATED = {"lv": "Jums varētu patikt arī", "lt": "Jums taip pat gali patikti", "en": "You may also like"}
FOOT = {
    "lv": "Saņemiet mūsu jaunumus! Ierakstiet e-pastu. Piegāde, atgriešana un garantija. Visas tiesības aizsargātas.",
    "lt": "Gaukite naujienlaiškį! Įrašykite el. paštą. Pristatymas, grąžinimas ir garantija. Visos teisės saugomos.",
    "en": "Get our newsletter! Enter your e-mail. Delivery, returns and warranty. All rights reserved.",
}


def main() -> None:
    """Measure and write."""
    measured = stamp("python -m benchmarks.boilerplate")
    documents = [document for document in load_sources([SAMPLE_KB], report=LoadReport()) if document.lang in WORDS]
    figures: dict[str, Any] = {}
    parts = ["# Boilerplate of web pages", measured.line(), f"{len(documents)} articles of sample_kb as pages."]
    truth = {document.id: text_of(render(document.body, document.format), document.title) for document in documents}
    for kind, dress in {"with <main>": semantic, "of <div>": divided, "of <div> without names": nameless}.items():
        pages = {document.id: dress(document, documents) for document in documents}
        results = []
        for method, extract in METHODS.items():
            if method == "trafilatura" and find_spec("trafilatura") is None:
                continue
            results.append({"method": method, **judged(extract, pages, documents, truth)})
            print(kind, results[-1], flush=True)
        figures[kind] = results
        header = ["pages " + kind, "words kept", "words right", "pages lost", "recall@1", "nDCG@10", "ms a page"]
        rows = [
            [
                row["method"],
                f"{row['kept']:.3f}",
                f"{row['right']:.3f}",
                row["lost"],
                f"{row['recall@1']:.3f}",
                f"{row['ndcg@10']:.3f}",
                f"{row['ms']:.1f}",
            ]
            for row in results
        ]
        parts.append(table(header, rows))
    parts.append("Kept: words of the article that were found. Right: words found that are the article's.")
    write_result("boilerplate", "\n\n".join(parts), figures, measured, RESULTS)


def judged(
    extract: Callable[[str], str],
    pages: Mapping[str, str],
    documents: Sequence[Document],
    truth: Mapping[str, Counter[str]],
) -> dict[str, float]:
    """How much of the text is right, and how well an index of it answers."""
    found, taken, wanted, lost = 0, 0, 0, 0
    rows = []
    started = perf_counter()
    bodies = {identity: extract(page) for identity, page in pages.items()}
    took = perf_counter() - started
    for document in documents:
        body = bodies[document.id]
        words = text_of(body, document.title)
        found += (words & truth[document.id]).total()
        taken += words.total()
        wanted += truth[document.id].total()
        if words.total() < 0.5 * truth[document.id].total():
            lost += 1
        rows.append(orjson.dumps(replace(document, body=body.strip() or document.title, format="html")))
    with tempfile.TemporaryDirectory() as name:
        source = Path(name, "pages.jsonl")
        source.write_bytes(b"\n".join(rows))
        build([source], Path(name, "index"), embedder=load_embedder(None))
        report = summarise(
            run_queries(open_engine(Path(name, "index")), read_queries(SAMPLE_KB / "questions.jsonl"), "hybrid")
        )
    return {
        "kept": found / wanted,
        "right": found / max(1, taken),
        "lost": lost,
        "recall@1": report["recall@1"],
        "ndcg@10": report["ndcg@10"],
        "ms": 1000 * took / len(pages),
    }


def text_of(body: str, title: str) -> Counter[str]:
    """The words of a body as the indexer would cut it, without a heading that repeats the title."""
    lines = [line for line in outline(render(body, "html"), title).lines if line != title]
    return Counter(surfaces("\n".join(lines)))


def semantic(document: Document, others: Sequence[Document]) -> str:
    """As the HTML standard wants it."""
    parts = _parts(document, others)
    return (
        f"{parts['head']}<body><header>{parts['menu']}</header><nav>{parts['menu']}</nav><main><h1>{parts['title']}</h1>"
        f"{parts['body']}</main><aside><h2>{parts['like']}</h2>{parts['related']}</aside><footer>{parts['foot']}</footer>"
        f"<div class='cookie-banner'><p>{parts['cookies']}</p></div></body>"
    )


def divided(document: Document, others: Sequence[Document]) -> str:
    """As many help centres are: names in classes only, teasers inside the content."""
    parts = _parts(document, others)
    return (
        f"{parts['head']}<body><div id='cookie-notice'><p>{parts['cookies']}</p><button>OK</button></div>"
        f"<div class='topbar menu'>{parts['menu']}</div><div class='breadcrumbs'>{parts['crumbs']}</div>"
        f"<div class='container'><div class='article-content'><h1>{parts['title']}</h1>{parts['body']}</div>"
        f"<div class='related-posts'><h3>{parts['like']}</h3>{parts['related']}</div></div>"
        f"<div class='site-footer'>{parts['menu']}<p>{parts['foot']}</p></div></body>"
    )


def nameless(document: Document, others: Sequence[Document]) -> str:
    """As site builders write: numbers for classes, nothing to go by but links and lengths."""
    parts = _parts(document, others)
    return (
        f"{parts['head']}<body><div class='c1'><p>{parts['cookies']}</p></div><div class='c2'>{parts['menu']}</div>"
        f"<div class='c3'><div class='c4'><h1>{parts['title']}</h1></div><div class='c5'>{parts['body']}</div>"
        f"<div class='c6'><h3>{parts['like']}</h3>{parts['related']}</div></div>"
        f"<div class='c7'>{parts['menu']}<p>{parts['foot']}</p></div></body>"
    )


def _parts(document: Document, others: Sequence[Document]) -> dict[str, str]:
    lang = document.lang
    chance = random.Random(document.id)
    teasers = chance.sample([other for other in others if other.lang == lang and other.id != document.id], 6)
    links = "".join(f"<li><a href='/{other.id}'>{html.escape(other.title)}</a></li>" for other in teasers)
    menu = "".join(f"<li><a href='/{word}'>{word}</a></li>" for word in WORDS[lang].split())
    return {
        "head": f"<!DOCTYPE html><html lang={lang}><head><title>{html.escape(document.title)} | Brize</title></head>",
        "title": html.escape(document.title),
        "body": render(document.body, document.format),
        "menu": f"<ul>{menu}</ul>",
        "crumbs": f"<a href='/'>Brize</a> / <a href='/h'>{WORDS[lang].split()[2]}</a>",
        "cookies": COOKIES[lang],
        "like": RELATED[lang],
        "related": f"<ul>{links}</ul>",
        "foot": FOOT[lang],
    }


def _everything(page: str) -> str:
    return page.partition("<body>")[2]


def _loader(page: str) -> str:
    """What the loader of HTML files takes for the content."""
    with tempfile.NamedTemporaryFile(suffix=".html") as file:
        file.write(page.encode())
        file.flush()
        items = [item for item in read(SourceFile(Path(file.name), "page", "page")) if isinstance(item, Found)]
    return items[0].document.body if items else ""


def _rules(page: str) -> str:
    """The loader without the library: <main>, or the body without <nav>, <header> and <footer>."""
    with patch("indexer.loaders.html.main_part", lambda body: body):
        return _loader(page)


def _trafilatura(page: str) -> str:
    from trafilatura import extract

    return extract(page, output_format="html", include_links=True, favor_recall=True, include_comments=False) or ""


def _readability(page: str) -> str:
    from readability import Document as Readable

    return str(Readable(page).summary(html_partial=True))


METHODS: dict[str, Callable[[str], str]] = {
    "nothing removed": _everything,
    "the loader's rules alone": _rules,
    "the loader: rules, then readability-lxml": _loader,
    "trafilatura": _trafilatura,
    "readability-lxml everywhere": _readability,
}

if __name__ == "__main__":
    main()
