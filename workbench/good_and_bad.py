"""Good and bad networks, as Table 2 and Figures 5 and 6 compare them: samples and trained ones near a survival time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.analyses import sample
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.paper import COMPARED, TABLE_2
from workbench.population import Population
from workbench.reproducing import trained
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout
from workbench.text import counted

if TYPE_CHECKING:
    from workbench.learning.shelf import Waiting

SOURCES = ("cartpolegen", "functional", "trained")
"""The paper's generator and way to sample, the best generator here, and the trained networks themselves."""
TOLD = {
    "cartpolegen": "CartPoleGen, posterior",
    "functional": "functional, prior + predictor",
    "trained": "trained networks",
}
KINDS = tuple(TABLE_2)
POOL, QUICK_POOL = 100, 40
"""Networks nearest to a survival time that ten are drawn from again and again; fewer where it shall be quick."""


@dataclass(frozen=True, eq=False)
class Pools:
    """The good networks that lie nearest to the wanted survival time, nearest first, and after them the bad ones."""

    networks: Population
    size: int
    """Networks in each pool."""

    @property
    def survival(self) -> NDArray[np.float64]:
        """(2 * size,) steps."""
        return np.asarray(self.networks["survival"], float)

    def pool(self, kind: str) -> NDArray[np.int64]:
        """Rows of a pool."""
        return np.arange(self.size) + KINDS.index(kind) * self.size

    def ten(self, kind: str) -> NDArray[np.int64]:
        """Rows of the ten nearest."""
        return self.pool(kind)[:COMPARED]


def generators_for(population: Population, seed: int, compute: Compute) -> "Iterator[Waiting | dict[str, Any]]":
    """The generators of both kinds, loaded; while they are trained, how far that is."""
    loaded: dict[str, Any] = {}
    for kind in SOURCES[:2]:
        for waiting in trained(population, kind, seed, compute):
            if isinstance(waiting, str):
                loaded[kind] = sample.generators.load(waiting, compute.torch_device)
            else:
                yield waiting
    yield loaded


def pools(
    population: Population, source: str, seed: int, count: int, loaded: dict[str, Any], compute: Compute,
    most: int | None = None,
) -> Pools:  # fmt: skip
    """Of `count` networks of a source, those nearest to the survival times of Table 2 (100 episodes, cap 200).

    Args:
        population: of the trained networks.
        source: one of `SOURCES`.
        seed: of all that is drawn.
        count: networks to choose from, in each group.
        loaded: the generators.
        compute: device and threads.
        most: networks in a pool, `POOL` unless told.

    Raises:
        WorkbenchError: fewer than ten in a group.
    """
    from workbench.learning.scoring import yardstick
    from workbench.learning.selection import predictor_of

    found = []
    for row in TABLE_2.values():
        held_against = yardstick(population, row.group, seed, compute)
        if source == "trained":
            inside = np.concatenate([held_against.training, held_against.held_out])
            drawn = np.random.default_rng([seed, 15]).permutation(inside)[:count]
            made = np.asarray(population.weights[np.sort(drawn)])
        else:
            way, selector = ("posterior", "none") if source == "cartpolegen" else ("prior", "predictor")
            how = sample.Params(group=row.group, source=way, count=count, seed=seed)
            predictor = predictor_of(loaded["functional"])
            made = sample.draw(loaded[source], held_against, how, selector, compute, predictor).samples.weights
        lasted = rollout(made, population.spec, Episodes(seed=seed), compute).steps.mean(1)
        nearest = np.argsort(np.abs(lasted - row.survival), kind="stable")[: most or POOL]
        found.append((made[nearest], lasted[nearest]))
    size = min(len(weights) for weights, _ in found)
    if size < COMPARED:
        raise WorkbenchError(
            f"{population.name}: {counted(size, 'network')}, {TOLD[source]}, in a group of Table 2; {COMPARED} are "
            f"compared there"
        )
    weights, survival = (np.concatenate([part[:size] for part in parts]) for parts in zip(*found, strict=True))
    return Pools(Population(population.spec, weights, {"survival": survival}), size)
