"""Survival time: every network in many episodes (Agent Embeddings, section 3.5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.groups import CARTPOLE
from workbench.numerics.statistics import standard_error
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import stream


@dataclass(frozen=True)
class Params:
    """How survival is measured."""

    episodes: int = 100
    """Episodes a network plays; the paper takes 100."""
    cap: int = 200
    """Steps after which an episode ends; 200 in Cart-Pole v0."""
    seed: int = 0
    """Seed of the episodes, the same for all networks."""


@dataclass(frozen=True)
class Frame:
    """Survival times so far."""

    done: int
    total: int
    episodes: int
    cap: int
    seed: int
    survival: NDArray[np.float64]
    """(done,) mean steps."""
    error: NDArray[np.float64]
    """(done,) standard error of that mean, steps."""
    stored: NDArray[np.float64]
    """(done,) the population's own column, NaN where there is none."""


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a chunk of networks."""
    population = selection.population
    known = np.asarray(population["survival"], float) if "survival" in population.columns else None
    stored = np.full(len(selection), np.nan) if known is None else known[selection.indices]
    survival, error = np.zeros(len(selection)), np.zeros(len(selection))
    episodes = Episodes(params.episodes, params.cap, params.seed)

    def frame(done: int) -> Frame:
        return Frame(
            done, len(selection), params.episodes, params.cap, params.seed, survival[:done], error[:done], stored[:done]
        )

    yield frame(0)
    before = 0
    for done, part, _ in stream(selection.weights, population.spec, episodes, compute):
        survival[before:done] = part.steps.mean(1)
        error[before:done] = standard_error(part.steps)
        before = done
        yield frame(done)


def table(frame: Frame) -> Table:
    """A row for each survival group, and one for all."""
    out = Table(
        title=f"Survival of {frame.done:,} networks: {frame.episodes} episodes each, cap {frame.cap}, seed {frame.seed}"
    )
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
    out.caption = "retest: how far from the stored survival, mean and 95th percentile; s.e.: of one network's mean"
    return out


def summary(frame: Frame) -> dict[str, Any]:
    """Groups with mean and standard deviation, and how far a network's two measurements lie apart."""
    group = CARTPOLE.assign(frame.survival)
    masks = {name: group == g for g, name in enumerate(CARTPOLE.names)} | {"all": np.ones(len(group), bool)}
    rows = {}
    for name, mask in masks.items():
        survival = frame.survival[mask]
        gap = np.abs(survival - frame.stored[mask])
        gap = gap[~np.isnan(gap)]
        empty = not mask.any()
        rows[name] = {
            "networks": int(mask.sum()),
            "mean": None if empty else float(survival.mean()),
            "std": None if empty else float(survival.std()),
            "standard_error": None if empty else float(frame.error[mask].mean()),
            "capped": int((survival == frame.cap).sum()),
            "retest": {"mean": float(gap.mean()), "p95": float(np.quantile(gap, 0.95))} if len(gap) else None,
        }
    return {
        "networks": frame.done,
        "episodes": frame.episodes,
        "cap": frame.cap,
        "seed": frame.seed,
        "groups": rows,
        "survival": frame.survival.tolist(),
    }


ANALYSIS = Analysis("survival", "Measure survival times", Params, Frame, run, table, summary)
