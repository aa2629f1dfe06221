"""The assignment problem for many small square matrices at once."""

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError

CHUNK = 10_000
"""Microseconds a kernel call, about: short enough to cancel between, long enough to cost nothing."""


def chunks(m: int, k: int) -> list[slice]:
    """m problems of k rows cut into pieces of about `CHUNK`; one takes about .2 + .008 k^2 microseconds."""
    size = max(1, int(CHUNK / (0.2 + 0.008 * k**2)))
    return [slice(begin, min(begin + size, m)) for begin in range(0, m, size)]


def minimum_cost(
    costs: NDArray[np.floating], compute: Compute | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give each row a column of its own so that the costs add up to the least possible.

    Args:
        costs: (m, k, k), of m problems with k rows and columns each.
        compute: threads.

    Returns:
        The column of each row (m, k), and the total costs (m,).

    Raises:
        WorkbenchError: costs that are not square matrices, or not finite.
    """
    costs = np.asarray(costs)
    if costs.ndim != 3 or costs.shape[1] != costs.shape[2]:
        raise WorkbenchError(f"assignment: expected costs of shape (m, k, k), got {tuple(costs.shape)}")
    costs = np.require(costs, np.float64, ["C", "W"])
    m, k = costs.shape[:2]
    columns, totals = np.empty((m, k), np.int64), np.zeros(m)
    if k == 0 or m == 0:
        return columns, totals
    from workbench.kernels.assignment import LARGEST, assign

    def solve(part: slice) -> None:
        assign(costs[part], columns[part], totals[part])

    for _ in (compute or Compute()).map(solve, chunks(m, k)):
        pass
    if bad := np.flatnonzero(np.isnan(totals)).tolist():
        raise WorkbenchError(f"assignment: costs of problem {bad[0]} are not all finite and within {LARGEST:g}")
    return columns, totals


def greedy(costs: NDArray[np.floating]) -> NDArray[np.int64]:
    """Give each row a column of its own, the cheapest pair first, then the cheapest of what is left.

    Args:
        costs: (m, k, k), finite.

    Returns:
        The column of each row (m, k). Of equal costs the first row's first column comes first.
    """
    left = np.array(costs, np.float64)
    m, k = left.shape[:2]
    columns = np.empty((m, k), np.int64)
    every = np.arange(m)
    for _ in range(k):
        row, column = np.divmod(left.reshape(m, k * k).argmin(axis=1), k)
        columns[every, row] = column
        left[every, row], left[every, :, column] = np.inf, np.inf
    return columns
