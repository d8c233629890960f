"""Replay a candidate against the published version, and say whether it may be published."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from indexer.replay.causes import Causes
from indexer.replay.compare import Compared, Pair
from indexer.replay.judged import read_judged
from indexer.replay.options import BUDGET, DAYS, FIRST
from indexer.replay.report import Report, find_causes, find_flips, over_budget, section, together
from indexer.replay.successes import Facts, Log, read_log
from kbsearch.embed.registry import load_embedder
from kbsearch.engine import Engine
from kbsearch.errors import SnapshotError, UsageError
from kbsearch.metrics.moments import DAY, SECOND
from kbsearch.snapshot import Snapshot, open_snapshot

LOG = "log"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is replayed, and how much may break."""

    facts: Facts | None = None
    queries: tuple[Path, ...] = ()
    since: int | None = None
    """Milliseconds since 1970; None: `DAYS` before the end."""
    until: int | None = None
    first: int = FIRST
    budget: float = BUDGET
    """Share of successful searches, 0..1."""


def replay(candidate: Path, against: Path, terms: Terms) -> Report:
    """Ask both versions everything that is known to have been found. Both are directories of versions.

    Raises SnapshotError and ModelError where one cannot be opened, and UsageError where there is nothing to ask.
    """
    before, after = _open(against), _open(candidate)
    old = load_embedder(before.model.name)
    new = old if after.model == before.model else load_embedder(after.model.name)
    pair = Pair(Engine(before, old), Engine(after, new), terms.first)
    now = time.time_ns() // 1_000_000
    until = terms.until or now + SECOND
    since = until - DAYS * DAY if terms.since is None else terms.since
    log = read_log(terms.facts, since, until, now) if terms.facts else Log((), 0, 0, 0)
    sets = {LOG: list(log.successes)} if terms.facts else {}
    sets |= {name: read_judged(path, before) for name, path in _named(terms.queries).items()}
    if not any(sets.values()):
        raise UsageError(
            f"no successful search is known ({log.searches} searches in the log, {log.undecided} of them not decided "
            f"yet, {log.programs} of programs), so nothing can be compared; give a longer time with --from, or judged "
            "questions with --queries.",
            field="events",
        )
    compared: dict[str, list[Compared]] = {}
    pair.warm([success for successes in sets.values() for success in successes[:1]])
    total = len({(s.query, s.lang, s.public) for successes in sets.values() for s in successes})
    with tqdm(desc="replaying", unit=" queries", total=total, disable=not sys.stderr.isatty()) as progress:
        for name, successes in sets.items():
            compared[name] = pair.compare(successes, progress.update)
    everything = [item for items in compared.values() for item in items]
    sections = tuple(section(name, items) for name, items in compared.items())
    return Report(
        candidate=after.version,
        against=before.version,
        models=(before.model.name, after.model.name),
        first=terms.first,
        budget=terms.budget,
        sections=sections,
        causes=find_causes(everything, Causes(pair, before, after, new)),
        wins=tuple(together(item for item in everything if item.won)),
        flips=find_flips(everything),
        latency=pair.latency(),
        searches=log.searches,
        undecided=log.undecided,
        programs=log.programs,
        over=over_budget(sections, terms.budget),
    )


def _named(paths: Sequence[Path]) -> dict[str, Path]:
    """What the report calls each file of questions: its name, or its whole path where something else is called so."""
    taken = Counter([LOG, *(path.name for path in {path.absolute() for path in paths})])
    return {path.name if taken[path.name] == 1 else str(path.absolute()): path for path in paths}


def _open(directory: Path) -> Snapshot:
    try:
        return open_snapshot(directory.parent, directory.name)
    except SnapshotError as cause:
        kind = type(cause)
        raise kind(f"nothing can be compared: {cause}") from cause
