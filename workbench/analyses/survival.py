"""Survival time (Agent Embeddings, section 3.5), or return where that is what counts, in many episodes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.groups import Groups
from workbench.numerics.statistics import standard_error
from workbench.performance import RETURN, groups_of
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import judged, stream
from workbench.text import counted


@dataclass(frozen=True)
class Params:
    """How survival or return is measured."""

    episodes: int = 100
    """Episodes a network plays; the paper takes 100."""
    cap: int = 0
    """Steps after which an episode ends; 0 takes as many as the population was measured with."""
    seed: int = 0
    """Seed of the episodes, the same for all networks."""


@dataclass(frozen=True)
class Frame:
    """Survival times or returns so far."""

    done: int
    total: int
    episodes: int
    cap: int
    seed: int
    measure: str
    """survival or return."""
    edges: tuple[float, ...]
    """Between groups."""
    groups: tuple[str, ...]
    """Their names."""
    survival: NDArray[np.float64]
    """(done,) mean over episodes, steps or return."""
    error: NDArray[np.float64]
    """(done,) standard error of that mean."""
    capped: NDArray[np.bool_]
    """(done,) whether every episode reached the cap."""
    stored: NDArray[np.float64]
    """(done,) the population's own column, NaN where there is none."""
    stored_cap: int
    """Steps after which the episodes ended that it is of: only with as many can the two be held against each other."""


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a chunk of networks."""
    population = selection.population
    stored, groups = population.performance[selection.indices], population.groups
    # Where a longer cap may take survival further, groups are of what is measured.
    kept = population.measured and population.measure is RETURN
    survival, error = np.zeros(len(selection)), np.zeros(len(selection))
    capped = np.zeros(len(selection), bool)
    episodes = Episodes(params.episodes, params.cap or population.cap, params.seed)

    def frame(done: int) -> Frame:
        of = groups if kept else groups_of(population.spec, population.edges, survival[:done])
        return Frame(
            done, len(selection), params.episodes, episodes.cap, params.seed, population.measure.name, of.edges,
            of.names, survival[:done], error[:done], capped[:done], stored[:done], population.cap,
        )  # fmt: skip

    yield frame(0)
    before = 0
    for done, part, _ in stream(selection.weights, population.spec, episodes, compute):
        values = judged(part, population.spec)
        survival[before:done] = values.mean(1)
        error[before:done] = standard_error(values)
        capped[before:done] = (part.steps == episodes.cap).all(1)
        before = done
        yield frame(done)


def table(frame: Frame) -> Table:
    """A row for each survival group, and one for all."""
    what = f"{frame.measure.capitalize()} of {counted(frame.done, 'network')}"
    out = Table(title=f"{what}: {counted(frame.episodes, 'episode')} each, cap {frame.cap}, seed {frame.seed}")
    for name in ("group", "networks", "mean", "std", "mean s.e.", "at the cap", "retest", "95 %"):
        out.add_column(name, justify="left" if name == "group" else "right")
    for name, row in summary(frame)["groups"].items():
        retest = row["retest"]
        out.add_row(
            name,
            f"{row['networks']:,}",
            *(f"{row[k]:.1f}" if row["networks"] else "-" for k in ("mean", "std")),
            f"{row['standard_error']:.2f}" if row["networks"] else "-",
            f"{row['capped']:,}",
            *(("-", "-") if retest is None else (f"{retest['mean']:.2f}", f"{retest['p95']:.2f}")),
        )
    out.caption = f"{_compared(frame)}; s.e.: of one network's mean"
    return out


def _compared(frame: Frame) -> str:
    """What the two measurements of a network are, or why they are not held against each other."""
    if np.isnan(frame.stored).all():
        return f"retest: no {frame.measure} is stored that this could be compared with"
    if frame.cap != frame.stored_cap:
        return f"retest: not compared, as the stored {frame.measure} is of cap {frame.stored_cap}, this of {frame.cap}"
    return f"retest: how far from the stored {frame.measure} (cap {frame.stored_cap} too), mean and 95th percentile"


def summary(frame: Frame) -> dict[str, Any]:
    """Groups with mean and standard deviation, and how far a network's two measurements lie apart."""
    group = Groups(frame.edges, frame.groups).assign(frame.survival)
    masks = {name: group == g for g, name in enumerate(frame.groups)} | {"all": np.ones(len(group), bool)}
    rows = {}
    for name, mask in masks.items():
        survival = frame.survival[mask]
        gap = np.abs(survival - frame.stored[mask])
        gap = gap[~np.isnan(gap)] if frame.cap == frame.stored_cap else gap[:0]
        empty = not mask.any()
        rows[name] = {
            "networks": int(mask.sum()),
            "mean": None if empty else float(survival.mean()),
            "std": None if empty else float(survival.std()),
            "standard_error": None if empty else float(frame.error[mask].mean()),
            "capped": int(frame.capped[mask].sum()),
            "retest": {"mean": float(gap.mean()), "p95": float(np.quantile(gap, 0.95))} if len(gap) else None,
        }
    return {
        "networks": frame.done,
        "episodes": frame.episodes,
        "cap": frame.cap,
        "stored_cap": None if np.isnan(frame.stored).all() else frame.stored_cap,
        "seed": frame.seed,
        "groups": rows,
        "measure": frame.measure,
        frame.measure: frame.survival.tolist(),
    }


ANALYSIS = Analysis("survival", "Measure survival or return", Params, Frame, run, table, summary)
