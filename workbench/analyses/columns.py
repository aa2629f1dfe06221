"""One column of a population against another: how many networks lie in each cell of the plane, and rank correlation."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.text import Text as Words

from workbench.analysis import Analysis, Export, Selection
from workbench.axes import number
from workbench.compute import Compute
from workbench.crossing import OTHERS, cut, defaults, side_of
from workbench.errors import WorkbenchError
from workbench.expressions import MAX_LENGTH, quoted
from workbench.figures import HeatMap, figure, text_heat_map
from workbench.numerics.associations import crosstab, places, spearman_interval
from workbench.population import Population
from workbench.runs import RunColumns, check, checkpoints
from workbench.storage import write_text
from workbench.text import clean, counted

LOGS = ("", "x", "y", "xy")
MOST = 200
"""Cells along a side."""


@dataclass(frozen=True)
class Params:
    """Which columns, and how they are cut."""

    x: str = ""
    """The column across, also id and group; without one the first that says how a network came to be."""
    y: str = ""
    """The column upwards; without one survival or return."""
    bins: int = 48
    """Cells across, at most; text has one for each word, the rarest together."""
    up: int = 20
    """Cells upwards, at most."""
    log: str = ""
    """Which axes are along a logarithm: x, y or xy; what is not above 0 is then left out."""
    trace: int = -1
    """Row of a network whose run is joined through its checkpoints in the order of their steps; -1 for none."""
    run: str = RunColumns().run
    """The column that says which run a checkpoint is of."""
    step: str = RunColumns().step
    """The column that says how far the run was."""


@dataclass(frozen=True)
class Frame:
    """Counts in cells, and what is known of both columns."""

    done: int
    total: int
    x: str
    y: str
    log: str
    counts: NDArray[np.int64]
    """(up, across) networks, upwards."""
    x_edges: NDArray[np.float64]
    """(across + 1,) of numbers; 0, 1, ... of words."""
    y_edges: NDArray[np.float64]
    """(up + 1,)."""
    x_names: tuple[str, ...]
    """(across,) words; none of numbers."""
    y_names: tuple[str, ...]
    """(up,)."""
    x_cells: tuple[str, ...]
    """(across,) the filter that is true in each cell; empty where there is none."""
    y_cells: tuple[str, ...]
    """(up,)."""
    unknown: int
    """Networks left out because either value is empty or not finite."""
    outside: int
    """Networks left out because a logarithm is of numbers above 0."""
    constant: tuple[str, ...]
    """Those of the two columns that are the same in all networks."""
    ranked: bool
    """Whether both columns have an order."""
    correlation: float
    """Spearman's; NaN where there is none."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    """Upper end."""
    joined: NDArray[np.float64]
    """(k, 2) x and y of the checkpoints of a run, on the scale of the edges; (0, 2) without one."""
    steps: NDArray[np.float64]
    """(k,) of each."""

    @property
    def n(self) -> int:
        """Networks counted."""
        return int(self.counts.sum())

    def condition(self, row: int, column: int) -> str:
        """The filter that is true of the networks in a cell.

        Raises:
            WorkbenchError: a column's name cannot stand in a filter, or there are too many words.
        """
        parts = []
        for name, cell in ((self.x, self.x_cells[column]), (self.y, self.y_cells[row])):
            quoted(name)
            parts.append(cell)
        words = " and ".join(dict.fromkeys(parts))
        if "" in parts or len(words) > MAX_LENGTH:
            raise WorkbenchError("filter: this cell has more words than a filter holds")
        return words

    def reading(self, row: int, column: int) -> str:
        """A cell in words: its ranges and how many networks are in it."""
        sides = ((self.x, self.x_edges, self.x_names, column), (self.y, self.y_edges, self.y_names, row))
        parts = []
        for name, edges, names, k in sides:
            here = names[k] if names else f"{number(float(edges[k]))} to {number(float(edges[k + 1]))}"
            parts.append(f"{clean(name, 30)} {clean(here, 30)}")
        count = int(self.counts[row, column])
        share = f" ({count / self.n:.1%})" if self.n else ""
        return f"{' · '.join(parts)}: {count:,} of {counted(self.n, 'network')}{share}"


def run(_compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield one frame."""
    population = selection.population
    for name, bins in (("bins", params.bins), ("up", params.up)):
        if not 1 <= bins <= MOST:
            raise WorkbenchError(f"{name}: expected 1 to {MOST} cells, got {bins}")
    if params.log not in LOGS:
        raise WorkbenchError(f"log: expected x, y or xy, got {params.log!r}")
    names = RunColumns(params.run, params.step)
    if params.trace != -1:
        if not 0 <= params.trace < len(population):
            raise WorkbenchError(
                f"trace: {population.name} has networks 0 to {len(population) - 1}, got {params.trace}"
            )
        check(population, names)
    x_default, y_default = defaults(population)
    rows = None if selection.rows is None else selection.indices
    x, y = (side_of(population, name, rows) for name in (params.x or x_default, params.y or y_default))
    if not len(selection):
        raise WorkbenchError("columns: no networks")
    known = x.known & y.known
    above = np.ones(len(known), bool)
    for side, letter in ((x, "x"), (y, "y")):
        if letter in params.log:
            if side.names:
                raise WorkbenchError(f"log: {side.name} is no number")
            above &= side.values > 0
    counted = known & above
    if not counted.any():
        what = "above 0 " if known.any() else ""
        raise WorkbenchError(f"columns: no network has numbers or words {what}in both {x.name} and {y.name}")
    x, y = (replace(side, values=side.values[counted]) for side in (x, y))
    across, upward = cut(x, params.bins, "x" in params.log), cut(y, params.up, "y" in params.log)
    shape = len(upward.filters), len(across.filters)
    ranked = x.ranked and y.ranked
    found = spearman_interval(x.values, y.values) if ranked else None
    value, low, high = (found.value, found.low, found.high) if found else (np.nan,) * 3
    frame = Frame(
        1, 1, x.name, y.name, params.log, crosstab(across.which, upward.which, shape), across.edges, upward.edges,
        across.names, upward.names, across.filters, upward.filters, int((~known).sum()), int((known & ~above).sum()),
        tuple(dict.fromkeys(side.name for side in (x, y) if (side.values == side.values[0]).all())), ranked,
        float(value), float(low), float(high), np.zeros((0, 2)), np.zeros(0),
    )  # fmt: skip
    yield frame if params.trace == -1 else traced(frame, population, params.trace, names)


def place(frame: Frame, population: Population, rows: NDArray) -> NDArray[np.float64]:
    """Where networks (k,) lie on the scale of the edges, (k, 2); NaN for what has no place."""
    found = []
    for name, names in ((frame.x, frame.x_names), (frame.y, frame.y_names)):
        side = side_of(population, name, rows)
        values = np.where(side.known, side.values, np.nan).astype(float)
        if names:
            cell = {word: k + 0.5 for k, word in enumerate(names)}
            rest = cell.get(OTHERS, np.nan)
            values = np.array([cell.get(side.names[int(v)], rest) if v >= 0 else np.nan for v in values])
        found.append(values)
    return np.stack(found, axis=1)


def traced(frame: Frame, population: Population, row: int, names: RunColumns) -> Frame:
    """The same with the run of a network joined through its checkpoints.

    Raises:
        WorkbenchError: the population has no such columns.
    """
    rows = checkpoints(population, row, names)
    steps = np.asarray(population[names.step], float)[rows]
    return replace(frame, joined=place(frame, population, rows), steps=steps)


def cell_of(frame: Frame, population: Population, row: int) -> tuple[int, int] | None:
    """The cell (row, column) that a network lies in, None where it is not on the plane."""
    x, y = place(frame, population, np.array([row]))[0]
    found = []
    for value, edges in ((y, frame.y_edges), (x, frame.x_edges)):
        if not edges[0] <= value <= edges[-1]:
            return None
        found.append(int(places(np.array([value]), edges)[0]))
    return found[0], found[1]


def panel(frame: Frame) -> HeatMap:
    """The counts, with axes."""
    x_range, y_range = (
        None if names else (float(edges[0]), float(edges[-1]))
        for names, edges in ((frame.x_names, frame.x_edges), (frame.y_names, frame.y_edges))
    )
    return HeatMap(
        frame.counts.astype(float), x_label=frame.x, y_label=frame.y, value_label="networks", x_names=frame.x_names,
        y_names=frame.y_names, x_range=x_range, y_range=y_range, upward=True, log=True, stretched=True,
        x_log="x" in frame.log, y_log="y" in frame.log, joined=frame.joined if len(frame.joined) else None,
    )  # fmt: skip


def sentence(frame: Frame) -> str:
    """How the columns go together."""
    if frame.constant:
        words = " and ".join(frame.constant)
        return f"{words} {'is' if len(frame.constant) == 1 else 'are'} the same throughout (n {frame.n:,})."
    if not frame.ranked:
        text = next(name for name, names in ((frame.x, frame.x_names), (frame.y, frame.y_names)) if names)
        return f"{text} has no order, hence no rank correlation (n {frame.n:,})."
    return (
        f"Spearman's rank correlation {frame.correlation:+.3f} [{frame.low:+.3f}, {frame.high:+.3f}] "
        f"(95 %, n {frame.n:,})."
    )


def about(frame: Frame) -> str:
    """What is left out, and the run that is joined."""
    parts = []
    if frame.unknown:
        parts.append(f"left out: {counted(frame.unknown, 'network')} without a value")
    if frame.outside:
        parts.append(f"left out: {counted(frame.outside, 'network')} not above 0")
    if len(frame.joined):
        steps = ", ".join(f"{sign} at {number(s, 7)}" for sign, s in zip("○●", frame.steps[[0, -1]], strict=True))
        parts.append(f"its run, checkpoints {len(frame.joined):,}: {steps}")
    return "; ".join(parts)


def table(frame: Frame) -> Group:
    """The map in characters, and what it comes to."""
    words = [Words(text_heat_map(panel(frame), 78, 28)), Words(clean(sentence(frame)), style="bold")]
    return Group(*words, *([Words(clean(about(frame)))] if about(frame) else []))


def summary(frame: Frame) -> dict[str, Any]:
    """Every count, and the correlation."""
    sides = ((frame.x, frame.x_edges, frame.x_names), (frame.y, frame.y_edges, frame.y_names))
    x, y = ({"column": n, "names": list(w)} if w else {"column": n, "edges": e.tolist()} for n, e, w in sides)
    known = frame.ranked and not frame.constant
    return {
        "x": x,
        "y": y,
        "log": frame.log,
        "counts": frame.counts.tolist(),
        "networks": frame.n,
        "unknown": frame.unknown,
        "not_above_0": frame.outside,
        "constant": list(frame.constant),
        "spearman": frame.correlation if known else None,
        "interval": [frame.low, frame.high] if known else None,
        "confidence": 0.95,
        "run": [{"step": s, "x": a, "y": b} for s, (a, b) in zip(frame.steps, frame.joined.tolist(), strict=True)],
        "sentence": sentence(frame),
    }  # fmt: skip


def svg(frame: Frame) -> str:
    """The map."""
    return figure([replace(panel(frame), title=f"n {frame.n:,}")], f"{frame.y} by {frame.x}")


def write_counts(_compute: Compute, _selection: Selection, _params: Params, frame: Frame, path: Path) -> None:
    """A line a cell, from below: both ends of its ranges, or its words, and how many networks are in it."""
    out = StringIO()
    lines = csv.writer(out, lineterminator="\n")
    sides = ((frame.x, frame.x_edges, frame.x_names), (frame.y, frame.y_edges, frame.y_names))
    ends = ([n] if words else [f"{n} from", f"{n} to"] for n, _, words in sides)
    lines.writerow([*(head for heads in ends for head in heads), "networks"])
    for row, column in np.ndindex(frame.counts.shape):
        where: list[str] = []
        for (_, edges, words), k in zip(sides, (column, row), strict=True):
            where += [words[k]] if words else [repr(float(e)) for e in edges[k : k + 2]]
        lines.writerow([*where, int(frame.counts[row, column])])
    write_text(path, out.getvalue())


COUNTS = "counts"
ANALYSIS = Analysis(
    "columns", "One column against another: density and rank correlation", Params, Frame, run, table, summary,
    figure=svg, exports={COUNTS: Export("Save every cell's count as .csv.", (".csv",), write_counts)},
)  # fmt: skip
