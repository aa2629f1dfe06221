"""What is in a population: its survival groups beside the paper's, baselines, and networks to be wary of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.statistics import mean_interval
from workbench.paper import CONSTANT_AGENT, RANDOM_AGENT, TABLE_1_TRAINING
from workbench.performance import SURVIVAL, measure_named
from workbench.physics import is_cartpole
from workbench.policies import PolicySpec
from workbench.population import fingerprints
from workbench.rollouts.baselines import baselines
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import performance
from workbench.text import clean, counted

ALL = "all"
SLOW_EPISODES = 100
"""Episodes of a baseline, at most, where no compiled engine plays them."""
CHUNK = 4096


@dataclass(frozen=True)
class Params:
    """How the baselines are measured."""

    episodes: int = 1000
    """Episodes of each baseline."""
    cap: int = 0
    """Steps after which an episode ends; 0 takes as many as the population was measured with."""
    seed: int = 0
    """Seed of the episodes."""


@dataclass(frozen=True)
class Frame:
    """A population in figures."""

    done: int
    total: int
    measure: str
    """survival or return."""
    measured: bool
    """Whether the population has a column of it; the next three are zeros if not."""
    groups: tuple[str, ...]
    """Names of the groups, and all."""
    sizes: NDArray[np.int64]
    """(groups,) networks in each group, and all."""
    means: NDArray[np.float64]
    """(groups,) mean survival (steps) or return."""
    deviations: NDArray[np.float64]
    """(groups,) its standard deviation."""
    agents: tuple[str, ...]
    """Baselines that are played: random, constant, and in Cart-Pole a rule."""
    baselines: NDArray[np.float64]
    """(agents, 3): mean survival or return of each and its 95 % interval."""
    episodes: int
    cap: int
    seed: int
    held_out: int
    """Networks that nothing is fitted to."""
    not_finite: int
    """Networks with a NaN or infinite weight."""
    constant: int
    """Networks whose weights are all the same finite number."""
    duplicates: int
    """Networks whose weights another one before them has too."""
    fault: str = ""
    """Why no baselines are played, where none are."""


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield what the columns and the baselines say, then what a look at every weight says.

    Raises:
        WorkbenchError: the file is not what was written.
    """
    population = selection.population
    n = len(selection)
    groups, measured = population.groups, population.measured
    rows = (*groups.names, ALL)
    sizes, means, deviations = np.zeros(len(rows), np.int64), np.zeros(len(rows)), np.zeros(len(rows))
    if measured:
        values = population.performance[selection.indices]
        group = groups.assign(values)
        for g in range(len(rows)):
            part = values[group == g] if g < len(groups) else values[~np.isnan(values)]
            sizes[g] = len(part)
            if len(part):
                means[g], deviations[g] = part.mean(), part.std()
    held = int(np.asarray(population["held_out"])[selection.indices].sum()) if "held_out" in population.columns else 0
    agents: dict[str, tuple[NDArray[np.float32], PolicySpec]] = {}
    measures, fault = np.zeros((0, 3)), ""
    played = params.episodes if is_cartpole(population.spec) else min(params.episodes, SLOW_EPISODES)
    counts, episodes = np.zeros(3, np.int64), Episodes(played, params.cap or population.cap, params.seed)

    def frame(done: int) -> Frame:
        return Frame(
            done, n, population.measure.name, measured, rows, sizes, means, deviations, tuple(agents), measures, played,
            episodes.cap, params.seed, held, int(counts[0]), int(counts[1]), int(counts[2]), fault,
        )  # fmt: skip

    try:
        agents = baselines(population.spec)
        measures = np.zeros((len(agents), 3))
        for b, (weights, spec) in enumerate(agents.values()):
            interval = mean_interval(performance(weights, spec, episodes, compute)[0])
            measures[b] = interval.value, interval.low, interval.high
    except WorkbenchError as error:  # what cannot be played can be looked at
        agents, measures, fault = {}, np.zeros((0, 3)), str(error)
    yield frame(0)
    population.verify()
    seen: list[NDArray[np.uint64]] = []
    weights = selection.weights
    for begin in range(0, n, CHUNK):
        chunk = np.asarray(weights[begin : begin + CHUNK])
        finite = np.isfinite(chunk).all(1)
        counts[0] += int((~finite).sum())
        counts[1] += int(((chunk == chunk[:, :1]).all(1) & finite).sum())
        seen.append(fingerprints(chunk))
        if begin + CHUNK >= n:
            counts[2] = n - len(np.unique(np.concatenate(seen)))
        yield frame(min(begin + CHUNK, n))


def table(frame: Frame) -> Table:
    """Groups beside Table 1's training half where survival is measured, with baselines below."""
    paper = measure_named(frame.measure) is SURVIVAL and set(frame.groups) == set(TABLE_1_TRAINING)
    beside = " beside Table 1 of Agent Embeddings (survival time in steps)" if paper else f": {frame.measure}"
    out = Table(title=f"{counted(frame.total, 'network')}{beside}")
    for name in ("group", "networks", "mean", "std", *(("paper: networks", "mean", "std") if paper else ())):
        out.add_column(name, justify="left" if name == "group" else "right")
    for g, name in enumerate(frame.groups):
        ours = (
            (f"{frame.sizes[g]:,}", f"{frame.means[g]:.1f}", f"{frame.deviations[g]:.1f}")
            if frame.measured and frame.sizes[g]
            else ("0" if frame.measured else "not measured", "-", "-")
        )
        t = TABLE_1_TRAINING.get(name)
        theirs = (f"{t.size:,}", f"{t.mean}", f"{t.std}") if paper and t else ()
        out.add_row(name, *ours, *theirs, end_section=g == len(frame.groups) - 2)
    out.add_section()
    for b, name in enumerate(frame.agents):
        value, low, high = frame.baselines[b]
        printed = {"random": f"{RANDOM_AGENT:g}", "constant": f"{CONSTANT_AGENT:g}"}.get(name, "-")
        row = (f"{name} agent", "", f"{value:.2f} ± {(high - low) / 2:.2f}", "")
        out.add_row(*row, *(("", printed, "") if paper else ()))
    out.caption = (
        f"baselines: 95 % interval, {counted(frame.episodes, 'episode')} of {counted(frame.cap, 'step')} at most, seed "
        f"{frame.seed}; held out {frame.held_out:,}; "
        f"not finite {frame.not_finite}, constant {frame.constant}, duplicate {frame.duplicates}"
    )
    if frame.fault:
        out.caption = Text(f"{clean(frame.fault)}; {out.caption}")
    return out


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    groups = {
        name: {"networks": int(frame.sizes[g]), "mean": float(frame.means[g]), "std": float(frame.deviations[g])}
        for g, name in enumerate(frame.groups)
    }
    return {
        "networks": frame.total,
        "measure": frame.measure,
        "groups": groups if frame.measured else None,
        "baselines": {
            name: dict(zip(("mean", "low", "high"), map(float, frame.baselines[b]), strict=True))
            for b, name in enumerate(frame.agents)
        },
        "episodes": frame.episodes,
        "cap": frame.cap,
        "seed": frame.seed,
        "held_out": frame.held_out,
        "not_finite": frame.not_finite,
        "constant": frame.constant,
        "duplicates": frame.duplicates,
    }


ANALYSIS = Analysis("info", "What is in a population", Params, Frame, run, table, summary, examines=True)
