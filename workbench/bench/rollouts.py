"""Rollouts: env-steps per core-second of the compiled kernel and of what one would write, and how threads add up."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.bench.measure import (
    Contender,
    Result,
    Tell,
    a_core_second,
    compare,
    one_torch_thread,
    trained_networks,
)
from workbench.compute import Compute, available_cores
from workbench.policies import PolicySpec
from workbench.population import Population
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout

if TYPE_CHECKING:
    import torch

NAME = "rollouts"
CAP = 200


@dataclass(frozen=True)
class Size:
    """How much a round of each contender does."""

    networks: int = 4096
    episodes: int = 100
    batch: int = 128
    """Networks of the batched ones."""
    plain_networks: int = 16
    plain_episodes: int = 10


def measure(repeats: int, tell: Tell, size: Size | None = None) -> list[Result]:
    """Rows for engines on one core, and for threads (and a GPU, if there is one) on the clock.

    Raises:
        WorkbenchError: the shipped population cannot be read.
    """
    size = size or Size()
    population, source = trained_networks(size.networks)
    with one_torch_thread():
        return engines(population, source, size, repeats, tell) + threads(population, source, size, repeats, tell)


def engines(population: Population, source: str, size: Size, repeats: int, tell: Tell) -> list[Result]:
    """The kernel beside a Gymnasium loop, Gymnasium's vectorised Cart-Pole and batched torch, on one core each."""
    from workbench.rollouts import reference

    spec = population.spec
    episodes, few = Episodes(size.episodes, CAP), Episodes(size.plain_episodes, CAP)
    batch, sample = _spread(population, size.batch), _spread(population, size.plain_networks)
    one = Compute("cpu", 1)

    # Held against the kernel here, which also warms everything up.
    plain_same = _same(play_plainly(sample, spec, few), rollout(sample, spec, few, one).steps)
    batch_same = _same(reference.play(batch, spec, episodes), rollout(batch, spec, episodes, one).steps)
    play_vectorised(batch[:2], spec, episodes)

    def steps_of(play: Callable[[], NDArray]) -> Callable[[], float]:
        return partial(a_core_second, lambda: float(play().sum()))

    each = f"{episodes.count} episodes"
    return compare(
        NAME,
        "one core",
        "env-steps per core-second",
        [
            Contender(
                "this program (compiled kernel)",
                f"{source}, {each} of at most {CAP} steps",
                steps_of(lambda: rollout(population.weights, spec, episodes, one).steps),
            ),
            Contender(
                "gymnasium and a torch network, in a loop",
                f"{len(sample)} of them, {few.count} episodes; {plain_same}",
                steps_of(lambda: play_plainly(sample, spec, few)),
            ),
            Contender(
                "gymnasium's vector Cart-Pole and torch",
                f"{len(batch)} of them, {episodes.count} environments each for {CAP} steps, "
                "of which the steps of later episodes count too",
                steps_of(lambda: play_vectorised(batch, spec, episodes)),
            ),
            Contender(
                "physics too in batched torch",
                f"{len(batch)} of them, {each}; {batch_same}",
                steps_of(lambda: reference.play(batch, spec, episodes)),
            ),
        ],
        repeats,
        tell,
    )


def threads(population: Population, source: str, size: Size, repeats: int, tell: Tell) -> list[Result]:
    """The kernel by the clock on 1, 2 and all cores, and batched torch on a GPU if there is one."""
    spec, episodes, cores = population.spec, Episodes(size.episodes, CAP), available_cores()
    load = f"{source}, {episodes.count} episodes"

    def contender(what: str, compute: Compute, measured: str) -> Contender:
        got: list[float] = []

        def play() -> float:
            wall, cpu = time.perf_counter(), time.process_time()
            steps = rollout(population.weights, spec, episodes, compute).steps.sum()
            wall = time.perf_counter() - wall
            got.append((time.process_time() - cpu) / wall)
            return float(steps) / wall

        # Where others are at work this tells whether it is threads that do not add up, or cores that were not there.
        return Contender(what, measured, play, lambda: f"had {statistics.median(got):.2f} cores")

    counts = sorted({1, 2, cores})
    words = f"{load}; {cores} {'core' if cores == 1 else 'cores'} available"
    contenders = [contender(f"{n} {'thread' if n == 1 else 'threads'}", Compute("cpu", n), words) for n in counts]
    device = Compute("auto").torch_device
    if device != "cpu":
        gpu = Compute(device, 1)
        rollout(population.weights, spec, Episodes(2, CAP), gpu)  # starts the device
        contenders.append(contender(f"batched torch on {device}", gpu, load))
    return compare(NAME, "by the clock", "env-steps per second", contenders, repeats, tell)


def play_plainly(weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes) -> NDArray[np.int32]:
    """Steps (n, episodes) as one would get them without this program: an environment, a module and a loop."""
    import gymnasium
    import torch

    env = gymnasium.make(spec.env, max_episode_steps=episodes.cap)
    steps = np.zeros((len(weights), episodes.count), np.int32)
    with torch.no_grad():
        for i, flat in enumerate(weights):
            network = module(spec)
            torch.nn.utils.vector_to_parameters(torch.tensor(flat), network.parameters())
            for e, seed in enumerate(episodes.seeds):
                observation, _ = env.reset(seed=int(seed))
                over = False
                while not over:
                    action = int(network(torch.from_numpy(observation)).argmax())
                    observation, _, fell, cut, _ = env.step(action)
                    steps[i, e] += 1
                    over = fell or cut
    env.close()
    return steps


def play_vectorised(weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes) -> NDArray[np.int64]:
    """Steps played (n, episodes) in the environment's own vectorised form, every one `cap` steps with resets between.

    A step of all environments is one call, and so are all networks: the best that this interface gives.
    """
    import gymnasium
    import torch

    from workbench.rollouts import reference

    n, e = len(weights), episodes.count
    env = gymnasium.make_vec(
        spec.env, num_envs=n * e, vectorization_mode="vector_entry_point", max_episode_steps=episodes.cap
    )
    networks = torch.tensor(np.asarray(weights))
    played = np.zeros(n * e, np.int64)
    observations, _ = env.reset(seed=episodes.seed)
    for _ in range(episodes.cap):
        outputs = reference.outputs(networks, spec, torch.from_numpy(observations).view(n, e, -1))
        observations, rewards, _, _, _ = env.step(outputs.argmax(-1).view(-1).numpy())
        played += rewards.astype(np.int64)  # a step that only resets has none
    env.close()
    return played.reshape(n, e)


def module(spec: PolicySpec) -> "torch.nn.Sequential":
    """CartPoleNet as one writes it: linear layers with ELU between them."""
    import torch

    parts: list[torch.nn.Module] = []
    for n_in, n_out in zip(spec.sizes, spec.sizes[1:], strict=False):
        parts += [torch.nn.Linear(n_in, n_out), torch.nn.ELU()]
    return torch.nn.Sequential(*parts[:-1])


def _spread(population: Population, count: int) -> NDArray[np.float32]:
    """Networks (count, p) at even distances in the population."""
    return population.weights[np.linspace(0, len(population) - 1, count).astype(int)]


def _same(theirs: NDArray, ours: NDArray) -> str:
    return f"{(theirs == ours).sum():,} of {ours.size:,} episodes as long as in the kernel"
