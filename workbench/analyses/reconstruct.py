"""Reconstruction: held-out networks encoded and decoded again. Does the embedding stand for the agent?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from workbench import generators
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.statistics import mean_interval
from workbench.policies import forward
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import performance
from workbench.text import clean, counted

OWN_STATES, COMMON_STATES = 200, 500
"""States that a network visits itself, and that training networks of the group visit, on which actions are compared."""
CHUNK = 256


@dataclass(frozen=True)
class Params:
    """Which generator, and how its copies are judged."""

    generator: str = "functional"
    """A trained generator: a name or a file."""
    group: str = "all"
    """Whose model, where a generator has one for each survival group."""
    count: int = 2000
    """Held-out networks, at most."""
    realistic: bool = False
    """Decode with noise, to realistic weights, where the generator can; by default the most typical network."""
    seed: int = 0
    """Seed of the networks drawn, of noise, states and episodes."""
    episodes: int = 100
    """Episodes that originals and copies play, the same ones."""
    cap: int = 200
    """Steps after which an episode ends."""


@dataclass(frozen=True)
class Frame:
    """Originals and copies so far."""

    done: int
    total: int
    generator: str
    seed: int
    episodes: int
    cap: int
    measure: str
    """survival or return."""
    groups: tuple[str, ...]
    """Names of the groups of it."""
    group: NDArray[np.int64]
    """(done,) group of the original."""
    survival: NDArray[np.float64]
    """(done, 2) survival (steps) or return of original and copy, in the same episodes."""
    agreement: NDArray[np.float64]
    """(done, 2) share of states where the copy does the same: states that trained networks visit, and those that the
    original visits itself, close to where its decision changes."""
    distance: NDArray[np.float64]
    """(done,) distance of the weights against the norm of the original's."""


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a chunk of networks."""
    if params.count < 1:
        raise WorkbenchError(f"count: expected 1 or more, got {params.count}")
    population = selection.population if selection.rows is None else selection.population.select(selection.indices)
    from workbench.learning.scoring import yardstick
    from workbench.rollouts.states import own, visited

    episodes = Episodes(params.episodes, params.cap, params.seed)
    generator = generators.for_population(selection.population, params.generator, compute)
    held_against = yardstick(population, params.group, params.seed, compute)
    random = np.random.default_rng([params.seed, 6])
    rows = random.permutation(held_against.held_out)[: params.count]
    group = population.groups.assign(held_against.survival[rows])
    survival, agreement, distance = np.zeros((len(rows), 2)), np.zeros((len(rows), 2)), np.zeros(len(rows))
    common = visited(population.weights[held_against.training], population.spec, COMMON_STATES, params.seed + 1)
    for begin in range(0, len(rows), CHUNK):
        part = slice(begin, min(begin + CHUNK, len(rows)))
        originals = np.asarray(population.weights[rows[part]])
        latents, _ = generator.encode(originals, params.group)
        copies = generator.decode(latents, params.group, params.seed if params.realistic else None)
        for k, weights in enumerate((originals, copies)):
            survival[part, k] = performance(weights, population.spec, episodes, compute).mean(1)
        for k, states in enumerate((common, own(originals, population.spec, OWN_STATES, params.seed))):
            actions = [forward(w, population.spec, states).argmax(2) for w in (originals, copies)]
            agreement[part, k] = (actions[0] == actions[1]).mean(1)
        distance[part] = np.linalg.norm(originals - copies, axis=1) / np.linalg.norm(originals, axis=1)
        yield Frame(
            part.stop, len(rows), f"{generator.NAME} ({generator.title})", params.seed, params.episodes, params.cap,
            population.measure.name, population.groups.names, group[: part.stop], survival[: part.stop],
            agreement[: part.stop], distance[: part.stop],
        )  # fmt: skip


def rows_of(frame: Frame) -> dict[str, dict[str, float]]:
    """Figures by survival group, and of all."""
    found = {}
    for g, name in enumerate((*frame.groups, "all")):
        chosen = frame.group == g if name != "all" else np.ones(frame.done, bool)
        if not chosen.any():
            continue
        before, after = frame.survival[chosen].T
        gap = mean_interval(np.abs(before - after))
        spread = before.std() > 0 and after.std() > 0
        found[name] = {
            "networks": int(chosen.sum()),
            "error": gap.value,
            "low": gap.low,
            "high": gap.high,
            "correlation": float(np.corrcoef(before, after)[0, 1]) if spread else float("nan"),
            "agreement": float(frame.agreement[chosen, 0].mean()),
            "own_agreement": float(frame.agreement[chosen, 1].mean()),
            "distance": float(frame.distance[chosen].mean()),
        }
    return found


def table(frame: Frame) -> Table:
    """A row a group."""
    out = Table(title=f"{counted(frame.done, 'held-out network')} reconstructed by {frame.generator}")
    for name in ("group", "networks", "off by (steps)", "corr.", "actions", "own states", "weights"):
        out.add_column(name, justify="left" if name == "group" else "right")
    for name, row in rows_of(frame).items():
        half = (row["high"] - row["low"]) / 2
        correlation = "-" if np.isnan(row["correlation"]) else f"{row['correlation']:.3f}"
        out.add_row(
            name, f"{row['networks']:,}", f"{row['error']:.2f} ± {half:.2f}", correlation, f"{row['agreement']:.1%}",
            f"{row['own_agreement']:.1%}",
            f"{row['distance']:.0%}",
        )  # fmt: skip
    about = (
        f"off by: mean absolute difference of survival in the same {counted(frame.episodes, 'episode')} (cap "
        f"{frame.cap}, seed "
        f"{frame.seed}), 95 % interval; actions: the same in {COMMON_STATES} states that training networks visit, in "
        f"{OWN_STATES} own states, close to where a decision changes; weights: distance against the original's norm"
    )
    out.caption = Text(clean(about, 1000))
    return out


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    return {"generator": frame.generator, "seed": frame.seed, "groups": rows_of(frame)}


ANALYSIS = Analysis(
    "reconstruct",
    "Held-out networks encoded and decoded again",
    Params,
    Frame,
    run,
    table,
    summary,
    reads=generators.file_of,
)
