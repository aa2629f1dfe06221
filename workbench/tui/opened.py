"""What is open: a view of a population, the files it is of, and what was assumed of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import opening, recent, sessions
from workbench.places import default_population
from workbench.tui import remembering
from workbench.tui.panes import PANES
from workbench.tui.view import View


@dataclass(frozen=True, eq=False)
class Opened:
    """A population that was read."""

    path: str | None
    """As it was named; None for the one that ships."""
    view: View
    told: tuple[str, ...]
    """What was imported, and what was assumed; nothing of a population file."""
    state: str
    """Of the files, before they were read."""
    pane: str
    """The one to show first."""
    session: Mapping[str, Any]
    """What was taken up again; nothing where nothing was."""

    @classmethod
    def of(cls, path: str | None, recalls: bool = False) -> "Opened":
        """Read a population, import a checkpoint or a folder of them; `recalls` takes its session up again.

        Raises:
            WorkbenchError: it can be read as neither.
        """
        before = state(path)
        told: list[str] = []
        population = opening.load(path, told.append)
        if path is not None:
            recent.remember(path)
        view = View(population)
        session = sessions.load(population) if recalls else {}
        pane = remembering.recall(view, session) if recalls else PANES[0]
        return cls(path, view, tuple(told), before, pane, session)


def state(path: str | None) -> str:
    """Names, sizes and times of the files at a path: another one when they have been written since."""
    return opening.state_of(Path(path) if path is not None else default_population())
