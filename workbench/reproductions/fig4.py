"""Figure 4: survival times of training networks and of generated ones, for each group and all together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.text import Text

from workbench import claims
from workbench.analyses import sample
from workbench.analysis import Analysis, Selection
from workbench.claims import Claim
from workbench.compute import Compute
from workbench.figures import Histogram, figure, text_histogram
from workbench.numerics.distributions import bootstrap, density
from workbench.numerics.overlap import LEAST, mass_where_none, shares
from workbench.paper import SAMPLED
from workbench.reproducing import GROUPS, Params, Progress, at_work, population_of, seeds_of, trained
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout

DRAWN = (("cartpolegen", "posterior", "none"), ("functional", "prior", "predictor"))
"""The paper's way, and the best: generator, source, selector."""
GRID = np.linspace(0, 200, 201)
BINS = 20
"""Of ten steps each, in which it is looked for what samples have where training has practically nothing."""
DRAWS = 200
"""Samples of training networks that tell the floor of that."""


@dataclass(frozen=True)
class Frame(Progress):
    """Survival times so far, of the first seed."""

    seed: int
    count: int
    training: NDArray[np.float64]
    """(groups, g) kernel density of each group's training networks on 0..200 steps."""
    samples: NDArray[np.float64]
    """(groups, generators, n) survival times, NaN where there are none yet."""
    densities: NDArray[np.float64]
    """(groups, generators, g)."""
    shares: NDArray[np.float64]
    """(groups, bins) of the training networks."""


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a group and generator."""
    population, seed = population_of(selection), seeds_of(params)[0]
    from workbench.learning.scoring import yardstick
    from workbench.learning.selection import predictor_of

    count = SAMPLED if params.quick else params.count
    shape = (len(GROUPS), len(DRAWN))
    training = np.zeros((len(GROUPS), len(GRID)))
    samples, densities = np.full((*shape, count), np.nan), np.zeros((*shape, len(GRID)))
    parts, total = np.zeros((len(GROUPS), BINS)), 1000

    def frame(done: float, doing: str) -> Frame:
        return Frame(
            round(done), total, doing, population.name, seed, count, training.copy(), samples.copy(), densities.copy(),
            parts.copy(),
        )  # fmt: skip

    loaded = {}
    for k, (kind, _, _) in enumerate(DRAWN):
        for waiting in trained(population, kind, seed, compute):
            if isinstance(waiting, str):
                loaded[kind] = sample.generators.load(waiting, compute.torch_device)
            else:
                yield frame(400 * (k + waiting.done / waiting.total), waiting.name)
    for g, name in enumerate(GROUPS):
        held_against = yardstick(population, name, seed, compute)
        training[g] = density(held_against.wanted, GRID)
        parts[g] = shares(held_against.wanted, 0, 200, BINS)
        for k, (kind, source, selector) in enumerate(DRAWN):
            how = sample.Params(group=name, source=source, count=count, seed=seed)
            made = sample.draw(
                loaded[kind], held_against, how, selector, compute, predictor_of(loaded["functional"])
            ).samples.weights
            samples[g, k] = rollout(made, population.spec, Episodes(seed=seed), compute).steps.mean(1)
            densities[g, k] = density(samples[g, k], GRID)
            yield frame(800 + 200 * (g + (k + 1) / len(DRAWN)) / len(GROUPS), f"sampling {name}")


def panels(frame: Frame) -> list[Histogram]:
    """A panel a group and generator, generators side by side, as far as they are made."""
    return [
        Histogram(
            (0.0, 200.0), frame.samples[g, k], kind, GRID, frame.training[g], "training networks",
            bars_density=frame.densities[g, k], title=f"{name}{'' if name == 'all' else ' steps'}: {kind}",
        )
        for g, name in enumerate(GROUPS)
        for k, (kind, _, _) in enumerate(DRAWN)
        if not np.isnan(frame.samples[g, k]).any()
    ]  # fmt: skip


def table(frame: Frame) -> Group:
    """The panels in characters."""
    told = Text(f"Figure 4: {frame.population}, seed {frame.seed}, n {frame.count:,}. {at_work(frame)}".rstrip())
    drawn = (Text(text_histogram(panel, 78, 12)) for panel in panels(frame))
    return Group(told, *drawn, *claims.lines(answered(frame)))


@claims.remembered
def answered(frame: Frame) -> list[Claim]:
    """Claim 5, of the paper's way to sample: mass spilled where training has none, against mass that is left out."""
    if frame.done < frame.total:
        return []
    samples = frame.samples[:, 0]

    def spilled(*groups: NDArray) -> float:
        return float(np.mean([mass_where_none(_parts(s), t) for s, t in zip(groups, frame.shares, strict=True)]))

    def missed(*groups: NDArray) -> float:
        return float(np.mean([mass_where_none(t, _parts(s)) for s, t in zip(groups, frame.shares, strict=True)]))

    spill = bootstrap(spilled, *samples, seed=frame.seed)
    miss = bootstrap(missed, *samples, seed=frame.seed)
    more = bootstrap(lambda *groups: spilled(*groups) - missed(*groups), *samples, seed=frame.seed)
    random = np.random.default_rng([frame.seed, 25])
    drawn = random.multinomial(frame.count, frame.shares, (DRAWS, len(GROUPS))) / frame.count
    floor = np.quantile(
        [np.mean([mass_where_none(a, b) for a, b in zip(d, frame.shares, strict=True)]) for d in drawn], 0.975
    )
    each = [
        f"{name} {mass_where_none(_parts(s), t):.0%} and {mass_where_none(t, _parts(s)):.0%}"
        for name, s, t in zip(GROUPS, samples, frame.shares, strict=True)
    ]
    # Where sampling gives none there is none to be above.
    spills = False if spill.high <= floor else claims.above(spill, float(floor))
    part = claims.every((spills, claims.above(more)))
    why = (
        f"of CartPoleGen's samples {claims.told(spill, '.1%')} survive so long as practically no training network does "
        f"(sampling gives {floor:.1%} at most), and of training networks {claims.told(miss, '.1%')} as practically no "
        f"sample does: {', '.join(each)}. The first should be above what sampling gives, and above the second. Mean "
        f"over groups; practically: less than {LEAST:.0%} of an even spread over bins of ten steps; 95 % intervals "
        f"over samples, n {frame.count:,} a group, seed {frame.seed}."
    )
    return [Claim(5, claims.answer(part), why)]


def _parts(values: NDArray) -> NDArray[np.float64]:
    return shares(values, 0, 200, BINS)


def summary(frame: Frame) -> dict[str, Any]:
    """Every survival time."""
    return {
        "seed": frame.seed,
        "n": frame.count,
        "survival": {
            name: {kind: frame.samples[g, k].tolist() for k, (kind, _, _) in enumerate(DRAWN)}
            for g, name in enumerate(GROUPS)
        },
    }


def svg(frame: Frame) -> str:
    """The paper's figure, ours beside it."""
    return figure(panels(frame), "Figure 4: training networks and samples", columns=len(DRAWN))


ANALYSIS = Analysis(
    "fig4", "Figure 4: survival of samples", Params, Frame, run, table, summary, figure=svg, claims=answered, whole=True
)
