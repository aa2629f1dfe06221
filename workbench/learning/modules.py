"""Small torch networks, their parameters laid out in one vector, and networks of a population as torch functions."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from workbench.policies import PolicySpec
from workbench.rollouts.reference import outputs


class _Linear(nn.Linear):
    """One that draws nothing when it is made: torch's generator is shared by threads, and its `skip_init` loads what
    only its compiler needs (40 MiB, half a second)."""

    def reset_parameters(self) -> None: ...


def linear(n_in: int, n_out: int, seeded: torch.Generator) -> nn.Linear:
    """A linear layer with torch's default initialisation, drawn from a generator of its own."""
    layer = _Linear(n_in, n_out)
    bound = n_in**-0.5
    with torch.no_grad():
        for p in layer.parameters():
            p.uniform_(-bound, bound, generator=seeded)
    return layer


def mlp(sizes: Sequence[int], seeded: torch.Generator) -> nn.Sequential:
    """Linear layers of these sizes with SiLU between them."""
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [linear(a, b, seeded), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


def flatten_parameters(module: nn.Module) -> nn.Parameter:
    """Move all parameters of a module into one vector, of which they become views; gradients likewise.

    An optimiser then has one tensor to update instead of dozens, which for small networks is most of its time.
    """
    parameters = list(module.parameters())
    flat = nn.Parameter(torch.cat([p.detach().reshape(-1) for p in parameters]))
    flat.grad = torch.zeros_like(flat)
    at = 0
    for p in parameters:
        p.data = flat.data[at : at + p.numel()].view_as(p)
        p.grad = flat.grad[at : at + p.numel()].view_as(p)
        at += p.numel()
    return flat


def margins(weights: Tensor, spec: PolicySpec, states: Tensor) -> Tensor:
    """Right output minus left of networks (n, p) on states (s, d) or (n, s, d): (n, s)."""
    out = outputs(weights, spec, states.expand(len(weights), *states.shape[-2:]))
    return out[..., 1] - out[..., 0]


def root_mean_square(values: Tensor) -> Tensor:
    """Over the last axis, kept, and never 0: (n, s) -> (n, 1)."""
    return values.square().mean(-1, keepdim=True).sqrt() + 1e-6
