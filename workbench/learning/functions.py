"""How usual it is among trained networks to do what a network does: a kernel density over functions."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.policies import PolicySpec
from workbench.rollouts.reference import outputs

SHARPNESS = 2.0
"""Outputs beyond a share of 1 / SHARPNESS of their root mean square count as decided."""


def function(weights: Tensor, spec: PolicySpec, states: Tensor) -> Tensor:
    """What networks (n, p) do in states (s, d), whatever the size of their outputs: (n, s * actions), -1 to 1."""
    out = outputs(weights, spec, states.expand(len(weights), *states.shape))
    centred = out - out.mean(2, keepdim=True)
    size = centred.square().mean((1, 2), keepdim=True).sqrt() + 1e-6
    return torch.tanh(SHARPNESS * centred / size).flatten(1)


class FunctionDensity:
    """A Gaussian kernel on each of some networks' functions, as wide as the usual network is from its nearest.

    Args:
        weights: (n, p) networks, two or more.
        spec: what they are.
        states: (s, d) on which they are looked at.
    """

    def __init__(self, weights: NDArray, spec: PolicySpec, states: NDArray) -> None:
        self.spec, self._states = spec, torch.from_numpy(np.asarray(states, np.float32))
        with torch.no_grad():
            self._points = function(torch.from_numpy(np.asarray(weights, np.float32)), spec, self._states)
            apart = torch.cdist(self._points, self._points).fill_diagonal_(torch.inf).amin(1)
        self._width = max(float(np.median(apart.square().numpy())), 1e-6)
        self._squares = self._points.square().sum(1)

    def log_density(self, weights: Tensor) -> Tensor:
        """Of networks (n, p), up to a constant: (n,); differentiable."""
        points = function(weights, self.spec, self._states)
        apart = points.square().sum(1, keepdim=True) + self._squares - 2 * points @ self._points.T
        return torch.logsumexp(-apart.clamp(min=0) / (2 * self._width), 1)
