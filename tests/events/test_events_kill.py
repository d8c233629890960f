"""SIGKILL while customers are at it: a few rounds of what `python -m benchmarks.measurement.kill` does fifty times."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.measurement.kill import survive


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_acknowledged_is_lost_and_nothing_doubled(
    handmade_index: Path, store_url: str, tmp_path: Path, workers: int
) -> None:
    """On both stores, with one process and with several."""
    found = survive(handmade_index, store_url, tmp_path / "journal", rounds=2, workers=workers)
    assert (found.lost, found.doubled, found.invented) == (0, 0, 0)
    assert min(found.searches, found.events) > 0
