"""Two columns of the networks shown against each other, as a map of how many lie where."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from workbench.analyses import columns, find
from workbench.crossing import choices, defaults, side_of
from workbench.errors import WorkbenchError
from workbench.expressions import MAX_LENGTH
from workbench.runs import beside, has_runs
from workbench.service import Job, JobState, ModelService
from workbench.storage import write_text
from workbench.text import clean, counted
from workbench.tui.chosen import chosen, where
from workbench.tui.commands import command_line
from workbench.tui.full_screen import SavingScreen
from workbench.tui.sampling import following
from workbench.tui.view import View, runs_of
from workbench.tui.widgets.density import DensityMap
from workbench.tui.widgets.prompt import Prompt

SLOT = KEPT = "columns"
AROUND, BESIDE = 12, 12
"""Lines and characters that are no cells."""
FINEST = (40, 60)
"""Cells up and across, at most; they are then larger than a character."""
FIGURE, TABLE = ".svg", ".csv"


@dataclass(frozen=True)
class Answer:
    """What the screen leaves: the network it ended at, and a filter if one was asked for."""

    row: int | None
    filter: str = ""


class ColumnsScreen(SavingScreen[Answer]):
    """A density map with a cursor; enter filters the table to a cell."""

    AUTO_FOCUS = "DensityMap"
    NAME = HEADING = "columns"
    FOLLOWED, FIRST = 10, 5
    SUFFIXES = FIGURE, TABLE
    KEYS = (
        ("a A", "column across"),
        ("u U", "column up"),
        ("L", "log"),
        ("enter", "filter"),
        ("escape", "back"),
        ("T", "run"),
        ("[ ]", "checkpoint"),
        ("x", "save"),
        ("=", "the same as a command"),
        ("y", "copy the command"),
        ("X Y", "name the column across, upwards"),
        ("↑ ↓ ← → h j k l", "cell"),
        ("home end", "first, last cell across"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "next('x', 1)", show=False),
        Binding("A", "next('x', -1)", show=False),
        Binding("u", "next('y', 1)", show=False),
        Binding("U", "next('y', -1)", show=False),
        Binding("X", "name('x')", show=False),
        Binding("Y", "name('y')", show=False),
        Binding("L", "log", show=False),
        Binding("T", "trace", show=False),
        Binding("left_square_bracket", "checkpoint(-1)", show=False),
        Binding("right_square_bracket", "checkpoint(1)", show=False),
        Binding("d", "close", show=False),
    ]
    DEFAULT_CSS = """
    ColumnsScreen DensityMap { margin: 0 1; }
    ColumnsScreen #columns-cell { height: 1; padding: 0 1; }
    ColumnsScreen #columns-told { height: 1; }
    """
    job: Job | None = None

    def __init__(self, service: ModelService, view: View, row: int | None) -> None:
        super().__init__()
        self.service, self.view, self.row = service, view, row
        x, y = defaults(view.population)
        before: columns.Params | None = view.kept.get(KEPT)
        self.params = before if before is not None else columns.Params(x, y)
        self.choices = choices(view.population)
        self.runs = runs_of(view)
        self.tracing = has_runs(view.population, self.runs)
        """Whether the run of the network is drawn."""
        self._selection = chosen(view)
        self._placed = False

    def picture(self) -> ComposeResult:
        """The map, and the cell under the cursor."""
        yield DensityMap(id="columns-map")
        yield Static(id="columns-cell", markup=False)

    @property
    def map(self) -> DensityMap:
        """The map."""
        return self.query_one(DensityMap)

    @property
    def told(self) -> str:
        """The network one came from, and what is counted."""
        if self.frame is None:
            return ""
        me = "" if self.row is None else f"◆ #{self.row}"
        return "; ".join(text for text in (me, columns.about(self.frame)) if text)

    @property
    def answer(self) -> Answer:
        """The network one has come to."""
        return Answer(self.row)

    def on_resize(self, _event: events.Resize) -> None:
        """As many cells as there is room for; the base's own follows."""
        height, width = self.app.size.height - AROUND, (self.app.size.width - BESIDE) // 2
        up, across = (max(4, min(room, most)) for room, most in zip((height, width), FINEST, strict=True))
        self._change(bins=across, up=up)

    def _change(self, **changes: Any) -> None:
        params = replace(self.params, **changes)
        if self.job is None or params != self.params or self.job.state is JobState.FAILED:
            self.params = self.view.kept[KEPT] = params
            self.job = self.service.ask(SLOT, find("columns"), self._selection, params)
        self.tell("")
        self.follow()

    def look(self, job: Job) -> None:
        """Show the map once it is there."""
        if job.state is JobState.DONE and job.frame is not None:
            self.frame = job.frame
            self._draw()
        elif job.state is JobState.FAILED:
            self.frame = None
            self.map.show(None, clean(job.error, 200))
            for part in ("cell", "told"):
                self.say(part, "")
        p = self.params
        total, count = len(self.view.population), len(self._selection)
        of = ("" if count == total else f"{count:,} of ") + counted(total, "network")
        self.say("title", f"{p.y} by {p.x}{f', log {p.log}' if p.log else ''}  ·  {of}")
        self.say("progress", "" if job.state.final else "counting…")

    def _draw(self) -> None:
        frame, population = self.frame, self.view.population
        if frame is None:
            return
        if self.tracing and self.row is not None:
            try:
                frame = self.frame = columns.traced(frame, population, self.row, self.runs)
            except WorkbenchError as error:
                self.tell(str(error))
        panel = columns.panel(frame)
        here = columns.cell_of(frame, population, self.row) if self.row is not None else None
        if not self._placed and here is not None:
            self.map.cursor = here
        self._placed = True
        self.map.show(replace(panel, marked=[here] if here is not None else []))
        self.say("told", columns.sentence(frame))
        self._read_out()

    def _read_out(self) -> None:
        if self.frame is None:
            return
        self.say("cell", f"✛ {self.frame.reading(*self.map.cursor)}")
        self.retell()

    def on_density_map_moved(self) -> None:
        """Another cell."""
        self._read_out()

    def on_density_map_opened(self) -> None:
        """Filter the table to the cell."""
        if self.frame is None:
            return
        try:
            cell = self.frame.condition(*self.map.cursor)
        except WorkbenchError as error:
            self.tell(str(error))
            return
        before = "marked" if self.view.marks.any() else self.view.arrangement.expression.strip()
        self.dismiss(Answer(self.row, f"({before}) and {cell}" if before else cell))

    def action_next(self, side: str, by: int) -> None:
        """The next column; a logarithm that it has not goes."""
        now = getattr(self.params, side)
        names = self.choices[::by]
        self._take(side, following(names, now))

    def _take(self, side: str, name: str) -> None:
        self._change(**{side: name, "log": self.params.log.replace(side, "")})

    def action_name(self, side: str) -> None:
        """Ask for a column by name."""
        label = f"column {'across' if side == 'x' else 'upwards'}"
        self.query_one(Prompt).ask(side, label, "", ", ".join(self.choices), among=self.choices)

    def action_log(self) -> None:
        """Along a logarithm: neither, across, upwards, both; of words there is none."""
        first, words = np.zeros(1, int), set()
        try:
            for side in ("x", "y"):
                if side_of(self.view.population, getattr(self.params, side), first).names:
                    words.add(side)
        except WorkbenchError as error:
            self.tell(str(error))
            return
        offered = [log for log in columns.LOGS if not words & set(log)]
        self._change(log=following(offered, self.params.log))

    def action_trace(self) -> None:
        """Draw the run of the network, or not."""
        if not self.tracing and not has_runs(self.view.population, self.runs):
            self.tell(f"no columns {self.runs.run} and {self.runs.step}; R in the Dataset pane names others")
            return
        self.tracing = not self.tracing
        self._again()

    def action_checkpoint(self, by: int) -> None:
        """To an earlier or a later checkpoint of the run."""
        if self.row is None:
            return
        try:
            self.row = beside(self.view.population, self.row, by, self.runs)
        except WorkbenchError as error:
            self.tell(str(error))
            return
        self._again()

    def _again(self) -> None:
        self.tell("")
        if self.job is not None and self.job.state is JobState.DONE:
            self.frame = self.job.frame
            self._draw()

    @property
    def command(self) -> str:
        """The command that counts the same."""
        which = where(self.view)
        if len(which) > MAX_LENGTH:
            raise WorkbenchError(f"{self.view.marks.sum():,} marked networks are more than a filter holds")
        return command_line(find("columns"), self._asked(), self.view.population, which)

    def _asked(self) -> columns.Params:
        if not self.tracing or self.row is None or self.frame is None or not len(self.frame.joined):
            return self.params
        return replace(self.params, trace=self.row, run=self.runs.run, step=self.runs.step)

    @property
    def file_name(self) -> str:
        """Both columns."""
        stem = "".join(c if c.isalnum() else "-" for c in f"{self.frame.y} by {self.frame.x}")
        return f"{stem}{FIGURE}"

    def answered(self, what: str, text: str) -> None:
        """A column by its name."""
        self._take(what, text)

    def write(self, path: Path) -> None:
        """The map as a figure, or its counts."""
        if path.suffix == FIGURE:
            write_text(path, columns.svg(self.frame))
        else:
            export = columns.ANALYSIS.exports[columns.COUNTS]
            export.write(self.service.compute, self._selection, self.params, self.frame, path)

    def keys_back(self) -> None:
        """Keys are for the map."""
        self.map.focus()
