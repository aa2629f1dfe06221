"""Collect a population: train and measure networks until a count is reached (Agent Embeddings, section 3.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from workbench.analysis import Analysis
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE
from workbench.paper import TABLE_1_TRAINING
from workbench.policies import PolicySpec
from workbench.rollouts.episodes import Episodes
from workbench.text import clean, counted
from workbench.training.collection import Collected, collect
from workbench.training.parts import COLLECTION
from workbench.training.plan import Plan, paper_quota

BAR = 8


@dataclass(frozen=True)
class Params:
    """What to collect."""

    out: str
    """The population file to write."""
    count: int = 1000
    """Networks to keep; the paper has 74,000."""
    seed: int = 0
    """Seed of the collection; network i depends on the seed and i alone."""
    recipe: str = "dqn"
    """How they are trained: dqn or reinforce."""
    set: tuple[str, ...] = ()
    """A hyperparameter's values instead of the recipe's: lr=.001..0.01, batch=32 or gamma=.9,.99; may be repeated."""
    quota: str = ""
    """`paper` keeps the paper's share of each survival group and drops what is beyond; empty keeps the raw mix."""
    hidden: int = 30
    """Units of the hidden layer; CartPoleNet has 30."""
    resume: bool = False
    """Go on with an unfinished collection of the same plan."""


def plan_of(params: Params) -> Plan:
    """The plan that the parameters describe.

    Raises:
        WorkbenchError: a parameter out of range.
    """
    for name, low, high in (("count", 1, 10_000_000), ("seed", 0, 2**63 - 1), ("hidden", 1, 1024)):
        if not low <= getattr(params, name) <= high:
            raise WorkbenchError(f"{name}: expected {low} to {high}, got {getattr(params, name)}")
    if params.quota not in ("", "paper"):
        raise WorkbenchError(f"quota: expected `paper` or nothing, got {params.quota!r}")
    quota = paper_quota(params.count) if params.quota else None
    return Plan(
        params.count, params.seed, params.recipe, params.set, quota, Episodes(), PolicySpec.cartpole(params.hidden)
    )


def unfinished(params: Params) -> Path:
    """Where a collection lies while it is not finished."""
    return COLLECTION.folder(Path(params.out))


def run(compute: Compute, _selection: None, params: Params) -> Iterator[Collected]:
    """Yield progress a chunk of networks."""
    yield from collect(Path(params.out), plan_of(params), compute, params.resume)


def table(frame: Collected) -> Table:
    """The groups as they fill, with a bar, beside the paper's."""
    mean, deviation = frame.moments
    out = Table(title=f"{frame.done:,} of {counted(frame.total, 'network')} kept, {frame.trained:,} trained")
    for name in ("group", "", "kept", "trained", "mean", "std", "paper: mean", "std"):
        out.add_column(name, justify="left" if name in ("group", "") else "right")
    for g, name in enumerate((*CARTPOLE.names, "all")):
        kept, raw = (frame.kept[g], frame.raw[g]) if g < len(CARTPOLE) else (frame.kept.sum(), frame.raw.sum())
        theirs = TABLE_1_TRAINING[name]
        bar = "" if name == "all" else "█" * round(BAR * kept / max(1, frame.kept.max()))
        figures = (f"{mean[g]:.1f}", f"{deviation[g]:.1f}") if kept else ("-", "-")
        out.add_row(name, bar, f"{kept:,}", f"{raw:,}", *figures, f"{theirs.mean}", f"{theirs.std}")
    if frame.path:
        out.caption = Text(clean(f"written to {frame.path}"))
    return out


def summary(frame: Collected) -> dict[str, Any]:
    """The same as JSON values."""
    mean, deviation = (np.nan_to_num(m).tolist() for m in frame.moments)
    return {
        "path": frame.path,
        "kept": frame.done,
        "trained": frame.trained,
        "groups": {
            name: {"kept": int(frame.kept[g]), "trained": int(frame.raw[g]), "mean": mean[g], "std": deviation[g]}
            for g, name in enumerate(CARTPOLE.names)
        },
        "mean": mean[-1],
        "std": deviation[-1],
    }


ANALYSIS = Analysis(
    "collect", "Collect a population", Params, Collected, run, table, summary, writes=True, unfinished=unfinished
)
