"""How well self-service works: figures derived on read from the raw facts of the event log.

Takes facts from `kbsearch.events`; gives a `Report`. Every figure is a row of `definitions.py`. Knows neither HTTP nor
the engine. Flow: `acts.py` (who, when) → `journeys.py`, `searches.py` (units) → `outcomes.py`, `tally.py` (counts), a
day at a time (`days.py`, `rollup.py`) → `figures.py`, `incremental.py`, `health.py` → `report.py`.
What journeys searched and read stands beside their counts (`content.py`) and leaves a trace a day (`traces.py`,
`demand.py`): `gaps.py` with `meanings.py` says what to write next and `articles.py` how articles do (`insight.py`);
`board.py` joins both for the dashboard. `queries.py` decides what customers' words may be printed.
"""
