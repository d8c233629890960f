"""docs/metrics.md: `document.md` with the table of definitions filled in.

`python -m kbsearch.metrics.document > docs/metrics.md` writes it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kbsearch.metrics.costs import Costs
from kbsearch.metrics.definitions import DEFINITIONS, Definition
from kbsearch.metrics.health import examine
from kbsearch.metrics.incremental import HOLDOUT_SHARE
from kbsearch.metrics.journeys import GAP
from kbsearch.metrics.moments import DAY, HOUR, MINUTE, SECOND
from kbsearch.metrics.outcomes import RETURN_WINDOW, WINDOW
from kbsearch.metrics.queries import LEAST_CLIENTS
from kbsearch.metrics.report import SPLITS
from kbsearch.metrics.searches import FOLD_WINDOW
from kbsearch.metrics.tally import SURVEYS

_INTERVALS = {
    "share": "Wilson",
    "mean": "bootstrap, 1,000 draws, fixed seed; where all values are equal, Wilson's for what was not seen",
    "difference": "Newcombe, method 10",
    "money": "that of incremental deflection, times the cost",
}
_HEALTH = {
    "clicks_missing": "50 searches with results and more, and not one article opened",
    "one_position": "30 clicks with a position and more, all on the same one",
    "repeated": "more than 5 % of events repeat an equal one of the same journey within a second",
    "skew": "more than 5 % of events lie over 5 minutes after their receipt, or before the search that they name",
    "one_client": "the busiest client of each day made more than 25 % of all facts",
    "bots": "more than 10 % of facts, or of journeys that searched, are those of programs, which say so or search over "
    "100 times in one journey",
    "orphans": "more than 20 % of impressions name a search that is not in their journey",
    "sample_ratio": "the hold-out is larger or smaller than its share, at p < 0.001",
    "returns_unseen": "200 confirmed journeys and more, and not one client seen again within 7 days; below 200 the "
    "verdict stays, and figures of durable success are marked",
    "dropped": "more than 1 % of facts were lost before they could be written",
}


def document() -> str:
    """Return the page."""
    named = {check.id for check in examine({}, 0, HOLDOUT_SHARE).checks}
    if named != set(_HEALTH):
        raise KeyError(f"health checks without words: {named ^ set(_HEALTH)}")
    return (
        Path(__file__)
        .with_suffix(".md")
        .read_text(encoding="utf-8")
        .format(
            index="\n".join(f"| [{d.title}](#{d.id}) | `{d.id}` | {d.unit} |" for d in DEFINITIONS),
            definitions="\n".join(_section(definition) for definition in DEFINITIONS),
            fold=FOLD_WINDOW // SECOND,
            gap=GAP // MINUTE,
            window=WINDOW // HOUR,
            durable=RETURN_WINDOW // DAY,
            splits=", ".join(f"`{split}`" for split in SPLITS),
            surveys="\n".join(
                f"| {survey.upper()} | {low} to {high} | {' or '.join(f'`{name}`' for name in names)} | `{survey}` |"
                for survey, (names, low, high) in SURVEYS.items()
            ),
            health="\n".join(f"| `{name}` | {words} |" for name, words in _HEALTH.items()),
            share=HOLDOUT_SHARE,
            clients=LEAST_CLIENTS,
            costs=Costs(),
        )
    )


def _section(definition: Definition) -> str:
    sick = ", ".join(f"`{name}`" for name in definition.sick)
    asked = " Printed with its response rate: of journeys that were asked, the share that answered." * bool(
        definition.asked
    )
    return f"""### {definition.id}
**{definition.title}**, version {definition.version}. {definition.words}{asked}

- numerator: {definition.numerator}
- denominator (n): {definition.denominator}
- unit: {definition.unit}; 95 % interval: {_INTERVALS[definition.kind]}
- null when: {definition.empty}
- unreliable when these health checks fail: {sick}
"""


if __name__ == "__main__":
    sys.stdout.write(document())
