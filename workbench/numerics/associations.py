"""How one column goes with another: counts in cells of the plane, and rank correlation with its interval."""

import numpy as np
from numpy.typing import NDArray

from workbench.numerics.patterns import spearman
from workbench.numerics.statistics import Interval

MOST_DIGITS = 17
"""Digits that tell all numbers apart."""


def spearman_interval(x: NDArray, y: NDArray, confidence: float = 0.95) -> Interval:
    """Spearman's rank correlation of (n,) with (n,) and its interval; NaN where either is constant.

    By Fisher's transform, whose variance is Bonett and Wright's (*Sample size requirements for estimating Pearson,
    Kendall and Spearman correlations*, Psychometrika 65, 2000): (1 + r^2 / 2) / (n - 3). Below four values, all is
    possible.
    """
    value = spearman(x, y)
    if np.isnan(value):
        return Interval(value, value, value)
    if len(x) < 4:
        return Interval(value, -1.0, 1.0)
    from scipy.special import ndtri

    half = float(ndtri((1 + confidence) / 2)) * np.sqrt((1 + value**2 / 2) / (len(x) - 3))
    with np.errstate(divide="ignore"):
        low, high = np.tanh(np.arctanh(value) - half), np.tanh(np.arctanh(value) + half)
    return Interval(value, float(low), float(high))


def cell_edges(values: NDArray, bins: int, log: bool) -> NDArray[np.float64]:
    """Edges (b + 1,) of at most so many cells from the least to the largest of finite values (n,), n > 0.

    Those between are rounded as far as the cells stay apart, and are numbers of the values' own precision, so that
    comparisons with them sort every value into its cell. Whole numbers have edges between them.
    """
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu" and not log:
        wide = max(1, -(-(int(values.max()) - int(values.min()) + 1) // bins))
        count = -(-(int(values.max()) - int(values.min()) + 1) // wide)
        return low - 0.5 + wide * np.arange(count + 1.0)
    if low == high:
        return np.array([low, np.nextafter(high, np.inf)])
    share = np.linspace(0, 1, bins + 1)
    # A difference of large numbers must not overflow.
    ideal = np.geomspace(low, high, bins + 1) if log else low * (1 - share) + high * share
    kind = values.dtype.type if values.dtype.kind == "f" else np.float64
    for digits in range(3, MOST_DIGITS + 1):
        between = np.array([float(kind(f"{edge:.{digits}g}")) for edge in ideal[1:-1]])
        edges = np.r_[low, between, high]
        steps, wanted = np.diff(edges), np.diff(ideal)
        if (np.abs(steps - wanted) < 0.1 * wanted).all():
            return edges
    return np.unique(np.r_[low, ideal[1:-1].astype(kind).astype(float), high])


def places(values: NDArray, edges: NDArray) -> NDArray[np.int64]:
    """Which cell each of (n,) values lies in: from its lower edge on, the last with its upper one."""
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def crosstab(x: NDArray, y: NDArray, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Counts (rows, columns) of cells y, x (n,)."""
    return np.bincount(y * shape[1] + x, minlength=shape[0] * shape[1]).reshape(shape)
