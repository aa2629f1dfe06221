"""Distributions of numbers held against each other: distances, densities, and intervals by resampling."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.numerics.statistics import Interval


def wasserstein(a: NDArray, b: NDArray) -> float:
    """Wasserstein distance of order 1 between two samples (n,) and (m,), in their unit (steps, of survival times).

    It is the area between their distribution functions. For samples of one size that is the mean distance between
    their sorted values; others go through SciPy.

    Raises:
        WorkbenchError: a sample that is empty or not finite.
    """
    a, b = _sample(a, "Wasserstein distance"), _sample(b, "Wasserstein distance")
    if len(a) == len(b):
        return float(abs(np.sort(a) - np.sort(b)).mean())
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(a, b))


def density(values: NDArray, grid: NDArray) -> NDArray[np.float64]:
    """Gaussian kernel density of a sample (n,) at the points of a grid (g,), with Scott's bandwidth: (g,).

    A sample whose values are all the same has no bandwidth and so no density: zeros.

    Raises:
        WorkbenchError: a sample that is empty or not finite.
    """
    values, grid = _sample(values, "density"), np.asarray(grid, float)
    # Values apart by less than this have a variance that is rounding, or that underflows.
    if np.ptp(values) <= max(1e-12 * abs(values).max(), 1e-100):
        return np.zeros(grid.shape)
    from scipy.stats import gaussian_kde

    return gaussian_kde(values)(grid)


def bootstrap(
    statistic: Callable[..., float],
    *samples: NDArray,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """A statistic with its percentile bootstrap interval (Efron, 1979): each sample is resampled on its own.

    A distance of samples is biased upwards by resampling: where two distributions are alike its interval lies above the
    distance found.

    Args:
        statistic: takes the samples, gives a number.
        samples: each (n, ...), drawn from along the first axis.
        resamples: how many times.
        confidence: of the interval.
        seed: of the draws.

    Raises:
        WorkbenchError: a sample that is empty, or resamples or confidence out of range.
    """
    arrays = [np.asarray(sample) for sample in samples]
    if not arrays or any(array.ndim == 0 or len(array) == 0 for array in arrays):
        raise WorkbenchError("bootstrap: expected samples of one value or more")
    if resamples < 1 or not 0 < confidence < 1:
        raise WorkbenchError(
            f"bootstrap: expected 1 resample or more and a confidence between 0 and 1, got {resamples} and {confidence}"
        )
    generator = np.random.default_rng(seed)
    values = np.empty(resamples)
    for r in range(resamples):
        values[r] = statistic(*(array[generator.integers(len(array), size=len(array))] for array in arrays))
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(statistic(*arrays)), float(low), float(high))


def _sample(values: NDArray, name: str) -> NDArray[np.float64]:
    values = np.asarray(values, float)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise WorkbenchError(f"{name}: expected a sample of one finite number or more, got shape {values.shape}")
    return values
