"""Choosing among generated candidates by survival time: to the distribution of a group, or near a wanted value."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.learning.contract import Generator, Samples
from workbench.learning.data import ALL
from workbench.learning.predictor import SurvivalPredictor
from workbench.policies import PolicySpec
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import performance

SELECTORS = ("none", "predictor", "simulator")
CANDIDATES = 4
"""Candidates for each sample wanted."""
TRIAL_EPISODES = 10
"""Episodes in which the simulator tries a candidate."""
TRIAL_SEED = 7919
"""Added to the seed for those episodes: never the ones that samples are scored on."""


@dataclass(frozen=True)
class Chosen:
    """Samples, and what it took to find them."""

    samples: Samples
    candidates: int
    """Networks generated."""
    episodes: int
    """Simulator episodes that choosing took."""


def predictor_of(generator: Generator) -> SurvivalPredictor | None:
    """The survival predictor that was trained with a generator, if it has one."""
    return getattr(generator, "predictor", None)


def choose(
    generator: Generator,
    count: int,
    group: str = ALL,
    seed: int = 0,
    *,
    selector: str,
    wanted: NDArray,
    predictor: SurvivalPredictor | None = None,
    training: NDArray | None = None,
    change: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
    spec: PolicySpec | None = None,
    compute: Compute | None = None,
) -> Chosen:
    """Sample, and keep what has the survival times wanted.

    Args:
        generator: where candidates come from.
        count: samples to keep.
        group: the group they are meant for.
        seed: of everything drawn.
        selector: none keeps what comes; predictor and simulator generate `CANDIDATES` times as many.
        wanted: (m,) survival times whose distribution the samples shall have.
        predictor: what predicts, where the selector is `predictor`.
        training: networks to draw from, as `Generator.sample` has it; None for the prior.
        change: applied to candidates' latents (n, k) before they are decoded.
        spec: how candidates are played, where not as the networks that the generator was trained on.
        compute: device and threads.

    Raises:
        WorkbenchError: no such selector, none to predict with, or nothing wanted.
    """
    if selector not in SELECTORS:
        raise WorkbenchError(f"selector: expected {', '.join(SELECTORS)}, got {selector!r}")
    if selector == "predictor" and predictor is None:
        raise WorkbenchError(f"selector: {generator.title} has no survival predictor; none or simulator can be had")
    if selector != "none" and not len(wanted):
        raise WorkbenchError(f"selector: no training network of group {group} whose survival time could be matched")
    candidates = count if selector == "none" else CANDIDATES * count
    samples = generator.sample(candidates, group, seed, training)
    if change is not None:
        latents = change(samples.latents)
        samples = Samples(latents, generator.decode(latents, group, seed))
    if selector == "none":
        return Chosen(samples, candidates, 0)
    episodes = 0
    if selector == "predictor":
        assert predictor is not None
        survival, _ = predictor.predict(samples.weights)
    else:
        trial = Episodes(TRIAL_EPISODES, seed=(seed + TRIAL_SEED) % 2**63)
        survival = performance(samples.weights, spec or generator.spec, trial, compute).mean(1)
        episodes = candidates * TRIAL_EPISODES
    # In random order, so that the first few are as good a sample as all.
    goals = np.random.default_rng([seed, 10]).permutation(np.quantile(wanted, (np.arange(count) + 0.5) / count))
    kept = matching(survival, goals)
    return Chosen(Samples(samples.latents[kept], samples.weights[kept]), candidates, episodes)


def matching(values: NDArray, wanted: NDArray) -> NDArray[np.int64]:
    """Rows of `values` (m,), one for each of `wanted` (n,), n <= m, with the least total difference: (n,).

    The best matching of numbers keeps their order, so that dynamic programming over both sorted lists finds it.
    """
    order, goals = np.argsort(values, kind="stable"), np.argsort(wanted, kind="stable")
    sorted_values = np.asarray(values, float)[order]
    n, m = len(goals), len(order)
    cost = np.zeros(m + 1)
    taken = np.zeros((n, m + 1), bool)
    for i, goal in enumerate(np.asarray(wanted, float)[goals]):
        here = np.full(m + 1, np.inf)
        here[i + 1 :] = cost[i:-1] + np.abs(sorted_values[i:] - goal)
        cost = np.minimum.accumulate(here)
        taken[i] = here == cost
    rows = np.empty(n, np.int64)
    j = m
    for i in range(n - 1, -1, -1):
        while not taken[i, j]:
            j -= 1
        rows[goals[i]] = order[j - 1]
        j -= 1
    return rows
