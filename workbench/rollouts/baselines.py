"""Agents that nobody trained, to hold survival times against."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.physics import is_cartpole
from workbench.policies import PolicySpec
from workbench.rollouts.play import has_discrete_actions


def baselines(spec: PolicySpec) -> dict[str, tuple[NDArray[np.float32], PolicySpec]]:
    """Weights (1, p) and spec of each in a spec's environment: random actions, always the first action, and in
    Cart-Pole a rule that balances.

    The rule pushes right where the angle plus the angular velocity is above 0. Where actions are continuous there is
    only the one that always does nothing.
    """
    plain = replace(spec, sizes=(spec.sizes[0], spec.sizes[-1]), bias=True, action="greedy", normaliser=None)
    nothing = np.zeros((1, plain.parameters), np.float32)
    found = {"constant": (nothing, plain)}
    if has_discrete_actions(spec):
        found = {"random": (nothing, replace(plain, action="sampled")), **found}
    if is_cartpole(spec):
        rule = nothing.copy()
        rule[0, [6, 7]] = 1.0  # outputs (0, theta + theta_dot)
        found["rule"] = rule, plain
    return found
