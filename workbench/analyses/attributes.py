"""Semantic attributes: directions in latent space along which agents survive longer, lean, or push more sharply.

A direction is the linear regression of an attribute on latents, made orthogonal to the attributes that are to be held.
Held-out networks are moved along it by standard deviations, decoded, and measured: the paper's 'mustache vector', with
the check whether anything else moves too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import generators
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import Lines, Series, figure
from workbench.numerics.statistics import mean_interval
from workbench.population import Population
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import behaviour, rollout
from workbench.text import clean, counted

if TYPE_CHECKING:
    from workbench.learning.attributes import Direction
    from workbench.learning.contract import Generator
    from workbench.learning.scoring import Yardstick

ATTRIBUTES = ("survival", "lean_x", "lean_angle", "sharpness")
"""What is measured of every Cart-Pole policy: steps, m, rad, 0..1."""
STEPS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
"""Standard deviations of the latents by which networks are moved."""
FITTED = 20_000
"""Training networks that a direction is fitted to, at most."""


@dataclass(frozen=True)
class Params:
    """Which direction, and how it is tried."""

    attribute: str = "lean_x"
    """The attribute to move along: survival, lean_x, lean_angle or sharpness."""
    hold: tuple[str, ...] = ()
    """Attributes whose directions are kept at right angles; may be repeated."""
    generator: str = "functional"
    """A trained generator: a name or a file."""
    group: str = "all"
    """Survival group whose networks are moved."""
    network: int = -1
    """Row of a single network to move; -1 moves held-out networks of the group."""
    count: int = 200
    """Held-out networks that are moved."""
    seed: int = 0
    """Seed of the networks drawn, the weights decoded and the episodes."""
    episodes: int = 100
    """Episodes each plays."""
    cap: int = 200
    """Steps after which an episode ends."""


@dataclass(frozen=True)
class Frame:
    """What became of the networks at each step."""

    done: int
    total: int
    attribute: str
    hold: tuple[str, ...]
    generator: str
    group: str
    moved: int
    """Networks that were moved."""
    seed: int
    episodes: int
    cap: int
    fit: NDArray[np.float64]
    """(4,) share of each attribute's variance among held-out networks that latents explain linearly."""
    steps: NDArray[np.float64]
    """(t,) standard deviations moved."""
    means: NDArray[np.float64]
    """(t, 4, 3) each attribute's mean and its 95 % interval; NaN at steps to come."""
    monotone: float
    """Mean over networks of Spearman's correlation of the attribute with the step."""
    weights: NDArray[np.float32]
    """(t, p) the first network at each step."""


def attribute_direction(
    generator: "Generator", held_against: "Yardstick", name: str, hold: "tuple[Direction, ...]" = ()
) -> "Direction":
    """The direction of an attribute in a survival group, fitted to training networks and judged on held-out ones."""
    from workbench.learning.attributes import direction

    population, group = held_against.population, held_against.group
    random = np.random.default_rng(0)
    encoded, values = [], []
    for rows in (held_against.training, held_against.held_out):
        drawn = random.permutation(rows)[:FITTED]
        told = attribute_values(population, name, drawn)
        known = np.isfinite(told)
        encoded.append(generator.encode(np.asarray(population.weights[drawn[known]]), group)[0])
        values.append(told[known])
    if len(values[0]) < 2:
        raise WorkbenchError(
            f"{population.name}: {len(values[0])} training networks of {group} whose {name} is known; a direction "
            "needs two at least"
        )
    return direction(name, encoded[0], values[0], encoded[1], values[1], hold)


def attribute_values(population: Population, name: str, rows: NDArray) -> NDArray[np.float64]:
    """An attribute of some networks (n,): the population's column, or measured where it has none."""
    if name in population.columns:
        return np.asarray(population[name], float)[rows]
    weights = np.asarray(population.weights[rows])
    if name == "survival":
        return rollout(weights, population.spec, Episodes()).steps.mean(1)
    return getattr(behaviour(weights, population.spec, Episodes()), name)


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a step."""
    for name in (params.attribute, *params.hold):
        if name not in ATTRIBUTES:
            raise WorkbenchError(f"attribute: expected {', '.join(ATTRIBUTES)}, got {name!r}")
    if params.attribute in params.hold:
        raise WorkbenchError(f"hold: {params.attribute} cannot be moved and held at once")
    if not 1 <= params.count <= 100_000:
        raise WorkbenchError(f"count: expected 1 to 100000, got {params.count}")
    population = selection.population if selection.rows is None else selection.population.select(selection.indices)
    if not -1 <= params.network < len(population):
        raise WorkbenchError(f"{population.name}: no network #{params.network}; it has {len(population)}")
    from workbench.learning.scoring import yardstick

    episodes = Episodes(params.episodes, params.cap, params.seed)
    generator = generators.for_population(selection.population, params.generator, compute)
    generator.check_group(params.group)
    held_against = yardstick(population, params.group, params.seed, compute)
    found = {n: attribute_direction(generator, held_against, n) for n in ATTRIBUTES}
    along = attribute_direction(generator, held_against, params.attribute, tuple(found[n] for n in params.hold))
    rows = np.array([params.network]) if params.network >= 0 else held_against.reference[: params.count]
    latents, _ = generator.encode(np.asarray(population.weights[rows]), params.group)
    steps = np.array(STEPS)
    means = np.full((len(steps), len(ATTRIBUTES), 3), np.nan)
    values = np.full((len(steps), len(rows)), np.nan)
    shown = np.zeros((len(steps), population.spec.parameters), np.float32)
    fit = np.array([found[n].fit for n in ATTRIBUTES])

    def frame(done: int, monotone: float) -> Frame:
        return Frame(
            done, len(steps), params.attribute, params.hold, f"{generator.NAME} ({generator.title})", params.group,
            len(rows), params.seed, params.episodes, params.cap, fit, steps, means.copy(), monotone, shown.copy(),
        )  # fmt: skip

    for k, step in enumerate(STEPS):
        weights = generator.decode(along.move(latents, step).astype(np.float32), params.group, params.seed)
        lasted = rollout(weights, population.spec, episodes, compute).steps.mean(1)
        moves = behaviour(weights, population.spec, episodes, compute)
        for a, name in enumerate(ATTRIBUTES):
            measured = lasted if name == "survival" else getattr(moves, name)
            interval = mean_interval(measured)
            means[k, a] = interval.value, interval.low, interval.high
            if name == params.attribute:
                values[k] = measured
        shown[k] = weights[0]
        last = k + 1 == len(steps)
        yield frame(k + 1, _monotone(values) if last else 0.0)


def _monotone(values: NDArray) -> float:
    """Mean rank correlation of each network's values (t, n) with the step; 0 where they are all the same."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=0)
    ranks -= ranks.mean(0)
    order = np.arange(len(values)) - (len(values) - 1) / 2
    spread = np.sqrt((ranks**2).sum(0) * (order**2).sum())
    return float(np.divide(order @ ranks, spread, out=np.zeros(len(spread)), where=spread > 0).mean())


def table(frame: Frame) -> Group:
    """A row a step, a column an attribute."""
    who = "one network" if frame.moved == 1 else f"{frame.moved} held-out networks"
    out = Table(title=f"{who} of {frame.group} moved along {frame.attribute}, {frame.generator}")
    out.add_column("sd", justify="right")
    units = {"survival": "steps", "lean_x": "m", "lean_angle": "°", "sharpness": "0..1"}
    for name, fit in zip(ATTRIBUTES, frame.fit, strict=True):
        out.add_column(f"{name}, {units[name]}\n(R² {fit:.2f})", justify="right")
    scales = {"survival": (1.0, 1), "lean_x": (1.0, 2), "lean_angle": (float(np.degrees(1)), 2), "sharpness": (1.0, 3)}
    for step, row in zip(frame.steps, frame.means, strict=True):
        if not np.isnan(row[0, 0]):
            told = []
            for name, (mean, low, high) in zip(ATTRIBUTES, row, strict=True):
                scale, digits = scales[name]
                told.append(f"{mean * scale:.{digits}f} ± {(high - low) / 2 * scale:.{digits}f}")
            out.add_row(f"{step:+.1f}", *told)
    held = f", holding {' and '.join(frame.hold)}" if frame.hold else ""
    words = (
        f"{frame.attribute} follows the step with rank correlation {frame.monotone:.2f} on average{held}; "
        f"95 % intervals; seed {frame.seed}, {counted(frame.episodes, 'episode')}, cap {frame.cap}"
    )
    return Group(out, Text(clean(words)))


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "attribute": frame.attribute,
        "hold": list(frame.hold),
        "generator": frame.generator,
        "group": frame.group,
        "networks": frame.moved,
        "seed": frame.seed,
        "rank_correlation": frame.monotone,
        "fit": dict(zip(ATTRIBUTES, map(float, frame.fit), strict=True)),
        "steps": [
            {"step": float(step), **{n: [float(v) for v in row[a]] for a, n in enumerate(ATTRIBUTES)}}
            for step, row in zip(frame.steps, frame.means, strict=True)
        ],
    }


def svg(frame: Frame) -> str:
    """A panel an attribute."""
    panels = [
        Lines((Series(name, frame.steps, frame.means[:, a, 0]),), "moved by (standard deviations)", name, title=name)
        for a, name in enumerate(ATTRIBUTES)
    ]
    return figure(panels, f"moved along {frame.attribute}")


ANALYSIS = Analysis(
    "attributes", "Move agents along a direction of survival, lean or sharpness", Params, Frame, run, table, summary,
    figure=svg, reads=generators.file_of,
)  # fmt: skip
