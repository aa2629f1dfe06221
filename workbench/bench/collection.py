"""Collection: networks per core-second of the compiled DQN and of a torch one, and how long 74,000 of them take."""

import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.bench.measure import SECONDS, Contender, Result, Tell, a_core_second, compare, one_torch_thread
from workbench.bench.rollouts import module
from workbench.compute import Compute, available_cores
from workbench.paper import QUOTA
from workbench.places import default_population
from workbench.policies import PolicySpec
from workbench.population import load
from workbench.rollouts.episodes import Episodes
from workbench.training.collection import collect
from workbench.training.plan import Plan
from workbench.training.recipes import REPLAY, TRAINING_CAP, Recipe

NAME = "collection"
PAPER = sum(QUOTA)
"""Networks that the paper trains on: 74,000."""


@dataclass(frozen=True)
class Size:
    """How much a round of each contender does."""

    networks: int = 96
    plain_networks: int = 6
    plain_updates: int = 200
    collected: int = 384


@dataclass(frozen=True)
class Settings:
    """One network's hyperparameters."""

    updates: int
    lr: float
    gamma: float
    batch: int
    epsilon: float
    target: int


def measure(repeats: int, tell: Tell, size: Size | None = None) -> list[Result]:
    """Rows for trainers on one core, and for the whole collection by the clock."""
    size = size or Size()
    spec = PolicySpec.cartpole()
    recipe = Recipe.of("dqn")
    _, drawn = recipe.train(0, 0, size.networks, spec)
    updates = float(drawn["updates"].mean())
    sample = [
        Settings(**{name: column[k].item() for name, column in drawn.items()})
        for k in np.linspace(0, size.networks - 1, size.plain_networks).astype(int)
    ]
    with one_torch_thread():
        train_plainly(replace(sample[0], updates=2), spec, 0)  # the first optimiser takes a second to make

        def plain() -> float:
            for seed, settings in enumerate(sample):
                train_plainly(replace(settings, updates=size.plain_updates), spec, seed)
            return len(sample) * size.plain_updates / updates

        results = compare(
            NAME,
            "training on one core",
            "networks per core-second",
            [
                Contender(
                    "this program (compiled DQN)",
                    f"{size.networks} networks of the recipe, {updates:,.0f} updates each on average",
                    lambda: a_core_second(lambda: len(recipe.train(0, 0, size.networks, spec)[0])),
                ),
                Contender(
                    "a DQN in torch and gymnasium",
                    f"{size.plain_networks} of them for {size.plain_updates} updates each, "
                    f"extrapolated to {updates:,.0f}",
                    lambda: a_core_second(plain),
                ),
            ],
            repeats,
            tell,
        )
    return results + whole(results[1], size, repeats, tell)


def whole(plain: Result, size: Size, repeats: int, tell: Tell) -> list[Result]:
    """The paper's population on this machine: collected and measured here, or trained by the plain loop."""
    cores = available_cores()
    factor, thinning = trained_per_kept()

    def seconds(threads: int) -> float:
        compute = Compute("cpu", threads)
        plan = Plan(PAPER, 0, "dqn", (), None, Episodes(), PolicySpec.cartpole())
        with tempfile.TemporaryDirectory(prefix="agentemb-bench-") as folder:
            frames = collect(Path(folder) / "bench.safetensors", plan, compute)
            began = time.perf_counter()
            trained = next(frame.trained for frame in frames if frame.trained >= size.collected)
            rate = trained / (time.perf_counter() - began)
            frames.close()  # type: ignore[attr-defined]  # a generator
        # What the threads had begun ahead must not run on into the next contender's time.
        everyone = threading.Barrier(threads)
        for _ in compute.map(lambda _: everyone.wait(), range(threads)):
            pass
        return PAPER * factor / rate

    def contender(threads: int) -> Contender:
        what = f"this program, {threads} {'thread' if threads == 1 else 'threads'}"
        words = f"extrapolated from {size.collected} networks trained and measured in 100 episodes; {thinning}"
        return Contender(what, words, lambda: seconds(threads))

    counts = sorted({cores, Compute().workers}, reverse=True)
    results = compare(NAME, f"{PAPER:,} networks by the clock", SECONDS, [contender(n) for n in counts], repeats, tell)
    time_of = {name: PAPER * factor / (getattr(plain, name) * cores) for name in ("value", "low", "high")}
    return [
        *results,
        replace(
            results[0],
            what=f"the torch DQN, {cores} {'process' if cores == 1 else 'processes'}",
            value=time_of["value"],
            low=time_of["high"],
            high=time_of["low"],
            speed=results[0].value / time_of["value"],
            measured=f"from its rate above, as if {cores} cores gave {cores} times that; without measuring survival",
        ),
    ]


def trained_per_kept() -> tuple[float, str]:
    """How many networks are trained for one that the paper's quota keeps, and where that is known from."""
    if default_population().exists():
        provenance = load().provenance
        kept, trained = (provenance.get("collection") or {}).get("count"), provenance.get("trained")
        if kept and trained:
            return trained / kept, f"{trained / kept:.2f} trained for one kept, as in the shipped population"
    return 1.0, "all kept"


def train_plainly(settings: Settings, spec: PolicySpec, seed: int) -> NDArray[np.float32]:
    """A DQN as one writes it in torch, by the same rules as the compiled one; returns its flat weights (p,)."""
    import gymnasium
    import torch

    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    env = gymnasium.make(spec.env, max_episode_steps=TRAINING_CAP)
    network, target = module(spec), module(spec)
    target.load_state_dict(network.state_dict())
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.lr)
    replay: deque[tuple[NDArray, int, NDArray, bool]] = deque(maxlen=REPLAY)
    observation, _ = env.reset(seed=seed)
    done = 0
    while done < settings.updates:
        epsilon = max(1 - (1 - settings.epsilon) * done / max(settings.updates // 2, 1), settings.epsilon)
        if rng.random() < epsilon:
            action = int(rng.integers(2))
        else:
            with torch.no_grad():
                action = int(network(torch.from_numpy(observation)).argmax())
        following, _, fell, cut, _ = env.step(action)
        replay.append((observation, action, following, fell))
        observation = env.reset()[0] if fell or cut else following
        if len(replay) < settings.batch:
            continue
        drawn = [replay[k] for k in rng.integers(len(replay), size=settings.batch)]
        before, actions, after, ended = (torch.from_numpy(np.array(part)) for part in zip(*drawn, strict=True))
        with torch.no_grad():
            value = 1 + settings.gamma * target(after).max(1).values * ~ended
        chosen = network(before).gather(1, actions[:, None])[:, 0]
        optimiser.zero_grad()
        torch.nn.functional.huber_loss(chosen, value).backward()
        optimiser.step()
        done += 1
        if done % settings.target == 0:
            target.load_state_dict(network.state_dict())
    env.close()
    return torch.nn.utils.parameters_to_vector(network.parameters()).detach().numpy()
