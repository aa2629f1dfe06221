"""What some weights of a network say of the others: matching of units on what exists, and Gaussian conditionals."""

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.numerics.matching import minimum_cost
from workbench.numerics.symmetry import permute, units
from workbench.policies import PolicySpec

CHUNK = 2048
"""Networks matched at a time: 15 MB of costs where there are 30 units."""
JITTER = 1e-6
"""Added to variances, as a share of their mean."""


def align_existing(
    damaged: NDArray, mask: NDArray[np.bool_], networks: NDArray, spec: PolicySpec, compute: Compute | None = None
) -> NDArray:
    """Networks (n, p) with their hidden units in the order that comes closest to what exists of a damaged one (p,).

    Distances are squared over existing weights, each against the spread of its kind (input, bias, output) among all
    units. What the networks compute stays the same; of a spec without exactly one hidden layer they come back as they
    are.
    """
    if len(spec.sizes) != 3 or not len(networks):
        return networks
    return permute(networks, spec, existing_order(damaged, mask, networks, spec, compute))


def existing_order(
    damaged: NDArray, mask: NDArray[np.bool_], networks: NDArray, spec: PolicySpec, compute: Compute | None = None
) -> NDArray[np.int64]:
    """The order (n, h) in which `align_existing` puts the h units of networks (n, p) with exactly one hidden layer."""
    spread = np.maximum(units(np.asarray(networks, np.float64), spec)[0].std((0, 1)), 1e-12)
    wanted = units(np.asarray(damaged, np.float64)[None], spec)[0][0] / spread
    there = units((~mask).astype(np.float64)[None], spec)[0][0]
    found = []
    for begin in range(0, len(networks), CHUNK):
        tokens = (units(np.asarray(networks[begin : begin + CHUNK], np.float64), spec)[0] / spread).swapaxes(1, 2)
        costs = there @ tokens**2 - 2 * (there * wanted) @ tokens
        found.append(minimum_cost(costs, compute)[0])
    return np.concatenate(found)


def moments(
    points: NDArray, shares: NDArray | None = None, shrinkage: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (k,) and covariance (k, k) of points (n, k), weighted by shares (n,), the covariances shrunk towards 0.

    Args:
        points: (n, k).
        shares: (n,), 0 or more; all alike without.
        shrinkage: 0 leaves covariances as they are, 1 leaves variances alone (Ledoit and Wolf, 2004, with the diagonal
            as target).

    Raises:
        ValueError: no points, or shares that add up to nothing.
    """
    points = np.asarray(points, np.float64)
    shares = np.ones(len(points)) if shares is None else np.asarray(shares, np.float64)
    total = shares.sum()
    if not total > 0:
        raise ValueError("moments of no points")
    mean = shares @ points / total
    centred = points - mean
    covariance = (shares[:, None] * centred).T @ centred / total
    variances = covariance.diagonal() + JITTER * max(covariance.diagonal().mean(), 1e-12)
    covariance = (1 - shrinkage) * covariance
    np.fill_diagonal(covariance, variances)
    return mean, covariance


def condition(
    mean: NDArray, covariance: NDArray, mask: NDArray[np.bool_], values: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A Gaussian's mean (m,) and covariance (m, m) where the mask is True, given values (k,) where it is False."""
    known = ~mask
    cross = covariance[np.ix_(known, mask)]
    gain = np.linalg.solve(covariance[np.ix_(known, known)], cross)
    given = mean[mask] + (np.asarray(values, np.float64)[known] - mean[known]) @ gain
    left = covariance[np.ix_(mask, mask)] - cross.T @ gain
    return given, (left + left.T) / 2


def draw(mean: NDArray, covariance: NDArray, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(count, m) from a Gaussian; directions whose variance is rounding have none."""
    values, axes = np.linalg.eigh(covariance)
    return mean + (random.standard_normal((count, len(mean))) * np.sqrt(np.maximum(values, 0))) @ axes.T
