"""Gaussian mixtures with full covariances, by expectation maximisation (Dempster, Laird and Rubin, 1977)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-4
"""Added to variances, as a share of the data's mean variance: a component on one point has no width."""


@dataclass(frozen=True)
class Mixture:
    """Weights (c,), means (c, k) and covariances (c, k, k)."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]

    def log_densities(self, points: NDArray) -> NDArray[np.float64]:
        """Log of weight times density, of each component at each point: (n, k) -> (n, c)."""
        out = np.empty((len(points), len(self.weights)))
        k = self.means.shape[1]
        for c, (weight, mean, covariance) in enumerate(zip(self.weights, self.means, self.covariances, strict=True)):
            factor = np.linalg.cholesky(covariance)
            whitened = np.linalg.solve(factor, (points - mean).T)
            log_det = 2 * np.log(np.diag(factor)).sum()
            out[:, c] = np.log(weight) - 0.5 * ((whitened**2).sum(0) + log_det + k * np.log(2 * np.pi))
        return out

    def log_density(self, points: NDArray) -> NDArray[np.float64]:
        """Of the whole mixture: (n, k) -> (n,)."""
        return np.logaddexp.reduce(self.log_densities(points), axis=1)

    def sample(self, count: int, random: np.random.Generator) -> NDArray[np.float64]:
        """(count, k)."""
        component = random.choice(len(self.weights), count, p=self.weights / self.weights.sum())
        factors = np.linalg.cholesky(self.covariances)
        noise = random.standard_normal((count, self.means.shape[1]))
        return self.means[component] + np.einsum("nij,nj->ni", factors[component], noise)


def fit(
    points: NDArray, components: int, random: np.random.Generator, iterations: int = 50, tolerance: float = 1e-3
) -> Mixture:
    """A mixture of at most `components` Gaussians (one for every 2 k points at most).

    Args:
        points: (n, k).
        components: how many.
        random: draws the first means (k-means++).
        iterations: at most so many.
        tolerance: stops where the mean log-likelihood grows by less.

    Raises:
        ValueError: no points.
    """
    points = np.asarray(points, float)
    n, k = points.shape
    if not n:
        raise ValueError("a mixture of no points")
    components = max(1, min(components, n // (2 * k)))
    floor = FLOOR * max(points.var(0).mean(), 1e-12) * np.eye(k)
    means = _spread(points, components, random)
    nearest = ((points[:, None] - means) ** 2).sum(2).argmin(1)
    share = np.eye(components)[nearest]
    mixture, before = _maximise(points, share, floor), -np.inf
    for _ in range(iterations):
        logs = mixture.log_densities(points)
        total = np.logaddexp.reduce(logs, axis=1)
        if total.mean() - before < tolerance:
            break
        before = total.mean()
        mixture = _maximise(points, np.exp(logs - total[:, None]), floor)
    return mixture


def _maximise(points: NDArray, share: NDArray, floor: NDArray) -> Mixture:
    sizes = share.sum(0) + 1e-9
    means = share.T @ points / sizes[:, None]
    covariances = np.empty((len(sizes), *floor.shape))
    for c, size in enumerate(sizes):
        centred = points - means[c]
        covariances[c] = (share[:, c, None] * centred).T @ centred / size + floor
    return Mixture(sizes / sizes.sum(), means, covariances)


def _spread(points: NDArray, count: int, random: np.random.Generator) -> NDArray:
    chosen = [points[random.integers(len(points))]]
    nearest = ((points - chosen[0]) ** 2).sum(1)
    for _ in range(count - 1):
        total = nearest.sum()
        at = random.choice(len(points), p=nearest / total) if total > 0 else random.integers(len(points))
        chosen.append(points[at])
        nearest = np.minimum(nearest, ((points - points[at]) ** 2).sum(1))
    return np.array(chosen)
