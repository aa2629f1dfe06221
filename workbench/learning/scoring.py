"""How good generated networks are: survival times against held-out networks, novelty, diversity, and a verdict.

Every figure has its control: the floor of the Wasserstein distance is that of as many training networks; novelty and
diversity are ratios to those of held-out networks. A ratio near 1 is right; far below it samples are memorised or
collapsed, far above it they have left what training produces.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.learning.data import ALL, held_out_rows, survival_of
from workbench.numerics import novelty
from workbench.numerics.distributions import bootstrap, wasserstein
from workbench.numerics.statistics import mean_interval
from workbench.performance import SURVIVAL
from workbench.population import Population
from workbench.rollouts.states import visited

STATES = 256
"""States on which decisions are compared."""
NEIGHBOURS = 64
"""Nearest training networks in behaviour among which the nearest in weights is looked for."""
MATCHED = 500
"""Networks whose weights are matched unit by unit."""
KEPT = 6
"""Yardsticks held in memory."""
REFERENCE = 1000
"""Held-out networks that are looked at closely, at most."""
PAIRS = 1000
"""Pairs of networks that diversity of weights is the mean over."""
FLOOR_DRAWS = 40
RESAMPLES = 200
NEAR = 2.0
"""How many floors a faithful Wasserstein distance may have."""
INSIDE = 0.9
"""Share of samples inside the group from which they are on target."""
RATIOS = (0.8, 1.25)
"""Range of novelty and diversity ratios that is called right."""
COPIED = 0.02
"""Behavioural distance, against held-out networks' median, below which a sample is a copy of a training network."""

METRICS = (
    "n", "mean", "mean_low", "mean_high", "std", "w1", "w1_low", "w1_high", "inside", "behaviour_novelty",
    "weight_novelty", "behaviour_diversity", "weight_diversity",
)  # fmt: skip
"""Columns of a score."""


@dataclass(frozen=True)
class Nearest:
    """The training network that each of n networks behaves most like."""

    rows: NDArray[np.int64]
    """(n,) rows in the population."""
    distances: NDArray[np.float64]
    """(n,) root mean square difference of normalised outputs."""
    agreement: NDArray[np.float64]
    """(n,) share of states with the same action."""
    candidates: NDArray[np.int64]
    """(n, k) rows of the nearest."""


class Yardstick:
    """A population's group of survival or return, ready to hold samples against."""

    def __init__(self, population: Population, group: str, seed: int, compute: Compute):
        self.population, self.group, self.seed, self.compute = population, group, seed, compute
        self.groups = groups = population.groups
        if group != ALL and group not in groups.names:
            raise WorkbenchError(f"group: expected {', '.join((*groups.names, ALL))}, got {group!r}")
        survival = survival_of(population, compute)
        inside = np.isfinite(survival) & np.isfinite(np.asarray(population.weights)).all(1)
        if group != ALL:
            inside &= groups.assign(survival) == groups.names.index(group)
        held = held_out_rows(population)
        self.training = np.flatnonzero(inside & ~held)
        self.held_out = np.flatnonzero(inside & held)
        for rows, name in ((self.training, "training"), (self.held_out, "held-out")):
            if len(rows) < 2:
                raise WorkbenchError(
                    f"{population.name}: {len(rows)} {name} networks in group {group}; at least 2 are needed there"
                )
        self.survival = survival
        random = np.random.default_rng([seed, 6])
        self.reference = random.permutation(self.held_out)[:REFERENCE]
        """Held-out networks that stand for all of them where each is looked at closely."""

    @property
    def wanted(self) -> NDArray[np.float64]:
        """Survival times of the group's training networks."""
        return self.survival[self.training]

    @property
    def unseen(self) -> NDArray[np.float64]:
        """Survival times of its held-out networks."""
        return self.survival[self.held_out]

    def floor(self, count: int) -> float:
        """Mean Wasserstein distance of `count` training networks from the held-out ones."""
        random = np.random.default_rng([self.seed, 7])
        draws = (random.choice(self.wanted, count) for _ in range(FLOOR_DRAWS))
        return float(np.mean([wasserstein(drawn, self.unseen) for drawn in draws]))

    @cached_property
    def states(self) -> NDArray[np.float32]:
        """(STATES, d) visited by training networks of the group."""
        return visited(self.population.weights[self.training], self.population.spec, STATES, self.seed)

    @cached_property
    def known(self) -> NDArray[np.float32]:
        """What all training networks of the group decide."""
        return self.decisions(np.asarray(self.population.weights[self.training]))

    def decisions(self, weights: NDArray) -> NDArray[np.float32]:
        """Normalised decisions of networks (n, p) on the group's states, (n, STATES)."""
        return novelty.decisions(weights, self.population.spec, self.states)

    def nearest(self, weights: NDArray) -> Nearest:
        """Training networks that networks (n, p) behave most like."""
        decided = self.decisions(weights)
        k = min(NEIGHBOURS, len(self.training))
        rows, distances = novelty.nearest(decided, self.known, k)
        return Nearest(
            self.training[rows[:, 0]], distances[:, 0],
            novelty.agreement(decided, self.known[rows[:, 0]], self.population.spec.sizes[-1]), self.training[rows],
        )  # fmt: skip

    def closeness(self, weights: NDArray, near: Nearest | None = None) -> NDArray[np.float64]:
        """Novelty in behaviour and weights, diversity in behaviour and weights, of networks (n, p): (4,) distances."""
        near = near or self.nearest(weights)
        n, spec = len(weights), self.population.spec
        few = min(MATCHED, n)
        random = np.random.default_rng([self.seed, 8])
        out = np.full(4, np.nan)
        out[0] = near.distances.mean()
        if len(spec.sizes) == 3:
            candidates = np.asarray(self.population.weights)[near.candidates[:few]]
            out[1] = novelty.weight_novelty(weights[:few], candidates, spec, self.compute).mean()
        if n > 1:
            out[2] = novelty.pairwise(self.decisions(weights))
            if len(spec.sizes) == 3:
                a = random.integers(0, n, PAIRS)
                pairs = np.stack([a, (a + random.integers(1, n, PAIRS)) % n], 1)
                out[3] = novelty.weight_spread(weights, spec, pairs, self.compute).mean()
        else:
            out[2:] = 0.0
        return out

    @cached_property
    def _held_out_nearest(self) -> Nearest:
        return self.nearest(np.asarray(self.population.weights[self.reference]))

    @property
    def held_out_distances(self) -> NDArray[np.float64]:
        """How far in behaviour held-out networks are from the training network nearest to each."""
        return self._held_out_nearest.distances

    @cached_property
    def own(self) -> NDArray[np.float64]:
        """`closeness` of the held-out networks."""
        return self.closeness(np.asarray(self.population.weights[self.reference]), self._held_out_nearest)

    def score(self, weights: NDArray, survival: NDArray, near: Nearest | None = None) -> NDArray[np.float64]:
        """The figures of networks (n, p) with measured survival times (n,): one for each of `METRICS`."""
        mean = mean_interval(survival)
        w1 = bootstrap(wasserstein, survival, self.unseen, resamples=RESAMPLES, seed=self.seed)
        close = self.closeness(weights, near)
        with np.errstate(invalid="ignore", divide="ignore"):
            # Held-out networks may be copies themselves: no distance is then as good as none.
            ratios = np.where(close == self.own, 1.0, close / self.own)
        return np.array(
            [
                len(weights), mean.value, mean.low, mean.high, survival.std(), w1.value, w1.low, w1.high,
                self.share_inside(survival), *ratios,
            ]
        )  # fmt: skip

    def share_inside(self, survival: NDArray) -> float:
        """Share of survival times that lie in the group."""
        if self.group == ALL:
            return 1.0
        return float((self.groups.assign(survival) == self.groups.names.index(self.group)).mean())


_kept: dict[tuple[str, str, int], Yardstick] = {}


def yardstick(population: Population, group: str, seed: int, compute: Compute) -> Yardstick:
    """The yardstick of a group, made anew only where it is not one of the last few: half of a score's time is its own.

    Raises:
        WorkbenchError: no such group, or too few networks in it.
    """
    key = (population.content_hash, group, seed)
    found = _kept.pop(key, None) or Yardstick(population, group, seed, compute)
    _kept[key] = found
    while len(_kept) > KEPT:
        _kept.pop(next(iter(_kept)), None)
    return found


def verdict(score: NDArray, floor: float, unit: str = SURVIVAL.unit) -> tuple[str, str]:
    """One word and the sentence that says why; `unit` is that of the measure."""
    s = dict(zip(METRICS, score, strict=True))
    times = s["w1"] / floor if floor > 0 else float("inf")
    if times > NEAR or s["inside"] < INSIDE:
        return "off-target", (
            f"Off-target: W1 is {s['w1']:.1f}{unit}, {times:.1f} times the sampling floor; {s['inside']:.0%} lie in "
            "the group."
        )
    new = {"behaviour": s["behaviour_novelty"], "weights": s["weight_novelty"]}
    new = {name: ratio for name, ratio in new.items() if not np.isnan(ratio)}
    where = min(new, key=lambda name: new[name])
    if new[where] < RATIOS[0]:
        return "memorised", (
            f"Memorised: in {where} samples lie {new[where]:.2f} times as far from training networks as held-out "
            "ones do."
        )
    spread = [v for v in (s["behaviour_diversity"], s["weight_diversity"]) if not np.isnan(v)]
    if min(spread) < RATIOS[0]:
        return "collapsed", f"Collapsed: samples differ {min(spread):.2f} times as much as held-out networks do."
    loose = max(*new.values(), *spread)
    if loose > RATIOS[1]:
        return "scattered", f"On target, but scattered: {loose:.2f} times as far apart as held-out networks are."
    return "faithful", (
        f"Faithful: W1 is {s['w1']:.1f}{unit}, {times:.1f} times the sampling floor; neither copied nor collapsed."
    )
