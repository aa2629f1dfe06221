"""What one sample has where another has practically nothing: spilled mass, and mass that is missed."""

import numpy as np
from numpy.typing import NDArray

LEAST = 0.1
"""Share of a bin, against an even spread over all bins, below which a sample has practically nothing there."""


def shares(values: NDArray, low: float, high: float, bins: int) -> NDArray[np.float64]:
    """Share of a sample (n,) in each of `bins` equal bins from low to high: (bins,)."""
    counts, _ = np.histogram(values, bins=bins, range=(low, high))
    return counts / max(1, len(values))


def mass_where_none(shares: NDArray, others: NDArray) -> float:
    """Mass of a distribution (bins,) in bins where the other (bins,) has practically nothing."""
    return float(np.asarray(shares)[np.asarray(others) < LEAST / len(others)].sum())
