"""Choosing a few of many so that whatever is meant, one of them is near it."""

import numpy as np
from numpy.typing import NDArray


def cover(likeness: NDArray, shares: NDArray, keep: int) -> NDArray[np.int64]:
    """Places of those that together stand for most of the shares, one by one.

    Each choice adds most to sum_j shares_j max_i likeness_ij over what is chosen: the first is the medoid, and all
    together come within 1 - 1/e of the best choice of as many (Nemhauser, Wolsey and Fisher, 1978).

    Args:
        likeness: (m, n), 0 to 1: how well each of m candidates stands for each of n.
        shares: (n,), 0 or more.
        keep: how many; all, where there are fewer.
    """
    likeness, shares = np.asarray(likeness, np.float64), np.asarray(shares, np.float64)
    reached, left = np.zeros(len(shares)), np.ones(len(likeness), bool)
    chosen = np.empty(min(keep, len(likeness)), np.int64)
    for place in range(len(chosen)):
        gains = np.where(left, np.maximum(likeness, reached) @ shares, -1.0)
        best = int(gains.argmax())
        chosen[place], left[best] = best, False
        reached = np.maximum(reached, likeness[best])
    return chosen
