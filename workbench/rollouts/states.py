"""States that policies visit."""

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import record

PER_EPISODE = 12
"""States taken of an episode at most, so that long episodes do not crowd out short ones."""
EPISODES = 4
CAP = 200


def visited(weights: NDArray, spec: PolicySpec, count: int, seed: int = 0) -> NDArray[np.float32]:
    """States from rollouts of randomly drawn networks, each network and episode with about the same share.

    Args:
        weights: (n, p).
        spec: the policy.
        count: how many states.
        seed: of the networks drawn, the episodes and the states taken.

    Returns:
        (count, d) float32, in random order.

    Raises:
        WorkbenchError: no networks.
    """
    if not len(weights):
        raise WorkbenchError("states: no networks to take them from")
    random = np.random.default_rng([seed, 2])
    found: list[NDArray] = []
    have = 0
    while have < count:
        rows = random.integers(0, len(weights), 64)
        played = record(np.asarray(weights[rows]), spec, Episodes(EPISODES, CAP, int(random.integers(2**31))))
        for states, steps in zip(played.states, played.steps, strict=True):
            for episode, length in zip(states, steps, strict=True):
                taken = random.choice(length, min(length, PER_EPISODE), replace=False)
                found.append(episode[taken])
                have += len(taken)
    states = np.concatenate(found).astype(np.float32)
    return states[random.permutation(len(states))[:count]]


def own(weights: NDArray, spec: PolicySpec, count: int, seed: int = 0) -> NDArray[np.float32]:
    """For each network states that it visits itself, drawn with replacement from one episode: (n, count, d) float32."""
    random = np.random.default_rng([seed, 3])
    played = record(np.asarray(weights), spec, Episodes(1, CAP, seed))
    steps = np.maximum(1, played.steps[:, 0])
    at = (random.random((len(steps), count)) * steps[:, None]).astype(int)
    return played.states[np.arange(len(steps))[:, None], 0, at].astype(np.float32)
