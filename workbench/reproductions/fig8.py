"""Figure 8: missing weights repaired by rejection sampling at ten levels of damage (section 4.3, Algorithm 1)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import claims, generators
from workbench.analyses.repairs import held_out_networks
from workbench.analysis import Analysis, Selection
from workbench.claims import Claim
from workbench.compute import Compute
from workbench.figures import Lines, figure, text_lines
from workbench.numerics.distributions import bootstrap
from workbench.numerics.proportions import wilson
from workbench.numerics.statistics import Interval
from workbench.recovering import CRITERIA, LEVELS, READINGS, Search, chart, recover
from workbench.reproducing import EPSILON, Params, Progress, at_work, population_of, seeds_of, trained
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout
from workbench.text import counted

KIND = "cartpolegen"
SAMPLES, KEEP = 200, 10
"""Algorithm 1's gamma and k; its epsilon is `EPSILON`."""
SOURCES = ("posterior", "prior")
NETWORKS, QUICK_NETWORKS = 60, 10
NEARLY = 15.0
"""Steps within which the paper says that survival is recovered everywhere."""


@dataclass(frozen=True)
class Frame(Progress):
    """Repairs so far."""

    seed: int
    generator: str
    networks: NDArray[np.int64]
    """(n,) held-out networks, rows in the population; the first is the given one."""
    survival: NDArray[np.float64]
    """(n,) their own in fresh episodes, steps; NaN before their turn."""
    off: NDArray[np.float64]
    """(sources, n, levels, criteria, readings) difference of survival of what the algorithm returns, in fresh episodes,
    steps; NaN before their turn."""
    claimed: NDArray[np.float64]
    """(sources, n, levels, criteria, readings) 1 where the algorithm says success, by the episodes it chose in."""

    @property
    def finished(self) -> int:
        """Networks that have had their turn."""
        return int((~np.isnan(self.survival)).sum())


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a network."""
    population, seed = population_of(selection), seeds_of(params)[0]
    rows, _ = held_out_networks(selection, QUICK_NETWORKS if params.quick else NETWORKS, seed)
    shape = (len(SOURCES), len(rows), len(LEVELS), len(CRITERIA), len(READINGS))
    off, claimed, survival = np.full(shape, np.nan), np.full(shape, np.nan), np.full(len(rows), np.nan)
    total, path = 1000, ""
    frame = Frame(0, total, "", population.name, seed, "", rows, survival, off, claimed)
    for waiting in trained(population, KIND, seed, compute):
        if isinstance(waiting, str):
            path = waiting
        else:
            yield replace(frame, done=round(600 * waiting.done / waiting.total), doing=waiting.name)
    generator = generators.for_population(population, path, compute)
    from workbench.learning.data import TrainingData

    training = TrainingData.of(population, compute).weights
    fresh = Episodes(seed=seed)
    for n, row in enumerate(rows):
        weights = np.array(population.weights[row])
        survival[n] = rollout(weights[None], population.spec, fresh, compute).steps.mean()
        for s, source in enumerate(SOURCES):
            drawn = training if source == "posterior" else None
            own = int(np.random.default_rng([seed, 23, row, s]).integers(2**62))
            off[s, n], claimed[s, n] = recover(
                weights, population.spec, generator, drawn, fresh, own, compute, Search(SAMPLES, KEEP, EPSILON)
            )
        yield replace(
            frame, done=600 + round(400 * (n + 1) / len(rows)), doing="repairing" if n + 1 < len(rows) else "done",
            generator=f"{generator.NAME} ({generator.title})", survival=survival.copy(), off=off.copy(),
            claimed=claimed.copy(),
        )  # fmt: skip


def figures_of(frame: Frame) -> dict[str, Any]:
    """Means over networks with bootstrap intervals, and shares within epsilon, by source, reading and criterion."""
    told = ~np.isnan(frame.survival)
    out: dict[str, Any] = {}
    for s, source in enumerate(SOURCES):
        for r, reading in enumerate(READINGS):
            for c, criterion in enumerate(CRITERIA):
                off = frame.off[s, told, :, c, r]
                means = [bootstrap(_mean, off[:, k], seed=frame.seed) for k in range(len(LEVELS))] if len(off) else []
                overall = bootstrap(_mean, off.mean(1), seed=frame.seed) if len(off) else None
                out[f"{source}, {reading}, {criterion}"] = {
                    "given": off[0].tolist() if len(off) else [],
                    "mean": [m.value for m in means],
                    "interval": [[m.low, m.high] for m in means],
                    "overall": None if overall is None else [overall.value, overall.low, overall.high],
                    "within_epsilon": (off < EPSILON).mean(0).tolist() if len(off) else [],
                    "said_success": frame.claimed[s, told, :, c, r].mean(0).tolist() if len(off) else [],
                }
    return out


def _mean(values: NDArray) -> float:
    return float(values.mean())


def sentences(frame: Frame) -> list[str]:
    """The paper's criteria against each other and against random candidates, for each reading."""
    told = ~np.isnan(frame.survival)
    if told.sum() < 2:
        return []
    found = []
    for r, reading in enumerate(READINGS):
        off = frame.off[0, told, :, :, r]
        by = off.mean((0, 1))
        pairs = {}
        for name, a, b in (("Whole less Missing", 1, 0), ("Whole less random", 1, 2)):
            pairs[name] = f"{name} {claims.told(_gap(off, a, b, frame.seed), '+.1f')}"
        near = (off[:, :, :2] < NEARLY).mean()
        hit = (off < EPSILON).mean((0, 1))
        found.append(
            f"{reading}: survival is off by {by[0]:.1f} (Missing), {by[1]:.1f} (Whole), {by[2]:.1f} steps (random "
            f"candidates); "
            f"{'; '.join(pairs.values())}; within {EPSILON:g} steps in {hit[0]:.0%}, {hit[1]:.0%} and {hit[2]:.0%}; "
            f"the two criteria within {NEARLY:g} in {near:.0%} (the paper: everywhere)"
        )
    return found


def _gap(off: NDArray, a: int, b: int, seed: int) -> Interval:
    """By how much more one criterion is off than another, mean over levels: `off` is (n, levels, criteria)."""
    return bootstrap(_mean, (off[:, :, a] - off[:, :, b]).mean(1), seed=seed)


@claims.remembered
def answered(frame: Frame) -> list[Claim]:
    """Claims 12 and 13, of samples from the posterior; both readings of ST(C) must agree."""
    if frame.done < frame.total or frame.finished < 2:
        return []
    alike, recovered, words, shares = [], [], [], []
    for r, reading in enumerate(READINGS):
        off = frame.off[0, :, :, :, r]
        gap = _gap(off, 1, 0, frame.seed)
        alike.append(claims.every((claims.inside(gap, -EPSILON, EPSILON), claims.below(gap))))
        words.append(f"{reading} {claims.told(gap, '+.1f')}: {claims.answer(alike[-1])}")
        paper, n = off[:, :, :2], len(off)
        kept = (paper < NEARLY).all((1, 2)), (paper < EPSILON).any((1, 2)), (paper[:, -1] < EPSILON).any(1)
        found = [wilson(int(k.sum()), n) for k in kept]
        recovered.append(claims.every(claims.above(f, 0.5) for f in found))
        shares.append(f"{reading} {', '.join(claims.told(f, '.0%') for f in found)}: {claims.answer(recovered[-1])}")
    made = (
        f"Both readings of ST(C) must agree; 95 % intervals over {counted(frame.finished, 'held-out network')}, "
        f"samples from the "
        f"posterior, seed {frame.seed}."
    )
    return [
        Claim(
            12, claims.answer(claims.unanimous(alike)),
            f"steps that Whole is off less those that Missing is off: {'; '.join(words)}. It should be below 0, by "
            f"less than {EPSILON:g}. {made}",
        ),
        Claim(
            13, claims.answer(claims.unanimous(recovered)),
            f"share of networks within {NEARLY:g} steps at every level by both criteria, within {EPSILON:g} at some by "
            f"either, and within {EPSILON:g} where nothing is left: {'; '.join(shares)}. The paper shows one network; "
            f"each share should be above one half. {made}",
        ),
    ]  # fmt: skip


def panels(frame: Frame) -> list[Lines]:
    """For each reading the given network, and the mean over all, as far as they are repaired."""
    told = ~np.isnan(frame.survival)
    if not told.any():
        return []
    found = []
    for r, reading in enumerate(READINGS):
        for title, off in (
            (f"#{frame.networks[0]}, {reading}", frame.off[0, 0, :, :, r]),
            (f"mean of {told.sum()}, {reading}", frame.off[0, told, :, :, r].mean(0)),
        ):
            found.append(chart(off, EPSILON, title))
    return found


def table(frame: Frame) -> Group:
    """Means by level, beside the control, and the panels in characters."""
    head = Text(
        f"Figure 8: {frame.population}, seed {frame.seed}; {frame.generator or KIND}, all groups; {SAMPLES} samples, "
        f"{KEEP} candidates, epsilon {EPSILON:g} steps; difference of survival in fresh episodes, mean over "
        f"{counted(frame.finished, 'held-out network')} (share within epsilon). {at_work(frame)}".rstrip()
    )
    if not frame.finished:
        return Group(head)
    out = Table(box=SIMPLE_HEAD, padding=0)
    out.add_column("from, ST(C) of, criterion")
    shown = LEVELS[::2] + LEVELS[-1:]
    for level in shown:
        out.add_column(f"{level:g}", justify="right")
    for name, f in figures_of(frame).items():
        cells = [
            f"{f['mean'][LEVELS.index(level)]:.0f} ({f['within_epsilon'][LEVELS.index(level)]:.0%})" for level in shown
        ]
        out.add_row(name, *cells)
    whole = Text(
        "At 1.0 nothing exists: Equation 10 is 0 for all, and the Missing Criterion takes the first that were drawn."
    )
    lines = [Text(s, style="bold") for s in sentences(frame)]
    drawn = (Text(text_lines(panel, 78, 14)) for panel in panels(frame))
    return Group(head, out, whole, *lines, *drawn, *claims.lines(answered(frame)))


def summary(frame: Frame) -> dict[str, Any]:
    """Every difference."""
    return {
        "seed": frame.seed,
        "generator": frame.generator,
        "levels": list(LEVELS),
        "samples": SAMPLES,
        "candidates": KEEP,
        "epsilon": EPSILON,
        "networks": frame.networks.tolist(),
        "survival": frame.survival.tolist(),
        "rows": figures_of(frame),
        "sentences": sentences(frame),
        "off": {source: frame.off[s].tolist() for s, source in enumerate(SOURCES)},
        "axes": {"off": ["network", "level", "criterion", "reading"], "criteria": CRITERIA, "readings": READINGS},
    }


def svg(frame: Frame) -> str:
    """The paper's figure, and the mean over networks beside it."""
    return figure(panels(frame), "Figure 8: survival recovered by rejection sampling", columns=2)


ANALYSIS = Analysis(
    "fig8",
    "Figure 8: missing weights repaired",
    Params,
    Frame,
    run,
    table,
    summary,
    figure=svg,
    claims=answered,
    whole=True,
)
