"""Convergence distance: how far a one-to-one matching of units lies behind each unit's best partner.

Li, Yosinski, Clune, Lipson and Hopcroft, *Convergent learning* (2015); Agent Embeddings, section 4.1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics import matching
from workbench.numerics.similarity.family import SERIAL, Both, Measure, products, rows_of

MATCHINGS = ("optimal", "greedy")
RANDOM = "random"
"""No matching: what pairing units at random would give on average, a null that any matching should undercut."""
RESOLUTION = 1e-6
"""A unit that varies by less than this share of its size is constant: float32 resolves about a tenth of it."""


@dataclass(frozen=True, eq=False)
class Units:
    """Units of n networks as standardised rows: inner products are correlations. Constant units are zeros."""

    rows: NDArray[np.float64]
    """(n, h, s)."""
    live: NDArray[np.bool_]
    """(n, h) which are not constant (or of a network that is not finite)."""


@dataclass(frozen=True, eq=False)
class Convergence:
    """The matching of m pairs of networks, and Equation 7 both ways. NaN where no unit is matched."""

    partners: NDArray[np.int64]
    """(m, h) the unit of the second network that each of the first is matched with, -1 where there is none."""
    forward: NDArray[np.float64]
    """(m,) sum over matched units of the first: best correlation less that with the partner."""
    backward: NDArray[np.float64]
    """(m,) the same from the second to the first."""


def standardise(activations: NDArray, signed: bool = False) -> Units:
    """Units' activations (n, s, h), or their absolute values, less mean and by standard deviation (Equations 4, 5)."""
    rows, means = rows_of(activations, absolute=not signed)
    spread = np.einsum("nhs,nhs->nh", rows, rows) / rows.shape[2]
    live = np.sqrt(spread) > RESOLUTION * np.sqrt(spread + means**2)
    scale = np.sqrt(spread * rows.shape[2])
    rows *= np.divide(1.0, scale, where=live, out=np.zeros_like(scale))[:, :, None]
    return Units(rows, live)


def converge(
    correlations: NDArray[np.float64],
    live: NDArray[np.bool_],
    live_other: NDArray[np.bool_],
    match: str = "optimal",
    compute: Compute | None = None,
) -> Convergence:
    """Match the units of pairs of networks, and sum what the matching falls short of each unit's best partner.

    As many units as possible are matched. The matching is of the greatest total correlation ("optimal"; Li et al.,
    section 3.2), or takes the highest correlation, then the highest that is left ("greedy", as the paper tells it).
    The semi-matching of Equation 7 is each unit's best partner: the order of assignment changes no sum.

    Args:
        correlations: (m, h, k) of units; what a constant unit has does not matter.
        live: (m, h), which units of the first network are not constant.
        live_other: (m, k), of the second.
        match: optimal, greedy, or random for the mean over all ways to pair as many units as can be (no partners then).
        compute: threads.

    Raises:
        WorkbenchError: no such matching.
    """
    if match not in (*MATCHINGS, RANDOM):
        raise WorkbenchError(f"matching: expected {' or '.join(MATCHINGS)}, got {match!r}")
    m, h, k = correlations.shape
    size = max(h, k)
    both = live[:, :, None] & live_other[:, None, :]
    if match == RANDOM:
        return _by_chance(correlations, both)
    # Rows and columns that are no live unit take each other for nothing, and any live one at a price that no
    # correlation is worth: so as many live units as can be are matched with one another.
    price = 4.0 * size
    costs = np.zeros((m, size, size))
    costs[:, :h] += np.where(live, price, 0.0)[:, :, None]
    costs[:, :, :k] += np.where(live_other, price, 0.0)[:, None, :]
    costs[:, :h, :k] = np.where(both, -correlations, costs[:, :h, :k])
    columns = (matching.minimum_cost(costs, compute)[0] if match == "optimal" else matching.greedy(costs))[:, :h]
    inside = np.minimum(columns, k - 1)
    matched = (columns < k) & np.take_along_axis(both, inside[:, :, None], 2)[:, :, 0]
    shown = np.where(both, correlations, -np.inf)
    paired = np.take_along_axis(correlations, inside[:, :, None], 2)[:, :, 0]
    best, best_other = shown.max(axis=2), np.take_along_axis(shown.max(axis=1), inside, 1)
    none = ~matched.any(axis=1)
    with np.errstate(invalid="ignore"):  # infinities of units that are left out
        forward = np.where(matched, best - paired, 0.0).sum(axis=1)
        backward = np.where(matched, best_other - paired, 0.0).sum(axis=1)
    # Rounding can put a unit's partner above its best by a few 1e-16.
    values = [np.where(none, np.nan, np.maximum(v, 0.0)) for v in (forward, backward)]
    return Convergence(np.where(matched, columns, -1), *values)


def _by_chance(correlations: NDArray, both: NDArray[np.bool_]) -> Convergence:
    values = []
    for axis in (2, 1):
        count, others = both.sum(axis=axis), both.any(axis=axis).sum(axis=1)
        best = np.where(both, correlations, -np.inf).max(axis=axis)
        mean = np.where(both, correlations, 0.0).sum(axis=axis) / np.maximum(count, 1)
        short = np.where(count > 0, np.where(count > 0, best, 0.0) - mean, 0.0).sum(axis=1)
        # Of the wider network, some units are left without a partner.
        paired = np.minimum(1.0, count.max(axis=1) / np.maximum(others, 1))
        values.append(np.where(others > 0, short * paired, np.nan))
    return Convergence(np.full(correlations.shape[:2], -1), *values)


@dataclass(frozen=True)
class ConvergenceFamily:
    """The convergence distance, one way or the other."""

    signed: bool = False
    match: str = "optimal"
    compute: Compute | None = None
    names = ("cd",)

    def prepare(self, activations: NDArray) -> Units:
        """Standardised units."""
        return standardise(activations, self.signed)

    def compare(self, a: Units, b: Units) -> dict[str, Both]:
        """Both directions of all pairs."""
        m, n = len(a.rows), len(b.rows)
        correlations = products(a.rows, b.rows, self.compute).reshape(m * n, a.live.shape[1], b.live.shape[1])
        live, other = np.repeat(a.live, n, axis=0), np.tile(b.live, (m, 1))
        found = converge(correlations, live, other, self.match, SERIAL)
        return {"cd": (found.forward.reshape(m, n), found.backward.reshape(m, n))}


CD = Measure(
    "cd", "convergence distance", "Agent Embeddings, Equation 7, after Li et al. 2015",
    ConvergenceFamily, alike=False, symmetric=False,
)  # fmt: skip
