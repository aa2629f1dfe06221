"""Which numbers of a point have been replaced by noise, under a Gaussian of points as they should be.

Each number is either from the Gaussian, given the others, or noise (a spike-and-slab model; George and McCulloch,
1993). What share is noise is not known either. Beliefs are improved in turns: a number that is probably noise tells the
others less, as a measurement with so large an error would.
"""

import numpy as np
from numpy.typing import NDArray

TURNS = 30
HALF = 0.5
"""Of a new belief, in each turn: all change at once, and would overshoot."""
SHARE = (20.0, 80.0)
"""Parameters of the beta prior of the share of noise: firm, since plausible noise would be taken to be none at all."""
SURE = 1e-6


def replaced(point: NDArray, mean: NDArray, covariance: NDArray, size: float) -> NDArray[np.float64]:
    """How probable it is that each number was replaced, (p,).

    Args:
        point: (p,).
        mean: (p,) of points as they should be.
        covariance: (p, p).
        size: standard deviation of the noise, whose mean is 0.
    """
    point = np.asarray(point, np.float64)
    away = point - mean
    noise = -0.5 * np.square(point / size) - np.log(size)
    belief = np.full(len(point), SHARE[0] / sum(SHARE))
    for _ in range(TURNS):
        share = (SHARE[0] + belief.sum()) / (sum(SHARE) + len(belief))
        error = size**2 * belief / (1 - belief)
        precision = np.linalg.inv(covariance + np.diag(error))
        # Each number given all others (leave-one-out), less the error that it was granted itself.
        off = precision @ away / precision.diagonal()
        variance = np.maximum(1 / precision.diagonal() - error, 1e-12)
        odds = np.log(share / (1 - share)) + noise + 0.5 * (off**2 / variance + np.log(variance))
        belief = (1 - HALF) * belief + HALF / (1 + np.exp(-np.clip(odds, -50, 50)))
        belief = belief.clip(SURE, 1 - SURE)
    return belief
