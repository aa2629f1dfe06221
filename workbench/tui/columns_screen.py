"""Two columns of the networks shown against each other, as a map of how many lie where."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Static

from workbench.analyses import columns, find
from workbench.crossing import choices, defaults, side_of
from workbench.errors import WorkbenchError
from workbench.expressions import MAX_LENGTH
from workbench.runs import beside, has_runs
from workbench.service import Job, JobState, ModelService
from workbench.storage import check_new, write_text
from workbench.text import clean
from workbench.tui.chosen import chosen, where
from workbench.tui.commands import command_line
from workbench.tui.help_screen import HelpScreen, key_bar
from workbench.tui.over import OverScreen
from workbench.tui.sampling import following
from workbench.tui.view import View, runs_of
from workbench.tui.widgets.density import DensityMap
from workbench.tui.widgets.prompt import Prompt

SLOT = KEPT = "columns"
FOLLOWED = 10
"""Looks at a running job a second."""
AROUND, BESIDE = 12, 12
"""Lines and characters that are no cells."""
FINEST = (40, 60)
"""Cells up and across, at most; they are then larger than a character."""
FIGURE, TABLE = ".svg", ".csv"
FIRST = 5
"""Keys that stand before help."""


@dataclass(frozen=True)
class Answer:
    """What the screen leaves: the network it ended at, and a filter if one was asked for."""

    row: int | None
    filter: str = ""


class ColumnsScreen(OverScreen[Answer]):
    """A density map with a cursor; enter filters the table to a cell."""

    AUTO_FOCUS = "DensityMap"
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
        Binding("x", "save", show=False),
        Binding("equals_sign", "command", show=False),
        Binding("question_mark", "help", show=False),
        Binding("escape,q,d", "close", show=False),
    ]
    DEFAULT_CSS = """
    ColumnsScreen { layout: vertical; background: $background; }
    ColumnsScreen #columns-head { height: 1; background: $panel; }
    ColumnsScreen #columns-title { width: 1fr; padding: 0 1; text-style: bold; }
    ColumnsScreen #columns-progress { width: auto; padding: 0 1; color: $text-muted; }
    ColumnsScreen DensityMap { margin: 0 1; }
    ColumnsScreen #columns-cell { height: 1; padding: 0 1; }
    ColumnsScreen #columns-told { height: 1; padding: 0 1; text-style: bold; }
    ColumnsScreen #columns-about { height: 2; padding: 0 1; color: $text-muted; }
    ColumnsScreen #columns-about.said { color: $warning; }
    ColumnsScreen #columns-keys { height: 1; background: $panel; padding: 0 1; }
    """

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
        self.job: Job | None = None
        self._selection = chosen(view)
        self._frame: columns.Frame | None = None
        self._placed = False
        self._said = ""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The map between what it is of and what it comes to."""
        with Horizontal(id="columns-head"):
            yield Static(id="columns-title", markup=False)
            yield Static(id="columns-progress", markup=False)
        yield DensityMap(id="columns-map")
        yield Static(id="columns-cell", markup=False)
        yield Static(id="columns-told", markup=False)
        yield Static(id="columns-about", markup=False)
        yield Prompt(id="columns-prompt")
        yield Static(id="columns-keys")

    @property
    def map(self) -> DensityMap:
        """The map."""
        return self.query_one(DensityMap)

    def on_mount(self) -> None:
        """Count."""
        self._timer = self.set_interval(1 / FOLLOWED, self.follow, pause=True)

    def on_resize(self, _event: events.Resize) -> None:
        """As many cells as there is room for; the key bar shows what fits."""
        height, width = self.app.size.height - AROUND, (self.app.size.width - BESIDE) // 2
        up, across = (max(4, min(room, most)) for room, most in zip((height, width), FINEST, strict=True))
        self._keys()
        self._change(bins=across, up=up)

    def _keys(self) -> None:
        bar = key_bar((*self.KEYS[:FIRST], ("?", "help"), *self.KEYS[FIRST:]), self.app.size.width)
        self.query_one("#columns-keys", Static).update(bar)

    def _change(self, **changes: Any) -> None:
        params = replace(self.params, **changes)
        if self.job is None or params != self.params or self.job.state is JobState.FAILED:
            self.params = self.view.kept[KEPT] = params
            self.job = self.service.ask(SLOT, find("columns"), self._selection, params)
        self._tell("")
        self.follow()

    def follow(self) -> None:
        """Show the map once it is there."""
        job = self.job
        if job is None or not self.is_mounted:
            return
        if job.state is JobState.DONE and job.frame is not None:
            self._frame = job.frame
            self._draw()
        elif job.state is JobState.FAILED:
            self._frame = None
            self.map.show(None, clean(job.error, 200))
            for where in ("cell", "told"):
                self._say(where, "")
        p = self.params
        total, count = len(self.view.population), len(self._selection)
        of = columns.networks(total) if count == total else f"{count:,} of {columns.networks(total)}"
        self._say("title", f"{p.y} by {p.x}{f', log {p.log}' if p.log else ''}  ·  {of}")
        self._say("progress", "" if job.state.final else "counting…")
        if self._timer is not None:
            (self._timer.pause if job.state.final else self._timer.resume)()

    def _draw(self) -> None:
        frame, population = self._frame, self.view.population
        if frame is None:
            return
        if self.tracing and self.row is not None:
            try:
                frame = self._frame = columns.traced(frame, population, self.row, self.runs)
            except WorkbenchError as error:
                self._tell(str(error))
        panel = columns.panel(frame)
        here = columns.cell_of(frame, population, self.row) if self.row is not None else None
        if not self._placed and here is not None:
            self.map.cursor = here
        self._placed = True
        self.map.show(replace(panel, marked=[here] if here is not None else []))
        self._say("told", columns.sentence(frame))
        self._read_out()

    def _read_out(self) -> None:
        if self._frame is None:
            return
        self._say("cell", f"✛ {self._frame.reading(*self.map.cursor)}")
        if not self._said:
            me = "" if self.row is None else f"◆ #{self.row}"
            self._say("about", "; ".join(text for text in (me, columns.about(self._frame)) if text))

    def _say(self, where: str, words: str) -> None:
        box = self.query_one(f"#columns-{where}", Static)
        if box.content != clean(words, 1000):
            box.update(clean(words, 1000))

    def _tell(self, words: str) -> None:
        self._said = words
        self._say("about", words)
        self.query_one("#columns-about").set_class(bool(words), "said")
        if not words:
            self._read_out()

    def on_density_map_moved(self) -> None:
        """Another cell."""
        self._read_out()

    def on_density_map_opened(self) -> None:
        """Filter the table to the cell."""
        if self._frame is None:
            return
        try:
            cell = self._frame.condition(*self.map.cursor)
        except WorkbenchError as error:
            self._tell(str(error))
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
            self._tell(str(error))
            return
        offered = [log for log in columns.LOGS if not words & set(log)]
        self._change(log=following(offered, self.params.log))

    def action_trace(self) -> None:
        """Draw the run of the network, or not."""
        if not self.tracing and not has_runs(self.view.population, self.runs):
            self._tell(f"no columns {self.runs.run} and {self.runs.step}; R in the Dataset pane names others")
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
            self._tell(str(error))
            return
        self._again()

    def _again(self) -> None:
        self._tell("")
        if self.job is not None and self.job.state is JobState.DONE:
            self._frame = self.job.frame
            self._draw()

    def action_command(self) -> None:
        """Say which command gives the same."""
        which = where(self.view)
        if len(which) > MAX_LENGTH:
            self._tell(f"{self.view.marks.sum():,} marked networks are more than a filter holds")
        else:
            self._tell(command_line(find("columns"), self._told(), self.view.population, which))

    def _told(self) -> columns.Params:
        if not self.tracing or self.row is None or self._frame is None or not len(self._frame.joined):
            return self.params
        return replace(self.params, trace=self.row, run=self.runs.run, step=self.runs.step)

    def action_save(self) -> None:
        """Ask for a file."""
        if self._frame is None:
            self._tell("nothing to save yet")
        else:
            stem = "".join(c if c.isalnum() else "-" for c in f"{self._frame.y} by {self._frame.x}")
            self.query_one(Prompt).ask("save", "save to", f"{stem}{FIGURE}", f"a new {FIGURE} or {TABLE}")

    async def on_prompt_answered(self, message: Prompt.Answered) -> None:
        """A column, or a file to write."""
        if not message.text:
            return
        if message.what in ("x", "y"):
            self._take(message.what, message.text)
            return
        path = Path(message.text).expanduser()
        try:
            await asyncio.to_thread(self._save, path)
            self.app.copy_to_clipboard(str(path.resolve()))
            self._tell(f"written to {path.resolve()} (copied)")
        except (WorkbenchError, OSError) as error:
            self._tell(str(error))

    def _save(self, path: Path) -> None:
        check_new(path, (FIGURE, TABLE))
        assert self._frame is not None
        if path.suffix == FIGURE:
            write_text(path, columns.svg(self._frame))
        else:
            export = columns.ANALYSIS.exports[columns.COUNTS]
            export.write(self.service.compute, self._selection, self.params, self._frame, path)

    def on_prompt_closed(self) -> None:
        """Keys are for the map again."""
        self.map.focus()

    def action_help(self) -> None:
        """The keys of this screen."""
        self.app.push_screen(HelpScreen("columns", self.KEYS))

    def action_close(self) -> None:
        """Back to the table; of prompt and words, those first."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            prompt.action_close()
        elif self._said:
            self._tell("")
        else:
            self.dismiss(Answer(self.row))
