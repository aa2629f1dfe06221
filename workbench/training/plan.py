"""What a collection is to be."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.paper import QUOTA
from workbench.policies import PolicySpec
from workbench.rollouts.episodes import Episodes
from workbench.training.recipes import Recipe


@dataclass(frozen=True)
class Plan:
    """What a collection is to be; two plans that are equal give the same networks."""

    count: int
    seed: int
    recipe: str
    settings: tuple[str, ...]
    quota: tuple[int, ...] | None
    episodes: Episodes
    spec: PolicySpec

    def to_json(self) -> dict[str, Any]:
        """The plan as it is written down, and as the population's provenance tells it."""
        return {
            "count": self.count,
            "seed": self.seed,
            "recipe": self.recipe,
            "settings": list(self.settings),
            "hyperparameters": Recipe.of(self.recipe, self.settings).describe(),
            "quota": list(self.quota) if self.quota else None,
            "episodes": {"count": self.episodes.count, "cap": self.episodes.cap, "seed": self.episodes.seed},
            "spec": self.spec.to_json(),
        }


def paper_quota(count: int) -> tuple[int, ...]:
    """The paper's group sizes (Table 1), scaled to `count` networks by largest remainder; at 74,000 exactly its own."""
    exact = np.array(QUOTA) * count / sum(QUOTA)
    quota = np.floor(exact).astype(int)
    quota[np.argsort(quota - exact, kind="stable")[: count - quota.sum()]] += 1
    return tuple(map(int, quota))
