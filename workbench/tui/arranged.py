"""A matrix of pairs as the Converge pane draws it: put in order, read out, and saved. No screen."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.analyses import converge
from workbench.comparing import COLUMNS
from workbench.compute import Compute
from workbench.drawing import breadth
from workbench.errors import WorkbenchError
from workbench.performance import measure_named
from workbench.population import Population
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


def arrange(job: Job, frame: converge.Frame, about: str, column: str, by: str) -> Arranged:
    """Draw up a matrix: a thousand networks take a moment, in a thread."""
    order = frame.order(by, column)
    return Arranged(job, frame, about, column, by, order, frame.matrix(column)[np.ix_(order, order)])


def read_out(shown: Arranged, a: int, b: int, marks: frozenset[int], width: int) -> str:
    """The figures of a pair, both ways, in the longest words there is room for."""
    frame, title = shown.frame, COLUMNS[shown.column].heading
    there, back = (float(v) for v in frame.matrices[frame.columns.index(shown.column)][[a, b], [b, a]])
    first, second = (f"{clean(frame.names[k], 24)}{'●' if int(frame.rows[k]) in marks else ''}" for k in (a, b))
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
