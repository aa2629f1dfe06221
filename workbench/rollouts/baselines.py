"""Agents that nobody trained, to hold survival times against."""

import numpy as np
from numpy.typing import NDArray

from workbench.policies import PolicySpec


def baselines() -> dict[str, tuple[NDArray[np.float32], PolicySpec]]:
    """Weights (1, p) and spec of each: random actions, always the same action, and a rule that balances.

    The rule pushes right where the angle plus the angular velocity is above 0.
    """
    nothing = np.zeros((1, 10), np.float32)
    rule = nothing.copy()
    rule[0, [6, 7]] = 1.0  # outputs (0, theta + theta_dot)
    return {
        "random": (nothing, PolicySpec((4, 2), action="sampled")),
        "constant": (nothing, PolicySpec((4, 2))),
        "rule": (rule, PolicySpec((4, 2))),
    }
