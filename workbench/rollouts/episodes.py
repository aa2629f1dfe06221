"""Episodes as values: the same starts and the same noise for every network, every engine and every batch."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.physics import START_RANGE


@dataclass(frozen=True)
class Episodes:
    """A set of episodes, told by a count, a cap and a seed.

    Episode e starts as Gymnasium's own environment does after `reset(seed=seeds[e])`, so that anyone can check a
    survival time with the environment itself. All networks get the same episodes: differences between networks are
    not differences between starts.
    """

    count: int = 100
    """Number of episodes (the paper takes 100)."""
    cap: int = 200
    """Steps after which an episode ends (200 in Cart-Pole v0, 500 in v1)."""
    seed: int = 0
    """Seed of all episodes."""
    first: int = 0
    """Episodes of the seed that come before these."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("count", 1, 1_000_000),
            ("cap", 1, 1_000_000),
            ("seed", 0, 2**63 - 1),
            ("first", 0, 1_000_000),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                label = {"count": "episodes"}.get(name, name)
                raise WorkbenchError(f"{label}: expected {low} to {high}, got {value}")

    @property
    def seeds(self) -> NDArray[np.uint32]:
        """One seed an episode, (count,); the first of them do not depend on how many there are."""
        drawn = np.random.SeedSequence(self.seed).generate_state(self.first + self.count, np.uint32)
        return np.asarray(drawn[self.first :], np.uint32)

    def one(self, episode: int) -> "Episodes":
        """A single episode of these."""
        return replace(self, count=1, first=self.first + episode)

    def starts(self) -> NDArray[np.float64]:
        """Cart-Pole states at step 0: (count, 4), metres, metres a second, radians, radians a second."""
        return _draws(self.count, 0, self.seed, self.first)[0]

    def uniforms(self) -> NDArray[np.float64]:
        """One number uniform on [0, 1) for each step of each episode, for sampled actions: (count, cap)."""
        return _draws(self.count, self.cap, self.seed, self.first)[1]


@lru_cache(maxsize=8)
def _draws(count: int, cap: int, seed: int, first: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    starts = np.empty((count, 4))
    uniforms = np.empty((count, cap))
    for e, episode_seed in enumerate(Episodes(count, max(cap, 1), seed, first).seeds):
        generator = np.random.default_rng(int(episode_seed))
        starts[e] = generator.uniform(-START_RANGE, START_RANGE, 4)
        uniforms[e] = generator.random(cap)
    starts.setflags(write=False)
    uniforms.setflags(write=False)
    return starts, uniforms
