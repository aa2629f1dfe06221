"""Adam as torch computes it, without what its classes bring along."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """Adam (Kingma and Ba, 2015) on a few tensors, by torch's own function.

    `torch.optim.Adam` loads torch's compiler with its first step: 70 MiB and a second and a half, for which whoever
    repairs one network would wait.

    Args:
        places: what is moved, along `grad`.
        rate: the step size, which may be changed between steps.
        momentum: beta 1.
        fused: one pass over memory, as is best for long vectors; the last bits differ.
    """

    def __init__(self, places: Sequence[Tensor], rate: float, momentum: float = 0.9, fused: bool = False) -> None:
        self.places, self.rate, self.momentum, self.fused = list(places), rate, momentum, fused
        self.exp_avg = [torch.zeros_like(p) for p in places]
        self.exp_avg_sq = [torch.zeros_like(p) for p in places]
        self.steps = [torch.zeros((), device=p.device if fused else None) for p in places]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for place in self.places:
            place.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients of those that have one."""
        here = [k for k, place in enumerate(self.places) if place.grad is not None]
        gradients = [place.grad for place in self.places if place.grad is not None]
        adam(
            [self.places[k] for k in here], gradients, [self.exp_avg[k] for k in here],
            [self.exp_avg_sq[k] for k in here], [], [self.steps[k] for k in here], foreach=False, fused=self.fused,
            amsgrad=False, beta1=self.momentum, beta2=0.999, lr=self.rate, weight_decay=0.0, eps=1e-8, maximize=False,
        )  # fmt: skip
