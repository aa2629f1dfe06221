"""Missing weights that go downhill together, from draws of what is likely given the existing ones.

Energies add up: the Gaussian of the missing weights given the existing ones (`learning.missing`), in whose standard
deviations steps are taken, and what a caller adds. What is reached are modes of the posterior (MAP estimates), each
from a start of its own.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.learning.adam import Adam
from workbench.learning.missing import conditional
from workbench.learning.repair import Case, Source
from workbench.numerics.damage import fill

OFF = 3.0
"""Standard deviation of predicted survival, steps."""

Energy = Callable[[Tensor], Tensor]
"""Networks (n, p) to energies (n,), negative log-likelihoods."""


def descend(
    case: Case, source: Source, energy: Energy, chains: int, steps: int, rate: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Draw `case.samples`, and move the best of them by Adam.

    Args:
        case: with positions.
        source: what the Gaussian is of.
        energy: what is added to the Gaussian's.
        chains: how many of the draws go downhill, no fewer than `case.keep`.
        steps: Adam's.
        rate: Adam's at first, in standard deviations of the Gaussian; falls to 0.

    Returns:
        Networks (n, p), existing weights untouched, and their energies (n,) without the Gaussian's.
    """
    assert case.mask is not None
    mean, covariance = conditional(case, source)
    values, axes = np.linalg.eigh(covariance)
    centre = torch.from_numpy(mean.astype(np.float32))
    factor = torch.from_numpy((axes * np.sqrt(np.maximum(values, 0))).T.astype(np.float32))
    damaged, where = torch.from_numpy(case.damaged), torch.from_numpy(np.flatnonzero(case.mask))

    def network(place: Tensor) -> Tensor:
        whole = damaged.expand(len(place), -1).clone()
        whole[:, where] = centre + place @ factor
        return whole

    noise = torch.Generator().manual_seed(case.seed % 2**63)
    drawn = torch.randn((case.samples, len(centre)), generator=noise)
    with torch.no_grad():
        place = drawn[energy(network(drawn)).argsort(stable=True)[: max(chains, case.keep)]].clone()
    place.requires_grad_(True)
    adam = Adam([place], rate)
    for step in range(steps):
        adam.rate = rate * (1 - step / steps)
        adam.zero_grad()
        (energy(network(place)) + 0.5 * place.square().sum(1)).sum().backward()
        adam.step()
    with torch.no_grad():
        weights = network(place)
        left = energy(weights)
    return fill(case.damaged, case.mask, weights.numpy()), left.numpy().astype(float)


def survival_energy(case: Case, source: Source) -> Energy | None:
    """Of survival other than the original's, as the predictor has it; None where either is not known."""
    predictor, wanted = source.predictor, case.survival
    if predictor is None or wanted is None:
        return None

    def energy(weights: Tensor) -> Tensor:
        lasts = predictor.forward(predictor.read(weights.to(predictor.device))).to(weights.device)
        off = (lasts - wanted) / OFF
        return nn.functional.huber_loss(off, torch.zeros_like(off), reduction="none", delta=3.0)

    return energy
