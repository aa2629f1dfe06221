"""Checkpoints of one run of training: networks that share a run, in the order of their steps."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.population import Population, Text


class RunColumns(NamedTuple):
    """Which columns say it."""

    run: str = "run"
    """Text or a number, the same in all checkpoints of a run."""
    step: str = "step"
    """A number that rises along a run."""


def check(population: Population, names: RunColumns) -> None:
    """Whether a population has these columns.

    Raises:
        WorkbenchError: it has not, or steps are text.
    """
    for name in names:
        if name not in population.columns:
            raise WorkbenchError(f"runs: {population.name} has no column {name!r}")
    if isinstance(population.columns[names.step], Text):
        raise WorkbenchError(f"runs: {names.step} is text; a column of numbers is expected")


def has_runs(population: Population, names: RunColumns) -> bool:
    """Whether a population has columns that say runs and steps."""
    try:
        check(population, names)
    except WorkbenchError:
        return False
    return True


def checkpoints(population: Population, row: int, names: RunColumns) -> NDArray[np.int64]:
    """Rows (k,) of the networks of one network's run in the order of their steps; none where it belongs to no run.

    Raises:
        WorkbenchError: as `check` does.
    """
    check(population, names)
    run = population.columns[names.run]
    steps = np.asarray(population[names.step], float)
    if isinstance(run, Text):
        same = run.codes == run.codes[row] if run.vocabulary[int(run.codes[row])] else np.zeros(len(run), bool)
    else:
        same = np.asarray(run) == run[row]  # NaN is of no run
    rows = np.flatnonzero(same & np.isfinite(steps))
    return rows[np.argsort(steps[rows], kind="stable")]


def beside(population: Population, row: int, by: int, names: RunColumns) -> int:
    """The row of the checkpoint `by` places later (or earlier) in the run of a network; the first or the last beyond.

    Raises:
        WorkbenchError: as `check` does, or the network belongs to no run.
    """
    rows = checkpoints(population, row, names)
    at = np.flatnonzero(rows == row)
    if not len(at):
        raise WorkbenchError(f"runs: #{row} has no {names.run} or no {names.step}")
    return int(rows[max(0, min(int(at[0]) + by, len(rows) - 1))])
