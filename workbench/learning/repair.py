"""What every repair promises: of a damaged network and what it may know candidates, best first, and what they took."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.learning.data import ALL, held_out_rows, survival_of
from workbench.numerics.damage import fill
from workbench.policies import PolicySpec
from workbench.population import Population
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout
from workbench.rollouts.states import visited

if TYPE_CHECKING:
    from workbench.learning.contract import Generator

SOURCES = ("prior", "posterior")
KNOWLEDGE = {"positions": "mask", "survival": "survival", "actions": "actions"}
"""What a method may know beside the damaged weights, and where a case holds it."""


@dataclass(frozen=True, eq=False)
class Case:
    """A damaged network, and what may be known of the original."""

    damaged: NDArray[np.float32]
    """(p,), 0 where weights are missing."""
    mask: NDArray[np.bool_] | None
    """(p,) where it is damaged; None where that is not known."""
    survival: float | None
    """Survival time of the original in the episodes of `trial`, steps."""
    states: NDArray[np.float32] | None
    """(n, d) states in which the original's actions are known."""
    actions: NDArray[np.int64] | None
    """(n,) what it does there."""
    trial: Episodes
    """Episodes in which candidates may be tried; never those they are confirmed in."""
    samples: int = 200
    """Networks that may be drawn (Algorithm 1: gamma)."""
    keep: int = 10
    """Candidates to return (Algorithm 1: k)."""
    epsilon: float = 5.0
    """Difference of survival times that counts as success, steps."""
    seed: int = 0
    reading: str = "filled"
    """Of Algorithm 1, what ST(C) is of: `filled`, the damaged network with its holes filled in; `candidate`."""

    def told(self, method: "Method") -> "Case":
        """The case as a method gets it: what it does not say it knows is not there.

        Raises:
            WorkbenchError: it cannot do without something that is not known.
        """
        for name in method.needs:
            if getattr(self, KNOWLEDGE[name]) is None:
                raise WorkbenchError(f"{method.name}: wants the {name} of the original, which are not known here")
        kept = self
        if "positions" not in method.knows:
            kept = replace(kept, mask=None)
        if "survival" not in method.knows:
            kept = replace(kept, survival=None)
        if "actions" not in method.knows:
            kept = replace(kept, states=None, actions=None)
        return kept


@dataclass(frozen=True, eq=False)
class Repaired:
    """Candidates, and what finding them took."""

    weights: NDArray[np.float32]
    """(k, p), best first."""
    samples: int
    """Networks drawn."""
    episodes: int
    """Simulator episodes played to choose."""


@dataclass(frozen=True)
class Method:
    """A way to repair a network: one file in `workbench/repairs`."""

    name: str
    title: str
    knows: tuple[str, ...]
    """What it uses of `KNOWLEDGE`, where it is known; this stands in its row."""
    repair: Callable[[Case, "Source"], Repaired]
    needs: tuple[str, ...] = ()
    """What it cannot do without."""
    readings: tuple[str, ...] = ("filled",)


@dataclass(frozen=True, eq=False)
class Source:
    """What repairs learn and draw from: training networks and a generator. No held-out network is in it."""

    spec: PolicySpec
    weights: NDArray[np.float32]
    """(n, p) training networks."""
    survival: NDArray[np.float64]
    """(n,) steps."""
    generator: "Generator"
    compute: Compute
    source: str = "prior"
    """Where samples come from: the generator's prior, or the posterior of random training networks."""
    _drawn: dict[tuple[int, int], NDArray[np.float32]] = field(default_factory=dict)
    _visited: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, population: Population, generator: "Generator", compute: Compute, source: str = "prior",
        without: NDArray[np.float32] | None = None,
    ) -> "Source":  # fmt: skip
        """The finite training networks of a population, less those that are the same as one (p,).

        Raises:
            WorkbenchError: none are left, or no such source.
        """
        if source not in SOURCES:
            raise WorkbenchError(f"source: expected {' or '.join(SOURCES)}, got {source!r}")
        weights = np.asarray(population.weights)
        survival = survival_of(population, compute)
        kept = ~held_out_rows(population) & np.isfinite(weights).all(1) & np.isfinite(survival)
        if without is not None:
            kept &= ~(weights == without).all(1)
        if kept.sum() < 2:
            raise WorkbenchError(
                f"{population.name}: {kept.sum()} training networks to repair with; at least 2 are needed "
                "(`agentemb-tui merge` puts networks beside those of another population)"
            )
        return cls(population.spec, weights[kept], survival[kept], generator, compute, source)

    def sample(self, count: int, seed: int) -> NDArray[np.float32]:
        """Networks (count, p) of the generator for all survival groups; the last that were drawn are kept."""
        key = (count, seed)
        if key not in self._drawn:
            training = self.weights if self.source == "posterior" else None
            self._drawn.clear()
            self._drawn[key] = self.generator.sample(count, ALL, seed, training).weights
        return self._drawn[key]

    def states(self, count: int) -> NDArray[np.float32]:
        """(count, d) states that training networks visit, always the same."""
        if count not in self._visited:
            self._visited[count] = visited(self.weights, self.spec, count)
        return self._visited[count]

    def nearest(self, wanted: float | None, count: int, seed: int) -> NDArray[np.int64]:
        """Rows of at most so many training networks, those that survive for the time nearest to the one wanted.

        In random order, and at random among equals; at random among all, where none is known.
        """
        random = np.random.default_rng([seed, 24])
        order = random.permutation(len(self.weights))
        if wanted is not None:
            order = order[np.argsort(np.abs(self.survival[order] - wanted), kind="stable")]
        return random.permutation(order[:count])

    @property
    def predictor(self) -> Any:
        """The survival predictor trained with the generator; None where it has none."""
        from workbench.learning.selection import predictor_of

        return predictor_of(self.generator)

    def judge(self, weights: NDArray[np.float32], case: Case) -> tuple[NDArray[np.float64], int]:
        """Survival (n,) of networks (n, p), and the simulator episodes it took: none where there is a predictor."""
        if self.predictor is not None:
            return self.predictor.predict(weights)[0], 0
        return rollout(weights, self.spec, case.trial, self.compute).steps.mean(1), len(weights) * case.trial.count


def nearest_survival(survival: NDArray, wanted: float | None, keep: int) -> NDArray[np.int64]:
    """Places of those with the survival times nearest to the one wanted; the first, where none is known."""
    if wanted is None:
        return np.arange(min(keep, len(survival)))
    return np.argsort(np.abs(survival - wanted), kind="stable")[:keep]


def rejection(case: Case, source: Source, samples: NDArray[np.float32], ranks: NDArray) -> Repaired:
    """Algorithm 1 (Agent Embeddings, section 4.3): of the k candidates with the lowest rank the first that survives
    as long as the original, within epsilon.

    That one comes first; without one, the nearest. All are judged here, but only the episodes of those up to it are
    counted, since the algorithm ends there.

    Args:
        case: with the original's survival time.
        source: plays.
        samples: (n, p) networks drawn.
        ranks: (n,) what the criterion gives.
    """
    assert case.survival is not None
    order = np.argsort(ranks, kind="stable")[: case.keep]
    candidates = samples[order]
    if case.reading == "filled" and case.mask is not None:
        candidates = fill(case.damaged, case.mask, candidates)
    off = np.abs(rollout(candidates, source.spec, case.trial, source.compute).steps.mean(1) - case.survival)
    right = np.flatnonzero(off < case.epsilon)
    tried = int(right[0]) + 1 if len(right) else len(off)
    first = int(right[0]) if len(right) else int(off.argmin())
    places = np.concatenate([[first], np.delete(np.arange(len(off)), first)])
    return Repaired(candidates[places], len(samples), tried * case.trial.count)
