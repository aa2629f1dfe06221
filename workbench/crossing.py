"""Columns of a population as the sides of a plane: numbers or words, cut into cells that filters can name."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.expressions import MAX_LENGTH, quoted
from workbench.numerics.associations import cell_edges, places
from workbench.performance import MEASURES
from workbench.population import FINGERPRINT, Population, Text
from workbench.text import clean

OTHERS = "others"
ID, GROUP = "id", "group"
NO_YES = ("no", "yes")


@dataclass(frozen=True)
class ColumnSide:
    """A column: numbers (n,), or codes into names with -1 for none."""

    name: str
    values: NDArray
    names: tuple[str, ...] = ()
    ranked: bool = True
    """Whether larger numbers or codes mean more."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which have a value (n,)."""
        return self.values >= 0 if self.names else np.isfinite(self.values)


def choices(population: Population) -> list[str]:
    """The columns that can be taken."""
    own = [name for name in population.columns if name != FINGERPRINT]
    more = [GROUP] if population.measured else []
    return [*own, *(name for name in (*more, ID) if name not in own)]


def defaults(population: Population) -> tuple[str, str]:
    """The columns across and upwards where none are named."""
    measure, own = population.measure.name, choices(population)
    judged = {GROUP, ID, "index", *(n for m in MEASURES for n in (m.name, m.error))}
    numbers = [n for n in own if n not in judged and side_of(population, n).values.dtype.kind == "f"]
    x = next(iter([*numbers, *(n for n in own if n not in judged)]), ID)
    return x, measure if population.measured else own[-1]


def side_of(population: Population, name: str, rows: NDArray | None = None) -> ColumnSide:
    """A column of some networks, or of all.

    Raises:
        WorkbenchError: there is none of this name.
    """
    some = slice(None) if rows is None else rows
    if name in population.columns and name != FINGERPRINT:
        column = population.columns[name]
        if isinstance(column, Text):
            vocabulary = np.array(column.vocabulary or ("",))
            place = np.where(vocabulary == "", -1, np.arange(len(vocabulary)))
            return ColumnSide(name, place[column.codes[some]], tuple(map(str, vocabulary)), ranked=False)
        values = np.asarray(column[some])
        return ColumnSide(name, values.astype(int), NO_YES) if values.dtype.kind == "b" else ColumnSide(name, values)
    if name == ID:
        return ColumnSide(name, np.arange(len(population))[some])
    if name == GROUP and population.measured:
        return ColumnSide(name, population.groups.assign(population.performance[some]), population.groups.names)
    raise WorkbenchError(f"columns: no column {clean(name, 60)!r}; there are {', '.join(choices(population))}")


@dataclass(frozen=True)
class Cut:
    """A side in cells."""

    which: NDArray[np.int64]
    """(n,) the cell of each value."""
    edges: NDArray[np.float64]
    """(cells + 1,); 0, 1, ... of words."""
    names: tuple[str, ...]
    """(cells,) words; none of numbers."""
    filters: tuple[str, ...]
    """(cells,) what is true of the values in each; empty where that is too long."""


def cut(side: ColumnSide, bins: int, log: bool) -> Cut:
    """At most so many cells; text has one for each word, the rarest together."""
    name = side.name
    with suppress(WorkbenchError):  # one that cannot stand in a filter is told when a filter is wanted
        name = quoted(name)
    if not side.names:
        edges = cell_edges(side.values, bins, log)
        return Cut(places(side.values, edges), edges, (), _ranges(name, side.values.dtype, edges))
    count = np.bincount(side.values, minlength=len(side.names))
    here = np.flatnonzero(count)
    if len(here) > bins:
        here = np.sort(here[np.argsort(-count[here], kind="stable")][: bins - 1])
    cell = np.full(len(side.names), len(here))
    cell[here] = np.arange(len(here))
    words = [side.names[k] for k in here]
    if side.names == NO_YES:
        cells = [name if word == "yes" else f"not {name}" for word in words]
    else:
        cells = [f"{name} == {word!r}" for word in words]
    if len(here) < np.count_nonzero(count):
        # An empty word is of no cell.
        cells.append(f"{name} not in {['', *words]!r}")
        words.append(OTHERS)
    edges = np.arange(len(words) + 1.0)
    return Cut(cell[side.values], edges, tuple(words), tuple(c if len(c) <= MAX_LENGTH else "" for c in cells))


def _ranges(name: str, kind: np.dtype, edges: NDArray) -> tuple[str, ...]:
    """A filter for each cell between edges, in as few digits as tell them apart."""
    if len(edges) == 2 and edges[1] == np.nextafter(edges[0], np.inf):
        return (f"{name} == {_written(edges[0], kind)}",)
    ends = ["<"] * (len(edges) - 2) + ["<="]
    return tuple(
        f"{name} == {a + 0.5:.0f}"
        if kind.kind in "iu" and b - a == 1 and a % 1 == 0.5
        else f"{name} >= {_written(a, kind)} and {name} {end} {_written(b, kind)}"
        for a, b, end in zip(edges[:-1], edges[1:], ends, strict=True)
    )


def _written(value: float, kind: np.dtype) -> str:
    return str(kind.type(value)) if kind.kind == "f" else repr(float(value))
