"""A matrix of pairs as the Converge pane draws it: put in order, read out, and saved. No screen."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import opening
from workbench.analyses import converge, pair
from workbench.comparing import COLUMNS
from workbench.compute import Compute
from workbench.drawing import breadth
from workbench.errors import WorkbenchError
from workbench.performance import measure_named
from workbench.population import Population
from workbench.rollouts.reference_set import KINDS
from workbench.service import Job
from workbench.storage import check_new, write_text
from workbench.text import clean

MATRIX, ACTIVATIONS = "matrix", "activations"
FIGURE = ".svg"


@dataclass(frozen=True, eq=False)
class Arranged:
    """A column's matrix as it is drawn."""

    job: Job
    frame: converge.Frame
    about: str
    """What was compared, in words."""
    column: str
    by: str
    order: NDArray[np.int64]
    """(n,) networks of the frame."""
    values: NDArray[np.float64]
    """(n, n), the mean of both directions."""

    @property
    def names(self) -> list[str]:
        """Of the networks, in order."""
        return [self.frame.names[k] for k in self.order]

    @property
    def runs(self) -> list[tuple[str, int]]:
        """Names and lengths of groups, where that is the order and there are several."""
        if self.by != "group" or len(self.frame.groups) < 2:
            return []
        member = self.frame.member[self.order]
        starts = np.flatnonzero(np.r_[True, np.diff(member) != 0])
        lengths = np.diff(np.r_[starts, len(member)])
        return [(self.frame.groups[member[s]], int(n)) for s, n in zip(starts, lengths, strict=True)]

    @property
    def population(self) -> Population:
        """Where the networks are from."""
        assert self.job.selection is not None
        return self.job.selection.population

    @property
    def own(self) -> int:
        """How many of the frame's networks, the first, are of that population: those of another come after them."""
        assert self.job.selection is not None
        return min(len(self.job.selection), self.job.params.networks)

    def row(self, network: int) -> int | None:
        """The row of a network of the frame in that population; None if it is of another."""
        return int(self.frame.rows[network]) if network < self.own else None

    @property
    def activation_bytes(self) -> int:
        """What the activations compared take."""
        spec = self.population.spec
        hidden = self.job.params.how.hidden(spec)
        units = spec.sizes[-1] + (0 if hidden is None else spec.sizes[1 + hidden])
        return 4 * len(self.order) * self.frame.count * units

    def place(self, network: int) -> int:
        """Where a network of the frame stands."""
        at = np.flatnonzero(self.order == network)
        return int(at[0]) if len(at) else 0


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks of a matrix in its order, and where they are from."""

    names: list[str]
    populations: tuple[Population, ...]
    """The one that is compared, and another if there is one."""
    whose: NDArray[np.int64]
    """(n,) of these."""
    rows: NDArray[np.int64]
    """(n,) in their population."""

    @classmethod
    def of(cls, shown: Arranged) -> "Networks":
        """Those of a matrix; the other population is opened.

        Raises:
            WorkbenchError: it cannot be.
        """
        other = shown.job.params.other
        populations = (shown.population, opening.load(other)) if other else (shown.population,)
        whose = (shown.order >= shown.own).astype(np.int64)
        return cls(shown.names, populations, whose, shown.frame.rows[shown.order])

    def population(self, place: int) -> Population:
        """Where the network at a place is from."""
        return self.populations[self.whose[place]]

    def lasted(self, place: int) -> float:
        """Its survival time or return; NaN where that is not known."""
        return float(self.population(place).performance[self.rows[place]])

    def own_first(self, first: int, second: int) -> tuple[int, int]:
        """Two places, a network of the other population second: only that one has a file of its own to be named by."""
        return (first, second) if self.whose[first] <= self.whose[second] else (second, first)

    def asked(self, params: pair.Params, first: int, second: int) -> tuple[Population, pair.Params]:
        """What compares the networks at two places: of which population, and how."""
        population, other = self.population(first), self.population(second)
        params = replace(params, first=int(self.rows[first]), second=int(self.rows[second]))
        if other is not population:
            params = replace(params, other=str(other.path))
        elif self.whose[first] and params.states == KINDS[0] and self.populations[0].path is not None:
            # On the same states as all others.
            params = replace(params, states=str(self.populations[0].path))
        return population, params


def arrange(job: Job, frame: converge.Frame, about: str, column: str, by: str) -> Arranged:
    """Draw up a matrix: a thousand networks take a moment, in a thread."""
    order = frame.order(by, column)
    return Arranged(job, frame, about, column, by, order, frame.matrix(column)[np.ix_(order, order)])


def read_out(shown: Arranged, a: int, b: int, marks: frozenset[int], width: int) -> str:
    """The figures of a pair, both ways, in the longest words there is room for."""
    frame, title = shown.frame, COLUMNS[shown.column].heading
    there, back = (float(v) for v in frame.matrices[frame.columns.index(shown.column)][[a, b], [b, a]])
    first, second = (f"{clean(frame.names[k], 24)}{'●' if shown.row(k) in marks else ''}" for k in (a, b))
    mean = (there + back) / 2
    if np.isnan(mean):
        value = both = "-"
    else:
        value = converge.short(mean)
        both = value if there == back else f"{value} ({converge.short(there)} → {converge.short(back)} ←)"
    lasted = ", ".join("-" if np.isnan(s) else f"{s:.1f}" for s in frame.survival[[a, b]])
    versions = (
        f"{first} × {second}  {title} {both}  {frame.measure} {lasted}{measure_named(frame.measure).unit}",
        f"{first} × {second}  {title} {both}  {frame.measure} {lasted}",
        f"{first} × {second}  {both}  {frame.measure} {lasted}",
        f"{first} × {second}  {both}",
    )
    return next((v for v in versions if breadth(v) <= width), versions[-1])


def save(compute: Compute, shown: Arranged, what: str, path: Path) -> None:
    """Write the matrix or its figure, or the activations.

    Raises:
        WorkbenchError: the file is there, has another suffix, or cannot be written.
    """
    job, export = shown.job, shown.job.analysis.exports[what]
    suffixes = (*export.suffixes, FIGURE) if what == MATRIX else export.suffixes
    check_new(path, suffixes)
    try:
        if path.suffix == FIGURE and job.analysis.figure is not None:
            write_text(path, job.analysis.figure(shown.frame))
        else:
            export.write(compute, job.selection, job.params, shown.frame, path)
    except MemoryError:
        raise WorkbenchError(f"{path}: not written, out of memory; fewer networks or states take less") from None
