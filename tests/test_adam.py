"""The optimiser of trainings and repairs beside torch's own."""

import subprocess
import sys

import pytest
import torch

from workbench.learning.adam import Adam


@pytest.mark.parametrize("fused", [False, True])
def test_places_go_where_torchs_adam_takes_them(fused):
    seeded = torch.Generator().manual_seed(3)
    start = [torch.randn(shape, generator=seeded) for shape in ((40, 3), (7,), (2,))]
    ours, theirs = ([p.clone().requires_grad_() for p in start] for _ in range(2))
    adam = Adam(ours, 0.1, 0.8, fused)
    reference = torch.optim.Adam(theirs, lr=0.1, betas=(0.8, 0.999), fused=fused)
    for k in range(12):
        adam.rate = reference.param_groups[0]["lr"] = 0.1 / (k + 1)
        for optimiser, (a, b, _) in ((adam, ours), (reference, theirs)):  # the last has no gradient
            optimiser.zero_grad()
            ((a**4).sum() + (a.sum() - b).square().sum()).backward()
            optimiser.step()
    assert all(torch.equal(p, q) for p, q in zip(ours, theirs, strict=True))
    assert torch.equal(ours[2], start[2]) and not torch.equal(ours[0], start[0])


def test_a_step_loads_no_compiler():
    code = (
        "import sys, torch; from workbench.learning.adam import Adam; from workbench.learning.modules import mlp; "
        "net = mlp((3, 4, 1), torch.Generator()); adam = Adam(list(net.parameters()), 0.1); "
        "net(torch.ones(2, 3)).sum().backward(); adam.step(); "
        "print([m for m in ('torch._dynamo', 'sympy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
