"""Two networks compared: units matched with units, every measure, and where they decide differently (section 4.1)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import comparing, opening
from workbench.analysis import Analysis, Selection
from workbench.comparing import COLUMNS, Compared, Comparison, How
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import HeatMap, figure, text_heat_map
from workbench.numerics.regions import Condition, Region, share_map, where
from workbench.performance import measure_named
from workbench.physics import is_cartpole
from workbench.policies import PolicySpec
from workbench.rollouts.reference_set import CARTPOLE_NAMES, dimension_names, file_of, reference_set
from workbench.text import clean

BINS = 24
"""Cells along each side of the map of where they differ."""
CARTPOLE_PLANE = (2, 3)
"""Angle and angular velocity, which decisions mostly depend on."""
DEGREES = dict(zip((CARTPOLE_NAMES[k] for k in CARTPOLE_PLANE), ("°", "°/s"), strict=True))
"""Units of what is an angle, or its rate: states have radians, and all that is shown is in degrees."""


@dataclass(frozen=True)
class Params(Comparison):
    """Which two, on which states."""

    first: int = 0
    """Row of the first network in the population."""
    second: int = 1
    """Row of the second, in the same population or in `other`."""
    other: str = ""
    """Another population that the second network is taken from; it may be of other widths and depths."""

    @property
    def how(self) -> How:
        """How units are matched."""
        return How((), self.layer, self.matching, self.signed)


@dataclass(frozen=True)
class Frame:
    """Everything about a pair of networks."""

    done: int
    total: int
    names: tuple[str, str]
    measure: str
    """survival or return: what stands under `survival`."""
    survival: tuple[float | None, float | None]
    """Steps or return, as the population has them."""
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    """(columns, 2) from the first to the second and back."""
    hidden: NDArray[np.float64]
    """(h, k) correlations of hidden units; (0, 0) where a network has none."""
    hidden_partners: NDArray[np.int64]
    """(h,) the unit of the second that each of the first is matched with, -1 where there is none."""
    output: NDArray[np.float64]
    """(a, b) correlations of outputs."""
    output_partners: NDArray[np.int64]
    """(a,)."""
    constant: tuple[tuple[int, ...], tuple[int, ...]]
    """Hidden units of each network that are constant, and left out."""
    differ: NDArray[np.float64]
    """(bins, bins) share of states with different actions, over two numbers of the state; NaN where none lies."""
    plane: tuple[str, str]
    """What these two are called: across and upwards."""
    x_edges: NDArray[np.float64]
    y_edges: NDArray[np.float64]
    where: str
    """Where they differ, in words."""
    states: str
    states_hash: str
    count: int
    matching: str
    signed: bool
    seed: int

    def value(self, column: str) -> tuple[float, float]:
        """A measure both ways."""
        a, b = self.values[self.columns.index(column)].tolist()
        return a, b

    @property
    def rows(self) -> NDArray[np.int64]:
        """Hidden units of the first network (h,), the closest to their partners first, those without one last."""
        return comparing.in_order(self.hidden, self.hidden_partners)[0]

    @property
    def order(self) -> NDArray[np.int64]:
        """Hidden units of the second (k,), partners in the places of `rows`, those left over last."""
        return comparing.in_order(self.hidden, self.hidden_partners)[1]


def networks(selection: Selection, params: Params) -> Compared:
    """The two networks, as populations of one or of two rows.

    Raises:
        WorkbenchError: no such network, or populations that see other states.
    """
    params.how.check()
    population = selection.population
    other = opening.load(params.other) if params.other else population
    for name, whose, row in (("first", population, params.first), ("second", other, params.second)):
        if not 0 <= row < len(whose):
            raise WorkbenchError(f"{name}: {whose.name} has networks 0 to {len(whose) - 1:,}, got {row}")
    ours, theirs = ((p.spec.env, p.spec.sizes[0], p.spec.sizes[-1]) for p in (population, other))
    if ours != theirs:
        raise WorkbenchError(
            f"{other.path}: {other.spec.label} on {other.spec.env} cannot be compared with {population.spec.label} on "
            f"{population.spec.env}"
        )
    return Compared((population, other), (np.array([params.first]), np.array([params.second])))


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a single frame: it takes milliseconds."""
    pair, how = networks(selection, params), params.how
    columns = how.columns(pair.specs)
    chosen = reference_set(params.states, selection.population, params.count, params.seed)
    states = chosen.states
    values = np.full((len(columns), 2, 2), np.nan)
    for _ in comparing.run(pair, states, how, columns, compute, values):
        pass
    hidden, hidden_partners = np.zeros((0, 0)), np.zeros(0, np.int64)
    constant: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    if any(not COLUMNS[c].output for c in columns):
        hidden, hidden_partners, constant = comparing.matched(pair, states, how, output=False)
    output, output_partners, _ = comparing.matched(pair, states, how, output=True)
    spec = pair.specs[0]
    given = [layer.on(states)[0] for layer in pair.layers(how, output=True)]
    names, differ = _names(pair, params), np.zeros(len(states), bool)
    whole = [bool(np.isfinite(outputs).all()) for outputs in given]
    broken = [name for name, finite in zip(names, whole, strict=True) if not finite]
    if broken:
        constant = (constant[0] if whole[0] else (), constant[1] if whole[1] else ())
        told = f"not finite, compared with nothing: {', '.join(dict.fromkeys(broken))}"
    elif "agreement" not in columns:
        told = "their actions are not discrete"
    else:
        differ = given[0].argmax(axis=1) != given[1].argmax(axis=1)
        told = in_words(where(states, differ), float(differ.mean()), spec)
    across, up = CARTPOLE_PLANE if is_cartpole(spec) else (0, min(1, spec.sizes[0] - 1))
    shares, x_edges, y_edges = share_map(states[:, across], states[:, up], differ, BINS)
    shares = np.full_like(shares, np.nan) if broken else shares
    named = dimension_names(spec)
    lasting = [None if math.isnan(v) else v for v in pair.survival.tolist()]
    yield Frame(
        1, 1, names, selection.population.measure.name, (lasting[0], lasting[1]), columns,
        np.stack([values[:, 0, 1], values[:, 1, 0]], axis=1), hidden, hidden_partners, output, output_partners,
        constant, shares, (named[across], named[up]), x_edges, y_edges, told, chosen.name, chosen.hash, len(states),
        params.matching, params.signed, params.seed,
    )  # fmt: skip


def _names(pair: Compared, params: Params) -> tuple[str, str]:
    first, second = (f"#{rows[0]}" for rows in pair.rows)
    return first, f"{pair.populations[1].name} {second}" if params.other else second


def in_words(region: Region | None, share: float, spec: PolicySpec) -> str:
    """`They act differently in 42 % of states: in 81 % of those with θ > 4.0° and θ̇ < 0.1 ...`."""
    told = f"they act differently in {share:.0%} of states"
    if region is None:
        return told
    dimensions = dict.fromkeys(c.dimension for c in region.conditions)
    sides = [[c for c in region.conditions if c.dimension == d] for d in dimensions]
    conditions = " and ".join(_condition(d, s, spec) for d, s in zip(dimensions, sides, strict=True))
    return (
        f"{told}: in {region.inside:.0%} of those with {conditions} ({region.size:.0%} of all), in "
        f"{region.outside:.0%} of the others"
    )


def _condition(dimension: int, sides: list[Condition], spec: PolicySpec) -> str:
    """One or two thresholds of a dimension: `θ > 4.0°`, `-0.38 < ẋ ≤ 0.00`."""
    name = dimension_names(spec)[dimension]
    unit = DEGREES.get(name)

    def value(c: Condition) -> str:
        return f"{c.threshold:.2f}" if unit is None else f"{math.degrees(c.threshold):.1f}{unit}"

    if len(sides) == 2:
        below, above = sorted(sides, key=lambda c: c.above)
        return f"{value(above)} < {name} ≤ {value(below)}"
    return f"{name} {'>' if sides[0].above else '≤'} {value(sides[0])}"


def _side(name: str, edges: NDArray) -> tuple[str, tuple[float, float]]:
    """What a side of the map is called, and from where to where it goes; angles in degrees."""
    low, high = float(edges[0]), float(edges[-1])
    unit = DEGREES.get(name)
    return (name, (low, high)) if unit is None else (f"{name} ({unit})", (math.degrees(low), math.degrees(high)))


def _shown(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def heat_maps(frame: Frame) -> list[HeatMap]:
    """Figures 5 and 6 of this pair, units of the second in the order of their partners, and where the two differ."""
    found = []
    for values, partners, name in (
        (frame.hidden, frame.hidden_partners, "hidden units"), (frame.output, frame.output_partners, "outputs")
    ):  # fmt: skip
        if not values.size:
            continue
        hidden = name == "hidden units"
        rows = frame.rows if hidden else np.arange(len(values))
        columns = frame.order if hidden else np.arange(values.shape[1])
        place = {int(unit): k for k, unit in enumerate(columns)}
        marked = [(r, place[int(partners[row])]) for r, row in enumerate(rows) if partners[row] >= 0]
        cd = frame.value("cd" if hidden else "output-cd")
        found.append(
            HeatMap(
                values[np.ix_(rows, columns)], value_label="correlation", value_range=(-1, 1), diverging=True,
                marked=marked, marked_label="matched", x_label=f"units of {frame.names[1]}",
                y_label=f"units of {frame.names[0]}", x_names=[str(u) for u in columns], y_names=[str(u) for u in rows],
                title=f"{name}: CD {_shown((cd[0] + cd[1]) / 2, 2)}", items="units",
            )
        )  # fmt: skip
    if "agreement" in frame.columns:
        across, up = (_side(*side) for side in zip(frame.plane, (frame.x_edges, frame.y_edges), strict=True))
        found.append(
            HeatMap(
                frame.differ, value_label="differ", value_range=(0, 1), upward=True, x_label=across[0], y_label=up[0],
                x_range=across[1], y_range=up[1], title="where they act differently", items="bins",
            )
        )  # fmt: skip
    return found


def described(frame: Frame) -> str:
    """States and options in words."""
    kind = "signed" if frame.signed else "|a|"
    return (
        f"{frame.count:,} states: {frame.states} ({frame.states_hash}); {frame.matching} matching, {kind}; "
        f"seed {frame.seed}"
    )


def table(frame: Frame) -> Group:
    """Every measure both ways, and where they differ."""
    out = Table(title=clean(f"{frame.names[0]} and {frame.names[1]}"))
    for heading in ("measure", "→", "←", "source"):
        out.add_column(heading, justify="right" if heading in "→←" else "left")
    for column in frame.columns:
        a, b = frame.value(column)
        out.add_row(COLUMNS[column].title, _shown(a, 3), _shown(b, 3), COLUMNS[column].measure.source)
    lasted = ", ".join("-" if s is None else f"{s:.1f}" for s in frame.survival)
    lines = [f"{frame.measure} {lasted}{measure_named(frame.measure).unit}; {frame.where}", described(frame)]
    lines += [
        f"constant units of {clean(name)}, left out of CD: {', '.join(map(str, units))}"
        for name, units in zip(frame.names, frame.constant, strict=True)
        if units
    ]
    maps = [Text(text_heat_map(panel, 78, 40)) for panel in heat_maps(frame)]
    return Group(out, *maps, *(Text(clean(line, 2000)) for line in lines))


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "networks": list(frame.names),
        "measure": frame.measure,
        frame.measure: list(frame.survival),
        "states": {"from": frame.states, "hash": frame.states_hash, "count": frame.count},
        "matching": frame.matching,
        "signed": frame.signed,
        "seed": frame.seed,
        "measures": {column: list(frame.value(column)) for column in frame.columns},
        "hidden": {"correlations": frame.hidden.tolist(), "partners": frame.hidden_partners.tolist()},
        "output": {"correlations": frame.output.tolist(), "partners": frame.output_partners.tolist()},
        "constant_units": [list(units) for units in frame.constant],
        "where": frame.where,
    }


def svg(frame: Frame) -> str:
    """The matrices with the matching marked."""
    return figure(heat_maps(frame), clean(f"{frame.names[0]} and {frame.names[1]}"))


def reads(_selection: Selection, params: Params) -> tuple[Path, ...]:
    """Files that states or the second network come from."""
    states = file_of(params.states)
    return (*((states,) if states else ()), *((opening.file_of(params.other),) if params.other else ()))


ANALYSIS = Analysis(
    "pair",
    "Two networks compared: units, measures, decisions",
    Params,
    Frame,
    run,
    table,
    summary,
    figure=svg,
    reads=reads,
)
