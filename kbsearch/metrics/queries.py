"""Queries that may be printed: only those that several clients asked (k-anonymity)."""

from __future__ import annotations

LEAST_CLIENTS = 5
