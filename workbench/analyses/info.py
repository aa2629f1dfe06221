"""What is in a population: its survival groups beside the paper's, baselines, and networks to be wary of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.groups import CARTPOLE
from workbench.numerics.statistics import mean_interval
from workbench.paper import CONSTANT_AGENT, RANDOM_AGENT, TABLE_1_TRAINING
from workbench.population import fingerprints
from workbench.rollouts.baselines import baselines
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout

ROWS = (*CARTPOLE.names, "all")
BASELINES = ("random", "constant", "rule")
CHUNK = 4096


@dataclass(frozen=True)
class Params:
    """How the baselines are measured."""

    episodes: int = 1000
    """Episodes of each baseline."""
    cap: int = 200
    """Steps after which an episode ends."""
    seed: int = 0
    """Seed of the episodes."""


@dataclass(frozen=True)
class Frame:
    """A population in figures."""

    done: int
    total: int
    measured: bool
    """Whether the population has a column `survival`; the next three are zeros if not."""
    sizes: NDArray[np.int64]
    """(5,) networks in each group, and all."""
    means: NDArray[np.float64]
    """(5,) mean survival, steps."""
    deviations: NDArray[np.float64]
    """(5,) standard deviation of survival, steps."""
    baselines: NDArray[np.float64]
    """(3, 3): mean survival of each baseline and its 95 % interval, steps."""
    episodes: int
    seed: int
    held_out: int
    """Networks that nothing is fitted to."""
    not_finite: int
    """Networks with a NaN or infinite weight."""
    constant: int
    """Networks whose weights are all the same finite number."""
    duplicates: int
    """Networks whose weights another one before them has too."""


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield what the columns and the baselines say, then what a look at every weight says.

    Raises:
        WorkbenchError: the file is not what was written.
    """
    population = selection.population
    n = len(selection)
    sizes, means, deviations = np.zeros(len(ROWS), np.int64), np.zeros(len(ROWS)), np.zeros(len(ROWS))
    measured = "survival" in population.columns
    if measured:
        survival = np.asarray(population["survival"], float)[selection.indices]
        group = CARTPOLE.assign(survival)
        for g in range(len(ROWS)):
            part = survival[group == g] if g < len(CARTPOLE) else survival
            sizes[g] = len(part)
            if len(part):
                means[g], deviations[g] = part.mean(), part.std()
    held = int(np.asarray(population["held_out"])[selection.indices].sum()) if "held_out" in population.columns else 0
    measures = np.zeros((len(BASELINES), 3))
    counts = np.zeros(3, np.int64)

    def frame(done: int) -> Frame:
        return Frame(
            done, n, measured, sizes, means, deviations, measures, params.episodes, params.seed, held, *map(int, counts)
        )

    for b, (weights, spec) in enumerate(baselines().values()):
        steps = rollout(weights, spec, Episodes(params.episodes, params.cap, params.seed), compute).steps[0]
        interval = mean_interval(steps)
        measures[b] = interval.value, interval.low, interval.high
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
    """Groups beside Table 1's training half, with baselines below."""
    out = Table(title=f"{frame.total:,} networks beside Table 1 of Agent Embeddings (survival time in steps)")
    for name in ("group", "networks", "mean", "std", "paper: networks", "mean", "std"):
        out.add_column(name, justify="left" if name == "group" else "right")
    for g, name in enumerate(ROWS):
        theirs = TABLE_1_TRAINING[name]
        ours = (
            (f"{frame.sizes[g]:,}", f"{frame.means[g]:.1f}", f"{frame.deviations[g]:.1f}")
            if frame.measured and frame.sizes[g]
            else ("0" if frame.measured else "not measured", "-", "-")
        )
        out.add_row(name, *ours, f"{theirs.size:,}", f"{theirs.mean}", f"{theirs.std}", end_section=name == "151-200")
    out.add_section()
    for b, name in enumerate(BASELINES):
        value, low, high = frame.baselines[b]
        printed = {"random": f"{RANDOM_AGENT:g}", "constant": f"{CONSTANT_AGENT:g}"}.get(name, "-")
        out.add_row(f"{name} agent", "", f"{value:.2f} ± {(high - low) / 2:.2f}", "", "", printed, "")
    out.caption = (
        f"baselines: 95 % interval, {frame.episodes} episodes, seed {frame.seed}; held out {frame.held_out:,}; "
        f"not finite {frame.not_finite}, constant {frame.constant}, duplicate {frame.duplicates}"
    )
    return out


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    groups = {
        name: {"networks": int(frame.sizes[g]), "mean": float(frame.means[g]), "std": float(frame.deviations[g])}
        for g, name in enumerate(ROWS)
    }
    return {
        "networks": frame.total,
        "groups": groups if frame.measured else None,
        "baselines": {
            name: dict(zip(("mean", "low", "high"), map(float, frame.baselines[b]), strict=True))
            for b, name in enumerate(BASELINES)
        },
        "episodes": frame.episodes,
        "seed": frame.seed,
        "held_out": frame.held_out,
        "not_finite": frame.not_finite,
        "constant": frame.constant,
        "duplicates": frame.duplicates,
    }


ANALYSIS = Analysis("info", "What is in a population", Params, Frame, run, table, summary, examines=True)
