"""How well self-service works: figures derived on read from the raw facts of the event log.

Takes facts from `kbsearch.events`; gives a `Report`. Every figure is a row of `definitions.py`. Knows neither HTTP nor
the engine. Flow: `acts.py` (who, when) → `journeys.py`, `searches.py` (units) → `outcomes.py`, `tally.py` (counts), a
day at a time (`days.py`, `rollup.py`) → `figures.py`, `incremental.py`, `health.py` → `report.py`.
"""
