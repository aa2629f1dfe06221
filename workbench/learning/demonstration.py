"""Missing weights fitted to known actions of the original, from draws of what is likely given the existing weights."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.learning.missing import conditional
from workbench.learning.repair import Case, Source
from workbench.numerics.damage import fill
from workbench.rollouts.reference import outputs

CHAINS, STEPS = 24, 150
RATE = 0.06
"""Adam's, in standard deviations of the prior."""
SHARPNESS = 20.0
"""Output difference, against its root mean square, at which a decision counts as sure."""
DECISIVE = 2.0
"""What one known action weighs against the prior."""
OFF = 3.0
"""Standard deviation of predicted survival, steps."""


def demonstrated(case: Case, source: Source) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Networks (n, p) that do what is known, and what their fit leaves (n,).

    The best of the draws go downhill together: cross-entropy of the known actions, predicted survival where the
    original's is known, and the Gaussian of the missing weights as prior, in whose standard deviations steps are taken.
    """
    assert case.mask is not None and case.states is not None and case.actions is not None
    mean, covariance = conditional(case, source)
    values, axes = np.linalg.eigh(covariance)
    centre = torch.from_numpy(mean.astype(np.float32))
    factor = torch.from_numpy((axes * np.sqrt(np.maximum(values, 0))).T.astype(np.float32))
    damaged, where = torch.from_numpy(case.damaged), torch.from_numpy(np.flatnonzero(case.mask))
    states, actions = torch.from_numpy(case.states), torch.from_numpy(case.actions)
    predictor = source.predictor

    def network(place: Tensor) -> Tensor:
        whole = damaged.expand(len(place), -1).clone()
        whole[:, where] = centre + place @ factor
        return whole

    def left(place: Tensor) -> Tensor:
        weights = network(place)
        out = outputs(weights, source.spec, states.expand(len(weights), *states.shape))
        spread = (out - out.mean(2, keepdim=True)).square().mean((1, 2), keepdim=True).sqrt() + 1e-6
        wanted = actions.expand(len(weights), -1)
        sure = nn.functional.cross_entropy((SHARPNESS * out / spread).transpose(1, 2), wanted, reduction="none")
        total = DECISIVE * sure.sum(1) + 0.5 * place.square().sum(1)
        if predictor is not None and case.survival is not None:
            lasts = predictor.forward(predictor.read(weights.to(predictor.device))).to(weights.device)
            off = (lasts - case.survival) / OFF
            total = total + nn.functional.huber_loss(off, torch.zeros_like(off), reduction="none", delta=3.0)
        return total

    noise = torch.Generator().manual_seed(case.seed % 2**63)
    drawn = torch.randn((case.samples, len(centre)), generator=noise)
    with torch.no_grad():
        place = drawn[left(drawn).argsort(stable=True)[: max(CHAINS, case.keep)]].clone()
    place.requires_grad_(True)
    adam = torch.optim.Adam([place], RATE)
    for step in range(STEPS):
        adam.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        adam.zero_grad()
        left(place).sum().backward()
        adam.step()
    with torch.no_grad():
        rest, weights = left(place), network(place)
    return fill(case.damaged, case.mask, weights.numpy()), rest.numpy().astype(float)
