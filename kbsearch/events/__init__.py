"""The event log: what customers searched and did, as raw facts without anything personal in them.

Takes outcomes and wire events from the service; gives facts to the metrics. Knows neither HTTP nor the engine.
Flow: `searches.py`, `ubi.py`, `insights.py` (read, check, redact) → `buffer.py` (one writer) → `store.py`.
"""
