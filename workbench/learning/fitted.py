"""Generators fitted to what exists of a damaged network: their latents, or their decoders."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.learning.adam import Adam
from workbench.learning.data import ALL
from workbench.learning.repair import Case, Source
from workbench.numerics.conditional import JITTER, align_existing, existing_order
from workbench.numerics.symmetry import permute

CHAINS, STEPS = 32, 100
RATE = 0.1
"""Adam's on latents, in standard deviations of the prior."""
ROUNDS = 2
"""Times that units are matched to what exists: at the start, and again after as many parts of the steps."""
TUNED, TUNING, BATCH = 60, 5e-4, 32
"""Adam's steps on a decoder, its rate, and latents a step."""


def gather(damaged: NDArray, mask: NDArray[np.bool_], networks: NDArray, source: Source) -> NDArray[np.int64]:
    """For networks (n, p) the places (n, p) that their weights come from once units are matched to what exists."""
    spec = source.spec
    places = np.tile(np.arange(spec.parameters), (len(networks), 1))
    if len(spec.sizes) != 3:
        return places
    return permute(places, spec, existing_order(damaged, mask, networks, spec, source.compute))


def latents_fitted(case: Case, source: Source) -> NDArray[np.float32]:
    """Networks (n, p) of latents moved downhill, best first, units matched to what exists.

    From the nearest of `case.samples` draws: squared distance over existing weights, in units of its variance among the
    draws, and the Gaussian with the moments of the generator's prior.
    """
    assert case.mask is not None
    generator = source.generator
    drawn = generator.prior(case.samples, ALL, np.random.default_rng([case.seed, 25]))
    centre, spread = drawn.mean(0), drawn.std(0) + JITTER
    there = torch.from_numpy(~case.mask)
    damaged = torch.from_numpy(case.damaged)

    def decoded(place: Tensor) -> Tensor:
        latents = torch.from_numpy(centre) + place * torch.from_numpy(spread)
        return generator.decode_torch(latents.to(generator.device), ALL, None).cpu()

    def matched(place: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.from_numpy(gather(case.damaged, ~there.numpy(), decoded(place).numpy(), source))

    def away(place: Tensor, places: Tensor) -> Tensor:
        return (decoded(place).gather(1, places) - damaged)[:, there].square().sum(1)

    place = torch.from_numpy((drawn - centre) / spread)
    with torch.no_grad():
        first = away(place, matched(place))
        # As many existing weights as there are, each as uncertain as the nearest draws leave it.
        variance = max(float(first.amin()) / max(int(there.sum()), 1), JITTER)
        place = place[first.argsort(stable=True)[: max(CHAINS, case.keep)]].clone()
    place.requires_grad_(True)
    adam = Adam([place], RATE)
    for step in range(STEPS):
        if step % (STEPS // ROUNDS) == 0:
            places = matched(place)
        adam.rate = RATE * (1 - step / STEPS)
        adam.zero_grad()
        (0.5 * away(place, places) / variance + 0.5 * place.square().sum(1)).sum().backward()
        adam.step()
    with torch.no_grad():
        places = matched(place)
        left = 0.5 * away(place, places) / variance + 0.5 * place.square().sum(1)
        latents = (centre + place[left.argsort(stable=True)].numpy() * spread).astype(np.float32)
    made = generator.decode(latents, ALL, case.seed)
    return align_existing(case.damaged, case.mask, made, source.spec, source.compute)


def decoder_fitted(case: Case, source: Source) -> NDArray[np.float32]:
    """Networks (n, p) of draws from the prior, once the decoder was fine-tuned on the Missing Criterion (Equation 10).

    The paper's suggestion (section 4.3). The generator itself stays as it is. Units are matched to what exists.
    """
    assert case.mask is not None
    tuned, random = copy.deepcopy(source.generator), np.random.default_rng([case.seed, 26])
    latents = torch.from_numpy(tuned.prior(case.samples, ALL, random)).to(tuned.device)
    existing = torch.from_numpy(np.flatnonzero(~case.mask))
    wanted = torch.from_numpy(case.damaged)[existing]
    adam = Adam([p for module in tuned.modules.values() for p in module.parameters()], TUNING)
    for _ in range(TUNED):
        adam.zero_grad()
        batch = latents[torch.from_numpy(random.integers(0, len(latents), BATCH))]
        made = tuned.decode_torch(batch, ALL, None).cpu()[:, existing]
        (made - wanted).square().sum(1).mean().backward()
        adam.step()
    return align_existing(
        case.damaged, case.mask, tuned.decode(latents.cpu().numpy(), ALL, case.seed), source.spec, source.compute
    )
