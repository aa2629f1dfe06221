"""Training the paper's generator: this program's loop beside one as it is usually written."""

import time
from dataclasses import replace

import numpy as np

from workbench.bench.measure import SECONDS, Contender, Result, Tell, compare, one_torch_thread, trained_networks
from workbench.compute import Compute
from workbench.paper import QUOTA

NAME = "generators"
NETWORKS = 4096
SECONDS_A_ROUND = 2.0
WARM_UP = 50


def measure(repeats: int, tell: Tell) -> list[Result]:
    """Seconds for CartPoleGen as the paper trains it on all 74,000 networks, extrapolated from steps a second."""
    import torch

    from workbench.generators import find
    from workbench.generators.cartpolegen import VAE, Settings
    from workbench.learning.contract import train
    from workbench.learning.data import TrainingData

    population, which = trained_networks(NETWORKS)
    data = TrainingData.of(population)
    settings = Settings(condition="none")
    needed = settings.epochs * sum(QUOTA) // settings.batch

    def ours() -> float:
        steps = train(find("cartpolegen"), data, replace(settings, epochs=10_000), 0, Compute("cpu", 1))
        done = (state.done for _, state in steps)
        first = last = next(n for n in done if n > WARM_UP)
        began = time.perf_counter()
        while time.perf_counter() - began < SECONDS_A_ROUND:
            last = next(done)
        return needed / ((last - first) / (time.perf_counter() - began))

    def plain() -> float:
        model = VAE(data.spec.parameters, settings.latents, 0, True, torch.Generator().manual_seed(0))
        optimiser = torch.optim.Adam(model.parameters(), lr=settings.rate)
        weights = torch.from_numpy(data.weights)
        random = np.random.default_rng(0)
        done, began = -WARM_UP, 0.0
        while done <= 0 or time.perf_counter() - began < SECONDS_A_ROUND:
            if done == 0:
                began = time.perf_counter()
            x = weights[torch.from_numpy(random.integers(0, len(weights), settings.batch))]
            mean, log_variance = model.encode(x)
            z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
            error = 0.5 * (model.decode(z) - x).square().sum(1).mean()
            divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
            optimiser.zero_grad()
            (error + divergence).backward()
            optimiser.step()
            done += 1
        return needed / (done / (time.perf_counter() - began))

    words = f"{which}; {settings.epochs} epochs of batches of {settings.batch}, one thread, extrapolated"
    contenders = [
        Contender("this program", f"{words}; all parameters one vector, fused Adam, logs and early stop", ours),
        Contender("torch, as one writes it", f"{words}; the same network, torch's default Adam", plain),
    ]
    with one_torch_thread():
        return compare(NAME, f"CartPoleGen on {sum(QUOTA):,} networks", SECONDS, contenders, repeats, tell)
