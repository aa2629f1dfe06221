"""Pairs of networks summed up by groups of networks, with intervals that know that pairs share networks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairSummary:
    """A measure over pairs of networks."""

    pairs: int
    """Pairs for which it is defined."""
    mean: float
    std: float
    low: float
    high: float
    """Percentile bootstrap interval of the mean: networks are drawn again, not pairs (Snijders and Borgatti, 1999)."""


@dataclass(frozen=True)
class Contrast:
    """Whether pairs within one group have a smaller mean than pairs within another."""

    share_below: float
    """Share of resamples in which the first group's mean is the smaller; where both are the same, half of it."""
    p_value: float
    """Two-sided, over permutations of which network is in which group."""


def mutual(matrix: NDArray) -> NDArray[np.float64]:
    """The mean of both directions (n, n), the diagonal NaN."""
    both = (np.asarray(matrix, float) + np.asarray(matrix, float).T) / 2
    np.fill_diagonal(both, np.nan)
    return both


def summarise(
    both: NDArray[np.float64], a: NDArray[np.integer], b: NDArray[np.integer], resamples: int, seed: int
) -> PairSummary:
    """Pairs of networks `a` (m,) with networks `b` (n,), or within `a` if that is `b`.

    Args:
        both: (N, N) symmetric, NaN on the diagonal and where a measure is not defined.
        a: rows.
        b: columns; the same array for pairs within a group.
        resamples: of the networks.
        seed: of the resamples.
    """
    within = a is b or np.array_equal(a, b)
    values = both[np.ix_(a, b)]
    single = values[np.triu_indices(len(a), 1)] if within else values.ravel()
    single = single[np.isfinite(single)]
    if not len(single):
        return PairSummary(0, *[float("nan")] * 4)
    random = np.random.default_rng([seed, 7])
    counts = _drawn(random, len(a), resamples)
    means = _weighted(values, counts, counts if within else _drawn(random, len(b), resamples))
    means = means[np.isfinite(means)]
    mean = float(single.mean())
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) if len(means) else (mean, mean)
    std = float(single.std(ddof=1)) if len(single) > 1 else 0.0
    return PairSummary(len(single), mean, std, float(low), float(high))


def contrast(
    both: NDArray[np.float64], a: NDArray[np.integer], b: NDArray[np.integer], resamples: int, seed: int
) -> Contrast:
    """Pairs within `a` (m,) against pairs within `b` (n,); NaN where either has no two networks to compare.

    The bootstrap and the permutations are as many as `resamples`.
    """
    first, second = both[np.ix_(a, a)], both[np.ix_(b, b)]
    if not (np.isfinite(first).any() and np.isfinite(second).any()):
        return Contrast(float("nan"), float("nan"))
    random = np.random.default_rng([seed, 8])
    counts, others = _drawn(random, len(a), resamples), _drawn(random, len(b), resamples)
    drawn = _weighted(first, counts, counts) - _weighted(second, others, others)
    drawn = drawn[np.isfinite(drawn)]
    together = np.concatenate([a, b])
    values = both[np.ix_(together, together)]
    itself = np.zeros((1, len(together)))
    itself[0, : len(a)] = 1
    member = np.concatenate([itself, _members(random, len(together), len(a), resamples)])
    shuffled = _weighted(values, member, member) - _weighted(values, 1 - member, 1 - member)
    found = np.abs(shuffled[0])
    # Permutations that happen to be the division itself must count as such, rounding or not.
    as_far = int((np.abs(shuffled[1:]) >= found - 1e-12 * max(1.0, found)).sum())
    share = float(np.mean((1 - np.sign(drawn)) / 2)) if len(drawn) else float("nan")
    # Permutations that leave a group without any pair tell nothing.
    return Contrast(share, (1 + as_far) / int(np.isfinite(shuffled).sum()))


def resampled(
    both: NDArray[np.float64], a: NDArray[np.integer], b: NDArray[np.integer], size: int, times: int, seed: int
) -> NDArray[np.float64]:
    """Means within, within, and between `size` networks drawn from each of two pools without replacement: (times, 3).

    Args:
        both: (N, N) symmetric, NaN on the diagonal and where a measure is not defined.
        a: rows of the first pool.
        b: of the second.
        size: at most as many as either pool has.
        times: how often.
        seed: of the draws.
    """
    random = np.random.default_rng([seed, 9])
    first, second = (_members(random, len(pool), size, times) for pool in (a, b))
    means = (
        _weighted(both[np.ix_(a, a)], first, first), _weighted(both[np.ix_(b, b)], second, second),
        _weighted(both[np.ix_(a, b)], first, second),
    )  # fmt: skip
    return np.stack(means, axis=1)


def dendrogram_order(both: NDArray[np.float64], alike: bool) -> NDArray[np.int64]:
    """Networks (n,) in the order of the leaves of a dendrogram (average linkage), neighbours alike.

    Args:
        both: (n, n) symmetric, the diagonal NaN; pairs without a value count as far apart.
        alike: whether larger values are closer.
    """
    n = len(both)
    if n < 3:
        return np.arange(n)
    from scipy.cluster.hierarchy import leaves_list, linkage

    away = -both if alike else both
    known = away[np.isfinite(away)]
    if not known.size:
        return np.arange(n)
    away = np.where(np.isfinite(away), away, known.max()) - known.min()
    return leaves_list(linkage(away[np.triu_indices(n, 1)], "average", optimal_ordering=n <= 200)).astype(np.int64)


def _drawn(random: np.random.Generator, n: int, times: int) -> NDArray[np.float64]:
    """How often each of n is drawn, n at a time with replacement: (times, n)."""
    return random.multinomial(n, np.full(n, 1 / n), times).astype(float)


def _members(random: np.random.Generator, n: int, size: int, times: int) -> NDArray[np.float64]:
    """Which of n are among `size` drawn without replacement: (times, n), 0 or 1."""
    member = np.zeros((times, n))
    for row in member:
        row[random.permutation(n)[:size]] = 1
    return member


def _weighted(values: NDArray, left: NDArray, right: NDArray) -> NDArray[np.float64]:
    """Means of values (m, n) with weights (r, m) and (r, n) on rows and columns: (r,). NaN values have no weight."""
    known = np.isfinite(values)
    total = ((left @ np.where(known, values, 0.0)) * right).sum(axis=1)
    weight = ((left @ known.astype(float)) * right).sum(axis=1)
    return np.divide(total, weight, where=weight > 0, out=np.full(len(total), np.nan))
