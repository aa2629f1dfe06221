"""How far Cart-Pole networks are from solving the Bellman equation on given states, as networks of values should.

Known physics gives both successors of a state, so that no log of experience is needed: the residual of an action is
Q(s, a) - 1 - gamma max Q(s'), with nothing to come where the episode ends (Watkins and Dayan, 1992).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.physics import Physics
from workbench.policies import PolicySpec
from workbench.rollouts.reference import inside, outputs, pushed

DISCOUNTS = (0.9, 0.95, 0.99, 0.999)
"""Of which each network is given the one that fits it best."""


class Bellman:
    """States with their successors.

    Args:
        spec: Cart-Pole networks with two outputs.
        states: (s, 4).
    """

    def __init__(self, spec: PolicySpec, states: NDArray) -> None:
        physics = Physics.of(spec)
        columns = torch.from_numpy(np.asarray(states, np.float64)).unbind(1)
        seen, ends = [torch.stack(columns, 1)], []
        for right in (False, True):
            x, x_dot, theta, theta_dot = pushed(columns, torch.full((len(states),), right), physics)  # type: ignore[arg-type]
            seen.append(torch.stack((x, x_dot, theta, theta_dot), 1))
            ends.append(~inside(x, theta, physics))
        self.spec, self._seen = spec, torch.cat(seen).float()
        self._goes_on = (~torch.stack(ends)).float()

    def log_residual(self, weights: Tensor) -> Tensor:
        """Log of the mean squared residual over states and actions, of networks (n, p): (n,); differentiable."""
        values = outputs(weights, self.spec, self._seen.expand(len(weights), *self._seen.shape))
        here, *after = values.unflatten(1, (3, -1)).unbind(1)
        found = []
        for discount in DISCOUNTS:
            squares = torch.zeros(len(weights), device=weights.device)
            for action, (to_come, goes_on) in enumerate(zip(after, self._goes_on, strict=True)):
                target = 1 + discount * to_come.amax(2) * goes_on
                squares = squares + 0.5 * (here[..., action] - target).square().mean(1)
            found.append(torch.log(squares + 1e-6))
        return torch.stack(found, 1).amin(1)
