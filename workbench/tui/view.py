"""What the table shows of a population: which networks, in which order, which are marked. Arrays only, no screen."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.expressions import matches
from workbench.groups import Groups
from workbench.performance import MEASURES
from workbench.population import FINGERPRINT, Population, Text
from workbench.runs import RunColumns


@dataclass(frozen=True)
class Arrangement:
    """What the user asked for; the rows follow from it."""

    expression: str = ""
    group: int | None = None
    sort: str = ""
    descending: bool = False

    def describe(self, groups: Groups) -> str:
        """In words, for the title of the table."""
        parts = []
        if self.group is not None:
            parts.append(f"group {groups.names[self.group]}")
        if self.expression.strip():
            parts.append(self.expression.strip())
        words = f"only {' and '.join(parts)}" if parts else ""
        if self.sort:
            words += f"{'; ' if words else ''}sorted by {self.sort} {'▼' if self.descending else '▲'}"
        return words


@dataclass
class View:
    """A population with an arrangement and marks."""

    population: Population
    arrangement: Arrangement = field(default_factory=Arrangement)

    def __post_init__(self) -> None:
        self.rows: NDArray[np.int64] = np.arange(len(self.population))
        """Rows of the population that are shown, in order."""
        self.marks: NDArray[np.bool_] = np.zeros(len(self.population), bool)
        """(n,) which networks are marked."""
        self.kept: dict[str, Any] = {}
        """What panes keep while another is shown, by pane."""
        columns = self.population.columns
        measured, measure = self.population.measured, self.population.measure
        self.group: NDArray[np.int64] | None = (
            self.population.groups.assign(self.population.performance) if measured else None
        )
        leading = [n for n in (measure.name, measure.error) if n in columns]
        rest = [n for n in columns if n not in (*leading, "index", FINGERPRINT)]
        self.columns: list[str] = ["id", *leading, *(["group"] if measured else []), *rest]
        if FINGERPRINT in columns:
            self.columns.append(FINGERPRINT)
        self.columns.insert(1, "mark")

    @property
    def condition(self) -> str:
        """The filter that gives what is shown."""
        now = self.arrangement
        conditions = [now.expression.strip()] if now.expression.strip() else []
        if now.group is not None:
            conditions.append(f"group == '{self.population.groups.names[now.group]}'")
        return " and ".join(f"({c})" for c in conditions) if len(conditions) > 1 else "".join(conditions)

    def grow(self, population: Population) -> bool:
        """Take over a later state of the same file, in which networks follow on those that are here; False for another.

        Marks, arrangement and what panes keep stay.
        """
        n, before = len(self.population), self.population
        if population.spec != before.spec or len(population) < n:
            return False
        # Bits, since a NaN is not equal to itself.
        if not np.array_equal(population.weights[:n].view(np.uint32), before.weights[:n].view(np.uint32)):
            return False
        marks, kept = self.marks, self.kept
        self.population = population
        self.__post_init__()
        self.marks[:n], self.kept = marks, kept
        try:
            self.rows = self.arranged()
        except WorkbenchError:  # a column is gone
            self.arrangement, self.rows = Arrangement(), np.arange(len(population))
        return True

    def arranged(self, **changes: Any) -> NDArray[np.int64]:
        """The rows under a changed arrangement; nothing else changes, so that it may run in a thread.

        Raises:
            WorkbenchError: the filter does not parse, or there is no such column.
        """
        wanted = replace(self.arrangement, **changes)
        chosen = matches(self.population, wanted.expression, self.marks)
        if wanted.group is not None and self.group is not None:
            chosen &= self.group == wanted.group
        rows = np.flatnonzero(chosen)
        if wanted.sort:
            keys = self.values(wanted.sort)[rows]
            order = np.argsort(keys, kind="stable")
            if wanted.descending:
                order = np.argsort(-keys.astype(float), kind="stable") if keys.dtype.kind in "bifu" else order[::-1]
            rows = rows[order]
        return rows

    def apply(self, rows: NDArray[np.int64], **changes: Any) -> None:
        """Take over what `arranged` gave."""
        self.arrangement = replace(self.arrangement, **changes)
        self.rows = rows

    def values(self, name: str) -> NDArray:
        """A column to sort by: (n,) numbers, or codes that sort as the text does."""
        if name == "id":
            return np.arange(len(self.population))
        if name == "mark":
            return self.marks
        if name == "group" and self.group is not None:
            return self.group
        if name not in self.population.columns:
            raise WorkbenchError(f"no column {name!r}")
        column = self.population.columns[name]
        if isinstance(column, Text):
            rank = np.argsort(np.argsort(np.asarray(column.vocabulary)))
            return rank[column.codes]
        return np.asarray(column)

    def position(self, row: int) -> int | None:
        """Where a network stands in the table, or None if it is filtered out."""
        at = np.flatnonzero(self.rows == row)
        return int(at[0]) if len(at) else None

    def find(self, expression: str, start: int, backwards: bool = False) -> int | None:
        """The next position after `start` (cyclic) whose network an expression is true of; None if none is.

        Raises:
            WorkbenchError: the expression does not parse.
        """
        hits = np.flatnonzero(matches(self.population, expression, self.marks)[self.rows])
        if not len(hits):
            return None
        if backwards:
            before = hits[hits < start]
            return int(before[-1] if len(before) else hits[-1])
        after = hits[hits > start]
        return int(after[0] if len(after) else hits[0])

    def cell(self, name: str, row: int) -> str:
        """What the table shows of one network in one column."""
        if name == "id":
            return str(row)
        if name == "mark":
            return "●" if self.marks[row] else ""
        if name == "group":
            g = -1 if self.group is None else int(self.group[row])
            return self.population.groups.names[g] if g >= 0 else "-"
        column = self.population.columns[name]
        if isinstance(column, Text):
            return column.vocabulary[int(column.codes[row])]
        return format_value(name, column[row])


CURSOR = "cursor"
"""Where a view keeps which network the cursor stands on."""
RUNS = "runs"
"""Where a view keeps which columns say runs and steps."""


def runs_of(view: View) -> RunColumns:
    """Which columns say runs and steps: those named by the user, else the usual ones."""
    named: RunColumns | None = view.kept.get(RUNS)
    return named or RunColumns()


HEADINGS = {"mark": "●", **{m.error: "± se" for m in MEASURES}}


def heading(name: str) -> str:
    """A column's name as the table shows it."""
    return HEADINGS.get(name, name.replace("_", " "))


def format_value(name: str, value: Any) -> str:
    """A number as the table shows it."""
    kind = np.asarray(value).dtype.kind
    if kind == "b":
        return "yes" if value else "no"
    if name == FINGERPRINT:
        return f"{int(value):016x}"
    if kind in "iu":
        return f"{int(value):,}"
    value = float(value)
    if np.isnan(value):
        return "-"
    for measure in MEASURES:
        if name in (measure.name, measure.error):
            return f"{value:.1f}" if name == measure.name else f"{value:.2f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"
