"""Shares of successes, with intervals."""

import numpy as np

from workbench.numerics.statistics import Interval


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """A share with Wilson's score interval (1927), which holds for few trials and for shares near 0 and 1.

    Raises:
        ValueError: no trials, more successes than trials, or a confidence outside (0, 1).
    """
    if not 0 <= successes <= n or n < 1 or not 0 < confidence < 1:
        raise ValueError(f"{successes} successes in {n} trials with confidence {confidence}")
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At 0 and n the interval ends there; rounding shall not say otherwise.
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Interval(share, low if successes else 0.0, high if successes < n else 1.0)
