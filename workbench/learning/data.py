"""What a generator may learn from: the networks of a population that are not held out."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE, Groups
from workbench.policies import PolicySpec
from workbench.population import HELD_OUT, HELD_OUT_SHARE, Population, fingerprints, held_out
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import performance

ALL = "all"
"""The group of all networks (the paper's combined setting)."""
VALIDATION_SHARE = 20
"""One training network in this many is kept from the gradient, to tell when to stop."""
FEWEST = 10
"""Training networks that a group must have, the paper's batch size."""


@dataclass(frozen=True)
class TrainingData:
    """Networks to learn from, the held-out fifth taken out.

    Attributes:
        spec: what they are.
        weights: (n, p) float32.
        survival: (n,) steps, or return where that is what counts.
        validation: (n,) those that only tell when to stop.
        population: content hash of the population they come from.
        name: its name.
    """

    spec: PolicySpec
    weights: NDArray[np.float32]
    survival: NDArray[np.float64]
    validation: NDArray[np.bool_]
    population: str
    name: str
    groups: Groups = CARTPOLE

    @classmethod
    def of(cls, population: Population, compute: Compute | None = None) -> "TrainingData":
        """The training networks of a population; survival times are measured where it has no column of them.

        Raises:
            WorkbenchError: too few networks, or weights that are not finite.
        """
        rows = training_rows(population)
        weights = np.array(population.weights[rows], np.float32)
        survival = survival_of(population, compute)[rows]
        validation = (fingerprints(weights) // np.uint64(HELD_OUT_SHARE)) % np.uint64(VALIDATION_SHARE) == 0
        return cls(
            population.spec, weights, survival, validation, population.content_hash, population.name, population.groups
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def group(self) -> NDArray[np.int64]:
        """The survival group of each, (n,)."""
        return self.groups.assign(self.survival)

    def rows(self, group: str) -> NDArray[np.int64]:
        """Training rows of a survival group, or of `all`."""
        if group == ALL:
            return np.arange(len(self))
        return np.flatnonzero(self.group == self.groups.names.index(group))

    @cached_property
    def trainable(self) -> tuple[str, ...]:
        """The groups with enough networks to learn from, `all` last."""
        return (*(g for g in self.groups.names if len(self.rows(g)) >= FEWEST), ALL)


def training_rows(population: Population) -> NDArray[np.int64]:
    """(m,) networks that a generator may learn from: not held out, and finite.

    Raises:
        WorkbenchError: too few of them.
    """
    rows = np.flatnonzero(~held_out_rows(population))
    rows = rows[np.isfinite(population.weights[rows]).all(1)]
    if len(rows) < FEWEST:
        raise WorkbenchError(
            f"{population.name}: {len(rows)} training networks (the held-out fifth and those not finite apart); "
            f"at least {FEWEST} are needed"
        )
    return rows


def held_out_rows(population: Population) -> NDArray[np.bool_]:
    """(n,) which networks nothing is fitted to: the population's column, or by hash where it has none."""
    if HELD_OUT in population.columns:
        return np.asarray(population[HELD_OUT], bool)
    return held_out(fingerprints(np.asarray(population.weights)))


def survival_of(population: Population, compute: Compute | None = None) -> NDArray[np.float64]:
    """(n,) the population's survival times or returns, measured (100 episodes, cap 200, seed 0) where it has none."""
    if population.measured:
        return population.performance
    return performance(np.asarray(population.weights), population.spec, Episodes(), compute).mean(1)
