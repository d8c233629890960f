"""95 % intervals: Wilson for shares and for means of equal values, Newcombe for the difference of two, bootstrap for
other means.

Pure: the bootstrap draws from a generator with a fixed seed, so that the same counts always give the same interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution: 95 % lie between -Z and Z."""
POWER_Z = 0.8416212335729143
"""Its 80 % point: a comparison of the needed size finds what it looks for four times in five."""
_RESAMPLES = 1000
_SEED = 20261124


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the interval of a share; `n` is 1 or more (Wilson, 1927)."""
    share = hits / n
    centre = share + Z**2 / (2 * n)
    reach = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    scale = 1 + Z**2 / n
    low = 0.0 if hits == 0 else max(0.0, (centre - reach) / scale)
    high = 1.0 if hits == n else min(1.0, (centre + reach) / scale)
    return low, high


def newcombe(hits_a: int, n_a: int, hits_b: int, n_b: int) -> tuple[float, float]:
    """Return the interval of share a minus share b (Newcombe, 1998, method 10)."""
    a, b = hits_a / n_a, hits_b / n_b
    (low_a, high_a), (low_b, high_b) = wilson(hits_a, n_a), wilson(hits_b, n_b)
    return a - b - math.hypot(a - low_a, high_b - b), a - b + math.hypot(high_a - a, b - low_b)


def mean_of_equals(value: float, n: int, low: float, high: float) -> tuple[float, float]:
    """Return the interval of the mean of `n` equal values on a scale from `low` to `high`: what was not seen once, in
    as large a share as goes with that (Wilson), may lie at either end. A bootstrap would say that nothing is unsure."""
    unseen = wilson(0, n)[1]
    return value - unseen * (value - low), value + unseen * (high - value)


def bootstrap_mean(values: Mapping[float, int]) -> tuple[float, float]:
    """Return the interval of the mean of values given as value → how often; there is at least one."""
    what = np.array(sorted(values), np.float64)
    counts = np.array([values[value] for value in sorted(values)], np.int64)
    n = int(counts.sum())
    drawn = np.random.default_rng(_SEED).multinomial(n, counts / n, size=_RESAMPLES)
    low, high = np.percentile(drawn @ what / n, [2.5, 97.5])
    return float(low), float(high)
