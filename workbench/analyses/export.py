"""Networks handed on: to arrays, tables, or a folder of state dicts that torch and Stable-Baselines3 load."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from workbench import exporting
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.text import clean, counted


@dataclass(frozen=True)
class Params:
    """Where to, and how tensors are called."""

    to: str = ""
    """A file ending in .safetensors, .npz, .csv or .json, or a new folder for one state dict a network."""
    layout: str = "torch"
    """Names in state dicts: torch (nn.Sequential), or sb3 (a DQN policy of Stable-Baselines3)."""


@dataclass(frozen=True)
class Frame:
    """Networks written so far."""

    done: int
    total: int
    path: str
    columns: int


def run(_compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame every hundred state dicts; files are written at once."""
    if not params.to:
        raise WorkbenchError("to: expected a file or a new folder")
    if not len(selection):
        raise WorkbenchError(f"{selection.population.name}: no networks are selected")
    path = Path(params.to)
    exporting.check(path, params.layout)
    population = selection.population if selection.rows is None else selection.population.select(selection.indices)
    for done in exporting.export(population, path, params.layout):
        yield Frame(done, len(population), str(path), len(population.columns))


def table(frame: Frame) -> Text:
    """One line."""
    what = f"{counted(frame.done, 'network')}, {counted(frame.columns, 'column')}"
    return Text(clean(f"{what}, written to {frame.path}", 1000))


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    return {"networks": frame.done, "columns": frame.columns, "path": frame.path}


ANALYSIS = Analysis("export", "Write networks for other programs", Params, Frame, run, table, summary, examines=True)
