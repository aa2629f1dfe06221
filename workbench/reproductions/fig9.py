"""Figure 9: the generator of 51-100 trained on ten and a hundred times fewer networks (section 5.1).

The paper trains all for 20 epochs, so that fewer networks also mean fewer gradient steps. Here both are told apart:
equal epochs, and equal steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import claims, generators
from workbench.analysis import Analysis, Selection
from workbench.claims import Claim
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import Histogram, figure
from workbench.numerics.distributions import bootstrap, density, wasserstein
from workbench.paper import SAMPLED
from workbench.reproducing import Params, Progress, at_work, population_of, seeds_of, seeds_told, single, trainings
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout

GROUP = "51-100"
SHARES = (1.0, 0.1, 0.01)
"""Of the group's networks (9,400, 940 and 94 of the paper's), though never fewer than a batch."""
BUDGETS = ("equal epochs", "equal steps")
GRID = np.linspace(0, 200, 201)


@dataclass(frozen=True)
class Frame(Progress):
    """Distances so far; NaN where they are not made yet."""

    seeds: tuple[int, ...]
    count: int
    networks: NDArray[np.int64]
    """(shares,) training networks, the held-out fifth taken out."""
    w1: NDArray[np.float64]
    """(seeds, shares, budgets) Wasserstein distance from held-out networks, steps."""
    floor: float
    training: NDArray[np.float64]
    """(g,) density of the group's training networks."""
    samples: NDArray[np.float64]
    """(seeds, shares, budgets, n) survival times of samples."""
    unseen: NDArray[np.float64]
    """(m,) survival times of held-out networks."""


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield frames while generators are trained, and as each is sampled."""
    population, seeds = population_of(selection), seeds_of(params)
    from workbench.learning.contract import train
    from workbench.learning.data import ALL, FEWEST, TrainingData
    from workbench.learning.scoring import yardstick

    count = SAMPLED if params.quick else params.count
    data = TrainingData.of(population, compute)
    rows = data.rows(GROUP)
    networks = np.array([max(FEWEST, round(share * len(rows))) for share in SHARES])
    if networks[1] <= FEWEST:
        raise WorkbenchError(
            f"{population.name}: {len(rows)} training networks in {GROUP}; a tenth of them must be more than {FEWEST}"
        )
    kind = generators.find("cartpolegen")
    held_against = yardstick(population, GROUP, seeds[0], compute)
    w1 = np.full((len(seeds), len(SHARES), len(BUDGETS)), np.nan)
    samples = np.full((len(seeds), len(SHARES), len(BUDGETS), count), np.nan)
    floor, training = held_against.floor(count), density(held_against.wanted, GRID)
    base = kind.SETTINGS(condition="none")
    # With all networks both budgets are the same.
    trials = [
        (s, k, b) for s in range(len(seeds)) for k in range(len(SHARES)) for b in range(len(BUDGETS)) if k or not b
    ]
    total = 1000 * len(trials)

    def frame(done: float, doing: str) -> Frame:
        return Frame(
            round(done), total, doing, population.name, seeds, count, networks, w1.copy(), floor, training,
            samples.copy(), held_against.unseen,
        )  # fmt: skip

    for t, (s, k, b) in enumerate(trials):
        part = np.random.default_rng([seeds[s], 11]).permutation(rows)[: networks[k]]
        few = replace(data, weights=data.weights[part], survival=data.survival[part], validation=data.validation[part])
        epochs = base.epochs if b == 0 else round(base.epochs * networks[0] / networks[k])
        doing = f"{networks[k]:,} networks, {BUDGETS[b]}, seed {seeds[s]}"
        for made, state in train(kind, few, replace(base, epochs=epochs), seeds[s], single(compute)):  # noqa: B007
            yield frame(1000 * (t + min(0.99, state.done / state.total)), doing)
        weights = made.sample(count, ALL, seeds[s], few.weights).weights
        lasted = rollout(weights, population.spec, Episodes(seed=seeds[s]), compute).steps.mean(1)
        for budget in range(len(BUDGETS)) if k == 0 else (b,):
            w1[s, k, budget] = wasserstein(lasted, held_against.unseen)
            samples[s, k, budget] = lasted
        yield frame(1000 * (t + 1), doing)


def table(frame: Frame) -> Group:
    """A row a size."""
    about = f"{frame.population}, n {frame.count:,}, {seeds_told(frame.seeds)}"
    out = Table(title=f"Figure 9: CartPoleGen of {GROUP}, {about}")
    for name in ("training networks", *(f"W1, {b}" for b in BUDGETS)):
        out.add_column(name, justify="right")
    for k, networks in enumerate(frame.networks):
        out.add_row(f"{networks:,}", *(_told(frame.w1[:, k, b]) for b in range(len(BUDGETS))))
    out.caption = f"Wasserstein distance of posterior samples from held-out networks, steps; floor {frame.floor:.2f}"
    return Group(out, *(claims.lines(answered(frame)) or [Text(at_work(frame))]))


def _told(values: NDArray) -> str:
    made = values[~np.isnan(values)]
    if not len(made):
        return "-"
    return f"{made.mean():.1f}" + (f" ± {made.std(ddof=1):.1f}" if len(made) > 1 else "")


@claims.remembered
def answered(frame: Frame) -> list[Claim]:
    """Claim 14, by the paper's budget: distances from held-out networks grow with each cut."""
    if frame.done < frame.total:
        return []
    words, parts = [], []
    for b, budget in enumerate(BUDGETS):
        steps = []
        for k in range(len(SHARES) - 1):
            gaps = [
                bootstrap(_worse, s[k + 1, b], s[k, b], frame.unseen, seed=n)
                for s, n in zip(frame.samples, frame.seeds, strict=True)
            ]
            steps.append(claims.unanimous(map(claims.above, gaps)))
            least, more = frame.networks[k + 1], frame.networks[k]
            words.append(f"{least:,} less {more:,} networks at {budget} {'; '.join(map(claims.told, gaps))}")
        parts.append(claims.every(steps))
    why = (
        f"differences of W1, steps: {', '.join(words)}; at {BUDGETS[0]}, as in the paper, both should lie above 0 (at "
        f"{BUDGETS[1]}: {claims.answer(parts[1])}). 95 % intervals over samples and held-out networks (n "
        f"{frame.count:,} and {len(frame.unseen):,}); {trainings(frame.seeds)}."
    )
    return [Claim(14, claims.answer(parts[0]), why)]


def _worse(fewer: NDArray, more: NDArray, unseen: NDArray) -> float:
    return wasserstein(fewer, unseen) - wasserstein(more, unseen)


def summary(frame: Frame) -> dict[str, Any]:
    """Every number."""
    return {
        "group": GROUP,
        "seeds": list(frame.seeds),
        "n": frame.count,
        "networks": frame.networks.tolist(),
        "w1": {b: frame.w1[:, :, i].tolist() for i, b in enumerate(BUDGETS)},
        "floor": frame.floor,
        "samples": frame.samples.tolist(),
    }


def svg(frame: Frame) -> str:
    """A panel a size and budget."""
    panels = [
        Histogram(
            (0.0, 200.0), frame.samples[0, k, b], "samples", GRID, frame.training, "training networks",
            bars_density=density(frame.samples[0, k, b], GRID), title=f"{frame.networks[k]:,} networks, {budget}",
        )
        for b, budget in enumerate(BUDGETS)
        for k in range(len(SHARES))
        if not np.isnan(frame.samples[0, k, b]).any()
    ]  # fmt: skip
    return figure(panels, f"Figure 9: {GROUP} from fewer networks", columns=len(SHARES))


ANALYSIS = Analysis(
    "fig9",
    "Figure 9: fewer training networks",
    Params,
    Frame,
    run,
    table,
    summary,
    figure=svg,
    claims=answered,
    whole=True,
)
