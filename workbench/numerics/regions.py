"""Where in a space something happens: the simple region that tells it best."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError

CUTS = 19
"""Thresholds tried in each dimension: every twentieth of the points."""
CONDITIONS = 400
"""Conditions of which pairs are tried: where states have many numbers, those that tell most alone."""
AT_ONCE = 100_000
"""Points that are counted at a time."""


@dataclass(frozen=True)
class Condition:
    """One side of a threshold."""

    dimension: int
    above: bool
    threshold: float


@dataclass(frozen=True)
class Region:
    """Where all conditions hold (one or two of them), of all points."""

    conditions: tuple[Condition, ...]
    size: float
    """Share of the points that lie in it."""
    inside: float
    """Share of those to which it happens."""
    outside: float
    """Share of the others to which it happens."""


def where(points: NDArray, happens: NDArray[np.bool_]) -> Region | None:
    """The region of one or two conditions whose inside tells best where it happens, by the phi coefficient.

    A second condition is taken only where it tells more. It describes the points at hand: the best of some thousand
    regions looks a little better than it is.

    Args:
        points: (s, d).
        happens: (s,).

    Returns:
        The region, or None where it happens always, never, or nowhere in particular.

    Raises:
        WorkbenchError: shapes that do not fit.
    """
    points, happens = np.asarray(points, float), np.asarray(happens, bool)
    if points.ndim != 2 or happens.shape != points.shape[:1]:
        raise WorkbenchError(f"region: expected points (s, d) and (s,), got {points.shape} and {happens.shape}")
    if happens.all() or not happens.any():
        return None
    found: list[Condition] = []
    for d, column in enumerate(points.T):
        cuts = np.unique(np.quantile(column, np.arange(1, CUTS + 1) / (CUTS + 1)))
        found += [Condition(d, above, float(cut)) for cut in cuts for above in (True, False)]
    s, total = len(points), float(happens.sum())

    def phi_of(both: NDArray, hits: NDArray) -> NDArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            phi = (hits * s - both * total) / np.sqrt(both * (s - both) * total * (s - total))
        return np.where(np.isfinite(phi), phi, -1.0)

    if len(found) > CONDITIONS:
        single = [(points[:, c.dimension] > c.threshold) == c.above for c in found]
        telling = phi_of(*(np.array([x.sum() for x in y], float) for y in (single, [x & happens for x in single])))
        found = [found[k] for k in np.sort(np.argsort(-telling, kind="stable")[:CONDITIONS])]
    both, hits = np.zeros((2, len(found), len(found)))
    for begin in range(0, s, AT_ONCE):
        some = slice(begin, begin + AT_ONCE)
        inside = np.stack([(points[some, c.dimension] > c.threshold) == c.above for c in found]).astype(np.float32)
        both += inside @ inside.T
        hits += (inside * happens[some]) @ inside.T
    phi = phi_of(both, hits)
    best = np.unravel_index(int(np.argmax(phi)), phi.shape)
    alone = int(np.argmax(np.diag(phi)))
    # A condition with itself stands for one alone; a second must be worth its words.
    a, b = (int(k) for k in best)
    if phi[a, b] < 1.05 * phi[alone, alone]:
        a = b = alone
    if phi[a, b] <= 0:
        return None
    n, hit = both[a, b], hits[a, b]
    conditions = (found[a],) if a == b else tuple(sorted((found[a], found[b]), key=lambda c: (c.dimension, c.above)))
    return Region(conditions, n / s, hit / n, (total - hit) / (s - n))


def share_map(
    x: NDArray, y: NDArray, happens: NDArray[np.bool_], bins: int, margin: float = 0.01
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Share of points (s,) to which it happens over a grid of two of their coordinates.

    Args:
        x: (s,), across.
        y: (s,), upwards.
        happens: (s,).
        bins: cells along each side.
        margin: quantile of the points that may lie outside on each end.

    Returns:
        (bins, bins) shares with y along rows from the lowest, NaN where there is no point; edges of x and y.
    """
    sides = []
    for values in (x, y):
        low, high = np.quantile(values, [margin, 1 - margin])
        sides.append(np.linspace(low, high if high > low else low + 1.0, bins + 1))
    every, _, _ = np.histogram2d(y, x, bins=(sides[1], sides[0]))
    some, _, _ = np.histogram2d(y[happens], x[happens], bins=(sides[1], sides[0]))
    return np.divide(some, every, where=every > 0, out=np.full(every.shape, np.nan)), sides[0], sides[1]
