"""Means with intervals, and summaries of distributions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Interval:
    """An estimate with a confidence interval around it."""

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2


def mean_interval(values: NDArray, confidence: float = 0.95) -> Interval:
    """The mean of values (n,) with Student's t interval; without width where n < 2.

    Raises:
        ValueError: no values, or a confidence outside (0, 1).
    """
    values = np.asarray(values, float)
    if values.size == 0 or not 0 < confidence < 1:
        raise ValueError(f"mean of {values.size} values with confidence {confidence}")
    mean = float(values.mean())
    if values.size < 2:
        return Interval(mean, mean, mean)
    from scipy.special import stdtrit

    half = float(stdtrit(values.size - 1, (1 + confidence) / 2) * standard_error(values))
    return Interval(mean, mean - half, mean + half)


def standard_error(values: NDArray, axis: int = -1) -> NDArray[np.float64]:
    """Standard error of the mean along an axis; 0 where there is a single value."""
    values = np.asarray(values, float)
    n = values.shape[axis]
    if n < 2:
        return np.zeros(np.delete(values.shape, axis))
    return values.std(axis=axis, ddof=1) / np.sqrt(n)
