"""Axes: nice ticks at 1, 2, 5 times a power of ten, their labels, and where a value lies on them."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

HUGE = 1e300
"""The largest limit: the length of an axis must be finite too."""


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with ticks between them; along a logarithm if `log`."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    log: bool = False

    def share(self, values: ArrayLike) -> NDArray:
        """Where values lie, 0 at `low` and 1 at `high`; NaN for what has no place on the axis."""
        v = np.asarray(values, float)
        v = np.where(np.isfinite(v), v, np.nan)
        low, high = self.low, self.high
        if self.log:
            v = np.log10(np.where(v > 0, v, np.nan))
            low, high = math.log10(low), math.log10(high)
        # The scale first: a difference of large numbers must not overflow.
        with np.errstate(over="ignore"):
            share = v / (high - low) - low / (high - low)
        return np.where(np.isfinite(share), share, np.nan)


def axis(low: float, high: float, most: int = 6, log: bool = False, tight: bool = False) -> Axis:
    """An axis that holds both limits, with at most `most` ticks (but two, if they fit); `tight` ends at the limits."""
    low, high = _limits(low, high, log)
    ticks = _log_ticks(low, high, max(2, most), tight) if log else _ticks(low, high, max(2, most), tight)
    if not tight:
        low, high = min(low, ticks[0]), max(high, ticks[-1])
        if log and high > ticks[-1] * (1 + 1e-9):
            high = 10.0 ** math.ceil(math.log10(high) - 1e-9)
    return Axis(low, high, tuple(ticks), tuple(_labels(ticks, log)), log)


def axis_of(*values: ArrayLike, most: int = 6, log: bool = False, tight: bool = False) -> Axis:
    """An axis that holds all of some arrays; what is not finite (or not positive, with `log`) does not count."""
    v = np.concatenate([np.ravel(np.asarray(array, float)) for array in values] or [np.zeros(0)])
    v = v[np.isfinite(v) & (v > 0 if log else True)]
    return axis(v.min(), v.max(), most, log, tight) if len(v) else axis(math.nan, math.nan, most, log, tight)


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that goes into a span at most `most` times."""
    rough = span / max(1, most)
    power = math.floor(math.log10(rough))
    for factor in (1, 2, 5, 10):
        step = factor * 10.0**power
        if span / step <= most * (1 + 1e-9):
            return step
    return 10.0 ** (power + 1)


def number(value: float, digits: int = 4) -> str:
    """A number for people, by its digits: `0.0123`, `1,240`, `3e-07`."""
    if not math.isfinite(value):
        return "-"
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}g}"
    text = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}" if value else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _limits(low: float, high: float, log: bool) -> tuple[float, float]:
    """Limits that are finite, in order and apart; above zero with `log`."""
    low, high = (float(low), float(high)) if low <= high else (float(high), float(low))
    if not (math.isfinite(low) and math.isfinite(high)) or (log and high <= 0):
        return (0.1, 1.0) if log else (0.0, 1.0)
    if log:
        # Neither has its ticks to spare at the ends of what a float can hold.
        high = min(max(high, 1 / HUGE), HUGE)
        low = max(low if low > 0 else high / 1e3, 1 / HUGE)
        return (low, high) if high > low * (1 + 1e-9) else (high / 2, high * 2)
    low, high = max(low, -HUGE), min(high, HUGE)
    near = max(abs(low), abs(high))
    if high - low <= near * 1e-9 or high - low < 1e-300:
        half = near / 2 if near > 1e-290 else 0.5
        return low - half, high + half
    return low, high


def _ticks(low: float, high: float, most: int, tight: bool) -> list[float]:
    for intervals in range(most, 0, -1):
        step = nice_step(high - low, intervals)
        if tight:
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        else:
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first < most:
            break
    # A multiple of the step's own digits, not of its binary neighbour: 0.3, not 0.30000000000000004.
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)] or [low]


def _log_ticks(low: float, high: float, most: int, tight: bool) -> list[float]:
    bottom, top = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        every = [float(f"{f}e{k}") for k in range(bottom, top + 1) for f in factors]
        ticks = [t for t in every if low * (1 - 1e-9) <= t <= high * (1 + 1e-9)]
        if not tight:
            ticks = [t for t in every if t <= low * (1 + 1e-9)][-1:] + [t for t in ticks if t > low * (1 + 1e-9)]
            ticks += [t for t in every if t > high * (1 + 1e-9)][:1] if ticks[-1] < high * (1 - 1e-9) else []
        if ticks and len(ticks) <= most:
            return ticks
    stride = math.ceil((top - bottom) / (most - 1))
    ticks = [float(f"1e{k}") for k in range(bottom, top + 1, stride)]
    return [t for t in ticks if not tight or low * (1 - 1e-9) <= t <= high * (1 + 1e-9)] or [low]


def _labels(ticks: list[float], log: bool) -> list[str]:
    if log:
        return [f"{t:,g}" if 1e-3 <= t < 1e5 else _power(f"{t:.0e}") for t in ticks]
    largest = max(map(abs, ticks))
    step = min((b - a for a, b in pairwise(ticks)), default=largest or 1.0)
    if largest >= 1e6 or step < 1e-4:
        digits = max(0, math.floor(math.log10(largest or 1)) - math.floor(math.log10(step)))
        return [_power(f"{t:.{digits}e}") if t else "0" for t in ticks]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{t:,.{decimals}f}" if t else "0" for t in ticks]


def _power(text: str) -> str:
    """`1e-05` as `1e-5`, `1e+30` as `1e30`."""
    mantissa, _, power = text.partition("e")
    return f"{mantissa}e{int(power)}"
