"""How well a ranking finds what it should find."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Found:
    """What a ranking and a choice from it are worth, 0 to 1 each."""

    precision: float
    """Share of what was chosen that should be; 0 where nothing was chosen."""
    recall: float
    """Share of what should be found that was chosen."""
    level: float
    """Precision, and recall, of as many of the first as there are to be found (R-precision)."""
    average: float
    """Average precision: the mean, over all that should be found, of the precision down to its place."""


def average_precision(scores: NDArray, wanted: NDArray[np.bool_]) -> float:
    """Mean precision down to the place of each that is wanted; among equal scores, down to the last of them.

    Args:
        scores: (n,), the highest first.
        wanted: (n,), some of them True.

    Raises:
        ValueError: nothing is wanted.
    """
    if not wanted.any():
        raise ValueError("average precision of a ranking in which nothing is wanted")
    order = np.argsort(-scores, kind="stable")
    ends = np.searchsorted(-scores[order], -scores[order], "right")
    hits = np.cumsum(wanted[order])
    return float((hits[ends - 1] / ends)[wanted[order]].mean())


def found(scores: NDArray, chosen: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> Found:
    """A ranking by scores (n,) and a choice (n,), held against what is wanted (n,).

    Raises:
        ValueError: as `average_precision`.
    """
    average, count = average_precision(scores, wanted), int(wanted.sum())
    right = int((chosen & wanted).sum())
    first = np.argsort(-scores, kind="stable")[:count]
    return Found(right / max(1, int(chosen.sum())), right / count, float(wanted[first].mean()), average)
