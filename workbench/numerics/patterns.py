"""What happens to performance along a line between two agents: its pattern, named as the paper's authors do.

Slope, valley and hill are the patterns of the blog on *Agent Embeddings*; margins make them decidable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError

PATTERNS = ("slope", "flat", "hill", "valley", "mixed")
BEYOND = ("boost", "drop", "level")
MARGIN = 20.0
"""Steps that count as a difference."""
RISING = 0.8
"""Rank correlation with alpha, in absolute value, from which a line is monotone."""


@dataclass(frozen=True)
class Pattern:
    """A line from agent A (alpha 0) to agent B (alpha 1), and past it."""

    name: str
    """One of `PATTERNS`: between A and B."""
    beyond: str
    """One of `BEYOND`: past B; empty where the line does not go there."""
    correlation: float
    """Spearman's, of survival with alpha on 0..1; NaN where survival is the same everywhere."""
    monotone: bool
    """Whether it rises or falls throughout: `RISING`, and nowhere outside the endpoints by more than the margin."""
    barrier: float
    """How far survival falls below the straight line between the endpoints at most, steps (0 if it never does)."""
    over: float
    """How far it rises above the better endpoint between them at most, steps (0 if it never does)."""
    under: float
    """How far it falls below the worse endpoint."""
    gain: float
    """The best past B less B, steps; NaN where the line does not go there."""
    saturated: bool
    """Whether all from A to B reach the cap, so that differences cannot be seen."""


def pattern(alphas: NDArray, survival: NDArray, cap: float, margin: float = MARGIN) -> Pattern:
    """Name the pattern of survival (t,) at alphas (t,), which hold 0 and 1.

    *valley*: some point between A and B falls below both by more than the margin; *hill*: one rises above both;
    *mixed*: both; else *slope* if A and B differ by more than the margin, *flat* if not. Past B: *boost* if the best is
    better than B by more than the margin, else *drop* if the worst is worse by more, else *level*.

    Raises:
        WorkbenchError: no points at 0 and 1, or numbers that are not finite.
    """
    alphas, survival = np.asarray(alphas, float), np.asarray(survival, float)
    if alphas.shape != survival.shape or not np.isfinite(survival).all() or not {0.0, 1.0} <= set(alphas.tolist()):
        raise WorkbenchError(f"pattern: expected survival at alphas with 0 and 1 among them, got {alphas.shape} points")
    a, b = float(survival[alphas == 0][0]), float(survival[alphas == 1][0])
    between = survival[(alphas > 0) & (alphas < 1)]
    over = max(0.0, float(between.max(initial=-np.inf)) - max(a, b))
    under = max(0.0, min(a, b) - float(between.min(initial=np.inf)))
    hill, valley = over > margin, under > margin
    name = "mixed" if hill and valley else "hill" if hill else "valley" if valley else ""
    name = name or ("slope" if abs(a - b) > margin else "flat")
    inside = (alphas >= 0) & (alphas <= 1)
    correlation = spearman(alphas[inside], survival[inside])
    straight = a + (b - a) * alphas[inside]
    past = survival[alphas > 1]
    beyond, gain = "", float("nan")
    if len(past):
        gain = float(past.max()) - b
        beyond = "boost" if gain > margin else "drop" if b - past.min() > margin else "level"
    return Pattern(
        name, beyond, correlation, bool(abs(correlation) >= RISING and not hill and not valley),
        max(0.0, float((straight - survival[inside]).max())), over, under, gain,
        bool((survival[inside] >= cap - 1e-9).all()),
    )  # fmt: skip


def spearman(x: NDArray, y: NDArray) -> float:
    """Spearman's rank correlation of (t,) with (t,), ties at their mean rank; NaN where either is constant."""
    a, b = _ranks(x), _ranks(y)
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b / size) if size > 0 else float("nan")


def _ranks(values: NDArray) -> NDArray[np.float64]:
    """Ranks (t,) around 0, equal values at their mean: SciPy's takes ten times as long where there are few."""
    _, which, count = np.unique(values, return_inverse=True, return_counts=True)
    return (count.cumsum() - (count - 1) / 2 - (len(values) + 1) / 2)[which]


def frequencies(names: Sequence[str], options: Sequence[str]) -> NDArray[np.float64]:
    """Share of each option among names (m,): (options,); NaN of none."""
    if not len(names):
        return np.full(len(options), np.nan)
    return np.array([sum(name == option for name in names) / len(names) for option in options])
