"""`kbsearch questions`: a random sample of what customers asked, for a person to judge.

What `kbsearch calibrate` promises holds for questions like those judged, so these must be neither invented nor chosen:
of each language the searches are drawn whose ids have the lowest hashes (bottom-k sampling; Cohen and Kaplan, 2007),
each wording once. Left out is what a program or somebody with a key asked, and what had something personal in it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

import orjson

from kbsearch.amounts import amount
from kbsearch.disk import replacing
from kbsearch.engine import Engine, open_engine
from kbsearch.errors import UsageError
from kbsearch.events.connect import open_existing_store, url_in_use
from kbsearch.events.schema import SearchRecord
from kbsearch.events.store import EventStore
from kbsearch.metrics.acts import by_client, read_acts
from kbsearch.metrics.bounds import read_period
from kbsearch.metrics.journeys import read_journey, split_journeys
from kbsearch.metrics.moments import DAY, start_of, timestamp_of
from kbsearch.metrics.queries import is_printable
from kbsearch.metrics.searches import query_key
from kbsearch.text.tags import primary
from kbsearch.types import SearchRequest

SHOWN = 5
"""Articles named beside each question, so that judging it seldom needs another search."""
# Wordings held at once, as a multiple of those that are drawn.
_HELD = 20


def run(options: argparse.Namespace) -> str:
    """Draw, look up what each question finds, and write the file; return what to print.

    :raises UsageError: the file is there already, nothing can be drawn, or an option is wrong.
    """
    if options.count < 1:
        raise UsageError(f"--count {options.count} draws nothing; give 1 or more.", "count")
    if options.out.exists():
        raise UsageError(f"{options.out} is there already, perhaps with judgements; give another --out.", "out")
    since, until = read_period(options.since, options.until)
    engine = open_engine(options.index)
    store = open_existing_store(url_in_use(options.events, options.index))
    try:
        drawn = draw(store, since, until, options.count)
    finally:
        store.close()
    if not drawn:
        raise UsageError("nobody has searched in this period; give another --from and --to, or --events.", "events")
    lines = [orjson.dumps(line) + b"\n" for line in to_judge(drawn, engine)]
    with replacing(options.out) as unfinished, open(os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.writelines(lines)
    by_lang = {lang: len(searches) for lang, searches in drawn.items()}
    if options.json:
        return orjson.dumps({"questions": len(lines), "by_lang": by_lang, "out": str(options.out)}).decode()
    return _words(len(lines), by_lang, options.out, options.index)


def draw(store: EventStore, since: int | None, until: int | None, count: int) -> dict[str, list[SearchRecord]]:
    """Up to `count` searches of each language (BCP 47 without region), of journeys on the days in [since, until)."""
    lowest: dict[str, dict[str, tuple[bytes, SearchRecord]]] = {}
    for search in _searches(store, since, until):
        lang = primary(search.lang or search.detected_lang)
        found = lowest.setdefault(lang, {})
        key = query_key(search.user_query)
        place = blake2b(search.query_id.encode(), digest_size=8).digest()
        if key not in found or place < found[key][0]:
            found[key] = (place, search)
        if len(found) > _HELD * count:
            lowest[lang] = _lowest(found, count)
    return {
        lang: [search for _, search in _lowest(found, count).values()] for lang, found in sorted(lowest.items()) if lang
    }


def to_judge(drawn: Mapping[str, list[SearchRecord]], engine: Engine) -> Iterator[dict[str, object]]:
    """Lines of an evaluation file (docs/evaluation.md), each unusable until somebody has judged it."""
    number = 0
    for lang, searches in drawn.items():
        for search in searches:
            number += 1
            request = SearchRequest(q=search.user_query, lang=search.lang or lang, limit=SHOWN)
            yield {
                "id": f"{lang}-{number}",
                "query": search.user_query,
                "lang": request.lang,
                "match": "group",
                "relevant": {},
                "found": {hit.id: hit.title for hit in engine.search(request).hits},
            }


def _searches(store: EventStore, since: int | None, until: int | None) -> Iterator[SearchRecord]:
    """The last query of every search that a customer made, day by day."""
    for day in sorted(store.days()):
        start = start_of(day)
        if (since is not None and start < since) or (until is not None and start >= until):
            continue
        bounds = timestamp_of(start), timestamp_of(start + DAY)
        for acts in by_client(read_acts(store.searches(*bounds), store.events(*bounds))).values():
            for journey, searches in map(read_journey, split_journeys(acts)):
                if not journey.program:
                    yield from (search.final for search in searches if is_printable(search.final))


def _lowest(found: Mapping[str, tuple[bytes, SearchRecord]], count: int) -> dict[str, tuple[bytes, SearchRecord]]:
    return dict(sorted(found.items(), key=lambda item: item[1][0])[:count])


def _words(count: int, by_lang: Mapping[str, int], out: Path, index: Path) -> str:
    shares = ", ".join(f"{lang} {number}" for lang, number in by_lang.items())
    return (
        f"Wrote {amount(count, 'question')} to {out} ({shares}).\n"
        'Judge each: put the right articles of "found", or others, into "relevant" ({"reset-password.lv": 1}), '
        'or write "answerable": false where the knowledge base has no answer.\n'
        f"Then run: kbsearch calibrate --index {index} --queries {out}"
    )
