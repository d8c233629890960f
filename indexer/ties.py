"""Which documents belong to one article beside what the sources say: the editor's groups.csv, and duplicates.

Duplicates are folded across sources only: what one source holds twice, its authors may have meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from indexer.duplicates import near_duplicates
from indexer.loaders.report import LoadReport
from kbsearch.index.corpus import Corpus

Record = Mapping[str, Any]

# Forms and templates are alike by the hundred; a few show what there is.
_SAID = 10


def tied_groups(
    corpus: Corpus, records: Sequence[Record], accepted: Mapping[str, str], report: LoadReport
) -> dict[str, str]:
    """Id → group, for documents whose group is not what their source says.

    `accepted`: id → group from the editor, who has the last word. Duplicates that were found go to `report`.
    """
    groups = {record["id"]: accepted.get(record["id"], record["group"]) for record in records}
    into: dict[str, str] = {}
    source = np.searchsorted(np.cumsum(report.by_source), np.arange(len(records)), side="right")
    kept = 0
    for pair in near_duplicates(corpus, records):
        first, second = records[pair.first], records[pair.second]
        one, other = (_root(into, groups[record["id"]]) for record in (first, second))
        if one == other:
            continue
        said = f"{first['id']} and {second['id']} are nearly the same ({pair.text:.0%} of their text)"
        across = source[pair.first] != source[pair.second]
        decided = first["id"] in accepted or second["id"] in accepted
        if pair.same and across and not decided and first["audience"] == second["audience"]:
            into[other] = one
            report.add_note(f"{said}; shown as one article")
        elif not decided:
            kept += 1
            if kept <= _SAID:
                report.add_note(f"{said}; both are kept")
    if kept > _SAID:
        report.add_note(f"{kept - _SAID} more pairs of articles are nearly the same; all are kept")
    tied = {identity: _root(into, group) for identity, group in groups.items()}
    return {record["id"]: tied[record["id"]] for record in records if tied[record["id"]] != record["group"]}


def _root(into: Mapping[str, str], group: str) -> str:
    while group in into:
        group = into[group]
    return group
