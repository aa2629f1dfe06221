"""Missing weights fitted to known actions of the original, from draws of what is likely given the existing weights."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.learning.descent import descend
from workbench.learning.posterior import posterior_energy, representative
from workbench.learning.repair import Case, Source
from workbench.rollouts.reference import outputs

CHAINS, STEPS = 24, 150
RATE = 0.06
"""Adam's, in standard deviations of the prior."""
SHARPNESS = 20.0
"""Output difference, against its root mean square, at which a decision counts as sure."""
DECISIVE = 2.0
"""What one known action weighs against the prior."""


def demonstrated(case: Case, source: Source) -> tuple[NDArray[np.float32], int]:
    """Networks (case.keep, p) that do what is known, best first, and the simulator episodes that choosing them took.

    As `learning.posterior` without actions, with the cross-entropy of the known ones added.
    """
    assert case.states is not None and case.actions is not None
    states, actions = torch.from_numpy(case.states), torch.from_numpy(case.actions)
    blind = posterior_energy(case, source)

    def energy(weights: Tensor) -> Tensor:
        out = outputs(weights, source.spec, states.expand(len(weights), *states.shape))
        spread = (out - out.mean(2, keepdim=True)).square().mean((1, 2), keepdim=True).sqrt() + 1e-6
        wanted = actions.expand(len(weights), -1)
        sure = nn.functional.cross_entropy((SHARPNESS * out / spread).transpose(1, 2), wanted, reduction="none")
        return DECISIVE * sure.sum(1) + blind(weights)

    networks, left = descend(case, source, energy, CHAINS, STEPS, RATE)
    return representative(networks, left, case, source)
