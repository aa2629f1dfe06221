"""One attempt at a generative adversarial network over weights (Goodfellow et al., 2014), as large as CartPoleGen.

It is no generator that anybody is offered: the paper says that such a network did not train (section 3.5), and this is
what becomes of one with the usual settings (Radford et al., 2015: Adam with a rate of 2e-4 and a momentum of .5, leaky
units in the discriminator, the loss that does not saturate), on standardised weights, for as many steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import elu, leaky_relu, softplus

from workbench.compute import Compute
from workbench.learning.data import ALL, TrainingData
from workbench.learning.loop import Optimisation, Phase, optimise
from workbench.learning.modules import linear

RATE, MOMENTUM, LEAK = 2e-4, 0.5, 0.2
WIDTHS = (128, 64)
"""CartPoleGen's, from weights to latents."""


class Chain(nn.Module):
    """Linear layers of these sizes, with leaky units or ELU between them."""

    def __init__(self, sizes: tuple[int, ...], leaky: bool, seeded: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.ModuleList(linear(a, b, seeded) for a, b in pairwise(sizes))
        self.leaky = leaky

    def forward(self, x: Tensor) -> Tensor:
        """(n, first size) -> (n, last size)."""
        for layer in self.layers[:-1]:
            x = leaky_relu(layer(x), LEAK) if self.leaky else elu(layer(x))
        return self.layers[-1](x)


@dataclass(frozen=True, eq=False)
class Attempt:
    """A generator and a discriminator that were trained against each other."""

    modules: nn.ModuleDict
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    """(p,) by which weights are standardised."""
    latents: int
    device: str
    accuracy: tuple[float, ...]
    """Share of networks, half of them real, that the discriminator told right, an epoch each."""

    def sample(self, count: int, seed: int) -> NDArray[np.float32]:
        """New networks (count, p), from N(0, I)."""
        z = np.random.default_rng([seed, 26]).standard_normal((count, self.latents)).astype(np.float32)
        with torch.inference_mode():
            made = self.modules["generator"](torch.from_numpy(z).to(self.device)).cpu().numpy()
        return made * self.scale + self.mean

    def believed(self, weights: NDArray) -> NDArray[np.bool_]:
        """Which of networks (n, p) the discriminator takes for trained ones."""
        x = ((np.asarray(weights) - self.mean) / self.scale).astype(np.float32)
        with torch.inference_mode():
            return (self.modules["discriminator"](torch.from_numpy(x).to(self.device))[:, 0] > 0).cpu().numpy()


def attempt(data: TrainingData, settings: Any, seed: int, compute: Compute) -> Iterator[tuple[Attempt, Optimisation]]:
    """Train on all training networks; yields as `contract.train` does.

    Args:
        data: what it learns from.
        settings: CartPoleGen's, of which it takes `epochs`, `batch` and `latents`.
        seed: of initialisation, order and noise.
        compute: device and threads.

    Raises:
        WorkbenchError: a loss that is not finite.
    """
    torch.set_num_threads(compute.workers)
    device, p = compute.torch_device, data.spec.parameters
    seeded = torch.Generator().manual_seed(seed)
    modules = nn.ModuleDict(
        {
            "generator": Chain((settings.latents, *WIDTHS[::-1], p), False, seeded),
            "discriminator": Chain((p, *WIDTHS, 1), True, seeded),
        }
    ).to(device)
    mean, scale = data.weights.mean(0), data.weights.std(0) + np.float32(1e-6)
    weights = torch.from_numpy((data.weights - mean) / scale).to(device)
    discriminator = modules["discriminator"]

    def loss(batch: Tensor, noise: torch.Generator) -> dict[str, Tensor]:
        made = modules["generator"](torch.randn(len(batch), settings.latents, generator=noise, device=device))
        real, false = discriminator(weights[batch]), discriminator(made.detach())
        # What the generator is told goes through a discriminator that does not learn from it.
        still = {name: value.detach() for name, value in discriminator.named_parameters()}
        fooled = functional_call(discriminator, still, made)
        told = softplus(-real).mean() + softplus(false).mean()
        unconvinced = softplus(-fooled).mean()
        right = ((real > 0).float().mean() + (false <= 0).float().mean()) / 2
        return {"loss": told + unconvinced, "discriminator": told, "generator": unconvinced, "accuracy": right}

    rows = data.rows(ALL)
    fit = rows[~data.validation[rows]]
    batch = min(settings.batch, len(fit))
    phase = Phase("adversarial", modules, fit, loss, settings.epochs, batch, RATE, momentum=MOMENTUM, keep_best=False)
    state = Optimisation(seed)
    for _ in optimise([phase], state, device):
        accuracy = tuple(state.log.get(phase.name, {}).get("accuracy", ()))
        yield Attempt(modules, mean, scale, settings.latents, device, accuracy), state
