"""What tickets and contacts cost, for reports and for the settings of a service, which load nothing else of these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """What an incident costs, in dollars; defaults from published benchmarks."""

    ticket: float = 15.56
    """Mean cost of a resolved ticket (MetricNet)."""
    contact: float = 5.0
    """Cost of a contact through a portal (LiveAgent)."""
