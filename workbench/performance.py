"""What policies are judged by: survival time where each step is worth the same, return elsewhere."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.groups import CARTPOLE, LONGER, Groups
from workbench.policies import PolicySpec

ONE_A_STEP = ("CartPole-", "InvertedPendulum-")
"""Environments in which return is the number of steps."""
CAPS = (200, 500, 1000, 5000)
"""Steps after which episodes are cut, as is usual."""
QUARTERS = (0.25, 0.5, 0.75)
"""Quantiles between groups of return, where no edges are given."""


@dataclass(frozen=True)
class Measure:
    """One number an episode."""

    name: str
    """Its word, and the column that holds its mean over episodes."""
    unit: str
    """With a space before it; empty where there is none."""

    @property
    def error(self) -> str:
        """The column of the mean's standard error."""
        return f"{self.name}_se"

    @property
    def label(self) -> str:
        """For an axis: `survival (steps)`."""
        return f"{self.name} ({self.unit.strip()})" if self.unit else self.name

    def top(self, cap: float) -> float:
        """What cannot be surpassed where episodes end after `cap` steps."""
        return float(cap) if self is SURVIVAL else float("inf")

    def range(self, cap: float, values: NDArray) -> tuple[float, float]:
        """Ends of an axis that shows values: 0 to the cap for survival, as far as values reach for return."""
        if self is SURVIVAL:
            return 0.0, float(cap)
        finite = np.asarray(values)[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        room = 0.04 * (high - low) or 1.0
        return low - room, high + room


SURVIVAL, RETURN = Measure("survival", " steps"), Measure("return", "")
MEASURES = (SURVIVAL, RETURN)


def measure_named(name: str) -> Measure:
    """The measure of this name."""
    return next(measure for measure in MEASURES if measure.name == name)


def measure_of(spec: PolicySpec) -> Measure:
    """Survival time (steps) where return is the same, else return (the undiscounted sum of rewards)."""
    return SURVIVAL if spec.env.startswith(ONE_A_STEP) else RETURN


def groups_of(spec: PolicySpec, edges: tuple[float, ...], values: NDArray | None) -> Groups:
    """Groups by the edges given; without any the paper's where survival is measured (and one above, where some survive
    longer than its episodes last), quarters of what is measured elsewhere.

    Args:
        spec: of the networks.
        edges: rising.
        values: (n,) what is measured of them, None where nothing is.

    Raises:
        WorkbenchError: edges that do not rise.
    """
    if edges:
        return next((known for known in (CARTPOLE, LONGER) if known.edges == edges), None) or Groups.between(edges)
    finite = np.zeros(0) if values is None else values[np.isfinite(values)]
    if measure_of(spec) is SURVIVAL:
        return LONGER if (finite > LONGER.edges[-1]).any() else CARTPOLE
    if not len(finite):
        return Groups((), ("all measured",))
    found = {float(f"{edge:.3g}") for edge in np.quantile(finite, QUARTERS)}
    # What nobody lies below parts nothing.
    return Groups.between(sorted(edge for edge in found if (finite < edge).any()))
